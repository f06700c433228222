//! Formats ages as kubectl does, from a timestamp and the current time, which the caller provides.

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Formats how long ago something was, in at most two units: `5m`, `3d4h`. Both times are seconds since 1970.
///
/// The steps are those of `HumanDuration` in k8s.io/apimachinery `pkg/util/duration`.
pub fn age(since: i64, now: i64) -> String {
    let age = now - since;
    let two = |large: i64, name: &str, small: i64, small_name: &str| match age % large / small {
        0 => format!("{}{name}", age / large),
        rest => format!("{}{name}{rest}{small_name}", age / large),
    };
    match age {
        // Clocks may differ by a second. If they differ by more, one of them is wrong.
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        _ if age < 2 * MINUTE => format!("{age}s"),
        _ if age < 10 * MINUTE => two(MINUTE, "m", 1, "s"),
        _ if age < 3 * HOUR => format!("{}m", age / MINUTE),
        _ if age < 8 * HOUR => two(HOUR, "h", MINUTE, "m"),
        _ if age < 2 * DAY => format!("{}h", age / HOUR),
        _ if age < 8 * DAY => two(DAY, "d", HOUR, "h"),
        _ if age < 2 * YEAR => format!("{}d", age / DAY),
        _ if age < 8 * YEAR => two(YEAR, "y", DAY, "d"),
        _ => format!("{}y", age / YEAR),
    }
}

/// Returns the seconds since 1970 of an RFC 3339 timestamp, rounded down.
pub fn seconds(timestamp: &str) -> Option<i64> {
    let parsed: jiff::Timestamp = timestamp.parse().ok()?;
    Some(parsed.as_nanosecond().div_euclid(1_000_000_000).try_into().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_as_kubectl_prints_them() {
        let cases = [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (121, "2m1s"),
            (599, "9m59s"),
            (600, "10m"),
            (3 * HOUR - 1, "179m"),
            (3 * HOUR, "3h"),
            (3 * HOUR + 61, "3h1m"),
            (8 * HOUR - 1, "7h59m"),
            (8 * HOUR, "8h"),
            (2 * DAY - 1, "47h"),
            (3 * DAY + 4 * HOUR, "3d4h"),
            (7 * DAY, "7d"),
            (8 * DAY + 5 * HOUR, "8d"),
            (2 * YEAR - 1, "729d"),
            (2 * YEAR, "2y"),
            (3 * YEAR + 10 * DAY, "3y10d"),
            (8 * YEAR + 10 * DAY, "8y"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(age(1_000, 1_000 + seconds), expected, "{seconds} s");
        }
    }

    #[test]
    fn timestamps_are_parsed() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2026-11-23T14:38:27Z", Some(1_795_444_707)),
            ("2026-11-23T14:38:27.123456Z", Some(1_795_444_707)),
            ("2026-11-23T15:38:27+01:00", Some(1_795_444_707)),
            ("2026-11-23T09:08:27-05:30", Some(1_795_444_707)),
            ("1969-12-31T23:59:59Z", Some(-1)),
            ("2026-13-23T14:38:27Z", None),
            ("2026-11-23T14:38:27", None),
            ("2026-11-23", None),
            ("+026-11-23T14:38:27Z", None),
            ("", None),
            ("ああああああああああ", None),
        ];
        for (timestamp, expected) in cases {
            assert_eq!(seconds(timestamp), expected, "{timestamp}");
        }
    }
}
