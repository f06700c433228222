//! Addresses and ranges of addresses, as text in settings and annotations.

use ::core::net::IpAddr;

/// A range of addresses of one IP family, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AddressRange {
    is_v6: bool,
    first: u128,
    last: u128,
}

impl AddressRange {
    /// Reads an address, a range such as `192.0.2.0/28`, or one such as `192.0.2.10-192.0.2.20`; `None` for other texts.
    pub(super) fn read(text: &str) -> Option<Self> {
        if let Some((from, to)) = text.split_once('-') {
            let (from, to) = (Self::read(from.trim())?, Self::read(to.trim())?);
            return (from.is_v6 == to.is_v6 && from.first <= to.last)
                .then_some(Self { last: to.last, ..from });
        }
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (is_v6, number, bits) = match address.trim().parse::<IpAddr>().ok()?.to_canonical() {
            IpAddr::V4(address) => (false, u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (true, u128::from(address), 128),
        };
        let free = bits - length.filter(|length| *length <= bits).or(length.is_none().then_some(bits))?;
        let mask = 1_u128.checked_shl(free).map_or(u128::MAX, |above| above - 1);
        Some(Self { is_v6, first: number & !mask, last: number | mask })
    }

    /// Whether two ranges have an address in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.is_v6 == other.is_v6 && self.first <= other.last && other.first <= self.last
    }

    /// Whether the last address of this range comes after the last address of another.
    pub(super) fn reaches_further_than(&self, other: &Self) -> bool {
        (self.is_v6, self.last) > (other.is_v6, other.last)
    }
}

/// Returns the parts of a list in a text, each in a form in which equal addresses are equal texts.
pub(super) fn parts(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split([',', ';', ' ', '\t', '\n']).filter(|part| !part.is_empty());
    parts.map(|part| match part.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => part.to_ascii_lowercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_meet_if_they_have_an_address_in_common() {
        for (one, other, expected) in [
            ("192.0.2.0/28", "192.0.2.15", true),
            ("192.0.2.0/28", "192.0.2.16", false),
            ("192.0.2.10-192.0.2.20", "192.0.2.20/32", true),
            ("192.0.2.10-192.0.2.20", "192.0.2.16/28", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("2001:db8::/64", "2001:DB8:0:0::ff", true),
            ("::/0", "2001:db8::1", true),
        ] {
            let read = |text| AddressRange::read(text).unwrap();
            assert_eq!(read(one).meets(&read(other)), expected, "{one} {other}");
            assert_eq!(read(other).meets(&read(one)), expected, "{one} {other}");
        }
        for wrong in
            ["", "a", "192.0.2.0/33", "192.0.2.9-192.0.2.1", "192.0.2.1-2001:db8::1", "1.2.3", "1.2.3.4/-1"]
        {
            assert_eq!(AddressRange::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn equal_addresses_are_equal_texts() {
        let of = |text: &str| parts(text).collect::<Vec<_>>();
        assert_eq!(of("192.0.2.1, 2001:DB8:0::1"), ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(of("eipalloc-A,,eipalloc-b"), ["eipalloc-a", "eipalloc-b"]);
        assert_eq!(of(" "), Vec::<String>::new());
    }
}
