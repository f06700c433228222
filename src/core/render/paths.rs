//! Names the files of the rendered directory: `<kind>-<name>.yaml`. No two objects share a name on any file system.
//!
//! A name has lower-case ASCII letters, digits, `-`, `.` and `_` only. So it is unique even on file systems that fold case or
//! normalize Unicode. It starts with the kind and a dash, so it is never a reserved name on Windows.

use std::collections::HashMap;

use crate::core::kubernetes::names;
use crate::core::lock::file_names::{ENDING, MAX_FILE_NAME, is_device};
use crate::core::manifest::Key;

/// The number of hexadecimal digits of the key's digest in the names of colliding objects. 128 bits: finding two keys with
/// the same digits is infeasible.
const DIGITS: usize = 32;

/// Returns the path of each object, in the order of the keys. The keys must be unique.
///
/// An object has its [usual](usual) name unless another object has the same one. Then both get a hash of their full
/// key. An object whose usual name equals the hashed name of another one collides with it and gets a hash, too. The
/// result depends on the set of keys, not on their order.
pub(super) fn paths(keys: &[Key]) -> Vec<String> {
    let usual = usual(keys);
    let mut holders: HashMap<&str, Vec<usize>> = HashMap::with_capacity(keys.len());
    for (index, path) in usual.iter().enumerate() {
        holders.entry(path).or_default().push(index);
    }
    let mut to_hash: Vec<usize> =
        holders.values().filter(|holders| holders.len() > 1).flatten().copied().collect();
    let mut hashed: HashMap<usize, String> = HashMap::new();
    while let Some(index) = to_hash.pop() {
        if hashed.contains_key(&index) {
            continue;
        }
        let path = with_hash(&keys[index], &usual[index]);
        to_hash.extend(holders.get(path.as_str()).into_iter().flatten());
        hashed.insert(index, path);
    }
    drop(holders);
    let mut paths = usual;
    for (index, path) in hashed {
        paths[index] = path;
    }
    paths
}

/// Returns names from kind and name. Objects in several namespaces or groups that share both also get the namespace
/// and the group.
fn usual(keys: &[Key]) -> Vec<String> {
    let short: Vec<String> = keys.iter().map(|key| file_name(key, "")).collect();
    let mut count: HashMap<&str, usize> = HashMap::with_capacity(keys.len());
    for name in &short {
        *count.entry(name).or_default() += 1;
    }
    let is_shared: Vec<bool> = short.iter().map(|name| count.get(name.as_str()) != Some(&1)).collect();
    drop(count);
    let long = |key: &Key| {
        let parts = [key.namespace.as_str(), key.group.as_str()];
        file_name(key, &parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("."))
    };
    let names = short.into_iter().zip(is_shared).zip(keys);
    names.map(|((name, is_shared), key)| if is_shared { long(key) } else { name }).collect()
}

/// Returns the file name of an object; `more` distinguishes objects with the same kind and name.
fn file_name(key: &Key, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(".{more}") };
    // RBAC names may contain `:` and other characters that some file systems reject.
    let mut safe: String = format!("{}-{}{more}", key.kind.to_lowercase(), key.name)
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    // The lock rejects a file name with a leading dot, which is hidden, and a device of Windows.
    let is_refused = safe.starts_with('.') || is_device(&safe);
    if is_refused {
        safe.replace_range(..1, "_");
    }
    let changed = is_refused
        || safe.len() + ENDING.len() > MAX_FILE_NAME
        || key.name.chars().any(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.' | '_'));
    if !changed {
        return format!("{safe}{ENDING}");
    }
    with_suffix(&safe, &names::digest(key.name.as_bytes())[..8])
}

