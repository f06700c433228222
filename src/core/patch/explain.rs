//! Explains why an operation does not fit an object. Never shows a value of a Secret.

use json_patch::PatchOperation;
use serde_json::Value;

use crate::core::patch::item_path::step;
use crate::core::pointer;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::mask::hides;
use crate::core::report::plural::plural;
use crate::core::report::suggest::did_you_mean;

/// Ends the message of an operation on a value of a Secret.
pub(super) const NOT_SHOWN: &str = "values of a Secret are not shown";

/// Explains the failure with the fields of the document: how much of the path exists, and what is there instead. `described`
/// names the operation and the object. The error has no location.
pub(super) fn explain(described: &str, object: &Value, operation: &PatchOperation) -> Diagnostic {
    let path = operation.path().to_string();
    let problem = |why: String| Diagnostic::error(format!("{described}: {why}"));
    if let PatchOperation::Test(test) = operation
        && let Some(found) = object.pointer(&path)
    {
        if hides(object, &path) {
            return problem(format!("the value differs from the one that the test expects; {NOT_SHOWN}"));
        }
        return problem(format!("found {}, the test expects {}", kind_of(found), kind_of(&test.value)));
    }
    let from = match operation {
        PatchOperation::Move(it) => Some(it.from.to_string()),
        PatchOperation::Copy(it) => Some(it.from.to_string()),
        _ => None,
    };
    let wanted = from.filter(|from| object.pointer(from).is_none()).unwrap_or(path);
    let (deepest, parent, missing) = deepest(object, &wanted);
    let there = if deepest.is_empty() { "the object".to_owned() } else { format!("`{deepest}`") };
    match parent {
        Value::Object(map) => {
            let near = did_you_mean(&missing, map.keys().map(String::as_str));
            let keys: Vec<_> = map.keys().map(String::as_str).collect();
            problem(format!("{there} has no `{missing}`{near}"))
                .hint(format!("available keys: {}", keys.join(", ")))
        }
        Value::Array(list) => {
            problem(format!("{there} has {} but no `{missing}`", plural(list.len(), "item")))
                .hint("indexes start at 0; `-` means after the last item")
        }
        _ if hides(object, &deepest) => problem(format!("{there} has no fields; {NOT_SHOWN}")),
        plain => problem(format!("{there} is {}, which has no fields", kind_of(plain))),
    }
}

/// Returns the deepest part of a path that exists: its pointer, its value, and the first key that is missing.
fn deepest<'a>(object: &'a Value, path: &str) -> (String, &'a Value, String) {
    let mut at = String::new();
    let mut value = object;
    for key in pointer::keys(path) {
        let Some(next) = step(value, &key) else { return (at, value, key.into_owned()) };
        pointer::push(&mut at, &key);
        value = next;
    }
    (at, value, String::new())
}
