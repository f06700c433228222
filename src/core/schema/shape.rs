//! The shape of a document: its fields and their types.
//!
//! One checker for everything that users write: our own files (their JSON Schema comes from the
//! types that read them) and Kubernetes Services and workloads (a table that was generated from
//! Kubernetes' Go types). It reports all problems of a document at once, each with its line.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::core::json;
use crate::core::kubernetes::formats::{is_base64, is_quantity};
use crate::core::pointer;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::suggest::did_you_mean;
use crate::core::schema::field::{Field, Report};
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
    /// A whole number of 32 bits with a sign.
    Int32,
    /// A whole number without a sign, of this many bits.
    Unsigned(u32),
    /// A whole number or a string.
    IntOrText,
    /// A quantity in Kubernetes' notation, such as `500m` or `1Gi`.
    Quantity,
    /// A string with base64.
    Base64,
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

/// Rules that are more than a shape: they get every object of a named type.
pub trait Rules {
    /// Checks an object of a type, and adds its problems to the report.
    fn check(&self, name: &str, object: &Field<'_>, report: &mut Report<'_>);
}

/// No rules but the shapes.
impl Rules for () {
    fn check(&self, _: &str, _: &Field<'_>, _: &mut Report<'_>) {}
}

impl Shapes {
    /// Checks a document against a shape, and adds its problems to `problems`.
    pub fn check(&self, document: &Document, root: &Shape, problems: &mut Vec<Diagnostic>) {
        let mut report = Report::of(&document.value);
        check_field(self, &(), &Field::root(&document.value), root, &mut report);
        problems.extend(report.findings().into_iter().map(|found| {
            let problem = Diagnostic::error(found.message).at(document.location(&found.pointer));
            Diagnostic { hint: found.hint, ..problem }
        }));
    }
}

/// Named types, by name.
pub trait Types {
    /// Returns the fields of a type.
    fn fields(&self, name: &str) -> Option<&Fields>;
}

impl Types for Shapes {
    fn fields(&self, name: &str) -> Option<&Fields> {
        self.0.get(name)
    }
}

/// Checks a value against a shape and rules.
pub fn check_field(
    types: &impl Types,
    rules: &impl Rules,
    field: &Field<'_>,
    shape: &Shape,
    report: &mut Report<'_>,
) {
    Check { types, rules, report }.value(field, shape);
}

struct Check<'a, 'd, T, R> {
    types: &'a T,
    rules: &'a R,
    report: &'a mut Report<'d>,
}

impl<T: Types, R: Rules> Check<'_, '_, T, R> {
    fn value(&mut self, field: &Field<'_>, shape: &Shape) {
        if self.report.is_full() {
            return;
        }
        match (shape, field.value) {
            // A null field is an absent field; kubectl drops it, too.
            (_, Value::Null) if !field.is_root() => {}
            (Shape::Any, _)
            | (Shape::Text | Shape::IntOrText, Value::String(_))
            | (Shape::Flag, Value::Bool(_))
            | (Shape::Number, Value::Number(_)) => {}
            (Shape::Integer | Shape::IntOrText, Value::Number(number))
                if number.is_i64() || number.is_u64() => {}
            (Shape::Int32, Value::Number(number)) if is_int32(number) => {}
            (Shape::Unsigned(bits), Value::Number(number))
                if number.as_u64().is_some_and(|number| number.checked_shr(*bits).unwrap_or(0) == 0) => {}
            (Shape::Quantity, Value::Number(number)) if is_quantity(&number.to_string()) => {}
            (Shape::Quantity, Value::String(text)) => {
                if !is_quantity(text) {
                    self.report.invalid(field, "a quantity, such as `500m`, `2` or `1Gi`");
                }
            }
            (Shape::Base64, Value::String(text)) => {
                if !is_base64(text) {
                    let hint = if self.report.is_secret() {
                        "encode the value, or move it to `stringData`"
                    } else {
                        "encode the value, or move it to `data`"
                    };
                    self.report.add(field, |field| format!("{field} is not base64"), Some(hint.to_owned()));
                }
            }
            (Shape::OneOf(known), Value::String(text)) => {
                if !known.contains(text) {
                    let known: Vec<&str> =
                        known.iter().map(String::as_str).filter(|known| !known.is_empty()).collect();
                    let near = did_you_mean(text, known.iter().copied());
                    let is = self.report.is(field);
                    self.report.add(
                        field,
                        |field| format!("invalid value for {field}: {is}{near}"),
                        Some(format!("valid values: {}", known.join(", "))),
                    );
                }
            }
            (Shape::List(item), Value::Array(_)) => {
                for below in field.items() {
                    match item.as_ref() {
                        // An item cannot be absent: null is an object without fields.
                        Shape::Object(name) if !below.is_set() => {
                            self.object(name, &below, &serde_json::Map::new());
                        }
                        _ => self.value(&below, item),
                    }
                }
            }
            (Shape::Map(item), Value::Object(_)) => {
                for (_, below) in field.entries() {
                    self.value(&below, item);
                }
            }
            (Shape::Object(name), Value::Object(map)) => self.object(name, field, map),
            (Shape::Renamed { shape, .. }, _) => self.value(field, shape),
            (shape, value) => {
                let is_hidden = self.report.hides(field);
                let is = if is_hidden { type_of(value).to_owned() } else { kind_of(value) };
                let is_text = matches!(shape, Shape::Text | Shape::OneOf(_) | Shape::Base64);
                let hint = (is_text && matches!(value, Value::Number(_) | Value::Bool(_))).then(|| {
                    if is_hidden {
                        "quote the value".to_owned()
                    } else {
                        format!("write it as a string: \"{value}\"")
                    }
                });
                let expected = match (shape, value) {
                    (Shape::Int32, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                        "a whole number from -2147483648 to 2147483647"
                    }
                    (Shape::Unsigned(bits), Value::Number(number)) if number.is_i64() || number.is_u64() => {
                        match bits {
                            8 => "a whole number from 0 to 255",
                            16 => "a whole number from 0 to 65535",
                            32 => "a whole number from 0 to 4294967295",
                            _ => "a whole number that is not negative",
                        }
                    }
                    _ => expected(shape),
                };
                self.report.add(field, |field| format!("{field} is {is}, expected {expected}"), hint);
            }
        }
    }

