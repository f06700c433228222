//! The shape of a document: its fields and their types.
//!
//! One checker for everything that users write: our own files (their JSON Schema comes from the
//! types that read them) and Kubernetes Services and workloads (a table that was generated from
//! Kubernetes' Go types). It reports all problems of a document at once, each with its line.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::core::bounds::MAX_PROBLEMS;
use crate::core::json;
use crate::core::pointer;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::suggest::did_you_mean;
use crate::core::yaml::Document;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Any value.
    Any,
    /// A string.
    Text,
    /// One of these strings.
    OneOf(Vec<String>),
    /// true or false.
    Flag,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A list with items of one shape.
    List(Box<Shape>),
    /// A map with keys that the user chooses.
    Map(Box<Shape>),
    /// An object of a named type.
    Object(String),
    /// A field under its old name.
    Renamed {
        /// The current name.
        to: String,
        /// The shape of the value.
        shape: Box<Shape>,
    },
}

/// The named object types that shapes refer to, by name.
#[derive(Clone, Debug, Default)]
pub struct Shapes(pub BTreeMap<String, Fields>);

/// The fields of an object.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// The shape of each field, by name.
    pub known: BTreeMap<String, Shape>,
    /// The required fields.
    pub required: Vec<String>,
}

impl Fields {
    /// Returns the names of the fields, without old names.
    fn current(&self) -> impl Iterator<Item = &str> {
        let fields = self.known.iter().filter(|(_, shape)| !matches!(shape, Shape::Renamed { .. }));
        fields.map(|(name, _)| name.as_str())
    }

    /// Returns the old names of a field.
    fn old_names(&self, field: &str) -> impl Iterator<Item = &str> {
        let is_old = move |shape: &Shape| matches!(shape, Shape::Renamed { to, .. } if to == field);
        self.known.iter().filter(move |(_, shape)| is_old(shape)).map(|(name, _)| name.as_str())
    }
}

impl Shapes {
    /// Checks a document against a shape, and adds its problems to `problems`.
    pub fn check(&self, document: &Document, root: &Shape, problems: &mut Vec<Diagnostic>) {
        self.check_at("", document, root, problems);
    }

    /// Checks the part of a document at a pointer.
    pub fn check_at(
        &self,
        pointer: &str,
        document: &Document,
        shape: &Shape,
        problems: &mut Vec<Diagnostic>,
    ) {
        if let Some(value) = document.value.pointer(pointer) {
            let mut check = Check { shapes: self, document, problems, left: MAX_PROBLEMS };
            check.value(value, shape, pointer);
            if check.left == 0 {
                let message = format!("only the first {MAX_PROBLEMS} problems of this document are shown");
                problems.push(Diagnostic::error(message).at(document.location(pointer)));
            }
        }
    }
}

struct Check<'a> {
    shapes: &'a Shapes,
    document: &'a Document,
    problems: &'a mut Vec<Diagnostic>,
    /// How many more problems to report.
    left: usize,
}

impl Check<'_> {
    fn value(&mut self, value: &Value, shape: &Shape, at: &str) {
        if self.left == 0 {
            return;
        }
        match (shape, value) {
            // A null field is an absent field; kubectl drops it, too.
            (_, Value::Null) if !at.is_empty() => {}
            (Shape::Any, _)
            | (Shape::Text, Value::String(_))
            | (Shape::Flag, Value::Bool(_))
            | (Shape::Number, Value::Number(_)) => {}
            (Shape::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {}
            (Shape::OneOf(known), Value::String(text)) => {
                if !known.contains(text) {
                    let near = did_you_mean(text, known.iter().map(String::as_str));
                    self.report(
                        at,
                        format!("invalid value for {}: `{text}`{near}", named(at)),
                        Some(format!("valid values: {}", known.join(", "))),
                    );
                }
            }
            (Shape::List(item), Value::Array(list)) => {
                for (index, value) in list.iter().enumerate() {
                    self.value(value, item, &format!("{at}/{index}"));
                }
            }
            (Shape::Map(item), Value::Object(map)) => {
                for (key, value) in map {
                    self.value(value, item, &pointer::join(at, key));
                }
            }
            (Shape::Object(name), Value::Object(map)) => self.object(name, map, at),
            (Shape::Renamed { shape, .. }, _) => self.value(value, shape, at),
            (shape, value) => {
                let message = format!("{} is {}, expected {}", named(at), kind_of(value), expected(shape));
                let hint = matches!((shape, value), (Shape::Text, Value::Number(_) | Value::Bool(_)))
                    .then(|| format!("write it as a string: \"{value}\""));
                self.report(at, message, hint);
            }
        }
    }

    fn object(&mut self, name: &str, map: &serde_json::Map<String, Value>, at: &str) {
        // A name without a type would be a bug in the table; accept any value then.
        let Some(fields) = self.shapes.0.get(name) else { return };
        for (key, value) in map {
            if self.left == 0 {
                return;
            }
            let below = pointer::join(at, key);
            if let Some(shape) = fields.known.get(key) {
                if let Shape::Renamed { to, .. } = shape
                    && map.contains_key(to)
                {
                    let (old, new) = (pointer::field(&below), pointer::field(&pointer::join(at, to)));
                    let hint = format!("remove `{old}`, the old name of `{new}`");
                    self.report(&below, format!("both `{old}` and `{new}` are set"), Some(hint));
                }
                self.value(value, shape, &below);
            } else {
                let near = did_you_mean(key, fields.current());
                let hint = near.is_empty().then(|| {
                    let all: Vec<&str> = fields.current().collect();
                    format!("known fields: {}", all.join(", "))
                });
                self.report(&below, format!("unknown field `{}`{near}", pointer::field(&below)), hint);
            }
        }
        for key in &fields.required {
            let is_set = |key: &str| map.get(key).is_some_and(|value| !value.is_null());
            if !is_set(key) && !fields.old_names(key).any(is_set) {
                let missing = pointer::field(&pointer::join(at, key));
                self.report(at, format!("missing required field `{missing}`"), None);
            }
        }
    }

    fn report(&mut self, at: &str, message: String, hint: Option<String>) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        let mut problem = Diagnostic::error(message).at(self.document.location(at));
        problem.hint = hint;
        self.problems.push(problem);
    }
}

