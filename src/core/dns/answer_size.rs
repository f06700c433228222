//! How large a DNS answer with the addresses of all pools is.

use crate::core::dns::Dns;
use crate::core::pools::Pool;

/// The largest answer over UDP, in bytes, to a client that offers no more (RFC 1035, 4.2.1).
pub const PLAIN_UDP: usize = 512;

/// The largest answer over UDP, in bytes, that most name servers send to clients with EDNS: more would be fragmented (RFC 9715, 3.1).
pub const EDNS_UDP: usize = 1232;

/// Bytes of the header of a message (RFC 1035, 4.1.1), and of the type and class of the question.
const HEADER_AND_QUESTION: usize = 12 + 4;

/// Bytes of a record without its address: a name that refers to the question, type, class, TTL and length (RFC 1035, 4.1.3 and 4.1.4).
const RECORD: usize = 12;

/// Bytes of the record of EDNS (RFC 6891, 6.1.2).
const EDNS: usize = 11;

/// An answer with addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerSize {
    /// The number of addresses.
    pub addresses: usize,
    /// The size of the message in bytes, with the record of EDNS.
    pub bytes: usize,
}

impl Dns {
    /// Returns the size of the largest answer for the host name: `None` if each answer has only one record, because the pools have
    /// weights. A pool has one IPv4 address, unless the spec reserves others.
    pub fn answer_size(&self, pools: &[Pool], has_identifiers: bool) -> Option<AnswerSize> {
        if has_identifiers {
            return None;
        }
        let held: Vec<&Pool> = pools.iter().filter(|pool| self.exclusion(*pool).is_none()).collect();
        let reserved: Vec<_> = held.iter().flat_map(|pool| self.addresses(&pool.value)).collect();
        let six = reserved.iter().filter(|address| address.is_ipv6()).count();
        let four = if self.reserved.is_empty() { held.len() } else { reserved.len() - six };
        let sizes = [(four, 4), (six, 16)].map(|(addresses, each)| AnswerSize {
            addresses,
            bytes: HEADER_AND_QUESTION + self.hostname.len() + 2 + addresses * (RECORD + each) + EDNS,
        });
        sizes.into_iter().max_by_key(|size| size.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(count: usize) -> Vec<Pool> {
        let pool = |index: usize| Pool { value: format!("p{index}"), ..Pool::default() };
        (0..count).map(pool).collect()
    }

    #[test]
    fn about_thirty_addresses_fit_into_plain_udp() {
        let mut dns = Dns::new("www.example.com");
        let bytes = |dns: &Dns, count| dns.answer_size(&pools(count), false).map(|size| size.bytes);
        // tests/network compares this number with a message of the DNS library.
        assert_eq!(bytes(&dns, 28), Some(492));
        assert!(bytes(&dns, 29) <= Some(PLAIN_UDP) && bytes(&dns, 30) > Some(PLAIN_UDP));
        assert!(bytes(&dns, 74) <= Some(EDNS_UDP) && bytes(&dns, 75) > Some(EDNS_UDP));
        assert_eq!(dns.answer_size(&pools(500), true), None);
        dns.drain = (1..10).map(|index| format!("p{index}")).collect();
        assert_eq!(bytes(&dns, 37), Some(492));
    }

    #[test]
    fn reserved_addresses_are_counted_by_family() {
        let mut dns = Dns::new("www.example.com");
        dns.reserved = [(
            "p0".to_owned(),
            vec!["192.0.2.1".to_owned(), "2001:db8::1".to_owned(), "2001:db8::2".to_owned()],
        )]
        .into();
        let size = dns.answer_size(&pools(1), false);
        assert_eq!(size, Some(AnswerSize { addresses: 2, bytes: 100 }));
    }
}
