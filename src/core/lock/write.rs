//! Writes a lock file of version 2.

use std::collections::BTreeMap;

use crate::core::lock::{Lock, LockedPool, RenderedKind};
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
    if !text.is_empty() && text.chars().all(is_simple) {
        return yaml::write_plain(&text).trim_end().to_owned();
    }
    // A JSON string is valid YAML; control characters and special characters are also escaped.
    let json = serde_json::to_string(text).unwrap_or_default();
    json.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c.to_string() } else { escaped(c) }).collect()
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
            let pool = LockedPool { name: odd.to_owned(), vm_set: Some(odd.to_owned()), empty: false };
            lock.pools.insert(odd.to_owned(), pool);
            lock.files.insert("service-a.yaml".to_owned(), odd.to_owned());
            let text = lock.write();
            assert_eq!(Lock::read("l", &text).unwrap(), lock, "{text}");
        }
    }
}
