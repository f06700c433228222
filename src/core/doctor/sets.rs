//! `ApplySets` of this program in the cluster: those that no directory manages, and the same app in another namespace.

use std::collections::BTreeSet;

use crate::core::apply::{ApplySet, ID, LOCK_ID, TOOL, TOOLING, tool_of};
use crate::core::doctor::Finding;
use crate::core::live::LiveObject;
use crate::core::report::plural::{first_of, plural};

/// An ApplySet that this program applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSet {
    set: ApplySet,
    /// The id of its members' label.
    id: String,
    /// The lock ID of its directory; `None` in sets of old versions.
    lock_id: Option<String>,
}

impl FoundSet {
    /// Reads a parent; `None` if another program manages its ApplySet.
    pub fn read(parent: &LiveObject) -> Option<Self> {
        let tooling = parent.annotation(TOOLING).filter(|tooling| tool_of(tooling) == TOOL);
        tooling.map(|_| Self {
            set: ApplySet { name: parent.name().to_owned(), namespace: parent.namespace().to_owned() },
            id: parent.label(ID).unwrap_or_default().to_owned(),
            lock_id: parent.annotation(LOCK_ID).map(str::to_owned),
        })
    }

    /// Returns the lock ID, if it has the form of one. The annotation may have any text.
    pub fn lock_id(&self) -> Option<&str> {
        let is_id =
            |id: &&str| !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.lock_id.as_deref().filter(is_id)
    }

    fn shown(&self) -> String {
        format!("{} in namespace {}", self.set.name, self.set.namespace)
    }

    fn command(&self) -> String {
        format!("kubectl get services --all-namespaces -l applyset.kubernetes.io/part-of={}", self.id)
    }
}

/// Judges the ApplySets of a cluster. `own` is the set of the directory, `known` are the lock IDs of all directories that were found.
pub fn sets(found: &[FoundSet], own: Option<&ApplySet>, known: &BTreeSet<String>) -> Vec<Finding> {
    let is_known = |set: &&FoundSet| set.lock_id().is_some_and(|id| known.contains(id));
    let others = || found.iter().filter(|set| own.is_none_or(|own| *own != set.set));
    let mut findings = Vec::new();
    let abandoned: Vec<&FoundSet> = others().filter(|set| !is_known(set)).collect();
    if let Some(first) = abandoned.first() {
        let names: Vec<String> = abandoned.iter().map(|set| set.shown()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        findings.push(Finding::warn(
            "sets",
            format!(
                "no directory found here manages {}: {}",
                plural(abandoned.len(), "ApplySet"),
                first_of(&names)
            ),
            format!(
                "if no other repository has the directory, `{}` lists the load balancers that are left",
                first.command()
            ),
        ));
    }
    let same: Vec<&FoundSet> = others()
        .filter(|set| own.is_some_and(|own| own.name == set.set.name && own.namespace != set.set.namespace))
        .collect();
    if let (Some(own), Some(first)) = (own, same.first()) {
        let namespaces: Vec<&str> = same.iter().map(|set| set.set.namespace.as_str()).collect();
        findings.push(Finding::warn(
            "sets",
            format!(
                "the app {} of namespace {} is also in namespace {}",
                own.name,
                own.namespace,
                first_of(&namespaces)
            ),
            format!(
                "if it was moved, clients may still use the addresses there: `{}` lists them",
                first.command()
            ),
        ));
    }
    if findings.is_empty() {
        let count = plural(found.len(), "ApplySet");
        findings.push(Finding::ok("sets", format!("{count} of kubectl largescale, each with its directory")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::doctor::Level;

    fn set(name: &str, namespace: &str, tooling: &str, lock_id: &str) -> Option<FoundSet> {
        FoundSet::read(&LiveObject::sample(&json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace, "labels": {ID: "applyset-x-v1"},
                "annotations": {TOOLING: tooling, LOCK_ID: lock_id}}})))
    }

    #[test]
    fn sets_of_other_tools_are_none_of_ours() {
        assert_eq!(set("web", "n", "kubectl/v1.36.3", ""), None);
        assert!(set("web", "n", "kubectl-largescale/v0.9.0", "ab").is_some());
        assert_eq!(set("web", "n", "kubectl-largescale/v0.9.0", "-e x").unwrap().lock_id(), None);
    }

    #[test]
    fn sets_without_a_directory_and_copies_of_the_app() {
        let ours = "kubectl-largescale/v0.9.0";
        let own = ApplySet { name: "web".to_owned(), namespace: "prod".to_owned() };
        let found = |list: &[(&str, &str, &str)]| -> Vec<FoundSet> {
            list.iter().filter_map(|(name, namespace, id)| set(name, namespace, ours, id)).collect()
        };
        let known = BTreeSet::from(["aa".to_owned(), "bb".to_owned()]);
        let judged = |list: &[(&str, &str, &str)], own: Option<&ApplySet>| -> Vec<(Level, String)> {
            let findings = sets(&found(list), own, &known);
            findings.into_iter().map(|finding| (finding.level, finding.message)).collect()
        };
        assert_eq!(
            judged(&[("web", "prod", "aa"), ("api", "prod", "bb")], Some(&own)),
            [(Level::Ok, "2 ApplySets of kubectl largescale, each with its directory".to_owned())]
        );
        assert_eq!(
            judged(
                &[("web", "prod", "aa"), ("web", "old", "aa"), ("api", "x", "cc"), ("db", "y", "")],
                Some(&own)
            ),
            [
                (
                    Level::Warn,
                    "no directory found here manages 2 ApplySets: api in namespace x, db in namespace y"
                        .to_owned()
                ),
                (Level::Warn, "the app web of namespace prod is also in namespace old".to_owned()),
            ]
        );
        assert_eq!(
            judged(&[("web", "prod", "cc")], Some(&own))[0].0,
            Level::Ok,
            "the set of the directory itself"
        );
        assert_eq!(judged(&[("web", "prod", "cc")], None)[0].0, Level::Warn, "without a spec");
    }
}
