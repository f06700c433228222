//! The shape of a form: which fields there are and what each may hold.
//!
//! One checker for everything that people write: our own forms (their JSON Schema comes from the
//! types that read them) and Kubernetes' Services and workloads (a table made from Kubernetes'
//! own Go types). It finds all problems of a document at once, each with its line.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::pointer;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::suggest::did_you_mean;
use crate::core::yaml::Document;

/// What a value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Anything at all.
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
    /// A list of one shape.
    List(Box<Shape>),
    /// A map whose keys are the user's.
    Map(Box<Shape>),
    /// An object of a named type.
    Object(String),
}

/// The named object types that shapes refer to.
#[derive(Clone, Debug, Default)]
pub struct Shapes(pub BTreeMap<String, Fields>);

/// The fields of an object.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Name and shape of each.
    pub known: BTreeMap<String, Shape>,
    /// Those that must be there.
    pub required: Vec<String>,
}

impl Shapes {
    /// Adds to `problems` what is wrong with a document of this shape.
    pub fn check(&self, document: &Document, root: &Shape, problems: &mut Vec<Diagnostic>) {
        self.check_at("", document, root, problems);
    }

    /// The same for the part of a document at a pointer.
    pub fn check_at(
        &self,
        pointer: &str,
        document: &Document,
        shape: &Shape,
        problems: &mut Vec<Diagnostic>,
    ) {
        if let Some(value) = document.value.pointer(pointer) {
            Check { shapes: self, document, problems }.value(value, shape, pointer);
        }
    }
}

struct Check<'a> {
    shapes: &'a Shapes,
    document: &'a Document,
    problems: &'a mut Vec<Diagnostic>,
}

impl Check<'_> {
    fn value(&mut self, value: &Value, shape: &Shape, at: &str) {
        match (shape, value) {
            // A field that is null is a field that is absent: kubectl drops it too.
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
                        format!("{} is `{text}`{near}", named(at)),
                        Some(format!("one of: {}", known.join(", "))),
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
            (shape, value) => {
                let message = format!("{} is {}, expected {}", named(at), kind_of(value), expected(shape));
                let hint = matches!((shape, value), (Shape::Text, Value::Number(_) | Value::Bool(_)))
                    .then(|| format!("put it in quotes: \"{value}\""));
                self.report(at, message, hint);
            }
        }
    }

    fn object(&mut self, name: &str, map: &serde_json::Map<String, Value>, at: &str) {
        // A name without a type would be a bug of the table; anything is allowed then.
        let Some(fields) = self.shapes.0.get(name) else { return };
        for (key, value) in map {
            let below = pointer::join(at, key);
            if let Some(shape) = fields.known.get(key) {
                self.value(value, shape, &below);
            } else {
                let near = did_you_mean(key, fields.known.keys().map(String::as_str));
                let hint = near.is_empty().then(|| {
                    let all: Vec<_> = fields.known.keys().map(String::as_str).collect();
                    format!("known here: {}", all.join(", "))
                });
                self.report(&below, format!("unknown field `{}`{near}", pointer::field(&below)), hint);
            }
        }
        for key in &fields.required {
            if map.get(key).is_none_or(Value::is_null) {
                let missing = pointer::field(&pointer::join(at, key));
                self.report(at, format!("the field `{missing}` is missing"), None);
            }
        }
    }

    fn report(&mut self, at: &str, message: String, hint: Option<String>) {
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
    }
}

/// The shapes behind a JSON Schema as schemars writes it.
pub fn from_json_schema(schema: &Value) -> (Shape, Shapes) {
    let mut shapes = Shapes::default();
    for (name, definition) in schema.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        if let Some(fields) = fields_of(definition) {
            shapes.0.insert(name.clone(), fields);
        }
    }
    let title = schema.get("title").and_then(Value::as_str).unwrap_or("document").to_owned();
    shapes.0.insert(title.clone(), fields_of(schema).unwrap_or_default());
    // Definitions that are no objects (an enum, say) stand where they are used.
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
        Shape::List(item) | Shape::Map(item) => resolve(item, aliases),
        _ => {}
    }
}

fn fields_of(schema: &Value) -> Option<Fields> {
    let properties = schema.get("properties")?.as_object()?;
    let required = schema.get("required").and_then(Value::as_array);
    Some(Fields {
        known: properties.iter().map(|(name, property)| (name.clone(), shape_of(property))).collect(),
        required: required.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
    })
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
    if let Some(known) = words(schema) {
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

/// The words of an enum, whether schemars wrote them as `enum` or, with a description each, as `oneOf`.
fn words(schema: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(known) = schema.get("enum").and_then(Value::as_array) {
        return known.iter().map(text).collect();
    }
    if let Some(known) = schema.get("const") {
        return text(known).map(|word| vec![word]);
    }
    let choices = schema.get("oneOf")?.as_array()?;
    let lists: Option<Vec<Vec<String>>> = choices.iter().map(words).collect();
    lists.map(|lists| lists.concat())
}
