//! The plan file: the changes that were reviewed, and how they differ from the changes that an apply would make now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::apply::prune::MaxPrune;
use crate::core::kubernetes::names;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};

/// A plan: the changes that an apply would make.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanFile {
    api_version: ApiVersion,
    kind: Kind,
    /// The conditions that the plan is valid for.
    pub terms: Terms,
    /// Every object that would change, sorted by key.
    pub objects: Vec<PlannedObject>,
}

/// The planned change of one object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedObject {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; empty for an object without one.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// `created`, `configured` or `pruned`.
    pub action: String,
    /// The UID; `None` for an object that does not exist yet.
    pub uid: Option<String>,
    /// The digest of the change, after [`Terms::salt`].
    pub change: String,
    /// The diff for review, without the values of Secrets.
    pub diff: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum ApiVersion {
    #[serde(rename = "largescale.dev/v1alpha1")]
    V1Alpha1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
enum Kind {
    Plan,
}

/// The conditions that a plan is valid for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    /// The UID of the namespace kube-system.
    pub cluster: String,
    /// The namespace of the ApplySet.
    pub namespace: String,
    /// The ID of the ApplySet.
    pub set: String,
    /// Random text before everything that the plan has a digest of; empty in plans of older versions. Without it, a short
    /// value of a Secret can be guessed from the digest of its change.
    #[serde(default, skip_serializing_if = "Salt::is_empty")]
    pub salt: Salt,
    /// The digests of the rendered files; see [`Salt::salted`].
    pub tree: BTreeMap<String, String>,
    /// `--max-prune`; `None` if the plan does not prune.
    pub prune: Option<String>,
    /// Whether to take ownership of fields that other field managers own.
    pub force_conflicts: bool,
    /// The tools whose objects are taken over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// The values of `--with`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<String>,
    /// Where the spec is, for the hint of an apply from another directory; `None` in plans of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<PlanSource>,
}

/// The spec that a plan was made for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanSource {
    /// The path of the spec, relative to the directory of the plan.
    pub spec: String,
    /// The cluster of the spec; `None` if the spec names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

/// Random text before everything that a plan has a digest of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Salt(String);

impl Salt {
    /// Creates a salt from 16 random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(names::hex(&bytes))
    }

    /// Returns whether this is the plan of a version that had no salt.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the salt as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the digests of files for a plan with this salt.
    pub fn salted(&self, files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        if self.is_empty() {
            return files.clone();
        }
        let salted = |digest: &String| names::digest(format!("{}{digest}", self.0).as_bytes());
        files.iter().map(|(path, digest)| (path.clone(), salted(digest))).collect()
    }
}

/// A difference between the plan and the changes that an apply would make now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// The whole plan is invalid.
    Whole(String),
    /// One object would change in another way.
    Object {
        /// The object.
        key: Key,
        /// A description of the difference.
        what: String,
        /// The diff that was reviewed.
        planned: String,
        /// The diff that would be applied now.
        now: String,
    },
    /// The planned change has already been made.
    AlreadyDone(Key),
}

impl PlannedObject {
    /// Returns the key of the object.
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
    /// Creates a plan and sorts its objects by key.
    pub fn new(terms: Terms, mut objects: Vec<PlannedObject>) -> Self {
        objects.sort_by_key(PlannedObject::key);
        Self { api_version: ApiVersion::V1Alpha1, kind: Kind::Plan, terms, objects }
    }

    /// Returns the limit for deletions; `None` if the plan does not prune.
    pub fn max_prune(&self) -> Result<Option<MaxPrune>, Diagnostic> {
        let max = self.terms.prune.as_deref().map(str::parse).transpose();
        max.map_err(|wrong: String| Diagnostic::error(format!("`prune` of the plan: {wrong}")))
    }

