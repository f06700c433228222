//! Segments of a path that name an item of a list: `/spec/template/spec/containers/name=app/image`.
//!
//! RFC 6901 counts items, and kustomize's users count by hand. A segment `key=value` names the item instead, and several
//! conditions stand side by side: `port=53,protocol=UDP`. They are looked up in the object before the patch is applied.
//! Only where the parent is a list: a member of an object whose key has a `=` in it is that member.

use serde_json::Value;

use crate::core::pointer;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::report::suggest::did_you_mean;

/// Whether a path may name items; most do not, and need no look at the object.
pub fn names_items(path: &str) -> bool {
    path.contains('=')
}

/// The path with indexes where it named items; the error is a sentence with its hint, without a place.
pub fn resolve(object: &Value, path: &str) -> Result<String, Diagnostic> {
    let mut resolved = String::with_capacity(path.len());
    let mut at = Some(object);
    for key in pointer::keys(path) {
        let key = match at {
            Some(Value::Array(list)) if key.contains('=') => find(list, &key)
                .map_err(|(why, hint)| Diagnostic::error(format!("`{resolved}` {why}")).hint(hint))?,
            _ => key,
        };
        at = at.and_then(|value| step(value, &key));
        pointer::push(&mut resolved, &key);
    }
    Ok(resolved)
}

/// The value of a member or item.
pub fn step<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(key),
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

/// The index of the one item for which all conditions hold, or why there is not one, and what there is.
fn find(list: &[Value], segment: &str) -> Result<String, (String, String)> {
    let conditions = conditions(segment);
    let fits =
        |item: &Value| conditions.iter().all(|(key, value)| text(&item[*key]).as_deref() == Some(value));
    let found: Vec<usize> = (0..list.len()).filter(|index| fits(&list[*index])).collect();
    match found.as_slice() {
        [one] => Ok(one.to_string()),
        [] => {
            let near = match conditions.as_slice() {
                [(key, value)] => {
                    let known: Vec<String> = list.iter().filter_map(|item| text(&item[*key])).collect();
                    did_you_mean(value, known.iter().map(String::as_str))
                }
                _ => String::new(),
            };
            Err((format!("has no item with `{segment}`{near}"), there_is(list, &conditions)))
        }
        several => Err((
            format!("has {} with `{segment}`", plural(several.len(), "item")),
            format!("add a condition, such as `{segment},KEY=VALUE`; {}", there_is(list, &conditions)),
        )),
    }
}

/// `a=b,c=d` as pairs. A comma that begins no condition is part of the value before it.
fn conditions(segment: &str) -> Vec<(&str, String)> {
    let mut conditions: Vec<(&str, String)> = Vec::new();
    for part in segment.split(',') {
        match (part.split_once('='), conditions.last_mut()) {
            (Some((key, value)), _) => conditions.push((key, value.to_owned())),
            (None, Some((_, value))) => {
                value.push(',');
                value.push_str(part);
            }
            (None, None) => conditions.push((part, String::new())),
        }
    }
    conditions
}

/// The items of a list as the segments that would name them.
fn there_is(list: &[Value], conditions: &[(&str, String)]) -> String {
    if list.is_empty() {
        return "the list is empty".to_owned();
    }
    // Where a key is unknown, the scalars of an item tell best what it could have been.
    let described = list.iter().map(|item| {
        let asked: Vec<String> =
            conditions.iter().filter_map(|(key, _)| Some(format!("{key}={}", text(&item[*key])?))).collect();
        if asked.len() == conditions.len() && list.len() > 1 {
            let all_same = list
                .iter()
                .all(|other| conditions.iter().all(|(key, _)| text(&other[*key]) == text(&item[*key])));
            if !all_same {
                return asked.join(",");
            }
        }
        let members = item.as_object().into_iter().flatten();
        let scalars: Vec<String> =
            members.filter_map(|(key, value)| Some(format!("{key}={}", text(value)?))).collect();
        if scalars.is_empty() { "an item without scalars".to_owned() } else { scalars.join(",") }
    });
    format!("there is: {}", described.collect::<Vec<_>>().join("; "))
}

/// A scalar as it is written in a condition.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "containers": [{"name": "app", "image": "a"}, {"name": "log", "image": "b"}],
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP"},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            ],
            "args": ["a=b"],
            "annotations": {"a=b": "x", "list": [{"name": "a/b,c", "v": 1}]},
        })
    }

    #[test]
    fn names_become_indexes() {
        for (path, expected) in [
            ("/containers/name=log/image", "/containers/1/image"),
            ("/ports/port=53,protocol=TCP/port", "/ports/1/port"),
            ("/ports/name=dns", "/ports/0"),
            ("/containers/1/image", "/containers/1/image"),
            ("/containers/-", "/containers/-"),
            ("/annotations/a=b", "/annotations/a=b"),
            ("/annotations/new=key", "/annotations/new=key"),
            ("/annotations/list/name=a~1b,c/v", "/annotations/list/0/v"),
            ("/absent/name=x", "/absent/name=x"),
        ] {
            assert_eq!(resolve(&object(), path).unwrap(), expected, "{path}");
        }
    }

    #[track_caller]
    fn fails(path: &str, message: &str, hint: &str) {
        let problem = resolve(&object(), path).unwrap_err();
        assert_eq!((problem.message.as_str(), problem.hint.as_deref()), (message, Some(hint)));
    }

    #[test]
    fn no_item_and_several_items_say_what_there_is() {
        fails(
            "/containers/name=ap/image",
            "`/containers` has no item with `name=ap`, did you mean `app`?",
            "there is: name=app; name=log",
        );
        fails(
            "/ports/port=53/name",
            "`/ports` has 2 items with `port=53`",
            "add a condition, such as `port=53,KEY=VALUE`; there is: name=dns,port=53,protocol=UDP; name=dns-tcp,port=53,protocol=TCP",
        );
        fails(
            "/containers/nam=app",
            "`/containers` has no item with `nam=app`",
            "there is: image=a,name=app; image=b,name=log",
        );
        fails("/args/a=b", "`/args` has no item with `a=b`", "there is: an item without scalars");
    }
}
