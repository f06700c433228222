//! Managed fields: what is certain to be unchanged is estimated as unchanged, and differences are those of the values.

use arbitrary::{Arbitrary, Unstructured};
use largescale::core::live::{
    Effect, Entry, FieldSet, LiveObject, MANAGER, Outlook, Prediction, changes, cleaned, digest, effect,
    entries, intended, is_unchanged, migration, ours, predict,
};
use serde_json::{Map, Value, json};

use super::json::{Edit, Json, JsonMap, Text};

#[derive(Arbitrary, Debug)]
struct Input {
    kind: u8,
    content: JsonMap,
    desired_edits: Vec<Edit>,
    live_edits: Vec<Edit>,
    entries: Vec<EntryInput>,
    own: Vec<bool>,
    has_own: bool,
    raw: Option<Json>,
}

#[derive(Arbitrary, Debug)]
struct EntryInput {
    manager: u8,
    is_apply: bool,
    subresource: Option<Text>,
    time: Option<Text>,
    owned: Vec<bool>,
    edits: Vec<Edit>,
}

const KINDS: &[(&str, &str)] = &[
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("x.io/v1", "Thing"),
];

/// A desired object, and a live one with its managers.
pub fn pairs(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let (version, kind) = KINDS[usize::from(input.kind) % KINDS.len()];
    let mut desired = input.content.0.clone();
    for (key, value) in [
        ("apiVersion", json!(version)),
        ("kind", json!(kind)),
        ("metadata", json!({"name": "a", "labels": {"x": "y"}})),
    ] {
        desired[key] = value;
    }
    let mut live = desired.clone();
    input.live_edits.iter().take(4).for_each(|edit| edit.apply(&mut live));
    input.desired_edits.iter().take(4).for_each(|edit| edit.apply(&mut desired));

    // What this program and others own: parts of the objects.
    let mut list = Vec::new();
    if input.has_own {
        let mut bits = input.own.iter().copied();
        list.push(
            json!({"manager": MANAGER, "operation": "Apply", "apiVersion": version, "fieldsType": "FieldsV1",
            "fieldsV1": owned(&desired, &mut || bits.next().unwrap_or(true), true)}),
        );
    }
    for entry in input.entries.iter().take(3) {
        let mut bits = entry.owned.iter().copied();
        let mut fields = owned(&live, &mut || bits.next().unwrap_or(false), true);
        entry.edits.iter().take(3).for_each(|edit| edit.apply(&mut fields));
        let manager = ["kubectl", "controller", MANAGER][usize::from(entry.manager) % 3];
        let operation = if entry.is_apply { "Apply" } else { "Update" };
        let mut value = json!({"manager": manager, "operation": operation, "apiVersion": version,
            "fieldsType": "FieldsV1", "fieldsV1": fields});
        for (key, text) in [("subresource", &entry.subresource), ("time", &entry.time)] {
            if let Some(text) = text {
                value[key] = text.0.as_str().into();
            }
        }
        list.push(value);
    }
    if let Some(Value::Object(metadata)) = live.get_mut("metadata") {
        metadata.insert("managedFields".to_owned(), list.into());
        metadata.insert("resourceVersion".to_owned(), "7".into());
    }
    compared(&desired, &live);
    if let Some(raw) = &input.raw {
        compared(&desired, &raw.0);
        compared(&raw.0, &live);
    }
}

fn compared(desired: &Value, live: &Value) {
    let found = changes(desired, live);
    assert_eq!(found.is_empty(), desired == live, "{found:?}");
    assert_eq!(digest("salt", &found), digest("salt", &changes(desired, live)));
    let pointers: Vec<_> = found.iter().map(|change| &change.pointer).collect();
    assert!(pointers.is_sorted());
    assert!(found.iter().all(|change| change.old != change.new));
    let kept = intended(found.clone(), desired).len();
    assert!(kept <= found.len());
    let clean = cleaned(live);
    assert_eq!(cleaned(&clean), clean, "not clean");
    // The server never returns `stringData`: it writes the values to `data`.
    if let Ok(live) = LiveObject::read(live.clone())
        && live.value().get("stringData").is_none()
    {
        applied(desired, &live, &clean);
    }
}

