//! `largescale.lock`: the state of a directory that a render passes on to the next.
//!
//! The user commits it. It is sorted and has one line for each pool, kind and file, so that branches merge. It has no data
//! that changes when nodes come and go, except that `whenEmpty: withdraw` records which pools have no nodes.
//!
//! Version 2, which this program writes, adds to version 1: the ID of the directory, its `ApplySet`, and every kind and
//! namespace that it has ever rendered. Version 1 is still read, and the next change writes version 2.

pub mod file_names;
pub mod merge;
mod read;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use crate::core::kubernetes::names;
pub use crate::core::lock::read::{FROM_BACKUP, conflict};
use crate::core::manifest::Key;

/// The content of a lock file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The version of the format that was read; [`Lock::write`] always writes the newest.
    pub version: Version,
    /// The ID of the directory; `None` in version 1.
    pub id: Option<LockId>,
    /// The ApplySet of the directory; `None` in version 1.
    pub set: Option<SetName>,
    /// The platform of the last render.
    pub platform: String,
    /// The UID of the namespace kube-system; `None` if the nodes came from a file.
    pub cluster: Option<String>,
    /// The pool label.
    pub label: String,
    /// The controllers of the GatewayClasses that the cluster had and that the Gateways need, by name.
    pub gateway_classes: BTreeMap<String, String>,
    /// The pools, by the value of the pool label.
    pub pools: BTreeMap<String, LockedPool>,
    /// Every kind and namespace that was ever rendered; empty in version 1.
    pub rendered: BTreeSet<RenderedKind>,
    /// The rendered files and their SHA-256, by path in the output directory.
    pub files: BTreeMap<String, String>,
    /// The files that an unfinished run was about to write, with their digests. Empty after a complete run.
    pub pending: BTreeMap<String, String>,
    /// The files and digests of the other branches of a merge. A lock that was read or written has none.
    pub sides: Vec<BTreeMap<String, String>>,
    /// Files and digests that a render may replace, but not remove. A lock that was read or written has none.
    pub accepted: Vec<BTreeMap<String, String>>,
}

/// A version of the lock format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// Without ID, ApplySet and rendered kinds.
    One,
    /// The version that this program writes.
    #[default]
    Two,
}

/// The ID of a directory: 128 random bits in lower-case hexadecimal. It distinguishes two directories with the same name
/// and namespace, which would otherwise share one `ApplySet`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockId(String);

/// The name and namespace of an `ApplySet`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetName {
    /// `metadata.name` of the spec.
    pub name: String,
    /// `metadata.namespace` of the spec; `None` if the spec has none.
    #[serde(default)]
    pub namespace: Option<String>,
}

/// The recorded state of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockedPool {
    /// The pool's part of object names, which must not change with a new version of this program.
    pub name: String,
    /// The VM set of the pool, if known.
    pub vm_set: Option<String>,
    /// Whether it had no nodes at the last render; recorded for `whenEmpty: withdraw`.
    pub empty: bool,
    /// Whether it is a pool of nodes or a shard.
    pub kind: PoolKind,
}

/// What a Service of the directory is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PoolKind {
    /// The nodes with one value of the pool label.
    #[default]
    Nodes,
    /// All nodes: one of several Services of `spec.shards`.
    Shard,
}

/// A kind of object in a namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderedKind {
    /// The kind, such as `Service`.
    pub kind: String,
    /// The API group; empty for the core group.
    #[serde(default)]
    pub group: String,
    /// The namespace; empty for objects that name none.
    #[serde(default)]
    pub namespace: String,
}

impl Lock {
    /// Returns whether another lock records the same facts. The files of other locks do not count. Fields that version 1 lacks are
    /// not compared with a lock of version 1, so that a new version of this program alone does not change the lock.
    pub fn records_the_same(&self, new: &Self) -> bool {
        let own = Self { sides: Vec::new(), accepted: Vec::new(), ..self.clone() };
        match self.version {
            Version::Two => own == *new,
            Version::One => {
                let reduced = Self {
                    version: Version::One,
                    id: None,
                    set: None,
                    gateway_classes: BTreeMap::new(),
                    rendered: BTreeSet::new(),
                    ..new.clone()
                };
                own == reduced
            }
        }
    }

