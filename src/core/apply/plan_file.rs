//! A plan: what would be done, agreed to in a file, and held against what would be done later.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::apply::prune::MaxPrune;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};

/// What would be done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanFile {
    api_version: Form,
    kind: Kind,
    /// What it is for.
    pub terms: Terms,
    /// Every object that would be touched, in the order of their keys.
    pub objects: Vec<PlannedObject>,
}

/// What would be done to one object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedObject {
    /// Its API group; empty for core.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; empty where there is none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `created`, `configured` or `pruned`.
    pub action: String,
    /// Its UID, where it is there.
    pub uid: Option<String>,
    /// The digest of what would change.
    pub change: String,
    /// The same for people; values of Secrets are not in it.
    pub diff: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum Form {
    #[serde(rename = "largescale.dev/v1alpha1")]
    V1Alpha1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum Kind {
    Plan,
}

/// What a plan is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    /// The UID of the namespace kube-system.
    pub cluster: String,
    /// The namespace of the set.
    pub namespace: String,
    /// The ID of the set.
    pub set: String,
    /// The digests of the files of the tree.
    pub tree: BTreeMap<String, String>,
    /// `--max-prune`, where what has left the tree is deleted.
    pub prune: Option<String>,
    /// Whether fields of others are taken.
    pub force_conflicts: bool,
}

/// One way in which things are not any more as planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Nothing of it can be carried out.
    Whole(String),
    /// One object: what was planned, and what would be done now.
    Object {
        /// Which.
        key: Key,
        /// The sentence.
        what: String,
        /// The diff that was agreed to.
        planned: String,
        /// The diff that it would be now.
        now: String,
    },
    /// Somebody has done it already.
    AlreadyDone(Key),
}

