//! Which live objects differ from the directory, decided without a dry run on the server.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::apply::{ApplySet, yielded};
use crate::core::live::{LiveObject, LiveState, Outlook, entries, is_unchanged, ours, predict};
use crate::core::manifest::Key;
use crate::core::spec::ConflictRule;

/// An object in the directory and its live counterpart.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftSubject {
    /// The object in the directory, with its namespace. It has the ApplySet label if this program applied the object.
    pub desired: Value,
    /// The live object.
    pub live: LiveState,
}

impl DriftSubject {
    /// Pairs a desired and a live object. The ApplySet label is not in the directory. It is added by the tool that applies the
    /// object, so it is expected only if this program applied it.
    pub fn new(mut desired: Value, live: LiveState, set: &ApplySet) -> Self {
        if live.object().and_then(entries).is_some_and(|entries| ours(&entries).is_some()) {
            set.mark(&mut desired);
        }
        Self { desired, live }
    }

    /// Returns the key.
    pub fn key(&self) -> Key {
        Key::of(&self.desired)
    }
}

/// The objects that differ from the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Objects with other field values.
    pub differing: Vec<Key>,
    /// Objects of which only the server knows whether an apply would change values.
    pub uncertain: Vec<Key>,
    /// Objects that are not in the cluster.
    pub absent: Vec<Key>,
    /// Objects that could not be read.
    pub unseen: Vec<Key>,
}

impl Drift {
    /// Replaces the results for objects by what the server says.
    pub fn decide(&mut self, said: &BTreeMap<&Key, Outlook>) {
        self.differing.retain(|key| !said.contains_key(key));
        self.uncertain.retain(|key| !said.contains_key(key));
        for (key, outlook) in said {
            self.add((*key).clone(), *outlook);
        }
    }

    fn add(&mut self, key: Key, outlook: Outlook) {
        match outlook {
            Outlook::Same => {}
            Outlook::NotCertain => self.uncertain.push(key),
            Outlook::Changed => self.differing.push(key),
        }
    }
}

/// Compares the objects. Fields that a rule leaves to other field managers may have any value.
pub fn drift(subjects: &[DriftSubject], rules: &[ConflictRule]) -> Drift {
    let mut drift = Drift::default();
    for subject in subjects {
        match &subject.live {
            LiveState::Hidden => drift.unseen.push(subject.key()),
            LiveState::Absent => drift.absent.push(subject.key()),
            LiveState::Present(live) => drift.add(subject.key(), outlook(&subject.desired, live, rules)),
        }
    }
    drift
}

