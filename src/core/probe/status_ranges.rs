//! Expected statuses of HTTP: codes and ranges.

use std::fmt;

/// The first and the last status that HTTP has.
const FIRST: u16 = 100;
const LAST: u16 = 599;

/// Expected statuses of HTTP, such as `200-399,404`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRanges(Vec<(u16, u16)>);

impl Default for StatusRanges {
    fn default() -> Self {
        Self(vec![(200, 399)])
    }
}

impl StatusRanges {
    /// Returns the statuses that a text lists.
    ///
    /// # Errors
    /// A part that is not a status from 100 to 599 or a range of them.
    pub fn of_text(text: &str) -> Result<Self, String> {
        let one = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number =
                |text: &str| text.trim().parse::<u16>().ok().filter(|code| (FIRST..=LAST).contains(code));
            let range = number(first).zip(number(last)).filter(|(first, last)| first <= last);
            range.ok_or_else(|| {
                format!("`{part}` is not a status or a range of them; expected {FIRST} to {LAST}, such as `200-399,404`")
            })
        };
        text.split(',').map(|part| one(part.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a status is expected.
    pub fn contain(&self, status: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

impl fmt::Display for StatusRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(first, last): &(u16, u16)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        };
        f.write_str(&self.0.iter().map(shown).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_ranges() {
        let ranges = StatusRanges::of_text("200-299, 404").unwrap();
        assert_eq!(ranges.to_string(), "200-299,404");
        assert!(ranges.contain(204) && ranges.contain(404) && !ranges.contain(301));
        for wrong in ["", "200-", "abc", "99", "600", "300-200", "200,,201", "-1", "2xx"] {
            assert!(StatusRanges::of_text(wrong).unwrap_err().contains("expected 100 to 599"), "{wrong}");
        }
    }
}
