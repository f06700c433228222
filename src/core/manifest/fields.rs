//! The fields of Kubernetes' own kinds, so that a misspelled field is found before it reaches production.
//!
//! `kubernetes-fields.txt` is generated from the OpenAPI document of an API server (`make fields`), with one type on each
//! line. A kind whose version is not in the table is not checked.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::Value;

use crate::core::kubernetes::rules::KubernetesRules;
use crate::core::schema::field::{Field, Finding, Report};
use crate::core::schema::shape::{Fields, Shape, Types, check_field};

const TABLE: &str = include_str!("kubernetes-fields.txt");

/// The metadata type of all objects.
const METADATA: &str = "meta.v1.ObjectMeta";

/// Reports unknown fields, values of the wrong type, and values that the API server refuses. For an object of an unknown kind,
/// checks only the metadata.
pub(super) fn check(object: &Value) -> Vec<Finding> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = format!("{} {}", text("apiVersion"), text("kind"));
    let table = table();
    let root = Field::root(object);
    let mut report = Report::of(object);
    let mut check = |name: &str, field: &Field<'_>| {
        check_field(table, &KubernetesRules, field, &Shape::Object(name.to_owned()), &mut report);
    };
    match table.kinds.get(kind.as_str()) {
        Some(name) => check(name, &root),
        None if root.get("metadata").is_set() => check(METADATA, &root.get("metadata")),
        None => {}
    }
    report.findings()
}

/// The lines of the table.
struct Table {
    kinds: HashMap<&'static str, &'static str>,
    types: HashMap<&'static str, Type>,
}

/// A type, which is parsed when it is first needed: a render needs a few of 450.
struct Type {
    line: &'static str,
    fields: OnceLock<Fields>,
}

impl Types for Table {
    fn fields(&self, name: &str) -> Option<&Fields> {
        let found = self.types.get(name)?;
        Some(found.fields.get_or_init(|| {
            let fields = found.line.split(' ').filter_map(|field| field.split_once(':'));
            let known = fields.map(|(name, word)| (name.to_owned(), shape_of(word))).collect();
            Fields { known, required: Vec::new() }
        }))
    }
}

fn table() -> &'static Table {
    static KNOWN: OnceLock<Table> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut table = Table { kinds: HashMap::new(), types: HashMap::new() };
        for line in TABLE.lines() {
            if let Some((kind, name)) = line.strip_prefix("kind ").and_then(|line| line.split_once('=')) {
                table.kinds.insert(kind, name);
            } else if let Some(line) = line.strip_prefix("type ") {
                let (name, line) = line.split_once(' ').unwrap_or((line, ""));
                table.types.insert(name, Type { line, fields: OnceLock::new() });
            }
        }
        table
    })
}

fn shape_of(word: &str) -> Shape {
    if let Some(item) = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Shape::List(Box::new(shape_of(item)));
    }
    if let Some(item) = word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return Shape::Map(Box::new(shape_of(item)));
    }
    if let Some(values) = word.strip_prefix('=') {
        // For Kubernetes, an empty string is an absent field.
        return Shape::OneOf(values.split('|').chain([""]).map(str::to_owned).collect());
    }
    match word {
        "any" => Shape::Any,
        "string" => Shape::Text,
        "boolean" => Shape::Flag,
        "int32" => Shape::Int32,
        "int64" => Shape::Integer,
        "number" => Shape::Number,
        "int-or-string" => Shape::IntOrText,
        "quantity" => Shape::Quantity,
        "bytes" => Shape::Base64,
        name => Shape::Object(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'a>(shape: &'a Shape, into: &mut Vec<&'a str>) {
        match shape {
            Shape::Object(name) => into.push(name),
            Shape::List(item) | Shape::Map(item) => named(item, into),
            _ => {}
        }
    }

    #[test]
    fn the_table_has_all_types() {
        let table = table();
        for kind in [
            "v1 ConfigMap",
            "v1 Pod",
            "v1 Secret",
            "v1 Service",
            "apps/v1 DaemonSet",
            "apps/v1 Deployment",
            "apps/v1 StatefulSet",
            "autoscaling/v2 HorizontalPodAutoscaler",
            "batch/v1 CronJob",
            "networking.k8s.io/v1 Ingress",
        ] {
            assert!(table.kinds.contains_key(kind), "{kind}");
        }
        let mut used: Vec<&str> = table.kinds.values().copied().collect();
        for name in table.types.keys() {
            table.fields(name).unwrap().known.values().for_each(|shape| named(shape, &mut used));
        }
        for name in used {
            assert!(table.types.contains_key(name), "{name} is used but not defined");
        }
    }
}