fn named(at: &str) -> String {
    if at.is_empty() { "the document".to_owned() } else { format!("`{}`", pointer::field(at)) }
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Any => "anything",
        Shape::Text | Shape::OneOf(_) => "a string",
        Shape::Flag => "true or false",
        Shape::Integer => "a whole number",
        Shape::Number => "a number",
        Shape::List(_) => "a list",
        Shape::Map(_) | Shape::Object(_) => "an object",
        Shape::Renamed { shape, .. } => expected(shape),
    }
}

/// Converts a JSON Schema in the form that schemars writes.
pub fn from_json_schema(schema: &Value) -> (Shape, Shapes) {
    let mut shapes = Shapes::default();
    for (name, definition) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        if let Some(fields) = fields_of(definition) {
            shapes.0.insert(name.clone(), fields);
        }
    }
    let title = schema.get("title").and_then(Value::as_str).unwrap_or("document").to_owned();
    shapes.0.insert(title.clone(), fields_of(schema).unwrap_or_default());
    // Definitions that are not objects, such as enums, are inlined.
    let aliases: BTreeMap<String, Shape> = schema
        .get("$defs")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| !shapes.0.contains_key(*name))
        .map(|(name, definition)| (name.clone(), shape_of(definition)))
        .collect();
    for fields in shapes.0.values_mut() {
        for shape in fields.known.values_mut() {
            resolve(shape, &aliases);
        }
    }
    (Shape::Object(title), shapes)
}

fn resolve(shape: &mut Shape, aliases: &BTreeMap<String, Shape>) {
    match shape {
        Shape::Object(name) => {
            if let Some(alias) = aliases.get(name) {
                *shape = alias.clone();
            }
        }
        Shape::List(item) | Shape::Map(item) | Shape::Renamed { shape: item, .. } => resolve(item, aliases),
        _ => {}
    }
}

fn fields_of(schema: &Value) -> Option<Fields> {
    let properties = schema.get("properties")?.as_object()?;
    let mut fields = Fields {
        known: properties.iter().map(|(name, property)| (name.clone(), shape_of(property))).collect(),
        required: names_in(schema.get("required")).map(str::to_owned).collect(),
    };
    // A field with an old name: see `accept_old_name`.
    let choices = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> = choices.flat_map(|choice| names_in(choice.get("required"))).collect();
    if let [current, old @ ..] = names.as_slice() {
        fields.required.push((*current).to_owned());
        for name in old {
            if let Some(shape) = fields.known.remove(*name) {
                let renamed = Shape::Renamed { to: (*current).to_owned(), shape: Box::new(shape) };
                fields.known.insert((*name).to_owned(), renamed);
            }
        }
    }
    Some(fields)
}

fn names_in(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Changes the JSON Schema of an object so that a required field may also have its old name, but not both.
pub fn accept_old_name(schema: &mut schemars::Schema, current: &str, old: &str) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        let mut property = properties.get(current).cloned().unwrap_or_default();
        json::put(&mut property, &["deprecated"], true);
        json::put(&mut property, &["description"], format!("Old name of `{current}`."));
        properties.insert(old.to_owned(), property);
    }
    if let Some(required) = object.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != current);
    }
    object.insert("oneOf".to_owned(), json!([{ "required": [current] }, { "required": [old] }]));
}

fn shape_of(schema: &Value) -> Shape {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return Shape::Object(reference.rsplit('/').next().unwrap_or_default().to_owned());
    }
    if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
        let not_null =
            choices.iter().find(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
        return not_null.map_or(Shape::Any, shape_of);
    }
    if let Some(known) = values_of(schema) {
        return Shape::OneOf(known);
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|k| *k != "null").unwrap_or_default()
        }
        _ => return Shape::Any,
    };
    match kind {
        "string" => Shape::Text,
        "boolean" => Shape::Flag,
        "integer" => Shape::Integer,
        "number" => Shape::Number,
        "array" => Shape::List(Box::new(schema.get("items").map_or(Shape::Any, shape_of))),
        "object" => match schema.get("additionalProperties") {
            Some(item @ Value::Object(_)) => Shape::Map(Box::new(shape_of(item))),
            _ => Shape::Map(Box::new(Shape::Any)),
        },
        _ => Shape::Any,
    }
}

/// Returns the values of an enum. Schemars writes them as `enum` or, if each has a description, as `oneOf`.
fn values_of(schema: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(known) = schema.get("enum").and_then(Value::as_array) {
        return known.iter().map(text).collect();
    }
    if let Some(known) = schema.get("const") {
        return text(known).map(|value| vec![value]);
    }
    let choices = schema.get("oneOf")?.as_array()?;
    let lists: Option<Vec<Vec<String>>> = choices.iter().map(values_of).collect();
    lists.map(|lists| lists.concat())
}
