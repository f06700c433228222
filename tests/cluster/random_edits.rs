//! Random edits of an object: typical edits of manifests by people and programs, and invalid ones.

#[path = "../kill/random.rs"]
mod random;

pub(crate) use random::Random;
use serde_json::{Map, Value, json};

/// Returns a random index below `end`.
pub(crate) fn index(random: &mut Random, end: usize) -> usize {
    usize::try_from(random.below(end as u64)).unwrap()
}

pub(crate) fn one_of<'a, T>(random: &mut Random, choices: &'a [T]) -> &'a T {
    &choices[index(random, choices.len())]
}

/// Makes one random change. Some values come from the live object, because people copy fields from it.
pub(crate) fn edit(object: &mut Value, live: &Value, random: &mut Random) {
    let mut all = Vec::new();
    pointers(object, String::new(), &mut all);
    all.retain(|pointer| {
        !["", "/apiVersion", "/kind", "/metadata", "/metadata/name"].contains(&pointer.as_str())
    });
    if all.is_empty() {
        return;
    }
    let pointer = one_of(random, &all).clone();
    match random.below(12) {
        0 | 1 => remove(object, &pointer),
        2 | 3 => add_from(live, object, random),
        4 => {
            if let Some(value) = live.pointer(&pointer) {
                *object.pointer_mut(&pointer).unwrap() = value.clone();
            }
        }
        5 => {
            *object.pointer_mut(&pointer).unwrap() =
                one_of(random, &[json!(null), json!({}), json!([]), json!(""), json!(0), json!(false)])
                    .clone();
        }
        6 => add_field(object, random),
        7 => edit_a_list(object, &all, random),
        _ => {
            let leaves: Vec<_> = all
                .iter()
                .filter(|at| !object.pointer(at).is_some_and(|v| v.is_object() || v.is_array()))
                .collect();
            if !leaves.is_empty() {
                let pointer = *one_of(random, &leaves);
                let value = object.pointer(pointer).unwrap();
                *object.pointer_mut(pointer).unwrap() = another(value, random);
            }
        }
    }
}

/// Returns some of the fields of an object, as another manager would apply them.
pub(crate) fn part(object: &Value, random: &mut Random) -> Value {
    let mut part = object.clone();
    for _ in 0..=random.below(8) {
        let mut all = Vec::new();
        pointers(&part, String::new(), &mut all);
        // Keep key fields most of the time, otherwise the server would reject every object.
        all.retain(|at| {
            !["", "/apiVersion", "/kind", "/metadata", "/metadata/name"].contains(&at.as_str())
                && !["/name", "/port", "/containerPort", "/mountPath"].iter().any(|key| at.ends_with(key))
        });
        if !all.is_empty() {
            let pointer: &String = one_of(random, &all);
            remove(&mut part, pointer);
        }
    }
    part
}

fn pointers(value: &Value, at: String, all: &mut Vec<String>) {
    let key = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(name, value)| pointers(value, format!("{at}/{}", key(name)), all));
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(location, value)| pointers(value, format!("{at}/{location}"), all));
        }
        _ => {}
    }
    all.push(at);
}

fn remove(object: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => _ = map.remove(&name.replace("~1", "/").replace("~0", "~")),
        Some(Value::Array(list)) => _ = list.remove(name.parse().unwrap()),
        _ => unreachable!("{pointer}"),
    }
}

/// Adds a field of the live object that `object` lacks: a default, or a field of another manager.
fn add_from(live: &Value, object: &mut Value, random: &mut Random) {
    let mut all = Vec::new();
    pointers(live, String::new(), &mut all);
    all.retain(|at| {
        let Some((parent, _)) = at.rsplit_once('/') else { return false };
        (at.starts_with("/spec/")
            || at.starts_with("/data/")
            || at.starts_with("/metadata/annotations")
            || at.starts_with("/metadata/labels"))
            && object.pointer(at).is_none()
            && object.pointer(parent).is_some_and(Value::is_object)
    });
    if all.is_empty() {
        return;
    }
    let pointer = one_of(random, &all);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    let value = live.pointer(pointer).unwrap().clone();
    object.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().insert(name, value);
}

fn add_field(object: &mut Value, random: &mut Random) {
    let value =
        one_of(random, &[json!("new"), json!(7), json!({}), json!({"a": 1}), json!([]), json!({"x": "y"})])
            .clone();
    let (parent, name) = *one_of(
        random,
        &[
            ("/metadata/annotations", "new.example.com/x"),
            ("/metadata/labels", "new"),
            ("/data", "new"),
            ("/spec/free", "new"),
            ("/spec/byName", "new"),
            ("/spec/whole", "new"),
            ("/spec/lists", "new"),
            ("/spec", "selector"),
            ("/spec", "size"),
            ("/spec", "strategy"),
            ("/spec", "new"),
            ("", "status"),
            ("/metadata", "ownerReferences"),
            ("/metadata", "resourceVersion"),
        ],
    );
    let mut at = object;
    for name in parent.split('/').skip(1) {
        if !at.is_object() {
            return;
        }
        at = at.as_object_mut().unwrap().entry(name).or_insert_with(|| Map::new().into());
    }
    if let Some(map) = at.as_object_mut() {
        map.insert(name.to_owned(), value);
    }
}

fn edit_a_list(object: &mut Value, all: &[String], random: &mut Random) {
    let lists: Vec<_> = all.iter().filter(|at| object.pointer(at).is_some_and(Value::is_array)).collect();
    if lists.is_empty() {
        return;
    }
    let pointer = *one_of(random, &lists);
    let list = object.pointer_mut(pointer).unwrap().as_array_mut().unwrap();
    if list.is_empty() {
        return;
    }
    let location = index(random, list.len());
    match random.below(4) {
        0 => list.rotate_left(1),
        1 => list.reverse(),
        2 => list.push(list[location].clone()),
        _ => {
            let mut item = list[location].clone();
            match &mut item {
                Value::Object(item) => {
                    for (_, value) in item.iter_mut().filter(|(name, _)| {
                        ["name", "port", "containerPort", "mountPath"].contains(&name.as_str())
                    }) {
                        *value = match &*value {
                            Value::Number(number) => json!(number.as_i64().unwrap_or(1) + 1),
                            Value::String(text) => json!(format!("{text}x")),
                            other => other.clone(),
                        };
                    }
                }
                Value::String(text) => text.push('x'),
                _ => {}
            }
            list.insert(location, item);
        }
    }
}

/// Returns another value, or the same value in another notation.
fn another(value: &Value, random: &mut Random) -> Value {
    const SPELLINGS: &[(&str, &str)] = &[
        ("500m", "0.5"),
        ("0.5", "500m"),
        ("1Gi", "1024Mi"),
        ("1024Mi", "1Gi"),
        ("10%", "20%"),
        ("TCP", "UDP"),
        ("UDP", "TCP"),
        ("1", "1.0"),
    ];
    match value {
        Value::Bool(is) => json!(!is),
        Value::Number(number) if random.below(2) == 0 => json!(number.as_f64().unwrap()),
        Value::Number(number) => json!(number.as_i64().unwrap_or(1) + 1),
        Value::String(text) => {
            let spelling = SPELLINGS.iter().find(|(one, _)| one == text).map(|(_, other)| *other);
            match random.below(3) {
                0 => text.parse::<i64>().map_or_else(|_| json!(format!("{text}x")), |number| json!(number)),
                1 => json!(format!("{text}1")),
                _ => json!(spelling.unwrap_or("other")),
            }
        }
        other => other.clone(),
    }
}
