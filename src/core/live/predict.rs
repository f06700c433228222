//! Predicts the result of an apply on the client, without a request.
//!
//! The server knows schemas, defaults and webhooks; this prediction knows the managed fields and the types of Kubernetes'
//! own objects. It says how certain it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::core::live::likeness::{Findings, Likeness, is_zero, likeness};
use crate::core::live::list_items::{below, is_at, is_equal, is_meant};
use crate::core::live::live_object::LiveObject;
use crate::core::live::managed_fields;
use crate::core::live::managed_fields::{FieldSet, Segment};
use crate::core::live::removal::{Removal, prune};
use crate::core::live::types::{Kind, Merge, Shape};

/// What an apply would do with an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The live object after the apply, as far as it is known.
    pub after: Value,
    /// Whether values would change.
    pub outlook: Outlook,
}

/// Whether an apply would change values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It would change none.
    Same,
    /// Only the server knows.
    NotCertain,
    /// It would change some.
    Changed,
}

/// Metadata that is not compared: it identifies the object, or only the server sets it.
const UNCOMPARED: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "name",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Predicts an apply. The prediction is not certain if the types and managed fields do not decide, and it does not know webhooks.
#[must_use]
pub fn predict(desired: &Value, live: &LiveObject) -> Prediction {
    let found = managed_fields::entries(live);
    let mut findings = Findings { is_changed: false, is_doubtful: found.is_none() };
    let entries = found.unwrap_or_default();
    let all: Vec<_> = entries.iter().map(|entry| entry.fields).collect();
    let others: Vec<_> = entries.iter().filter(|entry| !entry.is_ours()).map(|entry| entry.fields).collect();
    let own = managed_fields::ours(&entries);
    let version = desired["apiVersion"].as_str().unwrap_or_default();
    let shape = Shape::of_object(version, desired["kind"].as_str().unwrap_or_default());
    findings.is_doubtful |= version != live.api_version() || desired["kind"] != live.kind();
    let desired = as_compared(desired);
    let mut after = live.value().clone();
    // No apply of the object itself changes its status.
    let status = after.as_object_mut().and_then(|fields| fields.remove("status"));
    let place = Place { sets: all, own: own.map(|entry| entry.fields), shape };
    merge(&desired, &mut after, &place, &mut findings);
    if let Some(own) = own {
        let removal = Removal { names_match: own.api_version == version };
        prune(removal, own.fields, &others, Some(&desired), &mut after, shape, &mut findings);
    }
    if let (Some(status), Some(fields)) = (status, after.as_object_mut()) {
        fields.insert("status".to_owned(), status);
    }
    let outlook = match findings {
        Findings { is_changed: true, .. } => Outlook::Changed,
        Findings { is_doubtful: true, .. } => Outlook::NotCertain,
        Findings { .. } => Outlook::Same,
    };
    Prediction { after, outlook }
}

/// Returns the desired object without the fields that are not compared, and with `stringData` of a Secret merged into `data`.
pub(super) fn as_compared(desired: &Value) -> Value {
    let mut desired = desired.clone();
    let is_secret = desired["kind"] == "Secret";
    let Some(fields) = desired.as_object_mut() else { return desired };
    fields.remove("status");
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|name, _| !UNCOMPARED.contains(&name.as_str()));
    }
    if is_secret && let Some(Value::Object(texts)) = fields.remove("stringData") {
        let data = fields.entry("data").or_insert_with(|| Map::new().into());
        for (name, text) in texts {
            // The API server refuses data of another shape.
            let Some(data) = data.as_object_mut() else { break };
            data.insert(name, STANDARD.encode(text.as_str().unwrap_or_default()).into());
        }
    }
    desired
}

/// Returns a value without nulls, and with `80.0` as 80.
pub(super) fn without_spelling(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let there = map.iter().filter(|(_, value)| !value.is_null());
            there.map(|(name, value)| (name.clone(), without_spelling(value))).collect()
        }
        Value::Array(list) => list.iter().map(without_spelling).collect(),
        Value::Number(number) if number.is_f64() => {
            // A float without a fraction is stored as an integer, unless it is too large.
            let text = number.as_f64().unwrap_or_default().to_string();
            text.parse().map_or_else(|_| value.clone(), |whole: i64| whole.into())
        }
        other => other.clone(),
    }
}

/// The known facts about one position in the object.
struct Place<'a> {
    /// The fields of every manager below it.
    sets: Vec<FieldSet<'a>>,
    /// Our own fields below it.
    own: Option<FieldSet<'a>>,
    shape: Shape,
}

