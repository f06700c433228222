//! Reads a lock file of any version.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::core::lock::file_names::is_file_name;
use crate::core::lock::{Lock, LockId, LockedPool, PoolKind, RenderedKind, SetName, Version};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml::Document;
use crate::core::{pointer, yaml};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "the fields of a lock")]
struct LockFile {
    version: u64,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    set: Option<SetName>,
    platform: String,
    #[serde(default)]
    cluster: Option<String>,
    label: String,
    #[serde(default)]
    gateway_classes: BTreeMap<String, String>,
    #[serde(default)]
    pools: BTreeMap<String, PoolEntry>,
    #[serde(default)]
    rendered: BTreeSet<RenderedKind>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    pending: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PoolEntry {
    name: String,
    /// The kind of the pool: `node`, which is the default, or `shard`.
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    vm_set: Option<String>,
    #[serde(default)]
    empty: bool,
}

/// The kind of a shard in the file.
pub(super) const SHARD: &str = "shard";

/// Where a damaged lock is restored from, in hints. Code that knows git names the command instead.
pub const FROM_BACKUP: &str = "from a backup";

impl Lock {
    /// Reads a lock file; `file` is its path for messages.
    pub fn read(file: &str, text: &str) -> Result<Self, Diagnostic> {
        refuse_conflict(file, text)?;
        let damaged = |problem: Diagnostic| {
            problem.hint(format!(
                "restore it {FROM_BACKUP}, or use the version of kubectl largescale that wrote it"
            ))
        };
        let document = yaml::read_generated(file, text).map_err(damaged)?;
        match yaml::typed::<LockFile>(&document) {
            Ok(read) => {
                read.refuse_foreign_names(&document)?;
                read.into_lock(file)
            }
            // A newer version may have fields that this version does not know.
            Err(problem) => match document.value["version"].as_u64() {
                Some(version) if !matches!(version, 1 | 2) => Err(newer(file, version)),
                _ => Err(damaged(problem)),
            },
        }
    }
}

impl LockFile {
    /// Refuses file names that this program never writes. A render removes files that only the lock names, and the lock may
    /// come from a user who must not choose them.
    fn refuse_foreign_names(&self, document: &Document) -> Result<(), Diagnostic> {
        for (field, files) in [("files", &self.files), ("pending", &self.pending)] {
            let Some(name) = files.keys().find(|name| !is_file_name(name)) else { continue };
            let at = pointer::join(&format!("/{field}"), name);
            return Err(Diagnostic::error(format!(
                "`{field}` lists `{name}`, which is not the name of a rendered file"
            ))
            .at(document.location(&at))
            .hint(restore()));
        }
        Ok(())
    }

