//! Estimates the result of an apply on the client, for users who have read access only.
//!
//! The server knows schemas, defaults and webhooks; this estimate knows only the managed fields. It is shown to users, but
//! no decision depends on it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::core::live::live_object::LiveObject;
use crate::core::live::managed_fields::{FieldSet, Segment};
use crate::core::live::{builtin_schemas, managed_fields};

/// Returns the estimated live object after an apply.
#[must_use]
pub fn predict(desired: &Value, live: &LiveObject) -> Value {
    let entries = managed_fields::entries(live).unwrap_or_default();
    let all: Vec<_> = entries.iter().map(|entry| entry.fields).collect();
    let others: Vec<_> = entries.iter().filter(|entry| !entry.is_ours()).map(|entry| entry.fields).collect();
    let desired = as_stored(desired);
    let atomic = builtin_schemas::atomic_maps(desired["apiVersion"].as_str().unwrap_or_default());
    let mut result = live.value().clone();
    merge(&desired, &mut result, &Position { sets: all, name: "", atomic });
    if let Some(own) = managed_fields::ours(&entries) {
        remove_unwanted(own.fields, &others, Some(&desired), &mut result);
    }
    result
}

/// Returns the desired object as the server stores it: without nulls, with `80.0` as 80, and with `stringData` of a Secret
/// merged into `data`.
fn as_stored(desired: &Value) -> Value {
    let mut desired = without_spelling(desired);
    if desired["kind"] == "Secret"
        && let Some(fields) = desired.as_object_mut()
        && let Some(Value::Object(texts)) = fields.remove("stringData")
    {
        let data = fields.entry("data").or_insert_with(|| Map::new().into());
        for (name, text) in texts {
            // The API server refuses data of another shape.
            let Some(data) = data.as_object_mut() else { break };
            data.insert(name, STANDARD.encode(text.as_str().unwrap_or_default()).into());
        }
    }
    desired
}

fn without_spelling(value: &Value) -> Value {
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
struct Position<'a> {
    /// The fields of every manager below it.
    sets: Vec<FieldSet<'a>>,
    /// The name of the nearest field above.
    name: &'a str,
    atomic: &'static [&'static str],
}

impl<'a> Position<'a> {
    fn field(&self, name: &'a str) -> Self {
        Self { sets: self.sets.iter().filter_map(|set| set.field(name)).collect(), name, ..*self }
    }

    fn step(&self, step: &str) -> Self {
        Self { sets: below(&self.sets, step), ..*self }
    }

    /// Returns the first step below it that any manager owns.
    fn first_item(&self) -> Option<Segment<'a>> {
        self.sets.iter().find_map(|set| set.steps().next()?.1)
    }

    fn is_whole(&self) -> bool {
        self.sets.iter().all(|set| set.is_leaf()) && self.atomic.contains(&self.name)
    }
}

fn below<'a>(sets: &[FieldSet<'a>], step: &str) -> Vec<FieldSet<'a>> {
    sets.iter().filter_map(|set| set.below(step)).collect()
}

fn merge(desired: &Value, live: &mut Value, position: &Position<'_>) {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) if !position.is_whole() => {
            for (name, value) in desired {
                match live.get_mut(name) {
                    Some(live) => merge(value, live, &position.field(name)),
                    None => _ = live.insert(name.clone(), value.clone()),
                }
            }
        }
        (Value::Array(desired), Value::Array(live)) => match position.first_item() {
            Some(Segment::Value(_)) => {
                let new: Vec<_> = desired.iter().filter(|value| !live.contains(value)).cloned().collect();
                live.extend(new);
            }
            Some(Segment::Key(key)) => {
                let names: Vec<_> = key.keys().map(String::as_str).collect();
                merge_items(desired, live, &names, position);
            }
            _ => match builtin_schemas::list_keys(position.name) {
                names if !names.is_empty() && position.sets.is_empty() => {
                    merge_items(desired, live, names, position);
                }
                _ => replace_items(desired, live),
            },
        },
        (desired, live) => *live = desired.clone(),
    }
}

