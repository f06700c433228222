//! Counts in sentences.

/// `1 node`, `2 nodes`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_more() {
        assert_eq!(
            [plural(0, "node"), plural(1, "node"), plural(2, "node")],
            ["0 nodes", "1 node", "2 nodes"]
        );
    }
}