impl<'a> Place<'a> {
    fn field(&self, name: &str) -> Self {
        let sets = self.sets.iter().filter_map(|set| set.field(name)).collect();
        Self { sets, own: self.own.and_then(|own| own.field(name)), shape: self.shape.field(name) }
    }

    fn item(&self, step: &str) -> Self {
        Self {
            sets: below(&self.sets, step),
            own: self.own.and_then(|own| own.below(step)),
            shape: self.shape.item(),
        }
    }

    /// Returns the first step below it that any manager owns.
    fn first_item(&self) -> Option<Segment<'a>> {
        self.sets.iter().find_map(|set| set.steps().next()?.1)
    }

    /// Returns how a list is merged: by its type, or, if that is unknown, as the managers own its items.
    fn merge(&self) -> ListMerge {
        match (self.shape.kind(), self.shape.merge()) {
            (Kind::List, Merge::Whole) => ListMerge::Whole,
            (Kind::List, Merge::Set) => ListMerge::Set,
            (Kind::List, Merge::Keys(keys)) => ListMerge::Keys(keys.split(',').map(str::to_owned).collect()),
            _ => match self.first_item() {
                Some(Segment::Value(_)) => ListMerge::Set,
                Some(Segment::Key(key)) => ListMerge::Keys(key.keys().cloned().collect()),
                _ if self.sets.is_empty() => ListMerge::Unknown,
                _ => ListMerge::Whole,
            },
        }
    }

    /// Whether a map may be applied as a whole, although its type is unknown: all of its managers own it without its fields.
    fn may_be_whole(&self) -> bool {
        self.shape.kind() == Kind::Unknown
            && !self.sets.is_empty()
            && self.sets.iter().all(|set| set.is_leaf())
    }
}

/// How a list is merged.
enum ListMerge {
    Unknown,
    Whole,
    Set,
    Keys(Vec<String>),
}

fn merge(desired: &Value, live: &mut Value, place: &Place<'_>, findings: &mut Findings) {
    match (desired, &mut *live) {
        (Value::Object(desired), Value::Object(live)) if !place.shape.is_atomic() => {
            if place.may_be_whole() && live.keys().any(|name| !desired.contains_key(name)) {
                findings.is_doubtful = true;
            }
            for (name, value) in desired {
                let place = place.field(name);
                match live.get_mut(name).filter(|live| !live.is_null()) {
                    Some(live) => merge(value, live, &place, findings),
                    None => {
                        if let Some(value) = insertion(value, &place, findings) {
                            live.insert(name.clone(), value);
                        }
                    }
                }
            }
        }
        (Value::Array(wanted), Value::Array(items)) => match place.merge() {
            ListMerge::Set => merge_set(wanted, items, findings),
            ListMerge::Keys(names) => merge_items(wanted, items, &names, place, findings),
            ListMerge::Unknown if !items.is_empty() && desired != &Value::Array(items.clone()) => {
                findings.is_doubtful = true;
                replace(desired, live, place.shape);
            }
            _ => settle(desired, live, place, findings),
        },
        _ => settle(desired, live, place, findings),
    }
}

/// Returns the value of a field that the live object lacks, if the server would store it.
fn insertion(value: &Value, place: &Place<'_>, findings: &mut Findings) -> Option<Value> {
    let likeness = match likeness(Some(value), None, place.shape) {
        // We applied it before, and the server did not store it. A map has every entry.
        Likeness::Other if place.own.is_some() && place.shape.is_optional() => Likeness::Unsure,
        likeness => likeness,
    };
    findings.add(likeness);
    (likeness != Likeness::Same && !value.is_null()).then(|| without_spelling(value))
}

/// Replaces a whole value, unless the server would write it as it is.
fn settle(desired: &Value, live: &mut Value, place: &Place<'_>, findings: &mut Findings) {
    let is_merged =
        matches!(place.shape.kind(), Kind::Struct | Kind::Map | Kind::List) && !place.shape.is_atomic();
    let likeness = if is_merged && desired.is_null() && !is_zero(live) {
        Likeness::Unsure
    } else {
        likeness(Some(desired), Some(live), place.shape)
    };
    findings.add(likeness);
    let is_written = likeness == Likeness::Other || likeness == Likeness::Unsure && !is_zero(desired);
    if is_written {
        replace(desired, live, place.shape);
    }
}

/// Replaces a value. The server will add the same defaults again to an item with the same index.
fn replace(desired: &Value, live: &mut Value, shape: Shape) {
    let old = std::mem::replace(live, without_spelling(desired));
    if shape.kind() == Kind::Struct || live.is_array() {
        keep_defaults(live, old);
    }
}

