//! One operation of a patch: fills its placeholders, finds its items, and applies it.

use json_patch::PatchOperation;
use serde_json::Value;

use crate::core::json;
use crate::core::patch::error::PatchError;
use crate::core::patch::explain::{NOT_SHOWN, explain};
use crate::core::patch::item_path::{self, put_back, take};
use crate::core::patch::meter::{Exceeded, Meter, measure};
use crate::core::patch::placeholder::{self, PlaceholderError, Values};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::mask::hides;

/// An operation of a patch.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// `op`, `path`, `from` and `value`, with placeholders and item names.
    pub(super) template: Value,
    /// The parsed operation, if no part of it depends on the object.
    ready: Option<PatchOperation>,
    pub(super) location: Location,
    index: usize,
}

impl Operation {
    /// Reads an operation; `index` is its position in the patch.
    pub(super) fn read(
        template: &Value,
        location: &Location,
        index: usize,
    ) -> Result<Self, serde_json::Error> {
        let operation = serde_json::from_value::<PatchOperation>(template.clone())?;
        let ready = (!depends_on_object(template)).then_some(operation);
        Ok(Self { template: template.clone(), ready, location: location.clone(), index: index + 1 })
    }

    /// Applies it to an object, and calls `note` with the object and the operation as it was applied.
    pub(super) fn apply(
        &self,
        object: &mut Value,
        name: &str,
        values: &Values<'_>,
        meter: &mut Meter,
        note: &mut dyn FnMut(&Value, &PatchOperation, &Location),
    ) -> Result<(), PatchError> {
        let resolved;
        let operation = if let Some(ready) = &self.ready {
            ready
        } else {
            resolved = self.resolve_for(object, name, values, meter)?;
            &resolved
        };
        self.refuse_no_object(object, operation, name)?;
        meter.before(object, operation).map_err(|limit| self.exceeds(name, &limit))?;
        json_patch::patch(object, std::slice::from_ref(operation)).map_err(|_| {
            let path = operation.path().to_string();
            let described = format!("{} does not fit {name}", self.described(&path));
            explain(&described, object, operation).at(self.location.clone())
        })?;
        note(object, operation, &self.location);
        Ok(())
    }

    /// Refuses what would leave no object.
    fn refuse_no_object(
        &self,
        object: &Value,
        operation: &PatchOperation,
        name: &str,
    ) -> Result<(), Diagnostic> {
        if !operation.path().is_root() {
            return Ok(());
        }
        let new = match operation {
            PatchOperation::Add(it) => Some(&it.value),
            PatchOperation::Replace(it) => Some(&it.value),
            PatchOperation::Copy(it) => object.pointer(it.from.as_str()),
            PatchOperation::Move(it) => object.pointer(it.from.as_str()),
            PatchOperation::Test(_) => None,
            PatchOperation::Remove(_) => Some(&Value::Null),
        };
        let why = match new {
            Some(Value::Null) => "nothing would be left of the object",
            Some(new) if !new.is_object() => "the whole object would not be an object any more",
            _ => return Ok(()),
        };
        let described = self.described(operation.path().as_ref());
        Err(Diagnostic::error(format!("{described} does not fit {name}: {why}")).at(self.location.clone()))
    }

    /// Returns the error of an operation that exceeds a limit.
    pub(super) fn exceeds(&self, name: &str, limit: &Exceeded) -> PatchError {
        let described = self.described(&self.path());
        let problem = Diagnostic::error(format!("{described} does not fit {name}: {}", limit.why))
            .at(self.location.clone())
            .hint(limit.hint);
        PatchError { problem, placeholder: None, exceeds_limit: true }
    }

    /// Returns the operation with its placeholders filled, and with indexes instead of item names.
    fn resolve_for(
        &self,
        object: &mut Value,
        name: &str,
        values: &Values<'_>,
        meter: &mut Meter,
    ) -> Result<PatchOperation, PatchError> {
        meter.spend(measure(&self.template).bytes).map_err(|limit| self.exceeds(name, &limit))?;
        let mut operation = self.template.clone();
        let unfilled = |error: PlaceholderError| {
            let quotes_the_value =
                matches!(error, PlaceholderError::Unknown { .. } | PlaceholderError::Unclosed { .. });
            if quotes_the_value && hides(object, &self.path()) {
                let message =
                    format!("{}: unknown or unclosed placeholder; {NOT_SHOWN}", self.described(&self.path()));
                let problem = Diagnostic::error(message).at(self.location.clone());
                return PatchError {
                    problem: problem.hint("write `$${` for a literal `${`"),
                    placeholder: Some(error),
                    exceeds_limit: false,
                };
            }
            let mut problem = Diagnostic::error(error.to_string()).at(self.location.clone());
            problem.hint = error.hint();
            let exceeds_limit = matches!(error, PlaceholderError::TooLong { .. });
            PatchError { problem, placeholder: Some(error), exceeds_limit }
        };
        if let Some(value) = operation.get_mut("value") {
            *value = placeholder::fill_value(value, values).map_err(unfilled)?;
        }
        let mut paths = Vec::with_capacity(2);
        for key in ["from", "path"] {
            if let Some(path) = self.template.get(key).and_then(Value::as_str) {
                paths.push((key, placeholder::fill_pointer(path, values).map_err(unfilled)?));
            }
        }
        let is_move = self.template.get("op").and_then(Value::as_str) == Some("move");
        // The destination of a move is resolved after the moved item is gone, so indexes may shift.
        let mut moved: Option<(String, Value)> = None;
        for (key, path) in paths {
            let (resolved, searched) = item_path::resolve(object, &path);
            if let Some((from, value)) = moved.take() {
                put_back(object, &from, value);
            }
            meter.spend(searched).map_err(|limit| self.exceeds(name, &limit))?;
            let resolved = resolved.map_err(|why| {
                if hides(object, &path) {
                    let message =
                        format!("{} does not fit {name}: no such item; {NOT_SHOWN}", self.described(&path));
                    return Diagnostic::error(message).at(self.location.clone());
                }
                let message = format!("{} does not fit {name}: {}", self.described(&path), why.message);
                Diagnostic { message, location: Some(self.location.clone()), ..why }
            })?;
            if key == "from" && is_move && item_path::names_items(&self.path()) {
                moved = take(object, &resolved).map(|value| (resolved.clone(), value));
            }
            json::put(&mut operation, &[key], resolved);
        }
        // The template was a valid operation, and filled placeholders do not change that.
        Ok(serde_json::from_value(operation)
            .unwrap_or(PatchOperation::Test(json_patch::TestOperation::default())))
    }

    /// Whether it is a `move`.
    pub(super) fn is_move(&self) -> bool {
        self.template.get("op").is_some_and(|op| op == "move")
    }

    fn path(&self) -> String {
        self.template.get("path").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn described(&self, path: &str) -> String {
        let verb = self.template.get("op").and_then(Value::as_str).unwrap_or_default();
        format!("operation {} (`{verb}` at `{path}`)", self.index)
    }

    /// Returns the error for an object that was a Secret before an earlier operation changed its kind.
    pub(super) fn without_values(&self, name: &str) -> Diagnostic {
        let message = format!("{} does not fit {name}; {NOT_SHOWN}", self.described(&self.path()));
        Diagnostic::error(message).at(self.location.clone())
    }
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
