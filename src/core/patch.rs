//! JSON Patches (RFC 6902, strict) with their lines. Bindings and overlays both use them.

pub mod item_path;
pub mod placeholder;

use json_patch::PatchOperation;
use serde_json::Value;

use crate::core::patch::item_path::step;
use crate::core::patch::placeholder::{PlaceholderError, Values};
use crate::core::pointer;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::plural::plural;
use crate::core::report::suggest::did_you_mean;
use crate::core::yaml::Document;

/// A patch as written in a file; placeholders are filled when it is applied.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    operations: Vec<Operation>,
}

#[derive(Clone, Debug)]
struct Operation {
    /// `op`, `path`, `from` and `value`, with placeholders and item names.
    template: Value,
    /// The parsed operation, if no part of it depends on the object.
    ready: Option<PatchOperation>,
    location: Location,
    index: usize,
}

/// The error of a patch that could not be applied.
#[derive(Clone, Debug)]
pub struct PatchError {
    /// The error to report.
    pub problem: Diagnostic,
    /// The cause, if a placeholder could not be filled.
    pub placeholder: Option<PlaceholderError>,
}

impl From<Diagnostic> for PatchError {
    fn from(problem: Diagnostic) -> Self {
        Self { problem, placeholder: None }
    }
}

impl PatchError {
    /// Whether the cause is a known placeholder that has no value for the object.
    pub fn lacks_value_of(&self, placeholder: &str) -> bool {
        matches!(&self.placeholder, Some(PlaceholderError::NoValue { name, .. }) if name == placeholder)
    }
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
        match serde_json::from_value::<PatchOperation>(template.clone()) {
            Ok(operation) => {
                let ready = (!depends_on_object(template)).then_some(operation);
                operations.push(Operation { template: template.clone(), ready, location, index: index + 1 });
            }
            Err(error) => problems.push(
                Diagnostic::error(format!("operation {} is not a valid JSON Patch operation: {error}", index + 1))
                    .at(location)
                    .hint("an operation needs `op` (add, remove, replace, move, copy, test), `path`, and `value` or `from`; in a path write `~1` for `/` and `~0` for `~`"),
            ),
        }
    }
    Patch { operations }
}

fn depends_on_object(template: &Value) -> bool {
    has_placeholder(template)
        || ["path", "from"].iter().any(|key| template[key].as_str().is_some_and(item_path::names_items))
}