    /// Writes the plan as JSON.
    pub fn write(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a plan; `file` is its path for messages.
    pub fn read(file: &str, text: &str) -> Checked<Self> {
        serde_json::from_str(text).map_err(|error| {
            let line = u32::try_from(error.line()).unwrap_or(0);
            let location = Location { file: file.to_owned(), line };
            // serde's message would quote values, and a plan may contain text that is secret.
            Diagnostic::error(if error.is_data() { "not a plan of this version" } else { "not JSON" })
                .at(location)
                .hint("`kubectl largescale diff --live --out FILE` writes a plan")
                .into()
        })
    }
}

/// Returns every difference between the planned changes and the changes that an apply would make now. `files` has the file of
/// each object in the directory, relative to it.
pub fn deviations(plan: &PlanFile, now: &PlanFile, files: &BTreeMap<Key, &str>) -> Vec<Deviation> {
    let causes = Causes { planned: &plan.terms.tree, now: &now.terms.tree, files };
    let mut found = Vec::new();
    for (what, planned, now) in [
        ("cluster", &plan.terms.cluster, &now.terms.cluster),
        ("namespace", &plan.terms.namespace, &now.terms.namespace),
        ("set", &plan.terms.set, &now.terms.set),
    ] {
        if planned != now {
            found.push(Deviation::Whole(format!("the plan is for {what} {planned}, but this is {now}")));
        }
    }
    found.extend(tree_departures(&plan.terms.tree, &now.terms.tree));
    let current: BTreeMap<Key, &PlannedObject> =
        now.objects.iter().map(|object| (object.key(), object)).collect();
    let planned: BTreeMap<Key, &PlannedObject> =
        plan.objects.iter().map(|object| (object.key(), object)).collect();
    for (key, planned) in &planned {
        match current.get(key) {
            None => found.push(match causes.of(key) {
                None => Deviation::AlreadyDone(key.clone()),
                Some(cause) => Deviation::Object {
                    key: key.clone(),
                    what: format!("{key} would no longer be {}: {cause}", planned.action),
                    planned: planned.diff.clone(),
                    now: String::new(),
                },
            }),
            Some(now) => found.extend(deviation(key, planned, now, &causes)),
        }
    }
    for (key, now) in current.iter().filter(|(key, _)| !planned.contains_key(*key)) {
        found.push(Deviation::Object {
            key: key.clone(),
            what: format!("{key} would be {}, but it is not in the plan: {}", now.action, causes.text(key)),
            planned: String::new(),
            now: now.diff.clone(),
        });
    }
    found
}

/// What has changed since a plan was made: the directory or the cluster.
struct Causes<'a> {
    planned: &'a BTreeMap<String, String>,
    now: &'a BTreeMap<String, String>,
    files: &'a BTreeMap<Key, &'a str>,
}

impl Causes<'_> {
    /// Returns how the directory has changed for an object; `None` if it has not, so that the cluster has.
    fn of(&self, key: &Key) -> Option<String> {
        match self.files.get(key) {
            Some(file) if self.planned.get(*file) == self.now.get(*file) => None,
            Some(_) => {
                Some("its file in the rendered directory has changed since the plan was made".to_owned())
            }
            // Only a file that is gone can have had an object that the directory lacks.
            None => {
                self.planned.keys().any(|path| !self.now.contains_key(path)).then(|| {
                    "files were removed from the rendered directory since the plan was made".to_owned()
                })
            }
        }
    }

    fn text(&self, key: &Key) -> String {
        self.of(key).unwrap_or_else(|| "the cluster has changed since the plan was made".to_owned())
    }
}

fn deviation(
    key: &Key,
    planned: &PlannedObject,
    now: &PlannedObject,
    causes: &Causes<'_>,
) -> Option<Deviation> {
    let what = if planned.action != now.action {
        format!(
            "{key} was planned to be {}, but would be {} now: {}",
            planned.action,
            now.action,
            causes.text(key)
        )
    } else if planned.uid != now.uid {
        format!("{key} was deleted and created again in the cluster since the plan was made")
    } else if planned.change != now.change {
        format!("{key} would be {} in another way: {}", planned.action, causes.text(key))
    } else {
        return None;
    };
    let (planned, now) = (planned.diff.clone(), now.diff.clone());
    Some(Deviation::Object { key: key.clone(), what, planned, now })
}