fn merge_items(desired: &[Value], live: &mut Vec<Value>, names: &[&str], position: &Position<'_>) {
    let steps = steps_to_items(position);
    for wanted in desired {
        match live.iter_mut().find(|item| is_meant(wanted, item, names)) {
            Some(item) => {
                let step = steps.iter().find(|(key, _)| is_at(key, item)).map_or("", |(_, step)| *step);
                merge(wanted, item, &position.step(step));
            }
            None => live.push(wanted.clone()),
        }
    }
    // The server uses our order if our items are in another order.
    let location = |item: &Value| desired.iter().position(|wanted| is_meant(wanted, item, names));
    if !live.iter().filter_map(location).is_sorted() {
        live.sort_by_cached_key(|item| location(item).unwrap_or(usize::MAX));
    }
}

/// Returns the items that any manager owns, with the step to each as the sets write it.
fn steps_to_items<'a>(position: &Position<'a>) -> Vec<(Map<String, Value>, &'a str)> {
    let steps = position.sets.iter().flat_map(|set| set.steps());
    let mut items: Vec<_> = steps
        .filter_map(|(step, segment, _)| match segment? {
            Segment::Key(key) => Some((key, step)),
            _ => None,
        })
        .collect();
    items.dedup_by(|(_, one), (_, other)| one == other);
    items
}

/// Returns whether the key fields in our item equal those of the live item; omitted key fields are defaults.
fn is_meant(wanted: &Value, item: &Value, names: &[&str]) -> bool {
    names.iter().all(|name| wanted.get(name).is_none_or(|value| item.get(name) == Some(value)))
        && names.iter().any(|name| wanted.get(name).is_some())
}

fn is_at(key: &Map<String, Value>, item: &Value) -> bool {
    key.iter().all(|(name, value)| item.get(name) == Some(value))
}

/// Replaces an atomic list. The server will add the same defaults again to an item with the same index.
fn replace_items(desired: &[Value], live: &mut Vec<Value>) {
    let lines_up = desired.len() == live.len();
    let old = std::mem::replace(live, desired.to_vec());
    if lines_up {
        for (item, old) in live.iter_mut().zip(old) {
            keep_defaults(item, old);
        }
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

/// Removes the fields that we applied last time, no longer want, and no other manager owns.
fn remove_unwanted(own: FieldSet<'_>, others: &[FieldSet<'_>], desired: Option<&Value>, live: &mut Value) {
    for (step, segment, inner) in own.steps() {
        let (Some(segment), Some(inner)) = (segment, inner) else { continue };
        let others = below(others, step);
        match (segment, &mut *live) {
            (Segment::Field(name), Value::Object(live)) => {
                let wanted = desired.and_then(|desired| desired.get(name));
                let Some(value) = live.get_mut(name) else { continue };
                if is_gone(inner, &others, wanted, value) {
                    live.remove(name);
                }
            }
            (Segment::Key(key), Value::Array(live)) => {
                let names: Vec<_> = key.keys().map(String::as_str).collect();
                let Some(index) = live.iter().position(|item| is_at(&key, item)) else { continue };
                let items = desired.and_then(Value::as_array).into_iter().flatten();
                let wanted = items.into_iter().find(|wanted| is_meant(wanted, &live[index], &names));
                if wanted.is_none() && others.is_empty() || is_gone(inner, &others, wanted, &mut live[index])
                {
                    live.remove(index);
                }
            }
            (Segment::Value(value), Value::Array(live)) => {
                let is_wanted = desired.and_then(Value::as_array).is_some_and(|list| list.contains(&value));
                if !is_wanted && others.is_empty() {
                    live.retain(|other| *other != value);
                }
            }
            _ => {}
        }
    }
}

fn is_gone(own: FieldSet<'_>, others: &[FieldSet<'_>], wanted: Option<&Value>, value: &mut Value) -> bool {
    if own.is_leaf() {
        return wanted.is_none() && others.is_empty();
    }
    remove_unwanted(own, others, wanted, value);
    let is_empty = match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    is_empty && wanted.is_none()
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
        let mut result = predict(desired, &LiveObject::sample(&live));

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
        let live = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": {"containers": [
            {"name": "theirs"}, {"name": "a"}, {"name": "b"}]}});
        let desired = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "b"}, {"name": "a"}]}});
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
