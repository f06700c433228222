//! Values of Secrets that patches move or copy to places that everyone may see.
//!
//! A copy is masked like the value itself, because every mask of the object knows the value from it. If the object no longer has
//! the value, later commands cannot know that the copy is secret, so the render refuses it.

use std::collections::BTreeSet;

use json_patch::PatchOperation;
use serde_json::Value;

use crate::core::manifest::Key;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::mask::{Mask, add_texts, is_value_of_secret, mentions_one};
use crate::core::report::secret_text::redacted;

/// The values of Secrets that the patches of one object moved or copied elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaks {
    texts: BTreeSet<String>,
    /// The operations, with the pointers to which they wrote.
    operations: Vec<(String, Location)>,
}

impl Leaks {
    /// Records an operation that was applied to an object.
    pub(super) fn note(&mut self, object: &Value, operation: &PatchOperation, location: &Location) {
        let (from, path) = match operation {
            PatchOperation::Copy(it) => (&it.from, &it.path),
            PatchOperation::Move(it) => (&it.from, &it.path),
            _ => return,
        };
        if !is_value_of_secret(object, from.as_str()) || is_value_of_secret(object, path.as_str()) {
            return;
        }
        let list = path.as_str().strip_suffix("/-").and_then(|list| object.pointer(list)?.as_array()?.last());
        if let Some(value) = list.or_else(|| object.pointer(path.as_str())) {
            add_texts(value, &mut self.texts);
            self.operations.push((path.to_string(), location.clone()));
        }
    }

    /// Returns a problem of the object without these values.
    pub(super) fn hide(&self, problem: Diagnostic) -> Diagnostic {
        if self.texts.is_empty() {
            return problem;
        }
        let hint = problem.hint.map(|hint| redacted(&hint, &self.texts));
        Diagnostic { message: redacted(&problem.message, &self.texts), hint, ..problem }
    }

    /// Returns the error of the last operation, if an output would show one of the values in the object.
    pub(super) fn problem(&self, object: &Value) -> Option<Diagnostic> {
        let (path, location) = self.operations.last()?;
        if !mentions_one(&Mask::default().apply(object), &self.texts) {
            return None;
        }
        let key = redacted(&Key::of(object).to_string(), &self.texts);
        let message = format!("the patch moves a value of {key} to `{path}`, where it would be shown");
        let hint = "leave the value where only readers of the Secret see it; values that the Secret still has are masked in its labels and annotations";
        Some(Diagnostic::error(message).at(location.clone()).hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Applies operations to a Secret, and returns the problem.
    fn problem(operations: Value, object: &Value) -> Option<String> {
        let (mut object, mut leaks) = (object.clone(), Leaks::default());
        let operations: Vec<PatchOperation> = serde_json::from_value(operations).unwrap();
        for operation in &operations {
            json_patch::patch(&mut object, std::slice::from_ref(operation)).unwrap();
            leaks.note(&object, operation, &Location::file("o"));
        }
        let found = leaks.problem(&object).map(|problem| problem.to_string());
        assert!(!found.as_ref().is_some_and(|found| found.contains("hunter2")), "{found:?}");
        let quoted = leaks.hide(Diagnostic::error("found \"hunter2\"")).message;
        assert_eq!(quoted.contains("hunter2"), !leaks.texts.contains("hunter2"));
        found
    }

    #[test]
    fn values_that_would_be_shown_are_refused() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {"a": "b"}, "labels": {}},
            "data": {"a": "aHVudGVyMg=="}, "stringData": {"p": "hunter2", "q": "x"}});
        let outer = json!({"apiVersion": "a/v1", "kind": "Template", "metadata": {"name": "t"}, "spec": {"list": [], "object":
            {"kind": "Secret", "stringData": {"p": "hunter2"}}}});
        let of = |op: &str, from: &str, path: &str| json!({"op": op, "from": from, "path": path});
        let leak = "/metadata/annotations/leak";
        let refused = |path: &str| {
            Some(format!("o: the patch moves a value of secret/s to `{path}`, where it would be shown"))
        };
        for (operations, expected) in [
            (json!([of("copy", "/stringData/p", leak)]), None),
            (json!([of("copy", "/data/a", leak)]), None),
            (json!([of("copy", "/stringData/p", "/metadata/labels/leak")]), None),
            (json!([of("move", "/stringData/p", "/stringData/r")]), None),
            (json!([of("move", "/stringData/p", "/other")]), None),
            // The same value is still in the Secret, in another form.
            (json!([of("move", "/stringData/p", leak)]), None),
            (json!([of("move", "/data/a", leak), {"op": "remove", "path": "/stringData/p"}]), refused(leak)),
            (
                json!([of("copy", "/stringData/p", leak), {"op": "remove", "path": "/stringData"}, {"op": "remove", "path": "/data"}]),
                refused(leak),
            ),
            (json!([of("move", "/stringData/q", leak)]), refused(leak)),
            (json!([of("move", "/stringData/q", leak), {"op": "remove", "path": leak}]), None),
            (
                json!([of("move", "/stringData/q", leak), of("move", leak, "/metadata/labels/b")]),
                refused(leak),
            ),
            (json!([of("copy", "/stringData/p", "/type")]), refused("/type")),
            (
                json!([{"op": "test", "path": "/metadata/annotations/a", "value": "b"}, of("copy", "/metadata/annotations/a", leak)]),
                None,
            ),
        ] {
            assert_eq!(problem(operations.clone(), &secret), expected, "{operations}");
        }
        let name = problem(json!([of("copy", "/stringData/p", "/metadata/name")]), &secret).unwrap();
        assert_eq!(
            name,
            "o: the patch moves a value of secret/<not shown> to `/metadata/name`, where it would be shown"
        );
        for (operations, is_refused) in [
            (json!([of("copy", "/spec/object/stringData/p", "/spec/other")]), false),
            (json!([of("copy", "/spec/object/stringData/p", "/spec/list/-")]), false),
            (json!([of("move", "/spec/object/stringData/p", "/spec/list/-")]), true),
            (json!([of("move", "/spec/object/stringData/p", "/a")]), true),
        ] {
            assert_eq!(problem(operations.clone(), &outer).is_some(), is_refused, "{operations}");
        }
    }
}