fn tree_departures(planned: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<Deviation> {
    let mut changed: Vec<&str> = planned
        .iter()
        .filter(|(path, digest)| now.get(*path) != Some(digest))
        .map(|(path, _)| path.as_str())
        .chain(now.keys().filter(|path| !planned.contains_key(*path)).map(String::as_str))
        .collect();
    changed.sort_unstable();
    let Some(first) = changed.first() else { return Vec::new() };
    let more = if changed.len() > 1 { format!(" and {} more", changed.len() - 1) } else { String::new() };
    vec![Deviation::Whole(format!(
        "the rendered directory has changed since the plan was made: {first}{more}"
    ))]
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
            salt: Salt::from_bytes([7; 16]),
            tree: [(text("a.yaml"), text("1"))].into(),
            prune: Some(text("50%")),
            force_conflicts: false,
            from: Vec::new(),
            with: Vec::new(),
            source: None,
        };
        PlanFile::new(terms, objects)
    }

    fn messages(plan: &PlanFile, now: &PlanFile) -> Vec<String> {
        let files: BTreeMap<Key, &str> = [(object("a", "", None, "").key(), "a.yaml")].into();
        let say = |deviation: Deviation| match deviation {
            Deviation::Whole(what) | Deviation::Object { what, .. } => what,
            Deviation::AlreadyDone(key) => format!("{key} is already done"),
        };
        deviations(plan, now, &files).into_iter().map(say).collect()
    }

    #[test]
    fn plans_round_trip() {
        let plan = plan(vec![object("b", "created", None, "1"), object("a", "configured", Some("u"), "2")]);
        assert_eq!(PlanFile::read("p", &plan.write()).unwrap(), plan);
        assert_eq!(plan.objects[0].name, "a", "sorted by key");
        assert_eq!(plan.max_prune().unwrap(), Some(MaxPrune::Percent(50)));
        assert_eq!(deviations(&plan, &plan, &BTreeMap::new()), []);
    }

    #[test]
    fn a_plan_of_a_version_without_a_salt_is_read() {
        let mut old = plan(vec![]);
        let text = old.write().replace("    \"salt\": \"07070707070707070707070707070707\",\n", "");
        assert!(!text.contains("salt"), "{text}");
        old.terms.salt = Salt::default();
        assert_eq!(PlanFile::read("p", &text).unwrap(), old);
        assert_eq!(old.write(), text);
        let files: BTreeMap<String, String> = [("a.yaml".to_owned(), names::digest(b"password: a"))].into();
        assert_eq!(old.terms.salt.salted(&files), files);
    }

    #[test]
    fn digests_of_files_depend_on_the_salt() {
        let files: BTreeMap<String, String> = [("a.yaml".to_owned(), names::digest(b"password: a"))].into();
        let [one, other] = [[1; 16], [2; 16]].map(|bytes| Salt::from_bytes(bytes).salted(&files));
        assert!(one != other && one != files && one.keys().eq(files.keys()), "{one:?}");
        assert_eq!(one, Salt::from_bytes([1; 16]).salted(&files));
    }

    #[test]
    fn invalid_plans_are_refused() {
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
    fn another_cluster_or_directory() {
        let planned = plan(vec![]);
        let mut now = planned.clone();
        now.terms.cluster = "c2".to_owned();
        assert_eq!(messages(&planned, &now), ["the plan is for cluster c1, but this is c2"]);
        now = planned.clone();
        now.terms.tree =
            [("a.yaml".to_owned(), "2".to_owned()), ("b.yaml".to_owned(), "1".to_owned())].into();
        assert_eq!(
            messages(&planned, &now),
            ["the rendered directory has changed since the plan was made: a.yaml and 1 more"]
        );
        now.terms.tree.clear();
        assert_eq!(
            messages(&planned, &now),
            ["the rendered directory has changed since the plan was made: a.yaml"]
        );
    }

    #[test]
    fn objects_that_differ_from_the_plan() {
        let check = |planned: Option<PlannedObject>, now: Option<PlannedObject>, expected: &str| {
            assert_eq!(
                messages(&plan(planned.into_iter().collect()), &plan(now.into_iter().collect())),
                [expected]
            );
        };
        let configured = || Some(object("a", "configured", Some("u1"), "1"));
        check(configured(), None, "service/web/a is already done");
        check(
            None,
            configured(),
            "service/web/a would be configured, but it is not in the plan: the cluster has changed since the plan was made",
        );
        check(
            configured(),
            Some(object("a", "created", None, "1")),
            "service/web/a was planned to be configured, but would be created now: the cluster has changed since the plan was made",
        );
        check(
            configured(),
            Some(object("a", "configured", Some("u2"), "1")),
            "service/web/a was deleted and created again in the cluster since the plan was made",
        );
        check(
            configured(),
            Some(object("a", "configured", Some("u1"), "2")),
            "service/web/a would be configured in another way: the cluster has changed since the plan was made",
        );
    }

    #[test]
    fn what_only_the_directory_changed_is_not_blamed_on_the_cluster() {
        let configured = |name: &str, change: &str| object(name, "configured", Some("u"), change);
        let planned = plan(vec![configured("a", "1"), configured("b", "1")]);
        let mut now = plan(vec![configured("a", "2")]);
        now.terms.tree = [("a.yaml".to_owned(), "2".to_owned())].into();
        let tree = "the rendered directory has changed since the plan was made: a.yaml";
        let file = "its file in the rendered directory has changed since the plan was made";
        let a = format!("service/web/a would be configured in another way: {file}");
        assert_eq!(messages(&planned, &now), [tree, &a, "service/web/b is already done"]);
        now.objects.clear();
        let a = format!("service/web/a would no longer be configured: {file}");
        assert_eq!(messages(&planned, &now), [tree, &a, "service/web/b is already done"]);
        // An object whose file is gone would be pruned.
        let mut now = plan(vec![object("b", "pruned", Some("u"), "")]);
        let mut planned = plan(vec![]);
        planned.terms.tree.insert("b.yaml".to_owned(), "1".to_owned());
        now.terms.tree.insert("c.yaml".to_owned(), "1".to_owned());
        let removed = "files were removed from the rendered directory since the plan was made";
        let b = format!("service/web/b would be pruned, but it is not in the plan: {removed}");
        assert_eq!(messages(&planned, &now)[1..], [b]);
    }

    #[test]
    fn differences_hold_both_diffs() {
        let planned = plan(vec![object("a", "configured", Some("u"), "1")]);
        let now = plan(vec![object("a", "configured", Some("u"), "2")]);
        let Deviation::Object { planned, now, .. } = deviations(&planned, &now, &BTreeMap::new()).remove(0)
        else {
            panic!()
        };
        assert_eq!((planned.as_str(), now.as_str()), ("diff of a, 1\n", "diff of a, 2\n"));
    }
}