    fn object(&mut self, name: &str, field: &Field<'_>, map: &serde_json::Map<String, Value>) {
        // A name without a type would be a bug in the table; accept any value then.
        let Some(fields) = self.types.fields(name) else { return };
        for (key, below) in field.entries() {
            if self.report.is_full() {
                return;
            }
            let Some(shape) = fields.known.get(key) else {
                let near = did_you_mean(key, fields.current());
                let hint = near.is_empty().then(|| {
                    let all: Vec<&str> = fields.current().collect();
                    format!("known fields: {}", all.join(", "))
                });
                self.report.add(&below, |field| format!("unknown field {field}{near}"), hint);
                continue;
            };
            if let Shape::Renamed { to, .. } = shape
                && map.contains_key(to)
            {
                let new = pointer::field(&field.get(to).pointer());
                let old = pointer::field(&below.pointer());
                let hint = format!("remove `{old}`, the old name of `{new}`");
                self.report.add(&below, |field| format!("both {field} and `{new}` are set"), Some(hint));
            }
            self.value(&below, shape);
        }
        for key in &fields.required {
            let is_set = |key: &str| map.get(key).is_some_and(|value| !value.is_null());
            if !is_set(key) && !fields.old_names(key).any(is_set) {
                self.report.missing(&field.get(key), None);
            }
        }
        self.rules.check(name, field, self.report);
    }
}

fn is_int32(number: &serde_json::Number) -> bool {
    number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Any => "anything",
        Shape::Text | Shape::OneOf(_) => "a string",
        Shape::Flag => "true or false",
        Shape::Integer | Shape::Int32 | Shape::Unsigned(_) => "a whole number",
        Shape::IntOrText => "a whole number or a string",
        Shape::Quantity => "a quantity, such as `500m`, `2` or `1Gi`",
        Shape::Base64 => "a string with base64",
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
        let kind = |choice: &Value| choice.get("type").and_then(Value::as_str).map(str::to_owned);
        let kinds: Vec<String> = choices.iter().filter_map(kind).collect();
        if ["integer", "string"].iter().all(|wanted| kinds.iter().any(|kind| kind == wanted)) {
            return Shape::IntOrText;
        }
        let not_null = choices.iter().find(|choice| kind(choice).as_deref() != Some("null"));
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
        "integer" => match schema.get("format").and_then(Value::as_str) {
            Some("uint8") => Shape::Unsigned(8),
            Some("uint16") => Shape::Unsigned(16),
            Some("uint32") => Shape::Unsigned(32),
            Some("uint" | "uint64") => Shape::Unsigned(64),
            _ => Shape::Integer,
        },
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
