//! Writes a lock file of version 2.

use std::collections::BTreeMap;

use crate::core::lock::read::SHARD;
use crate::core::lock::{Lock, LockedPool, PoolKind, RenderedKind};
use crate::core::yaml;

const HEADER: &str = "# Made by kubectl largescale. Commit it, do not edit it.\n";

impl Lock {
    /// Returns the text of the lock file, in the newest version.
    pub fn write(&self) -> String {
        let mut text = HEADER.to_owned();
        text.push_str("version: 2\n");
        if let Some(id) = &self.id {
            field(&mut text, "id", id.as_str());
        }
        if let Some(set) = &self.set {
            let mut entries = vec![("name", scalar(&set.name))];
            entries.extend(set.namespace.as_ref().map(|namespace| ("namespace", scalar(namespace))));
            text.push_str(&format!("set: {}\n", flow(&entries)));
        }
        field(&mut text, "platform", &self.platform);
        if let Some(cluster) = &self.cluster {
            field(&mut text, "cluster", cluster);
        }
        field(&mut text, "label", &self.label);
        if !self.gateway_classes.is_empty() {
            let classes = self.gateway_classes.iter();
            let classes =
                classes.map(|(name, controller)| format!("  {}: {}", scalar(name), scalar(controller)));
            block(&mut text, "gatewayClasses", " {}", classes);
        }
        let pools = self.pools.iter().map(|(value, pool)| format!("  {}: {}", scalar(value), entry(pool)));
        block(&mut text, "pools", " {}", pools);
        block(&mut text, "rendered", " []", self.rendered.iter().map(|kind| format!("- {}", rendered(kind))));
        block(&mut text, "files", " {}", digests(&self.files));
        if !self.pending.is_empty() {
            block(&mut text, "pending", " {}", digests(&self.pending));
        }
        text
    }
}

fn field(text: &mut String, name: &str, value: &str) {
    text.push_str(&format!("{name}: {}\n", scalar(value)));
}

/// Writes a field with one line for each entry, so that git merges branches that add different entries.
fn block(text: &mut String, name: &str, empty: &str, lines: impl Iterator<Item = String>) {
    let start = text.len();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    let head = if text.len() == start { format!("{name}:{empty}\n") } else { format!("{name}:\n") };
    text.insert_str(start, &head);
}

fn digests(files: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    files.iter().map(|(path, digest)| format!("  {}: {}", scalar(path), scalar(digest)))
}

fn entry(pool: &LockedPool) -> String {
    let mut entries = vec![("name", scalar(&pool.name))];
    if pool.kind == PoolKind::Shard {
        entries.push(("kind", SHARD.to_owned()));
    }
    entries.extend(pool.vm_set.as_ref().map(|set| ("vmSet", scalar(set))));
    if pool.empty {
        entries.push(("empty", "true".to_owned()));
    }
    flow(&entries)
}

fn rendered(kind: &RenderedKind) -> String {
    let mut entries = vec![("kind", scalar(&kind.kind))];
    for (name, value) in [("group", &kind.group), ("namespace", &kind.namespace)] {
        if !value.is_empty() {
            entries.push((name, scalar(value)));
        }
    }
    flow(&entries)
}

fn flow(entries: &[(&str, String)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{{{}}}", entries.join(", "))
}

/// Quotes a text on one line so that every YAML reader returns the same text, also in `{}`.
fn scalar(text: &str) -> String {
    let is_simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if is_never_quoted(text) {
        return text.to_owned();
    }
    if !text.is_empty() && text.chars().all(is_simple) {
        return yaml::write_plain(&text).trim_end().to_owned();
    }
    // A JSON string is valid YAML; control characters and special characters are also escaped.
    let json = serde_json::to_string(text).unwrap_or_default();
    json.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c.to_string() } else { escaped(c) }).collect()
}

/// Whether a text is surely a string for every YAML reader: the name of a rendered file, a pool or a VM set, or a digest with a letter
/// that no number has. It is longer than `false`, or a name with a digit. The writer of YAML is slow, and a large lock has thousands
/// of these.
fn is_never_quoted(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_letter = bytes.iter().any(|b| matches!(b, b'a' | b'c' | b'd' | b'f' | b'g'..=b'z'));
    let is_digest = bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_name = bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.iter().all(|b| matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.'));
    let is_long = bytes.len() > "false".len();
    let has_digit = || bytes.iter().any(u8::is_ascii_digit);
    is_long && has_letter && (is_digest || is_name) || is_name && has_digit()
}

fn escaped(c: char) -> String {
    match u32::from(c) {
        code @ 0..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::lock::tests::lock;

    #[test]
    fn the_short_way_writes_what_the_writer_of_yaml_writes() {
        let mut texts: Vec<String> =
            ["service-web-a.yaml", "pool-1.example", "a.b-c-", "inf.inf", "nan-nan", "x0b1111"]
                .map(str::to_owned)
                .to_vec();
        // Digests, also with few letters, and texts of few letters.
        let mut seed: u64 = 1;
        for alphabet in
            ["0123456789abcdef", "0123456789e", "01bx.-", "0189acdf.-", "efinoslrtuy-.", "aeAEFfinINT0.-"]
        {
            for length in [1, 2, 3, 4, 5, 6, 7, 8, 32, 64] {
                for _ in 0..200 {
                    let letter = || {
                        seed = seed
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1_442_695_040_888_963_407);
                        let index = usize::try_from(seed >> 33).unwrap() % alphabet.len();
                        alphabet.as_bytes()[index] as char
                    };
                    texts.push(std::iter::repeat_with(letter).take(length).collect());
                }
            }
        }
        let short: Vec<&String> = texts.iter().filter(|text| is_never_quoted(text)).collect();
        assert!(short.len() > 1000, "{}", short.len());
        for text in short {
            assert_eq!(yaml::write_plain(text).trim_end(), text);
        }
    }

    #[test]
    fn each_entry_has_its_own_line() {
        assert_eq!(
            lock().write(),
            "# Made by kubectl largescale. Commit it, do not edit it.
version: 2
id: 0123456789abcdef0123456789abcdef
set: {name: web, namespace: prod}
platform: azure-basic
cluster: 6f1c
label: agentpool
gatewayClasses:
  eg: example.com/gateway
pools:
  a: {name: a, vmSet: a-availabilitySet-1}
  \"on\": {name: \"on\", empty: true}
rendered:
- {kind: Deployment, group: apps}
- {kind: Service, namespace: prod}
files:
  service-a.yaml: ab
"
        );
    }

    #[test]
    fn unusual_texts_round_trip() {
        for odd in [
            "001",
            "1e3",
            "true",
            "~",
            "",
            " ",
            "a: b",
            "a, b",
            "{",
            "\"",
            "'",
            "\\",
            "#",
            "\n",
            "\t",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "可用性",
            "😀",
            "-",
            "null",
            "0x1f",
            "1_000",
            "2026-11-29",
            ".5",
            "=",
        ] {
            let mut lock = lock();
            lock.cluster = Some(odd.to_owned());
            let pool =
                LockedPool { name: odd.to_owned(), vm_set: Some(odd.to_owned()), ..LockedPool::default() };
            lock.pools.insert(odd.to_owned(), pool);
            lock.files.insert("service-a.yaml".to_owned(), odd.to_owned());
            let text = lock.write();
            assert_eq!(Lock::read("l", &text).unwrap(), lock, "{text}");
        }
    }
}
