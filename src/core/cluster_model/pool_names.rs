//! Names of new pools.

/// Returns names for `count` new pools, numbered from the last pool's name on: after `agentpool2` comes `agentpool3`, after
/// `pool09` comes `pool10`, after `linux` comes `linux2`. Names in `taken` are skipped. A name that is longer than `longest`
/// is shortened before its number.
pub(crate) fn pool_names(last: &str, taken: &[&str], count: usize, longest: usize) -> Vec<String> {
    let base = last.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &last[base.len()..];
    let first = digits.parse::<u64>().map_or(2, |number| number + 1);
    (first..)
        .map(|number| {
            let number = format!("{number:0width$}", width = digits.len());
            let kept = base.len().min(longest.saturating_sub(number.len()));
            format!("{}{number}", base.get(..kept).unwrap_or(base))
        })
        .filter(|name| !taken.contains(&name.as_str()))
        .take(count)
        .collect()
}

/// `validatePoolName` in `vlabs/validate.go`: the name is a part of the machine names.
pub(crate) const LONGEST: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_continue_the_numbers() {
        for (last, taken, expected) in [
            ("agentpool2", vec!["agentpool1", "agentpool2"], "agentpool3 agentpool4 agentpool5"),
            ("linux", vec!["linux"], "linux2 linux3 linux4"),
            ("linux", vec!["linux3", "linux"], "linux2 linux4 linux5"),
            ("pool08", vec!["pool08"], "pool09 pool10 pool11"),
            ("agentlinuxvm", vec!["agentlinuxvm"], "agentlinuxv2 agentlinuxv3 agentlinuxv4"),
            ("agentpool998", vec!["agentpool998"], "agentpool999 agentpoo1000 agentpoo1001"),
        ] {
            assert_eq!(pool_names(last, &taken, 3, LONGEST).join(" "), expected, "{last}");
        }
    }
}