impl PlannedObject {
    /// Which object.
    pub fn key(&self) -> Key {
        Key {
            group: self.group.clone(),
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

impl PlanFile {
    /// A plan.
    pub fn new(terms: Terms, mut objects: Vec<PlannedObject>) -> Self {
        objects.sort_by_key(PlannedObject::key);
        Self { api_version: Form::V1Alpha1, kind: Kind::Plan, terms, objects }
    }

    /// How much may be deleted, where what has left the tree is.
    pub fn max_prune(&self) -> Result<Option<MaxPrune>, Diagnostic> {
        let max = self.terms.prune.as_deref().map(str::parse).transpose();
        max.map_err(|wrong: String| Diagnostic::error(format!("`prune` of the plan: {wrong}")))
    }

    /// Its text.
    pub fn write(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads one.
    pub fn read(file: &str, text: &str) -> Checked<Self> {
        serde_json::from_str(text).map_err(|error| {
            let line = u32::try_from(error.line()).unwrap_or(0);
            let location = Location { file: file.to_owned(), line };
            // A plan holds no secret, but what somebody names as one may: serde's words would quote it.
            Diagnostic::error(if error.is_data() { "not a plan of this version" } else { "not JSON" })
                .at(location)
                .hint("`kubectl largescale diff --live --out FILE` writes one")
                .into()
        })
    }
}

/// Every way in which what would be done now differs from what was planned.
pub fn departures(plan: &PlanFile, now: &PlanFile) -> Vec<Departure> {
    let mut found = Vec::new();
    for (what, planned, now) in [
        ("cluster", &plan.terms.cluster, &now.terms.cluster),
        ("namespace", &plan.terms.namespace, &now.terms.namespace),
        ("set", &plan.terms.set, &now.terms.set),
    ] {
        if planned != now {
            found.push(Departure::Whole(format!("the plan is for {what} {planned}, this is {now}")));
        }
    }
    found.extend(tree_departures(&plan.terms.tree, &now.terms.tree));
    let current: BTreeMap<Key, &PlannedObject> =
        now.objects.iter().map(|object| (object.key(), object)).collect();
    let planned: BTreeMap<Key, &PlannedObject> =
        plan.objects.iter().map(|object| (object.key(), object)).collect();
    for (key, planned) in &planned {
        match current.get(key) {
            None => found.push(Departure::AlreadyDone(key.clone())),
            Some(now) => found.extend(departure(key, planned, now)),
        }
    }
    for (key, now) in current.iter().filter(|(key, _)| !planned.contains_key(*key)) {
        found.push(Departure::Object {
            key: key.clone(),
            what: format!("{key} would be {}, and the plan does not know of it", now.action),
            planned: String::new(),
            now: now.diff.clone(),
        });
    }
    found
}

fn departure(key: &Key, planned: &PlannedObject, now: &PlannedObject) -> Option<Departure> {
    let what = if planned.action != now.action {
        format!("{key} was to be {}, and would be {} now", planned.action, now.action)
    } else if planned.uid != now.uid {
        format!("{key} is another object: somebody has deleted it and made it anew")
    } else if planned.change != now.change {
        format!("{key} has changed, and so has what would be {} in it", planned.action)
    } else {
        return None;
    };
    let (planned, now) = (planned.diff.clone(), now.diff.clone());
    Some(Departure::Object { key: key.clone(), what, planned, now })
}

fn tree_departures(planned: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<Departure> {
    let mut changed: Vec<&str> = planned
        .iter()
        .filter(|(path, digest)| now.get(*path) != Some(digest))
        .map(|(path, _)| path.as_str())
        .chain(now.keys().filter(|path| !planned.contains_key(*path)).map(String::as_str))
        .collect();
    changed.sort_unstable();
    let Some(first) = changed.first() else { return Vec::new() };
    let more = if changed.len() > 1 { format!(" and {} more", changed.len() - 1) } else { String::new() };
    vec![Departure::Whole(format!("the tree has changed since the plan was made: {first}{more}"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, action: &str, uid: Option<&str>, change: &str) -> PlannedObject {
        let text = str::to_owned;
        PlannedObject {
            group: String::new(),
            kind: text("Service"),
            namespace: text("web"),
            name: text(name),
            action: text(action),
            uid: uid.map(text),
            change: text(change),
            diff: format!("diff of {name}, {change}\n"),
        }
    }

    fn plan(objects: Vec<PlannedObject>) -> PlanFile {
        let text = str::to_owned;
        let terms = Terms {
            cluster: text("c1"),
            namespace: text("web"),
            set: text("s1"),
            tree: [(text("a.yaml"), text("1"))].into(),
            prune: Some(text("50%")),
            force_conflicts: false,
        };
        PlanFile::new(terms, objects)
    }

    fn said(plan: &PlanFile, now: &PlanFile) -> Vec<String> {
        let say = |departure: Departure| match departure {
            Departure::Whole(what) | Departure::Object { what, .. } => what,
            Departure::AlreadyDone(key) => format!("{key} is done"),
        };
        departures(plan, now).into_iter().map(say).collect()
    }

    #[test]
    fn is_read_as_it_is_written() {
        let plan = plan(vec![object("b", "created", None, "1"), object("a", "configured", Some("u"), "2")]);
        assert_eq!(PlanFile::read("p", &plan.write()).unwrap(), plan);
        assert_eq!(plan.objects[0].name, "a", "in order");
        assert_eq!(plan.max_prune().unwrap(), Some(MaxPrune::Percent(50)));
        assert_eq!(departures(&plan, &plan), []);
    }

    #[test]
    fn what_is_no_plan() {
        let message = |text: &str| PlanFile::read("p", text).unwrap_err()[0].to_string();
        assert_eq!(message("hello"), "p:1: not JSON");
        assert_eq!(message("{\n\"kind\": \"Plan\"}"), "p:2: not a plan of this version");
        let text = plan(vec![]).write();
        assert!(message(&text.replace("v1alpha1", "v2")).ends_with("not a plan of this version"));
        assert!(
            message(&text.replace("\"set\"", "\"more\": 1, \"set\"")).ends_with("not a plan of this version")
        );
        let mut wrong = plan(vec![]);
        wrong.terms.prune = Some("half".to_owned());
        assert!(wrong.max_prune().unwrap_err().message.starts_with("`prune` of the plan: `half`"));
    }

    #[test]
    fn another_place_or_tree() {
        let planned = plan(vec![]);
        let mut now = planned.clone();
        now.terms.cluster = "c2".to_owned();
        assert_eq!(said(&planned, &now), ["the plan is for cluster c1, this is c2"]);
        now = planned.clone();
        now.terms.tree =
            [("a.yaml".to_owned(), "2".to_owned()), ("b.yaml".to_owned(), "1".to_owned())].into();
        assert_eq!(said(&planned, &now), ["the tree has changed since the plan was made: a.yaml and 1 more"]);
        now.terms.tree.clear();
        assert_eq!(said(&planned, &now), ["the tree has changed since the plan was made: a.yaml"]);
    }

    #[test]
    fn objects_that_are_not_as_planned() {
        let check = |planned: Option<PlannedObject>, now: Option<PlannedObject>, expected: &str| {
            assert_eq!(
                said(&plan(planned.into_iter().collect()), &plan(now.into_iter().collect())),
                [expected]
            );
        };
        let configured = || Some(object("a", "configured", Some("u1"), "1"));
        check(configured(), None, "service/web/a is done");
        check(None, configured(), "service/web/a would be configured, and the plan does not know of it");
        check(
            configured(),
            Some(object("a", "created", None, "1")),
            "service/web/a was to be configured, and would be created now",
        );
        check(
            configured(),
            Some(object("a", "configured", Some("u2"), "1")),
            "service/web/a is another object: somebody has deleted it and made it anew",
        );
        check(
            configured(),
            Some(object("a", "configured", Some("u1"), "2")),
            "service/web/a has changed, and so has what would be configured in it",
        );
    }

    #[test]
    fn both_diffs_are_kept() {
        let planned = plan(vec![object("a", "configured", Some("u"), "1")]);
        let now = plan(vec![object("a", "configured", Some("u"), "2")]);
        let Departure::Object { planned, now, .. } = departures(&planned, &now).remove(0) else { panic!() };
        assert_eq!((planned.as_str(), now.as_str()), ("diff of a, 1\n", "diff of a, 2\n"));
    }
}
