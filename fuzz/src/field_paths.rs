//! Field paths: a path that the API server prints for a field finds this field.

use std::borrow::Cow;

use arbitrary::{Arbitrary, Unstructured};
use largescale::core::live::{get, matches, remove};
use largescale::core::pointer;
use serde_json::Value;

use super::json::{JsonMap, Text, pointers};

#[derive(Arbitrary, Debug)]
struct Input {
    object: JsonMap,
    at: u8,
    pattern: Text,
    any: Text,
}

/// An object, a field of it, and any path.
pub fn paths(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let object = input.object.0;
    let all = pointers(&object);
    let pointer = &all[usize::from(input.at) % all.len()];
    let path = printed(&object, pointer);
    let found = get(&path, &object);
    assert!(found.is_some(), "{path} in {object}");
    if !path.is_empty() {
        let mut rest = object.clone();
        assert!(remove(&path, &mut rest), "{path} in {object}");
        assert_ne!(rest, object, "nothing is removed");
        if path.trim() == path {
            assert!(matches(&path, &path), "{path}");
        }
    }
    for text in [&input.any.0, &input.pattern.0, &path] {
        let is_there = get(text, &object).is_some();
        let mut rest = object.clone();
        assert_eq!(remove(text, &mut rest), is_there && !text.is_empty(), "{text}");
        assert_eq!(rest == object, !is_there || text.is_empty(), "{text}");
        let _ = matches(&input.pattern.0, text);
        let _ = pointer::field(text);
    }
    for pointer in &all {
        let keys: Vec<String> = pointer::keys(pointer).map(Cow::into_owned).collect();
        assert_eq!(&keys.iter().fold(String::new(), |at, key| pointer::join(&at, key)), pointer);
    }
}

/// Returns the path of a pointer as the API server prints it.
fn printed(object: &Value, pointer: &str) -> String {
    let mut path = String::new();
    let mut value = object;
    for key in pointer::keys(pointer) {
        if let Value::Array(list) = value {
            let index: usize = key.parse().expect("an index");
            path.push_str(&selector(list, index));
            value = &list[index];
        } else {
            path.push('.');
            path.push_str(&key);
            value = &value[&*key];
        }
    }
    path
}

fn selector(list: &[Value], index: usize) -> String {
    let item = &list[index];
    let count = |same: &dyn Fn(&Value) -> bool| list.iter().filter(|item| same(item)).count();
    if let Some(text) = literal(item)
        && count(&|other| is_same(other, item)) == 1
    {
        return format!("[={text}]");
    }
    let simple = |key: &&String| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphabetic());
    let fields = item.as_object().into_iter().flatten();
    let mut keys = fields.filter(|(key, value)| simple(key) && literal(value).is_some());
    if let Some((key, value)) = keys.next()
        && count(&|other| other.get(key).is_some_and(|other| is_same(other, value))) == 1
    {
        return format!("[{key}={}]", literal(value).unwrap_or_default());
    }
    format!("[{index}]")
}

/// Returns a scalar as Go prints it.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let mut quoted = "\"".to_owned();
            for c in text.chars() {
                match c {
                    '"' | '\\' => quoted.extend(['\\', c]),
                    c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
                    c => quoted.push(c),
                }
            }
            Some(quoted + "\"")
        }
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some() && one.as_f64() == other.as_f64()
}