/// Returns the usual name with a hash of group, kind, namespace and name.
fn with_hash(key: &Key, usual: &str) -> String {
    let Key { group, kind, namespace, name } = key;
    // With a length in front of each part, different keys never give the same text.
    let whole: String =
        [group, kind, namespace, name].into_iter().map(|part| format!("{}:{part}", part.len())).collect();
    let stem = usual.strip_suffix(ENDING).unwrap_or(usual);
    with_suffix(stem, &names::digest(whole.as_bytes())[..DIGITS])
}

/// Appends a suffix to a stem, which is ASCII.
fn with_suffix(stem: &str, suffix: &str) -> String {
    let keep = stem.len().min(MAX_FILE_NAME - ENDING.len() - 1 - suffix.len());
    format!("{}-{suffix}{ENDING}", &stem[..keep])
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::core::lock::file_names::is_file_name;

    fn key(group: &str, kind: &str, namespace: &str, name: &str) -> Key {
        let [group, kind, namespace, name] = [group, kind, namespace, name].map(str::to_owned);
        Key { group, kind, namespace, name }
    }

    fn core(kind: &str, name: &str) -> Key {
        key("", kind, "", name)
    }

    fn policy(namespace: &str, name: &str) -> Key {
        key("networking.k8s.io", "NetworkPolicy", namespace, name)
    }

    /// Returns the key of an object whose usual name is this path.
    fn named_like(path: &str, namespace: &str) -> Key {
        let (kind, name) = path.strip_suffix(ENDING).unwrap().split_once('-').unwrap();
        key("", kind, namespace, name)
    }

    #[test]
    fn names_without_a_collision_are_readable() {
        let name = |keys: &[Key]| paths(keys).join(" ");
        assert_eq!(name(&[core("Service", "nginx-a")]), "service-nginx-a.yaml");
        assert_eq!(
            name(&[policy("prod", "deny"), policy("staging", "deny"), policy("zzz", "allow")]),
            "networkpolicy-deny.prod.networking.k8s.io.yaml networkpolicy-deny.staging.networking.k8s.io.yaml networkpolicy-allow.yaml"
        );
        assert_eq!(name(&[core("ClusterRole", "system:x")]), "clusterrole-system_x-2a165f5f.yaml");
        let long = paths(&[core("ConfigMap", &"a".repeat(253))]);
        assert_eq!(long[0].len(), 255);
        let [upper, lower] = [core("ClusterRole", "Reader"), core("ClusterRole", "reader")];
        assert_ne!(file_name(&upper, ""), file_name(&lower, ""));
    }

    /// Checks that all colliding objects have a hash, in any order, and that the others keep their names.
    #[track_caller]
    fn check(keys: &[Key], colliding: usize) {
        let usual_names: BTreeMap<&Key, String> = keys.iter().zip(usual(keys)).collect();
        let found: BTreeMap<&Key, String> = keys.iter().zip(paths(keys)).collect();
        let distinct: BTreeSet<&String> = found.values().collect();
        assert_eq!(distinct.len(), keys.len(), "{found:#?}");
        let changed = keys.iter().filter(|key| found[key] != usual_names[key]).count();
        assert_eq!(changed, colliding, "{found:#?}");
        let reversed: Vec<Key> = keys.iter().rev().cloned().collect();
        assert_eq!(found, reversed.iter().zip(paths(&reversed)).collect());
    }

    #[test]
    fn colliding_objects_get_a_hash() {
        let forged = policy("zzz", "deny.prod.networking.k8s.io");
        check(&[policy("prod", "deny"), policy("staging", "deny"), forged.clone()], 2);
        // Groups of custom resources, and an object without a group.
        check(&[key("a.b", "X", "n", "d"), key("b", "X", "n.a", "d"), core("X", "d")], 2);
        check(&[core("Web-App", "x"), core("Web", "app-x"), core("WEB", "app-x")], 3);
        // A long name is cut off, so the namespace is not in the file name.
        let long = "a".repeat(253);
        check(&[key("", "ConfigMap", "a", &long), key("", "ConfigMap", "b", &long)], 2);
        // `.x` would be hidden, and `_x` is a valid name as well.
        assert!(paths(&[core(".x", "a")])[0].starts_with("_x-a-"));
        check(&[core(".x", "a"), core("_x", "a")], 0);
    }

    #[test]
    fn the_hashed_name_of_another_object_is_a_collision() {
        let mut keys = vec![
            policy("prod", "deny"),
            policy("staging", "deny"),
            policy("zzz", "deny.prod.networking.k8s.io"),
        ];
        for round in 0..5 {
            let hashed = paths(&keys)[if round == 0 { 0 } else { keys.len() - 1 }].clone();
            keys.push(named_like(&hashed, &format!("n{round}")));
            check(&keys, 3 + round);
        }
    }

    /// xorshift64*: generates the same names on every machine, in every run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            usize::try_from((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end as u64).unwrap()
        }

        fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
            of[self.below(of.len())]
        }

        /// Combines parts that are easily confused if they are joined, or if their case or Unicode form is lost.
        fn text(&mut self, at_least: usize) -> String {
            const PARTS: &[&str] = &[
                "a",
                "A",
                "b",
                "-",
                ".",
                "_",
                ":",
                "/",
                "\\",
                "..",
                "é",
                "e\u{301}",
                "K",
                "\u{212a}",
                "ß",
                "ſ",
                "İ",
                "\0",
                "\n",
                " ",
                "con",
                "nul.",
                "prod",
                "a.b",
                "b.a",
                "a-b",
                "kustomization",
                "日本",
                "\u{1f600}",
            ];
            let mut text: String = (0..at_least + self.below(3)).map(|_| self.one_of(PARTS)).collect();
            if self.below(12) == 0 {
                text.push_str(&"a".repeat(225 + self.below(35)));
            }
            text
        }
    }

    #[test]
    fn random_names_are_unique_on_any_file_system() {
        let mut random = Random(1);
        let mut collisions = 0;
        for _ in 0..60 {
            let mut keys: BTreeSet<Key> = BTreeSet::new();
            for _ in 0..60 {
                let (group, kind) = (random.text(0), random.text(1));
                keys.insert(key(&group, &kind, &random.text(0), &random.text(1)));
            }
            // Objects that are named like other rendered files, with and without a hash.
            for _ in 0..3 {
                let known: Vec<Key> = keys.iter().cloned().collect();
                for path in &paths(&known) {
                    if random.below(4) == 0 {
                        keys.insert(named_like(path, random.one_of(&["", "n", "a.b"])));
                    }
                }
            }
            let keys: Vec<Key> = keys.into_iter().collect();
            let (usual_names, found) = (usual(&keys), paths(&keys));
            let folded: BTreeSet<String> = found.iter().map(|path| path.to_uppercase()).collect();
            assert_eq!(folded.len(), keys.len());
            let mut holders: BTreeMap<&String, usize> = BTreeMap::new();
            for name in &usual_names {
                *holders.entry(name).or_default() += 1;
            }
            for ((usual, path), key) in usual_names.iter().zip(&found).zip(&keys) {
                let plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.' | '_');
                assert!(path.len() <= 255 && path.chars().all(plain) && !path.starts_with('.'), "{path}");
                assert!(is_file_name(path), "the lock accepts {path}");
                if holders[usual] > 1 {
                    collisions += 1;
                    assert_eq!(*path, with_hash(key, usual));
                } else {
                    // Either the usual name, or the usual name equals the hashed name of another object.
                    assert!(path == usual || found.contains(usual), "{path} {usual}");
                }
            }
            // The order of the keys does not matter.
            let named: BTreeMap<&Key, &String> = keys.iter().zip(&found).collect();
            let mut mixed = keys.clone();
            for index in (1..mixed.len()).rev() {
                mixed.swap(index, random.below(index + 1));
            }
            assert!(mixed.iter().zip(paths(&mixed)).all(|(key, path)| *named[key] == path));
        }
        assert!(collisions > 200, "{collisions}");
    }
}
