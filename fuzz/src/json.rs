//! Structured input: JSON values with the words of Kubernetes.

use arbitrary::{Arbitrary, Result, Unstructured};
use serde_json::{Map, Number, Value};

/// Keys and texts that the program looks for, and characters that need quotes somewhere.
const WORDS: &[&str] = &[
    "",
    "-",
    ".",
    "/",
    "~",
    "~0",
    "0",
    "1",
    "80",
    "a",
    "a.b",
    "a/b",
    "a=b",
    "all",
    "annotations",
    "apiVersion",
    "apps/v1",
    "ClusterIP",
    "conditions",
    "ConfigMap",
    "containers",
    "data",
    "Deployment",
    "env",
    "f:",
    "false",
    "finalizers",
    "image",
    "ingress",
    "ip",
    "items",
    "key",
    "kind",
    "kubectl-largescale",
    "labels",
    "List",
    "LoadBalancer",
    "loadBalancer",
    "managedFields",
    "matchLabels",
    "metadata",
    "mountPath",
    "name",
    "namespace",
    "no",
    "nodePort",
    "nodeSelector",
    "null",
    "on",
    "operator",
    "ownerReferences",
    "pool",
    "port",
    "ports",
    "protocol",
    "replicas",
    "Secret",
    "selector",
    "Service",
    "spec",
    "status",
    "stringData",
    "TCP",
    "template",
    "tolerations",
    "type",
    "UDP",
    "uid",
    "v1",
    "value",
    "values",
    "volumes",
    "0644",
    "1e3",
    "2026-01-01T00:00:00Z",
    "\n",
    "\t",
    "\u{1}",
    "\u{1b}[31m",
    "\u{85}",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{1f469}",
    ": ",
    " #",
    "- ",
    "'",
    "\"",
    "\\",
    "${pool.name}",
    "$${",
    "${",
    "{}",
    "[]",
    "*",
    "&a",
    "!!str",
    "%",
    "@",
    "`",
    "|",
    ">",
    "---",
    "...",
    "<<",
    "=",
    "y",
    "~1",
    "é",
];

/// A text: a known word, several, or any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(pub String);

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(match u.int_in_range(0..=9)? {
            0..=5 => (*u.choose(WORDS)?).to_owned(),
            6 | 7 => format!("{}{}", u.choose(WORDS)?, u.choose(WORDS)?),
            _ => u.arbitrary::<&str>()?.chars().take(40).collect(),
        }))
    }
}

/// A JSON value with few levels.
#[derive(Clone, Debug)]
pub struct Json(pub Value);

impl<'a> Arbitrary<'a> for Json {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        value(u, 5).map(Self)
    }
}

/// A map with few levels.
#[derive(Clone, Debug)]
pub struct JsonMap(pub Value);

impl<'a> Arbitrary<'a> for JsonMap {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        map(u, 5).map(Self)
    }
}

fn value(u: &mut Unstructured<'_>, levels: u32) -> Result<Value> {
    let most = if levels == 0 { 6 } else { 11 };
    Ok(match u.int_in_range(0..=most)? {
        0 => Value::Null,
        1 => Value::Bool(u.arbitrary()?),
        2 => Value::Number(u.arbitrary::<i64>()?.into()),
        3 => Value::Number(u.arbitrary::<u16>()?.into()),
        4 => float(u.arbitrary()?),
        5 | 6 => Value::String(u.arbitrary::<Text>()?.0),
        7 | 8 => {
            let length = u.int_in_range(0..=4)?;
            Value::Array((0..length).map(|_| value(u, levels - 1)).collect::<Result<_>>()?)
        }
        _ => map(u, levels - 1)?,
    })
}

fn map(u: &mut Unstructured<'_>, levels: u32) -> Result<Value> {
    let length = u.int_in_range(0..=5)?;
    let mut fields = Map::new();
    for _ in 0..length {
        fields.insert(u.arbitrary::<Text>()?.0, value(u, levels)?);
    }
    Ok(Value::Object(fields))
}

/// Returns the JSON pointers of a value and of everything below it.
pub fn pointers(value: &Value) -> Vec<String> {
    fn add(at: &str, value: &Value, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Array(list) => {
                for (index, item) in list.iter().enumerate() {
                    add(&format!("{at}/{index}"), item, all);
                }
            }
            Value::Object(map) => {
                for (key, item) in map {
                    add(&format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), item, all);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    add("", value, &mut all);
    all
}

/// A change of a value: at one of its pointers, optionally one step further.
#[derive(Arbitrary, Clone, Debug)]
pub struct Edit {
    at: u8,
    below: Option<Text>,
    new: Option<Json>,
}

impl Edit {
    /// Applies the change; a change that does not fit does nothing.
    pub fn apply(&self, value: &mut Value) {
        let all = pointers(value);
        let pointer = &all[usize::from(self.at) % all.len()];
        match (&self.below, &self.new) {
            (None, Some(new)) => {
                if let Some(there) = value.pointer_mut(pointer) {
                    *there = new.0.clone();
                }
            }
            (Some(key), new) => match (value.pointer_mut(pointer), new) {
                (Some(Value::Object(map)), Some(new)) => drop(map.insert(key.0.clone(), new.0.clone())),
                (Some(Value::Object(map)), None) => drop(map.remove(&key.0)),
                (Some(Value::Array(list)), Some(new)) => list.push(new.0.clone()),
                (Some(Value::Array(list)), None) => drop(list.pop()),
                _ => {}
            },
            (None, None) => {
                let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", ""));
                if let Some(Value::Object(map)) = value.pointer_mut(parent) {
                    map.remove(key);
                }
            }
        }
    }
}

/// Returns a float as the reader does: without a fraction, it is a whole number.
#[expect(clippy::cast_possible_truncation, reason = "the float is a whole number below 2^53")]
fn float(value: f64) -> Value {
    let is_negative_zero = value == 0.0 && value.is_sign_negative();
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 && !is_negative_zero {
        return Value::Number((value as i64).into());
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}
