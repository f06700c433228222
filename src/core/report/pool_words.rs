//! How messages name a pool or a shard.

/// Returns `pool a`, or `shard-1` for a shard, whose name says what it is.
pub fn named(name: &str) -> String {
    if is_shard(name) { name.to_owned() } else { format!("pool {name}") }
}

/// Returns `the pool a`, or `shard-1` for a shard.
pub fn the_pool(name: &str) -> String {
    if is_shard(name) { name.to_owned() } else { format!("the pool {name}") }
}

/// Returns whether a name is that of a shard. A pool of nodes may have such a name; then messages say only the name, too.
pub fn is_shard(name: &str) -> bool {
    let number = name.strip_prefix("shard-").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns `pool` or `shard`, for all of these names. Without a name it is `pool`.
pub fn word<'a>(mut names: impl Iterator<Item = &'a str>) -> &'static str {
    let Some(first) = names.next() else { return "pool" };
    if is_shard(first) && names.all(is_shard) { "shard" } else { "pool" }
}

/// Returns the headings of a table, with `SHARD` instead of `POOL` if its rows are about shards.
pub fn headings<'a, 'n, I: Iterator<Item = &'n str>>(
    headings: &[&'a str],
    names: impl Fn() -> I,
) -> Vec<&'a str> {
    let of_shards =
        |heading: &&'a str| if *heading == "POOL" && word(names()) == "shard" { "SHARD" } else { heading };
    headings.iter().map(of_shards).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_named_by_their_name() {
        assert_eq!(
            [named("a"), named("shard-1"), the_pool("shard-a")],
            ["pool a", "shard-1", "the pool shard-a"]
        );
        assert_eq!([the_pool("shard-"), the_pool("shard-12")], ["the pool shard-", "shard-12"]);
        assert_eq!([word(["shard-1", "shard-2"].into_iter()), word(["a"].into_iter())], ["shard", "pool"]);
        assert_eq!([word(["shard-1", "a"].into_iter()), word([].into_iter())], ["pool", "pool"]);
    }
}
