//! JSON Patches (RFC 6902, strict) with their lines. Bindings and overlays both use them.

mod error;
mod explain;
pub mod item_path;
pub mod meter;
mod operation;
pub mod placeholder;

use std::collections::HashSet;

use json_patch::PatchOperation;
use serde_json::Value;

pub use crate::core::patch::error::PatchError;
pub use crate::core::patch::meter::{Meter, measure, weight};
use crate::core::patch::operation::Operation;
use crate::core::patch::placeholder::Values;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::mask::is_secret;
use crate::core::yaml::Document;

/// A patch as written in a file; placeholders are filled when it is applied.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    operations: Vec<Operation>,
    /// The names of the placeholders, in order and once each.
    placeholders: Vec<String>,
}

/// Reads the patch at a pointer of a document; an absent patch is empty.
pub fn read(document: &Document, at: &str, problems: &mut Vec<Diagnostic>) -> Patch {
    let Some(list) = document.value.pointer(at).and_then(Value::as_array) else { return Patch::default() };
    read_operations(list, |index| document.location(&format!("{at}/{index}")), problems)
}

/// Reads operations; `location` returns the location of each.
pub fn read_operations(
    list: &[Value],
    location: impl Fn(usize) -> Location,
    problems: &mut Vec<Diagnostic>,
) -> Patch {
    let mut operations = Vec::with_capacity(list.len());
    for (index, template) in list.iter().enumerate() {
        let location = location(index);
        // Parse even operations with placeholders, so that an invalid one is reported although no object matches.
        match Operation::read(template, &location, index) {
            Ok(operation) => operations.push(operation),
            Err(error) => problems.push(
                Diagnostic::error(format!("operation {} is not a valid JSON Patch operation: {error}", index + 1))
                    .at(location)
                    .hint("an operation needs `op` (add, remove, replace, move, copy, test), `path`, and `value` or `from`; in a path write `~1` for `/` and `~0` for `~`"),
            ),
        }
    }
    let mut known = HashSet::new();
    let names = operations.iter().flat_map(|operation| placeholder::names(&operation.template));
    let placeholders = names.filter(|name| known.insert(*name)).map(str::to_owned).collect();
    Patch { operations, placeholders }
}

impl Patch {
    /// Whether the patch has no operations.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Returns the pointers that `add` operations set.
    pub fn added_paths(&self) -> impl Iterator<Item = &str> {
        self.added().filter_map(|template| template.get("path").and_then(Value::as_str))
    }

    /// Returns the pointers of the operations that set a value, with their locations.
    pub fn located_paths(&self) -> impl Iterator<Item = (&str, &Location)> {
        let sets = |template: &Value| matches!(template["op"].as_str(), Some("add" | "replace"));
        let operations = self.operations.iter().filter(move |operation| sets(&operation.template));
        operations.filter_map(|operation| Some((operation.template["path"].as_str()?, &operation.location)))
    }

    /// Returns the values that `add` operations set, with placeholders, in the order of the operations.
    pub fn added_values(&self) -> impl Iterator<Item = &Value> {
        self.added().filter_map(|template| template.get("value"))
    }

    /// Returns the patch with the operations that are the same for every object.
    #[must_use]
    pub fn without_placeholders(mut self) -> Self {
        self.operations.retain(|operation| placeholder::names(&operation.template).is_empty());
        self.placeholders.clear();
        self
    }

    fn added(&self) -> impl Iterator<Item = &Value> {
        let templates = self.operations.iter().map(|operation| &operation.template);
        templates.filter(|template| template.get("op").and_then(Value::as_str) == Some("add"))
    }