    /// Returns the paths of all files that a render wrote, or was about to write.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        let paths: BTreeSet<&String> = self.records().flat_map(BTreeMap::keys).collect();
        paths.into_iter()
    }

    /// Returns whether a render wrote the file, or was about to write it.
    pub fn has_path(&self, path: &str) -> bool {
        self.records().any(|files| files.contains_key(path))
    }

    /// Returns whether a render wrote the file with this digest, or was about to write it.
    pub fn has_digest(&self, path: &str, digest: &str) -> bool {
        let mut records = self.records().chain(&self.accepted);
        records.any(|files| files.get(path).is_some_and(|known| known == digest))
    }

    /// Returns whether a render wrote a file with this digest, or was about to write one, under any name.
    pub fn has_content(&self, digest: &str) -> bool {
        self.records().flat_map(BTreeMap::values).any(|known| known == digest)
    }

    /// Returns whether a pool has this label value or this name.
    pub fn has_pool(&self, name: &str) -> bool {
        self.pools.iter().any(|(value, pool)| value == name || pool.name == name)
    }

    fn records(&self) -> impl Iterator<Item = &BTreeMap<String, String>> {
        [&self.files, &self.pending].into_iter().chain(&self.sides)
    }

    /// Returns whether the directory has ever rendered the kind of an object in its namespace. An object without a namespace
    /// counts as one in `default_namespace`.
    pub fn has_rendered(&self, key: &Key, default_namespace: &str) -> bool {
        let kind = RenderedKind::of(key);
        let unqualified = RenderedKind { namespace: String::new(), ..kind.clone() };
        self.rendered.contains(&kind)
            || key.namespace == default_namespace && self.rendered.contains(&unqualified)
    }
}

impl PoolKind {
    /// Returns the noun in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nodes => "pool",
            Self::Shard => "shard",
        }
    }
}

impl LockId {
    /// Creates an ID from 16 random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(names::hex(&bytes))
    }

    /// Parses an ID; `None` if the text has another format.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// Returns the ID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} in namespace {namespace}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl RenderedKind {
    /// Returns the kind and namespace of an object.
    pub fn of(key: &Key) -> Self {
        Self { kind: key.kind.clone(), group: key.group.clone(), namespace: key.namespace.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn lock() -> Lock {
        Lock {
            version: Version::Two,
            id: LockId::parse("0123456789abcdef0123456789abcdef"),
            set: Some(SetName { name: "web".to_owned(), namespace: Some("prod".to_owned()) }),
            platform: "azure-basic".to_owned(),
            cluster: Some("6f1c".to_owned()),
            label: "agentpool".to_owned(),
            gateway_classes: [("eg".to_owned(), "example.com/gateway".to_owned())].into(),
            pools: [
                ("on".to_owned(), LockedPool { name: "on".to_owned(), empty: true, ..LockedPool::default() }),
                (
                    "a".to_owned(),
                    LockedPool {
                        name: "a".to_owned(),
                        vm_set: Some("a-availabilitySet-1".to_owned()),
                        ..LockedPool::default()
                    },
                ),
            ]
            .into(),
            rendered: [rendered("Service", "", "prod"), rendered("Deployment", "apps", "")].into(),
            files: [("service-a.yaml".to_owned(), "ab".to_owned())].into(),
            pending: BTreeMap::new(),
            sides: Vec::new(),
            accepted: Vec::new(),
        }
    }

    fn rendered(kind: &str, group: &str, namespace: &str) -> RenderedKind {
        RenderedKind { kind: kind.to_owned(), group: group.to_owned(), namespace: namespace.to_owned() }
    }

    #[test]
    fn ids_are_parsed_and_written() {
        assert_eq!(LockId::from_bytes([0xab; 16]).as_str(), "abababababababababababababababab");
        for wrong in ["", "ab", "ABABABABABABABABABABABABABABABAB", "g123456789abcdef0123456789abcdef"] {
            assert_eq!(LockId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn version_1_is_compared_by_its_own_fields() {
        let new = lock();
        let old = Lock {
            version: Version::One,
            id: None,
            set: None,
            gateway_classes: BTreeMap::new(),
            rendered: BTreeSet::new(),
            ..new.clone()
        };
        assert!(old.records_the_same(&new));
        assert!(new.records_the_same(&new));
        let other = Lock { platform: "hetzner".to_owned(), ..new.clone() };
        assert!(!old.records_the_same(&other) && !new.records_the_same(&other));
        let more = Lock { rendered: BTreeSet::new(), ..new.clone() };
        assert!(old.records_the_same(&more) && !new.records_the_same(&more));
    }

    #[test]
    fn rendered_kinds_are_recorded_by_namespace() {
        let key = |kind: &str, group: &str, namespace: &str| Key {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: "x".to_owned(),
        };
        for (key, expected) in [
            (key("Service", "", "prod"), true),
            (key("Service", "", "other"), false),
            (key("Service", "", ""), false),
            (key("Service", "serving.knative.dev", "prod"), false),
            (key("Secret", "", "prod"), false),
            (key("Deployment", "apps", "prod"), true),
            (key("Deployment", "apps", ""), true),
            (key("Deployment", "apps", "other"), false),
        ] {
            assert_eq!(lock().has_rendered(&key, "prod"), expected, "{key}");
        }
    }
}