/// What an apply would do to a live object.
fn applied(desired: &Value, live: &LiveObject, clean: &Value) {
    let known = entries(live);
    let own = known.as_deref().and_then(ours);
    assert!(own.is_none_or(Entry::is_ours));
    for entry in known.iter().flatten() {
        steps(entry.fields);
    }

    assert_eq!(effect(live, live), Effect::None);
    if let Ok(clean) = LiveObject::read(clean.clone()) {
        assert_ne!(effect(live, &clean), Effect::Values, "bookkeeping counts as a value");
    }

    let Prediction { after: estimate, outlook } = predict(desired, live);
    if outlook == Outlook::Same {
        let differing = changes(&cleaned(&estimate), clean);
        assert!(differing.is_empty(), "the same, but {differing:?}\n{desired}\n{}", live.value());
    }
    if is_unchanged(desired, live) {
        assert_ne!(outlook, Outlook::Changed, "unchanged\n{desired}\n{}", live.value());
        let differing = changes(&cleaned(&estimate), clean);
        assert!(differing.is_empty(), "unchanged, but {differing:?}\n{desired}\n{}", live.value());
    }
    if let (true, Ok(again)) = (has_keys(desired), LiveObject::read(estimate.clone())) {
        assert_eq!(
            predict(desired, &again).after,
            estimate,
            "another apply changes it again\n{desired}\n{}",
            live.value()
        );
    }
    if let Some(patch) = migration(live, |entry| entry.manager == "kubectl", MANAGER) {
        let patch: json_patch::Patch = serde_json::from_value(patch).expect("a JSON patch");
        let mut migrated = live.value().clone();
        if json_patch::patch(&mut migrated, &patch.0).is_ok() {
            let migrated = LiveObject::read(migrated).expect("a valid object");
            let entries = entries(&migrated).expect("valid entries");
            assert!(entries.iter().all(|entry| entry.manager != "kubectl"));
            assert!(ours(&entries).is_some());
        }
    }
}

/// Whether the items of all lists have different names, as the API server requires for lists that are merged.
fn has_keys(value: &Value) -> bool {
    match value {
        Value::Array(list) => {
            let mut names: Vec<_> = list.iter().map(|item| item["name"].as_str()).collect();
            names.sort_unstable();
            let is_named =
                names.iter().all(Option::is_some) && names.windows(2).all(|pair| pair[0] != pair[1]);
            is_named && list.iter().all(has_keys)
        }
        Value::Object(map) => map.values().all(has_keys),
        _ => true,
    }
}

fn steps(set: FieldSet<'_>) {
    let mut count = 0;
    for (step, segment, below) in set.steps() {
        count += 1;
        assert_eq!(set.below(step), below);
        if let (Some(largescale::core::live::Segment::Field(name)), Some(below)) = (&segment, below) {
            assert_eq!(set.field(name), Some(below));
        }
        below.into_iter().for_each(steps);
    }
    assert!(!set.is_leaf() || count == 0);
}

/// Returns the field set of a part of an object, in the form of the API server.
fn owned(value: &Value, choose: &mut dyn FnMut() -> bool, is_root: bool) -> Value {
    let mut set = Map::new();
    match value {
        Value::Object(map) => {
            let skipped = |key: &str| is_root && ["apiVersion", "kind", "status"].contains(&key);
            for (key, value) in map.iter().filter(|(key, _)| !skipped(key)) {
                if is_root && key == "metadata" {
                    let labels = &value["labels"];
                    set.insert("f:metadata".to_owned(), json!({"f:labels": owned(labels, choose, false)}));
                } else if choose() {
                    set.insert(format!("f:{key}"), owned(value, choose, false));
                }
            }
        }
        Value::Array(list) => {
            for item in list {
                let step = match item {
                    Value::Object(fields) => {
                        let key = ["name", "port", "ip"].iter().find_map(|key| fields.get_key_value(*key));
                        let Some((key, value)) = key else { return Value::Object(Map::new()) };
                        format!("k:{}", json!({key: value}))
                    }
                    Value::Array(_) => return Value::Object(Map::new()),
                    scalar => format!("v:{scalar}"),
                };
                let mut below = owned(item, choose, false);
                if let (true, Some(below)) = (item.is_object(), below.as_object_mut()) {
                    below.insert(".".to_owned(), json!({}));
                }
                if choose() {
                    set.insert(step, below);
                }
            }
        }
        _ => {}
    }
    Value::Object(set)
}
