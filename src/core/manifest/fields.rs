//! The fields of Services and workloads, so that a misspelled field is found before it reaches production.
//!
//! `kubernetes-fields.json` is generated from Kubernetes' Go types (`make fields`), with one type on each line.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use crate::core::report::diagnostic::Diagnostic;
use crate::core::schema::shape::{Fields, Shape, Shapes};
use crate::core::yaml::Document;

const TABLE: &str = include_str!("kubernetes-fields.json");

/// The metadata type of all objects.
const METADATA: &str = "meta.v1.ObjectMeta";

#[derive(Deserialize)]
struct Table {
    kinds: BTreeMap<String, String>,
    types: BTreeMap<String, BTreeMap<String, String>>,
}

/// Reports unknown fields and values of the wrong type. For an object of an unknown kind, checks only the metadata.
pub(super) fn check(document: &Document, problems: &mut Vec<Diagnostic>) {
    let text = |key: &str| document.value.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = format!("{} {}", text("apiVersion"), text("kind"));
    let (kinds, shapes) = known();
    match kinds.get(&kind) {
        Some(shape) => shapes.check(document, shape, problems),
        None => shapes.check_at("/metadata", document, &Shape::Object(METADATA.to_owned()), problems),
    }
}

/// Returns the table, which is parsed once, when it is first needed.
fn known() -> &'static (BTreeMap<String, Shape>, Shapes) {
    static KNOWN: OnceLock<(BTreeMap<String, Shape>, Shapes)> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let empty = Table { kinds: BTreeMap::new(), types: BTreeMap::new() };
        let table: Table = serde_json::from_str(TABLE).unwrap_or(empty);
        let kinds = table.kinds.into_iter().map(|(kind, name)| (kind, Shape::Object(name))).collect();
        let shapes = table
            .types
            .into_iter()
            .map(|(name, fields)| {
                let known = fields.into_iter().map(|(field, shape)| (field, shape_of(&shape))).collect();
                (name, Fields { known, required: Vec::new() })
            })
            .collect();
        (kinds, Shapes(shapes))
    })
}

fn shape_of(word: &str) -> Shape {
    if let Some(item) = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Shape::List(Box::new(shape_of(item)));
    }
    if let Some(item) = word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return Shape::Map(Box::new(shape_of(item)));
    }
    match word {
        "any" => Shape::Any,
        "string" => Shape::Text,
        "boolean" => Shape::Flag,
        "integer" => Shape::Integer,
        "number" => Shape::Number,
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
        let (kinds, shapes) = known();
        for kind in [
            "v1 Service",
            "v1 Pod",
            "apps/v1 Deployment",
            "apps/v1 StatefulSet",
            "apps/v1 DaemonSet",
            "batch/v1 CronJob",
        ] {
            assert!(kinds.contains_key(kind), "{kind}");
        }
        let mut used = Vec::new();
        kinds
            .values()
            .chain(shapes.0.values().flat_map(|fields| fields.known.values()))
            .for_each(|shape| named(shape, &mut used));
        for name in used {
            assert!(shapes.0.contains_key(name), "{name} is used but not defined");
        }
    }
}