    fn into_lock(self, file: &str) -> Result<Lock, Diagnostic> {
        let version = match self.version {
            1 => Version::One,
            2 => Version::Two,
            other => return Err(newer(file, other)),
        };
        let id = match (version, self.id) {
            (Version::Two, Some(text)) => Some(LockId::parse(&text).ok_or_else(|| {
                Diagnostic::error(format!("`id` is `{text}`, expected 32 lower-case hexadecimal digits"))
                    .at(Location::file(file))
                    .hint(restore())
            })?),
            (Version::Two, None) => {
                return Err(Diagnostic::error("the field `id` is missing")
                    .at(Location::file(file))
                    .hint(restore()));
            }
            (Version::One, _) => None,
        };
        let mut pools = BTreeMap::new();
        for (value, entry) in self.pools {
            let kind = match entry.kind.as_deref() {
                None | Some("node") => PoolKind::Nodes,
                Some(SHARD) => PoolKind::Shard,
                Some(kind) => {
                    return Err(Diagnostic::error(format!(
                        "pool `{value}` has kind `{kind}`, which this version of kubectl largescale does not support"
                    ))
                    .at(Location::file(file))
                    .hint("use the version of kubectl largescale that wrote the lock file, or a newer one"));
                }
            };
            let PoolEntry { name, vm_set, empty, .. } = entry;
            pools.insert(value, LockedPool { name, vm_set, empty, kind });
        }
        Ok(Lock {
            version,
            id,
            // Version 1 has no such fields; a lock that was edited may.
            set: self.set.filter(|_| version == Version::Two),
            platform: self.platform,
            cluster: self.cluster,
            label: self.label,
            gateway_classes: if version == Version::Two { self.gateway_classes } else { BTreeMap::new() },
            pools,
            rendered: if version == Version::Two { self.rendered } else { BTreeSet::new() },
            files: self.files,
            pending: self.pending,
            sides: Vec::new(),
            accepted: Vec::new(),
        })
    }
}

fn refuse_conflict(file: &str, text: &str) -> Result<(), Diagnostic> {
    let Some(location) = conflict(file, text) else { return Ok(()) };
    Err(Diagnostic::error("the lock file has merge conflict markers")
        .at(location)
        .hint("`kubectl largescale render` merges the locks of both branches, with git"))
}

/// Returns the place of the first conflict marker of git in a text, if there is one.
pub fn conflict(file: &str, text: &str) -> Option<Location> {
    // A conflict inside another one has longer markers.
    let is_marker = |line: &str| {
        ["<", ">"]
            .iter()
            .any(|mark| line.starts_with(&mark.repeat(7)) && line.trim_start_matches(mark).starts_with(' '))
    };
    let line = text.lines().position(is_marker)?;
    Some(Location { file: file.to_owned(), line: u32::try_from(line + 1).unwrap_or(0) })
}

fn restore() -> String {
    format!("restore the lock file {FROM_BACKUP}")
}

fn newer(file: &str, version: u64) -> Diagnostic {
    Diagnostic::error(format!("the lock file has version {version}, expected 1 or 2"))
        .at(Location::file(file))
        .hint("use the version of kubectl largescale that wrote it, or a newer one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::lock::tests::lock;

    #[test]
    fn locks_round_trip() {
        assert_eq!(Lock::read("l", &lock().write()).unwrap(), lock());
        let empty = Lock { id: lock().id, ..Lock::default() };
        assert_eq!(Lock::read("l", &empty.write()).unwrap(), empty);
    }

    #[test]
    fn version_1_is_read() {
        let text = "# Made by kubectl largescale. Commit it, do not edit it.
version: 1
platform: azure-basic
cluster: 6f1c
label: agentpool
pools:
  a:
    name: a
    vmSet: a-availabilitySet-1
  \"on\":
    empty: true
    name: \"on\"
files:
  service-a.yaml: ab
";
        let expected = Lock {
            version: Version::One,
            id: None,
            set: None,
            gateway_classes: BTreeMap::new(),
            rendered: BTreeSet::new(),
            ..lock()
        };
        assert_eq!(Lock::read("l", text).unwrap(), expected);
        // Fields of version 2 that were added to it say nothing.
        let edited = format!("{text}id: x\nset: {{name: web}}\nrendered: [{{kind: Service}}]\n");
        assert_eq!(Lock::read("l", &edited).unwrap(), expected);
        assert!(expected.records_the_same(&expected));
    }

    #[test]
    fn invalid_locks_are_refused() {
        let message = |text: &str| Lock::read("l", text).unwrap_err().to_string();
        let id = "id: 0123456789abcdef0123456789abcdef\n";
        assert_eq!(message("version: 3\nnew: thing\n"), "l: the lock file has version 3, expected 1 or 2");
        assert_eq!(
            message("version: 2\nid: \"12\"\nplatform: a\nlabel: b\n"),
            "l: `id` is `12`, expected 32 lower-case hexadecimal digits"
        );
        assert_eq!(
            message("version: 2\nid: 12\nplatform: a\nlabel: b\n"),
            "l:2: `id`: invalid type: integer `12`, expected a string"
        );
        assert_eq!(message("version: 2\nplatform: a\nlabel: b\n"), "l: the field `id` is missing");
        assert_eq!(
            message(&format!(
                "version: 2\n{id}platform: a\nlabel: b\npools: {{x: {{name: x, kind: cell}}}}\n"
            )),
            "l: pool `x` has kind `cell`, which this version of kubectl largescale does not support"
        );
        let conflict = "version: 1\n<<<<<<< HEAD\nplatform: a\n=======\nplatform: b\n>>>>>>> x\n";
        assert_eq!(message(conflict), "l:2: the lock file has merge conflict markers");
        assert!(message("hello").starts_with("l:1: "), "{}", message("hello"));
    }

    #[test]
    fn names_that_are_not_of_rendered_files_are_refused_with_their_line() {
        let long = format!("service-{}.yaml", "a".repeat(256));
        for name in [
            "../../x.yaml",
            "/etc/service-a.yaml",
            "a/service-a.yaml",
            r"a\service-a.yaml",
            r"C:\service-a.yaml",
            "c:service-a.yaml",
            "service-a.yaml:stream",
            ".git",
            ".service-a.yaml",
            "..",
            ".",
            "",
            "service-a.yml",
            "Service-A.yaml",
            "kustomization.yaml",
            "nul.service-a.yaml",
            "com1.a-b.yaml",
            "service-a\n.yaml",
            "service-é.yaml",
            "service-a.yaml ",
            &long,
        ] {
            for field in ["files", "pending"] {
                let quoted = serde_json::Value::from(name);
                let text = format!(
                    "version: 1\nplatform: a\nlabel: b\n{field}:\n  service-a.yaml: ab\n  {quoted}: ab\n"
                );
                let problem = Lock::read("app/l", &text).unwrap_err();
                let expected = format!("`{field}` lists `{name}`, which is not the name of a rendered file");
                assert_eq!(problem.message, expected);
                let line = problem.location.as_ref().unwrap().line;
                // In a value of two lines, the parser reports the first.
                assert_eq!(line, 6, "{name:?}");
                assert_eq!(problem.hint.unwrap(), "restore the lock file from a backup");
            }
        }
    }
}
