//! Path segments that name an item of a list: `/spec/template/spec/containers/name=app/image`.
//!
//! RFC 6901 uses indexes, and users of kustomize count items by hand. A segment `key=value` names the item instead. Several
//! conditions are separated by commas: `port=53,protocol=UDP`. They are resolved against the object before the patch is
//! applied, and only if the parent is a list: in an object, a key that contains `=` is just a key.

use serde_json::Value;

use crate::core::pointer;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::report::suggest::did_you_mean;

/// Whether a path may name items. Most paths do not, and need no lookup in the object.
pub fn names_items(path: &str) -> bool {
    path.contains('=')
}

/// Returns the path with indexes instead of item names, and the number of items that were searched; an error has a message
/// and a hint, but no location.
pub fn resolve(object: &Value, path: &str) -> (Result<String, Diagnostic>, usize) {
    let mut resolved = String::with_capacity(path.len());
    let mut at = Some(object);
    let mut searched = 0;
    for key in pointer::keys(path) {
        let key = match at {
            Some(Value::Array(list)) if key.contains('=') => {
                // A condition costs as much as a few bytes of JSON.
                searched += 16 * list.len() * key.split(',').count();
                match find(list, &key) {
                    Ok(index) => index.into(),
                    Err((why, hint)) => {
                        let problem = Diagnostic::error(format!("`{resolved}` {why}")).hint(hint);
                        return (Err(problem), searched);
                    }
                }
            }
            _ => key,
        };
        at = at.and_then(|value| step(value, &key));
        pointer::push(&mut resolved, &key);
    }
    (Ok(resolved), searched)
}

/// Returns the member or item with this key.
pub fn step<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(map) => map.get(key),
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Returns the index of the one item that meets all conditions; otherwise an error with the reason, and a list of items.
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
            Err((format!("has no item with `{segment}`{near}"), available(list, &conditions)))
        }
        several => Err((
            format!("has {} with `{segment}`", plural(several.len(), "item")),
            format!("add a condition, such as `{segment},KEY=VALUE`; {}", available(list, &conditions)),
        )),
    }
}

/// Splits `a=b,c=d` into pairs. A part without `=` belongs to the value before it.
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

/// The number of items in a hint; further ones are counted.
const SHOWN: usize = 20;

/// Lists the items as segments that would name them.
fn available(list: &[Value], conditions: &[(&str, String)]) -> String {
    if list.is_empty() {
        return "the list is empty".to_owned();
    }
    // If a key is unknown, show all scalars of the item.
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
        if scalars.is_empty() { "an item without scalar fields".to_owned() } else { scalars.join(",") }
    });
    let rest = list.len().saturating_sub(SHOWN);
    let more = if rest == 0 { String::new() } else { format!("; and {rest} more") };
    format!("available items: {}{more}", described.take(SHOWN).collect::<Vec<_>>().join("; "))
}

/// Formats a scalar as in a condition.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Removes the value at a pointer, and returns it.
pub(super) fn take(object: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, _) = pointer.rsplit_once('/')?;
    let key = pointer::keys(pointer).last()?;
    match object.pointer_mut(parent)? {
        Value::Object(map) => map.remove(&*key),
        Value::Array(list) => {
            let index = key.parse().ok().filter(|index| *index < list.len())?;
            Some(list.remove(index))
        }
        _ => None,
    }
}

/// Puts a value back that was just taken from a pointer.
pub(super) fn put_back(object: &mut Value, pointer: &str, value: Value) {
    let Some((parent, _)) = pointer.rsplit_once('/') else { return };
    let Some(key) = pointer::keys(pointer).last() else { return };
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.insert(key.into_owned(), value)),
        Some(Value::Array(list)) => list.insert(key.parse().unwrap_or(list.len()).min(list.len()), value),
        _ => {}
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
    fn item_names_become_indexes() {
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
            assert_eq!(resolve(&object(), path).0.unwrap(), expected, "{path}");
        }
    }

    #[track_caller]
    fn fails(path: &str, message: &str, hint: &str) {
        let problem = resolve(&object(), path).0.unwrap_err();
        assert_eq!((problem.message.as_str(), problem.hint.as_deref()), (message, Some(hint)));
    }

    #[test]
    fn no_match_and_several_matches_list_the_items() {
        fails(
            "/containers/name=ap/image",
            "`/containers` has no item with `name=ap`, did you mean `app`?",
            "available items: name=app; name=log",
        );
        fails(
            "/ports/port=53/name",
            "`/ports` has 2 items with `port=53`",
            "add a condition, such as `port=53,KEY=VALUE`; available items: name=dns,port=53,protocol=UDP; name=dns-tcp,port=53,protocol=TCP",
        );
        fails(
            "/containers/title=app",
            "`/containers` has no item with `title=app`",
            "available items: image=a,name=app; image=b,name=log",
        );
        fails(
            "/args/a=b",
            "`/args` has no item with `a=b`",
            "available items: an item without scalar fields",
        );
    }
}