fn has_placeholder(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Array(list) => list.iter().any(has_placeholder),
        Value::Object(map) => map.values().any(has_placeholder),
        _ => false,
    }
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

    /// Returns the values that `add` operations set, with placeholders, in the order of the operations.
    pub fn added_values(&self) -> impl Iterator<Item = &Value> {
        self.added().filter_map(|template| template.get("value"))
    }

    fn added(&self) -> impl Iterator<Item = &Value> {
        let templates = self.operations.iter().map(|operation| &operation.template);
        templates.filter(|template| template.get("op").and_then(Value::as_str) == Some("add"))
    }

    /// Returns the names of the placeholders in the patch.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().flat_map(|operation| placeholder::names(&operation.template))
    }

    /// Applies the patch to an object; messages call the object `name`. After an error the object is unchanged.
    pub fn apply(&self, object: &mut Value, name: &str, values: &Values<'_>) -> Result<(), PatchError> {
        self.apply_noting(object, name, values, &mut |_, _, _| {})
    }

    /// Applies the patch like [`Patch::apply`], and calls `note` after each operation with the object, the operation as it was
    /// applied, and its location.
    pub fn apply_noting(
        &self,
        object: &mut Value,
        name: &str,
        values: &Values<'_>,
        note: &mut dyn FnMut(&Value, &PatchOperation, &Location),
    ) -> Result<(), PatchError> {
        // A single operation changes nothing if it fails, except a move, which has removed the value by then.
        let is_move = |operation: &Operation| operation.template.get("op").is_some_and(|op| op == "move");
        let may_be_partial = self.operations.len() > 1 || self.operations.iter().any(is_move);
        let before = if may_be_partial { Some(object.clone()) } else { None };
        for operation in &self.operations {
            if let Err(error) = operation.apply(object, name, values, note) {
                if let Some(before) = before {
                    *object = before;
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Operation {
    fn apply(
        &self,
        object: &mut Value,
        name: &str,
        values: &Values<'_>,
        note: &mut dyn FnMut(&Value, &PatchOperation, &Location),
    ) -> Result<(), PatchError> {
        let resolved;
        let operation = if let Some(ready) = &self.ready {
            ready
        } else {
            resolved = self.resolve_for(object, name, values)?;
            &resolved
        };
        self.refuse_harm(object, operation, name)?;
        json_patch::patch(object, std::slice::from_ref(operation))
            .map_err(|_| self.explain(object, operation, name))?;
        note(object, operation, &self.location);
        Ok(())
    }

    /// Refuses what would leave no object, or one without a bound: each copy of a value into itself doubles it.
    fn refuse_harm(&self, object: &Value, operation: &PatchOperation, name: &str) -> Result<(), Diagnostic> {
        let refused = |why: String| {
            let described = self.described(operation.path().as_ref());
            Err(Diagnostic::error(format!("{described} does not fit {name}: {why}"))
                .at(self.location.clone()))
        };
        let new = match operation {
            PatchOperation::Add(it) => Some(&it.value),
            PatchOperation::Replace(it) => Some(&it.value),
            PatchOperation::Copy(it) => object.pointer(it.from.as_str()),
            PatchOperation::Move(it) => object.pointer(it.from.as_str()),
            PatchOperation::Remove(_) | PatchOperation::Test(_) => None,
        };
        let is_test = matches!(operation, PatchOperation::Test(_));
        if operation.path().is_root() && !is_test && !new.is_none_or(Value::is_object) {
            return refused("the whole object would not be an object any more".to_owned());
        }
        if operation.path().is_root() && matches!(operation, PatchOperation::Remove(_)) {
            return refused("nothing would be left of the object".to_owned());
        }
        if matches!(operation, PatchOperation::Copy(_)) && !fits(object, &mut MAX_BYTES.clone(), MAX_DEPTH) {
            return refused(format!(
                "the object is larger than {} MiB, the most that an API server takes, or has more than {MAX_DEPTH} levels",
                MAX_BYTES >> 20
            ));
        }
        Ok(())
    }

    /// Returns the operation with its placeholders filled, and with indexes instead of item names.
    fn resolve_for(
        &self,
        object: &Value,
        name: &str,
        values: &Values<'_>,
    ) -> Result<PatchOperation, PatchError> {
        let mut operation = self.template.clone();
        let unfilled = |error: PlaceholderError| {
            let mut problem = Diagnostic::error(error.to_string()).at(self.location.clone());
            problem.hint = error.hint();
            PatchError { problem, placeholder: Some(error) }
        };
        if let Some(value) = operation.get_mut("value") {
            *value = placeholder::fill_value(value, values).map_err(unfilled)?;
        }
        // The destination of a move is resolved after the moved item is gone, so indexes may shift.
        let mut without = None;
        for key in ["from", "path"] {
            let Some(path) = operation[key].as_str() else { continue };
            let path = placeholder::fill_pointer(path, values).map_err(unfilled)?;
            let resolved = item_path::resolve(without.as_ref().unwrap_or(object), &path).map_err(|why| {
                let message = format!("{} does not fit {name}: {}", self.described(&path), why.message);
                Diagnostic { message, location: Some(self.location.clone()), ..why }
            })?;
            if key == "from" && operation["op"] == "move" && item_path::names_items(&self.path()) {
                let removal = json_patch::RemoveOperation {
                    path: json_patch::jsonptr::PointerBuf::parse(&resolved).unwrap_or_default(),
                };
                let mut copy = object.clone();
                if json_patch::patch(&mut copy, &[PatchOperation::Remove(removal)]).is_ok() {
                    without = Some(copy);
                }
            }
            operation[key] = resolved.into();
        }
        // The template was a valid operation, and filled placeholders do not change that.
        Ok(serde_json::from_value(operation)
            .unwrap_or(PatchOperation::Test(json_patch::TestOperation::default())))
    }

    fn path(&self) -> String {
        self.template.get("path").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn described(&self, path: &str) -> String {
        let verb = self.template.get("op").and_then(Value::as_str).unwrap_or_default();
        format!("operation {} (`{verb}` at `{path}`)", self.index)
    }

    /// Explains the failure with the fields of the document: how much of the path exists, and what is there instead.
    fn explain(&self, object: &Value, operation: &PatchOperation, name: &str) -> Diagnostic {
        let path = operation.path().to_string();
        let described = format!("{} does not fit {name}", self.described(&path));
        let problem =
            |why: String| Diagnostic::error(format!("{described}: {why}")).at(self.location.clone());
        if let PatchOperation::Test(test) = operation
            && let Some(found) = object.pointer(&path)
        {
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
            plain => problem(format!("{there} is {}, which has no fields", kind_of(plain))),
        }
    }
}

/// The largest request body that an API server reads, in bytes (`MaxRequestBodyBytes` of k8s.io/apiserver).
const MAX_BYTES: usize = 3 << 20;

/// How many levels of lists and maps an object may have: `serde_json` reads no more.
const MAX_DEPTH: usize = 127;

/// Whether a value has at most about `left` bytes as JSON, and at most `levels` below it. `left` loses what it has.
fn fits(value: &Value, left: &mut usize, levels: usize) -> bool {
    let own = match value {
        Value::String(text) => text.len() + 2,
        _ => 2,
    };
    let Some(rest) = left.checked_sub(own) else { return false };
    *left = rest;
    let Some(below) = levels.checked_sub(1) else { return !value.is_array() && !value.is_object() };
    match value {
        Value::Array(items) => items.iter().all(|item| fits(item, left, below)),
        Value::Object(map) => map.iter().all(|(key, value)| {
            *left = left.saturating_sub(key.len() + 3);
            fits(value, left, below)
        }),
        _ => true,
    }
}

/// Returns the deepest part of a path that exists: its pointer, its value, and the first key that is missing.
fn deepest<'a>(object: &'a Value, path: &str) -> (String, &'a Value, String) {
    let mut at = String::new();
    let mut value = object;
    for key in pointer::keys(path) {
        let Some(next) = step(value, &key) else { return (at, value, key) };
        pointer::push(&mut at, &key);
        value = next;
    }
    (at, value, String::new())
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
        for (path, copies) in [("/spec/ports/-", 64), ("/spec/ports/0", 200)] {
            let copy = format!("- {{op: copy, from: /spec/ports, path: {path}}}\n");
            let (bomb, _) = patch(&format!("patch:\n{}", copy.repeat(copies)));
            let mut object = service();
            let problem =
                bomb.apply(&mut object, "service/a", &Values::default()).unwrap_err().problem.to_string();
            assert!(
                problem.contains("larger than 3 MiB, the most that an API server takes, or has"),
                "{problem}"
            );
            assert_eq!(object, service());
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