    /// Returns the names of the placeholders in the patch.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.placeholders.iter().map(String::as_str)
    }

    /// Applies the patch to an object; messages call the object `name`. After an error the object is unchanged.
    pub fn apply(&self, object: &mut Value, name: &str, values: &Values<'_>) -> Result<(), PatchError> {
        self.apply_noting(object, name, values, &mut Meter::default(), &mut |_, _, _| {})
    }

    /// Applies the patch like [`Patch::apply`], and calls `note` after each operation with the object, the operation as it was
    /// applied, and its location. `meter` has what the earlier patches of the object did.
    pub fn apply_noting(
        &self,
        object: &mut Value,
        name: &str,
        values: &Values<'_>,
        meter: &mut Meter,
        note: &mut dyn FnMut(&Value, &PatchOperation, &Location),
    ) -> Result<(), PatchError> {
        let before = match self.operations.as_slice() {
            [] => None,
            // One operation changes nothing if it fails, except a move, which has removed the value by then.
            [only] if !only.is_move() => None,
            [first, ..] => {
                meter.keep(object).map_err(|limit| first.exceeds(name, &limit))?;
                Some(object.clone())
            }
        };
        let was_secret = is_secret(object);
        for operation in &self.operations {
            if let Err(mut error) = operation.apply(object, name, values, meter, note) {
                if was_secret && !is_secret(object) {
                    error = operation.without_values(name).into();
                }
                if let Some(before) = before {
                    *object = before;
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::yaml;

    fn patch(text: &str) -> (Patch, Vec<Diagnostic>) {
        let document = yaml::read_one("o.yaml", text).unwrap();
        let mut problems = Vec::new();
        let patch = read(&document, "/patch", &mut problems);
        (patch, problems)
    }

    fn service() -> Value {
        json!({"metadata": {"name": "a", "annotations": {}}, "spec": {"ports": [{"port": 80}], "type": "LoadBalancer"}})
    }

    #[track_caller]
    fn fails(operation: &str, expected: &str) {
        let (patch, problems) =
            patch(&format!("patch:\n- {{op: test, path: /metadata/name, value: a}}\n- {operation}\n"));
        assert_eq!(problems, []);
        let mut object = service();
        let problem = patch.apply(&mut object, "service/a", &Values::default()).unwrap_err().problem;
        assert_eq!(object, service(), "unchanged after an error");
        assert_eq!(problem.to_string(), expected);
    }

    #[test]
    fn a_move_that_fails_loses_nothing() {
        let (patch, problems) = patch("patch:\n- {op: move, from: /metadata/name, path: /absent/name}\n");
        assert_eq!(problems, []);
        let mut object = service();
        assert!(patch.apply(&mut object, "service/a", &Values::default()).is_err());
        assert_eq!(object, service());
    }

    #[test]
    fn fills_placeholders_and_applies_operations() {
        let (patch, _) =
            patch("patch:\n- {op: add, path: /metadata/annotations/a~1b, value: 'x-${pool.name}'}\n");
        let mut object = service();
        patch.apply(&mut object, "service/a", &Values::default().with("pool.name", Some("p"), "")).unwrap();
        assert_eq!(object["metadata"]["annotations"]["a/b"], "x-p");
        assert_eq!(patch.added_paths().collect::<Vec<_>>(), ["/metadata/annotations/a~1b"]);
    }

    #[test]
    fn errors_name_the_deepest_part_of_the_path_that_exists() {
        fails(
            "{op: replace, path: /spec/typ, value: x}",
            "o.yaml:3: operation 2 (`replace` at `/spec/typ`) does not fit service/a: `/spec` has no `typ`, did you mean `type`?",
        );
        fails(
            "{op: remove, path: /spec/ports/1/port}",
            "o.yaml:3: operation 2 (`remove` at `/spec/ports/1/port`) does not fit service/a: `/spec/ports` has 1 item but no `1`",
        );
        fails(
            "{op: add, path: /spec/type/x, value: 1}",
            "o.yaml:3: operation 2 (`add` at `/spec/type/x`) does not fit service/a: `/spec/type` is \"LoadBalancer\", a string, which has no fields",
        );
        fails(
            "{op: test, path: /spec/ports/0/port, value: 81}",
            "o.yaml:3: operation 2 (`test` at `/spec/ports/0/port`) does not fit service/a: found 80, a number, the test expects 81, a number",
        );
        fails(
            "{op: move, from: /spec/x, path: /spec/y}",
            "o.yaml:3: operation 2 (`move` at `/spec/y`) does not fit service/a: `/spec` has no `x`",
        );
        fails(
            "{op: add, path: /metadata/annotations/a, value: '${pool.names}'}",
            "o.yaml:3: unknown placeholder `${pool.names}`",
        );
    }

    #[test]
    fn errors_show_no_value_of_a_secret() {
        let secret = json!({"apiVersion": "v1", "kind": "secret", "metadata": {"name": "s"},
            "stringData": {"password": "hunter2"}, "data": [{"name": "hunter2", "value": "hunter2"}]});
        let list = json!({"kind": "List", "items": [secret]});
        for (prefix, object) in [("", &secret), ("/items/0", &list)] {
            for operation in [
                "{op: test, path: P/stringData/password, value: hunter3}",
                "{op: test, path: P/stringData, value: {password: hunter3}}",
                "{op: test, path: P/stringData/password, value: [hunter3]}",
                "{op: test, path: P/stringData/absent, value: hunter3}",
                "{op: add, path: P/stringData/password/x, value: hunter3}",
                "{op: remove, path: P/data/name=hunter3}",
                "{op: remove, path: P/data/value=x}",
                "{op: copy, from: P/stringData/password/x, path: P/metadata/labels}",
                "{op: add, path: P/stringData/b, value: '${hunter3}'}",
                "{op: add, path: P/stringData/b, value: 'hunter3${'}",
            ] {
                let rekinded = format!("- {{op: replace, path: {prefix}/kind, value: ConfigMap}}\n");
                for first in ["", &rekinded] {
                    let (patch, problems) =
                        patch(&format!("patch:\n{first}- {}\n", operation.replace('P', prefix)));
                    assert_eq!(problems, []);
                    // Only an object that is a Secret itself is remembered as one.
                    if !first.is_empty() && !prefix.is_empty() {
                        continue;
                    }
                    let mut object = object.clone();
                    let problem = patch.apply(&mut object, "x", &Values::default()).unwrap_err().problem;
                    let shown = format!("{problem} {:?}", problem.hint).replace("name=hunter3", "");
                    assert!(!shown.contains("hunter"), "{operation}: {shown}");
                }
            }
        }
        // Other fields are shown.
        let (patch, _) = patch("patch:\n- {op: test, path: /metadata/name, value: t}\n");
        let problem = patch.apply(&mut secret.clone(), "x", &Values::default()).unwrap_err().problem;
        assert!(problem.message.ends_with("found \"s\", a string, the test expects \"t\", a string"));
    }

    #[test]
    fn an_object_stays_an_object_and_has_a_bound() {
        for (operation, verb, why) in [
            (
                "{op: replace, path: '', value: x}",
                "replace",
                "the whole object would not be an object any more",
            ),
            ("{op: add, path: '', value: [1]}", "add", "the whole object would not be an object any more"),
            (
                "{op: copy, from: /spec/type, path: ''}",
                "copy",
                "the whole object would not be an object any more",
            ),
            (
                "{op: move, from: /spec/ports, path: ''}",
                "move",
                "the whole object would not be an object any more",
            ),
            ("{op: remove, path: ''}", "remove", "nothing would be left of the object"),
        ] {
            let said = format!("o.yaml:3: operation 2 (`{verb}` at ``) does not fit service/a: {why}");
            fails(operation, &said);
        }
    }

    #[test]
    fn paths_can_name_items_and_use_placeholders() {
        let (patch, problems) = patch(
            "patch:\n- {op: add, path: /spec/ports/port=80/name, value: http}\n- {op: copy, from: /spec/ports/name=http, path: /spec/ports/-}\n- {op: replace, path: /spec/ports/1/port, value: 81}\n- {op: move, from: /spec/ports/port=80, path: /spec/ports/port=81}\n- {op: add, path: '/metadata/annotations/x~1${pool.name}', value: '1'}\n- {op: add, path: /metadata/annotations/a=b, value: c}\n",
        );
        assert_eq!(problems, []);
        let mut object = service();
        let values = Values::default().with("pool.name", Some("a/b"), "");
        patch.apply(&mut object, "service/a", &values).unwrap();
        assert_eq!(
            object["spec"]["ports"],
            json!([{"port": 80, "name": "http"}, {"port": 81, "name": "http"}])
        );
        assert_eq!(object["metadata"]["annotations"], json!({"x/a/b": "1", "a=b": "c"}));
        fails(
            "{op: remove, path: /spec/ports/port=443}",
            "o.yaml:3: operation 2 (`remove` at `/spec/ports/port=443`) does not fit service/a: `/spec/ports` has no item with `port=443`",
        );
    }

    #[test]
    fn all_invalid_operations_are_reported() {
        let (_, problems) =
            patch("patch:\n- {op: frob, path: /a}\n- {op: add, path: a, value: 1}\n- {op: add, path: /a}\n");
        let lines: Vec<_> = problems.iter().map(|p| p.location.clone().unwrap().line).collect();
        assert_eq!(lines, [2, 3, 4]);
    }
}