/// Whether an apply would change values. A value that is set but owned by another manager does not count: Argo CD, Flux or
/// kubectl may apply the directory.
fn outlook(desired: &Value, live: &LiveObject, rules: &[ConflictRule]) -> Outlook {
    let desired = &yielded(rules, desired, Some(live)).0;
    if is_unchanged(desired, live) { Outlook::Same } else { predict(desired, live).outlook }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::apply::PART_OF;

    fn desired() -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "web"}, "data": {"x": "1"}})
    }

    fn applied_by(manager: &str, change: &Value) -> Value {
        let mut live = desired();
        live["metadata"]["uid"] = "7".into();
        live["metadata"]["managedFields"] = json!([{"manager": manager, "operation": "Apply", "apiVersion": "v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:x": {}}}}]);
        json_patch::merge(&mut live, change);
        live
    }

    fn present(live: &Value) -> LiveState {
        LiveState::Present(LiveObject::sample(live))
    }

    fn found(live: LiveState) -> &'static str {
        let drift = drift(&[DriftSubject { desired: desired(), live }], &[]);
        let Drift { differing, uncertain, absent, unseen } = &drift;
        match (differing.len(), uncertain.len(), absent.len(), unseen.len()) {
            (0, 0, 0, 0) => "same",
            (1, 0, 0, 0) => "differs",
            (0, 1, 0, 0) => "not certain",
            (0, 0, 1, 0) => "absent",
            (0, 0, 0, 1) => "unseen",
            _ => "more",
        }
    }

    #[test]
    fn fields_of_an_autoscaler_are_not_drift() {
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "web"},
            "spec": {"replicas": 3}});
        let scaled = |subresource: &str| {
            let mut live = desired.clone();
            live["spec"]["replicas"] = 9.into();
            live["metadata"]["managedFields"] = json!([{"manager": "hpa", "operation": "Update", "apiVersion": "apps/v1",
                "subresource": subresource, "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
            drift(&[DriftSubject { desired: desired.clone(), live: present(&live) }], &[]).differing.len()
        };
        assert_eq!((scaled("scale"), scaled("")), (0, 1));
    }

    #[test]
    fn what_only_the_server_knows_is_not_certain() {
        let pod = |memory: &str| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "web"},
                "spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": memory}}}]}})
        };
        let found = |desired: &str, live: &str| {
            drift(&[DriftSubject { desired: pod(desired), live: present(&pod(live)) }], &[])
        };
        let key = Key::of(&pod("1"));
        let one = std::slice::from_ref(&key);
        assert_eq!(found("1024Mi", "1Gi"), Drift::default());
        assert_eq!(found("1Gi", "2Gi").differing, one);
        let mut uncertain = found("1024", "1Ki");
        assert_eq!((uncertain.uncertain.as_slice(), uncertain.differing.len()), (one, 0));
        uncertain.decide(&BTreeMap::from([(&key, Outlook::Changed)]));
        assert_eq!((uncertain.uncertain.len(), uncertain.differing.as_slice()), (0, one));
        uncertain.decide(&BTreeMap::from([(&key, Outlook::Same)]));
        assert_eq!(uncertain, Drift::default());
    }

    #[test]
    fn any_manager_may_apply_the_directory() {
        for manager in ["kubectl-largescale", "argocd-controller", "kubectl"] {
            assert_eq!(found(present(&applied_by(manager, &json!({})))), "same", "{manager}");
            assert_eq!(
                found(present(&applied_by(manager, &json!({"data": {"x": "2"}})))),
                "differs",
                "{manager}"
            );
            assert_eq!(
                found(present(&applied_by(manager, &json!({"data": {"x": null}})))),
                "differs",
                "{manager}"
            );
            assert_eq!(
                found(present(&applied_by(manager, &json!({"data": {"y": "2"}})))),
                "same",
                "{manager}"
            );
        }
        assert_eq!(found(LiveState::Absent), "absent");
        assert_eq!(found(LiveState::Hidden), "unseen");
    }

    #[test]
    fn what_the_directory_has_no_more() {
        let live = applied_by("kubectl-largescale", &json!({"data": {"y": "2"}}));
        let mut formerly_ours = live.clone();
        formerly_ours["metadata"]["managedFields"][0]["fieldsV1"]["f:data"]["f:y"] = json!({});
        assert_eq!(found(present(&formerly_ours)), "differs");
        assert_eq!(found(present(&live)), "same", "it is another's");
    }

    #[test]
    fn the_label_of_the_applyset_is_compared() {
        let set = ApplySet { name: "largescale".to_owned(), namespace: "demo".to_owned() };
        let labels = |id: &str| json!({"metadata": {"labels": {PART_OF: id}}});
        let found =
            |live: Value| drift(&[DriftSubject::new(desired(), present(&live), &set)], &[]).differing.len();
        let mut member = applied_by("kubectl-largescale", &labels(&set.id()));
        member["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"] =
            json!({"f:labels": {format!("f:{PART_OF}"): {}}});
        assert_eq!(found(member.clone()), 0);
        member["metadata"]["labels"] = Value::Null;
        assert_eq!(found(member), 1, "the label was removed");
        assert_eq!(found(applied_by("kubectl", &json!({}))), 0, "other tools do not set the label");
        assert_eq!(
            found(applied_by("kubectl", &labels("applyset-x-v1"))),
            0,
            "it is a member of another set"
        );
    }
}