fn keep_defaults(item: &mut Value, old: Value) {
    match (item, old) {
        (Value::Object(item), Value::Object(old)) => {
            for (name, value) in old {
                match item.get_mut(&name) {
                    Some(item) => keep_defaults(item, value),
                    None => _ = item.insert(name, value),
                }
            }
        }
        (Value::Array(list), Value::Array(old)) if list.len() == old.len() => {
            for (item, old) in list.iter_mut().zip(old) {
                keep_defaults(item, old);
            }
        }
        _ => {}
    }
}

/// Adds the values that a set lacks. Only the server knows the order of the result.
fn merge_set(desired: &[Value], live: &mut Vec<Value>, findings: &mut Findings) {
    let place = |value: &Value| live.iter().position(|other| is_equal(value, other));
    let places: Vec<_> = desired.iter().map(place).collect();
    if places.contains(&None) {
        findings.is_changed = true;
    }
    findings.is_doubtful |= !places.iter().flatten().is_sorted();
    let new = desired.iter().zip(places).filter(|(_, place)| place.is_none());
    let new: Vec<_> = new.map(|(value, _)| without_spelling(value)).collect();
    live.extend(new);
}

fn merge_items(
    desired: &[Value],
    live: &mut Vec<Value>,
    names: &[String],
    place: &Place<'_>,
    findings: &mut Findings,
) {
    let steps = steps_to_items(place);
    let is_meant = |wanted: &Value, item: &Value| is_meant(wanted, item, names, place.shape);
    let mut met = vec![false; live.len()];
    for wanted in desired {
        let found = live.iter_mut().enumerate().find(|(_, item)| is_meant(wanted, item));
        let Some((index, item)) = found else {
            findings.is_changed = true;
            live.push(without_spelling(wanted));
            continue;
        };
        // Two items with one key are an error in Kubernetes' own lists.
        findings.is_doubtful |= met.get_mut(index).is_none_or(|met| std::mem::replace(met, true));
        let step = steps.iter().find(|(key, _)| is_at(key, item)).map_or("", |(_, step)| *step);
        let place = place.item(step);
        if place.shape.is_atomic() {
            settle(wanted, item, &place, findings);
        } else {
            merge(wanted, item, &place, findings);
        }
    }
    // The server uses our order if our items are in another order.
    let location = |item: &Value| desired.iter().position(|wanted| is_meant(wanted, item));
    if !live.iter().filter_map(location).is_sorted() {
        findings.is_doubtful = true;
        live.sort_by_cached_key(|item| location(item).unwrap_or(usize::MAX));
    }
}

