//! `largescale.lock`: the pools as last seen, the cluster they belong to, and the files that were written.
//!
//! It is committed, sorted, and holds nothing that changes when nodes come and go; only `whenEmpty: withdraw` asks for
//! the pools that have none at all.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use crate::core::diagnostic::{Diagnostic, Place};
use crate::core::yaml;

/// The version that this program writes.
const VERSION: u64 = 1;

const HEADER: &str = "# Made by kubectl largescale. Commit it, do not edit it.\n";

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The platform that the tree was rendered for.
    pub platform: String,
    /// The UID of the namespace kube-system; `None` where the nodes came from a file.
    pub cluster: Option<String>,
    /// The pool label.
    pub label: String,
    /// By the value of the pool label.
    pub pools: BTreeMap<String, LockedPool>,
    /// The files of the tree and the SHA-256 of each, by path below the output directory.
    pub files: BTreeMap<String, String>,
    /// What a run was about to write or remove when it was last heard of: the files of the new tree. Empty after
    /// a run that ended.
    pub pending: BTreeMap<String, String>,
}

/// What is remembered of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockedPool {
    /// The pool's part of object names: it must not change with a version of this program.
    pub name: String,
    /// Its VM set, where one is known.
    #[serde(default)]
    pub vm_set: Option<String>,
    /// It had no node when it was last looked for, and `whenEmpty: withdraw` asks for that.
    #[serde(default)]
    pub empty: bool,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LockFile {
    version: u64,
    platform: String,
    #[serde(default)]
    cluster: Option<String>,
    label: String,
    #[serde(default)]
    pools: BTreeMap<String, LockedPool>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    pending: BTreeMap<String, String>,
}

impl Lock {
    /// Reads a lock.
    pub fn read(file: &str, text: &str) -> Result<Self, Diagnostic> {
        if let Some(line) =
            text.lines().position(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
        {
            let line = u32::try_from(line + 1).unwrap_or(0);
            return Err(Diagnostic::error("the lock holds both sides of a merge conflict")
                .at(Place { file: file.to_owned(), line })
                .hint("take either side (`git checkout --ours` or `--theirs`), then render: that mends the rest"));
        }
        match yaml::read_typed(file, text) {
            Ok(LockFile { version: VERSION, platform, cluster, label, pools, files, pending }) => {
                Ok(Self { platform, cluster, label, pools, files, pending })
            }
            Ok(LockFile { version, .. }) => Err(Self::other_version(file, version)),
            // A newer version may have fields that this one does not know.
            Err(problem) => match yaml::read_typed(file, text) {
                Ok(Version { version }) if version != VERSION => Err(Self::other_version(file, version)),
                _ => Err(Self::not_ours(problem)),
            },
        }
    }

    fn other_version(file: &str, version: u64) -> Diagnostic {
        Diagnostic::error(format!("the lock is of version {version}, this program knows {VERSION}"))
            .at(Place::file(file))
            .hint("use the version of kubectl largescale that wrote it, or a newer one")
    }

    fn not_ours(problem: Diagnostic) -> Diagnostic {
        problem.hint(
            "the lock is written by this program only; take it from git (`git checkout -- largescale.lock`)",
        )
    }

    /// Its text.
    pub fn write(&self) -> String {
        let mut text = HEADER.to_owned();
        let mut add = |value: serde_json::Value| text.push_str(&yaml::write_plain(&value));
        add(json!({ "version": VERSION }));
        add(json!({ "platform": self.platform }));
        if let Some(cluster) = &self.cluster {
            add(json!({ "cluster": cluster }));
        }
        add(json!({ "label": self.label }));
        let pools: serde_json::Map<_, _> = self
            .pools
            .iter()
            .map(|(value, pool)| {
                let mut entry = json!({ "name": pool.name });
                if let Some(set) = &pool.vm_set {
                    entry["vmSet"] = set.as_str().into();
                }
                if pool.empty {
                    entry["empty"] = true.into();
                }
                (value.clone(), entry)
            })
            .collect();
        add(json!({ "pools": pools }));
        add(json!({ "files": self.files }));
        if !self.pending.is_empty() {
            add(json!({ "pending": self.pending }));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        Lock {
            platform: "azure-basic".to_owned(),
            cluster: Some("6f1c".to_owned()),
            label: "agentpool".to_owned(),
            pools: [
                ("on".to_owned(), LockedPool { name: "on".to_owned(), empty: true, ..LockedPool::default() }),
                (
                    "a".to_owned(),
                    LockedPool {
                        name: "a".to_owned(),
                        vm_set: Some("a-availabilitySet-1".to_owned()),
                        empty: false,
                    },
                ),
            ]
            .into(),
            files: [("service-a.yaml".to_owned(), "ab".to_owned())].into(),
            pending: BTreeMap::new(),
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let text = lock().write();
        assert_eq!(
            text,
            "# Made by kubectl largescale. Commit it, do not edit it.
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
"
        );
        assert_eq!(Lock::read("l", &text).unwrap(), lock());
    }

    #[test]
    fn numbers_that_are_names_stay_names() {
        let mut lock = lock();
        lock.pools.insert(
            "001".to_owned(),
            LockedPool { name: "001".to_owned(), vm_set: Some("1e3".to_owned()), empty: false },
        );
        lock.cluster = Some("12345678".to_owned());
        assert_eq!(Lock::read("l", &lock.write()).unwrap(), lock);
    }

    #[test]
    fn refuses_what_it_did_not_write() {
        let said = |text: &str| Lock::read("l", text).unwrap_err().to_string();
        assert_eq!(said("version: 2\nnew: thing\n"), "l: the lock is of version 2, this program knows 1");
        let conflict = "version: 1\n<<<<<<< HEAD\nplatform: a\n=======\nplatform: b\n>>>>>>> x\n";
        assert_eq!(said(conflict), "l:2: the lock holds both sides of a merge conflict");
        assert!(said("hello").starts_with("l:1: "), "{}", said("hello"));
    }
}
