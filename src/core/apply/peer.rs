//! Another directory of the same run. An object that leaves one of them and enters another is handed over: it is never
//! deleted and created again.

use std::collections::BTreeSet;

use crate::core::apply::apply_set::ApplySet;
use crate::core::lock::LockId;
use crate::core::manifest::Key;

/// A rendered directory that is not the one that is applied now.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The app and its cluster, for people.
    pub title: String,
    /// The flags that name the spec on a command line.
    pub flags: String,
    /// The name of its ApplySet.
    pub name: String,
    /// The namespace of its ApplySet; `None` if neither its spec nor its lock nor a flag names one.
    pub namespace: Option<String>,
    /// The ID of its lock file.
    pub lock_id: Option<LockId>,
    /// The UID of the cluster in its lock file.
    pub cluster: Option<String>,
    /// The rendered objects. Without a namespace in the manifest, an object is in that of the ApplySet or cluster-scoped.
    pub keys: BTreeSet<Key>,
}

impl Peer {
    /// Returns its ApplySet, if the namespace is known.
    pub fn set(&self) -> Option<ApplySet> {
        Some(ApplySet { name: self.name.clone(), namespace: self.namespace.clone()? })
    }

    /// Returns whether the directory contains a live object. If the namespace of its ApplySet is unknown, an object that names
    /// no namespace counts in each of them.
    pub fn renders(&self, live: &Key) -> bool {
        if self.keys.contains(live) {
            return true;
        }
        let is_default = self.namespace.as_ref().is_none_or(|namespace| *namespace == live.namespace);
        is_default && self.keys.contains(&Key { namespace: String::new(), ..live.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, namespace: &str, name: &str) -> Key {
        let text = str::to_owned;
        Key { group: String::new(), kind: text(kind), namespace: text(namespace), name: text(name) }
    }

    #[test]
    fn an_object_without_a_namespace_is_in_that_of_the_set() {
        let peer = |namespace: Option<&str>| Peer {
            title: "two".to_owned(),
            flags: " -f two".to_owned(),
            name: "two".to_owned(),
            namespace: namespace.map(str::to_owned),
            lock_id: None,
            cluster: None,
            keys: [key("Service", "", "a"), key("Service", "far", "b"), key("Namespace", "", "n")].into(),
        };
        for (namespace, live, expected) in [
            (Some("prod"), key("Service", "prod", "a"), true),
            (Some("prod"), key("Service", "other", "a"), false),
            (None, key("Service", "other", "a"), true),
            (Some("prod"), key("Service", "far", "b"), true),
            (Some("prod"), key("Service", "prod", "b"), false),
            (None, key("Service", "prod", "b"), false),
            (Some("prod"), key("Namespace", "", "n"), true),
            (Some("prod"), key("ConfigMap", "prod", "a"), false),
        ] {
            assert_eq!(peer(namespace).renders(&live), expected, "{namespace:?} {live}");
        }
        assert_eq!(peer(None).set(), None);
        assert_eq!(peer(Some("prod")).set().map(|set| set.namespace), Some("prod".to_owned()));
    }
}