/// Returns the items that any manager owns, with the step to each as the sets write it.
fn steps_to_items<'a>(place: &Place<'a>) -> Vec<(Map<String, Value>, &'a str)> {
    let steps = place.sets.iter().flat_map(|set| set.steps());
    let mut items: Vec<_> = steps
        .filter_map(|(step, segment, _)| match segment? {
            Segment::Key(key) => Some((key, step)),
            _ => None,
        })
        .collect();
    items.dedup_by(|(_, one), (_, other)| one == other);
    items
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::live::MANAGER;

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    /// Returns the prediction without managed fields.
    fn predicted(desired: &Value, live: &Value, entries: &[Value]) -> Value {
        let mut live = live.clone();
        live["metadata"]["managedFields"] = entries.into();
        let mut result = predict(desired, &LiveObject::sample(&live)).after;

        result["metadata"].as_object_mut().unwrap().remove("managedFields");
        result
    }

    #[test]
    fn a_service() {
        let live = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "nginx", "uid": "1", "labels": {"app": "nginx", "old": "x", "theirs": "y"},
                "annotations": {"old": "x"}},
            "spec": {"clusterIP": "10.0.0.1", "selector": {"app": "nginx", "v": "1"}, "sessionAffinity": "None", "ports": [
                {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30000},
                {"name": "old", "port": 81, "protocol": "TCP", "targetPort": 81, "nodePort": 30001},
                {"name": "theirs", "port": 99, "protocol": "TCP"}]}});
        let own = json!({
            "f:metadata": {"f:labels": {"f:app": {}, "f:old": {}, "f:theirs": {}}, "f:annotations": {"f:old": {}}},
            "f:spec": {"f:selector": {}, "f:ports": {
                "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}},
                "k:{\"port\":81,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}}}}});
        let theirs = json!({"f:metadata": {"f:labels": {"f:theirs": {}}}, "f:spec": {"f:ports": {
            "k:{\"port\":99,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}});
        let desired = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "nginx", "labels": {"app": "nginx2"}},
            "spec": {"type": "LoadBalancer", "selector": {"app": "nginx"},
                "ports": [{"name": "web", "port": 80}, {"name": "https", "port": 443}]}});
        let expected = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "nginx", "uid": "1", "labels": {"app": "nginx2", "theirs": "y"}},
            "spec": {"clusterIP": "10.0.0.1", "type": "LoadBalancer", "selector": {"app": "nginx"}, "sessionAffinity": "None",
                "ports": [
                    {"name": "web", "port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30000},
                    {"name": "theirs", "port": 99, "protocol": "TCP"},
                    {"name": "https", "port": 443}]}});
        let entries = [entry(MANAGER, "Apply", &own), entry("other", "Update", &theirs)];
        assert_eq!(predicted(&desired, &live, &entries), expected);
    }

    #[test]
    fn a_deployment_without_managed_fields() {
        let container = json!({"name": "a", "image": "a:1", "imagePullPolicy": "Always",
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "volumeMounts": [{"name": "v", "mountPath": "/a", "recursiveReadOnly": "Disabled"}]});
        let live = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
            "replicas": 3, "template": {"spec": {"containers": [container], "nodeSelector": {"a": "b"},
                "tolerations": [{"key": "a", "operator": "Equal", "value": "x"}]}}}});
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
            "template": {"spec": {"nodeSelector": {"c": "d"}, "tolerations": [{"key": "a", "value": "y"}], "containers": [
                {"name": "a", "image": "a:2", "env": [{"name": "B", "value": "3"}], "volumeMounts": [{"mountPath": "/a", "name": "w"}]},
                {"name": "b", "image": "b"}]}}}});
        let mut expected = live.clone();
        let pod = &mut expected["spec"]["template"]["spec"];
        pod["nodeSelector"] = json!({"c": "d"});
        pod["tolerations"][0]["value"] = "y".into();
        pod["containers"][0]["image"] = "a:2".into();
        pod["containers"][0]["env"][1]["value"] = "3".into();
        pod["containers"][0]["volumeMounts"][0]["name"] = "w".into();
        pod["containers"].as_array_mut().unwrap().push(json!({"name": "b", "image": "b"}));
        assert_eq!(predicted(&desired, &live, &[]), expected);
    }

    #[test]
    fn atomic_lists() {
        let live = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "finalizers": ["x", "y"]},
            "rules": [{"a": 1, "default": 2}, {"a": 3}]});
        let own =
            entry(MANAGER, "Apply", &json!({"f:rules": {}, "f:metadata": {"f:finalizers": {"v:\"x\"": {}}}}));
        let desired = |rules: &Value| json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "finalizers": ["z"]}, "rules": rules});
        let result = |rules: Value| predicted(&desired(&rules), &live, std::slice::from_ref(&own));
        assert_eq!(result(json!([{"a": 1}, {"a": 4}]))["rules"], json!([{"a": 1, "default": 2}, {"a": 4}]));
        assert_eq!(result(json!([{"a": 1}]))["rules"], json!([{"a": 1}]));
        assert_eq!(result(json!([]))["metadata"]["finalizers"], json!(["y", "z"]));
    }

    #[test]
    fn our_order_of_items_wins() {
        let live = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [
            {"name": "theirs"}, {"name": "a"}, {"name": "b"}]}});
        let desired = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "b"}, {"name": "a"}]}});
        let names = json!([{"name": "b"}, {"name": "a"}, {"name": "theirs"}]);
        assert_eq!(predicted(&desired, &live, &[])["spec"]["containers"], names);
    }

    #[test]
    fn equal_values_in_other_spellings() {
        let live =
            json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": {"a": 1, "c": 5}});
        let desired = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "creationTimestamp": null},
            "spec": {"a": 2.0, "b": 0.5, "c": null, "d": 1e300}});
        let expected = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": {"a": 2, "b": 0.5, "c": 5, "d": 1e300}});
        assert_eq!(predicted(&desired, &live, &[]), expected);
    }

    #[test]
    fn string_data_of_a_secret_becomes_data() {
        let live =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "eA=="}});
        let desired = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"b": "y"}});
        assert_eq!(predicted(&desired, &live, &[])["data"], json!({"a": "eA==", "b": "eQ=="}));
        let mut wrong = desired.clone();
        wrong["data"] = json!(["x"]);
        assert_eq!(predicted(&wrong, &live, &[])["data"], json!(["x"]), "the server refuses it");
    }
}
