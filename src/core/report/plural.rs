//! Formats counts and lists in sentences.

/// Formats a count with its noun: `1 node`, `2 nodes`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Formats a number with thousands separators: `2,500`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let first = (digits.len() - 1) % 3 + 1;
    let mut out = digits[..first].to_owned();
    for start in (first..digits.len()).step_by(3) {
        out.push(',');
        out.push_str(&digits[start..start + 3]);
    }
    out
}

/// Lists the first few names.
pub fn first_of(names: &[&str]) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let first = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_get_an_s_except_for_one() {
        assert_eq!(
            [plural(0, "node"), plural(1, "node"), plural(2, "node")],
            ["0 nodes", "1 node", "2 nodes"]
        );
    }

    #[test]
    fn groups_of_three_digits() {
        let shown: Vec<String> = [0, 999, 1000, 25_000, 1_234_567].into_iter().map(thousands).collect();
        assert_eq!(shown, ["0", "999", "1,000", "25,000", "1,234,567"]);
    }
}
