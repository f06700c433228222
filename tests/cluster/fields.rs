//! The table of Kubernetes' fields, compared with the OpenAPI document of the API server that it was generated from.
//!
//! `make fields` rewrites the table. It sets `UPDATE_FIELDS`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use http::Request;
use serde_json::Value;

use crate::control_plane::ApiServer;
use crate::real_server::as_administrator;

const TABLE: &str = "src/core/manifest/kubernetes-fields.txt";

/// The type of the metadata of all objects.
const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

#[test]
fn the_table_of_fields_is_that_of_the_api_server() {
    let Some(server) = ApiServer::shared() else { return };
    let documents = as_administrator(server, async |client| {
        let get = async |path: &str| {
            let request = Request::get(path).body(Vec::new()).unwrap();
            client.request::<Value>(request).await.unwrap()
        };
        let paths = get("/openapi/v3").await["paths"].as_object().unwrap().clone();
        let mut documents = Vec::new();
        for (path, _) in paths.iter().filter(|(path, _)| path.ends_with("v1") || path.ends_with("v2")) {
            documents.push(get(&format!("/openapi/v3/{path}")).await);
        }
        (documents, get("/version").await["gitVersion"].as_str().unwrap().to_owned())
    });
    let (documents, version) = documents;
    let mut table = Table::default();
    for document in &documents {
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            table.schemas.insert(name.clone(), schema);
        }
    }
    let found = table.text(&version);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    if std::env::var_os("UPDATE_FIELDS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        committed == found,
        "{TABLE} is not that of {version}; run `make fields` and read the difference"
    );
}

#[derive(Default)]
struct Table<'a> {
    schemas: BTreeMap<String, &'a Value>,
}

impl Table<'_> {
    /// Writes one line for each kind and for each type that a kind uses.
    fn text(&self, version: &str) -> String {
        let mut out = format!("# Kubernetes {version}, written by `make fields`\n");
        let mut wanted = Vec::new();
        let mut kinds = BTreeSet::new();
        for (name, schema) in &self.schemas {
            let is_object = reference(&schema["properties"]["metadata"]) == Some(METADATA);
            for gvk in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
                let text = |key: &str| gvk[key].as_str().unwrap_or_default();
                let slash = if text("group").is_empty() { "" } else { "/" };
                if is_object && !matches!(text("kind"), "Binding" | "Eviction" | "TokenRequest" | "Scale") {
                    kinds.insert(format!(
                        "kind {}{slash}{} {}={}",
                        text("group"),
                        text("version"),
                        text("kind"),
                        short(name)
                    ));
                    wanted.push(name.clone());
                }
            }
        }
        for kind in kinds {
            writeln!(out, "{kind}").unwrap();
        }
        let mut types = BTreeMap::new();
        while let Some(name) = wanted.pop() {
            let key = short(&name);
            if types.contains_key(&key) {
                continue;
            }
            let fields = self.fields(&name, &mut wanted);
            types.insert(key, fields);
        }
        for (name, fields) in types {
            writeln!(out, "type {name}{fields}").unwrap();
        }
        out
    }

    fn fields(&self, name: &str, wanted: &mut Vec<String>) -> String {
        let schema = self.schemas[name];
        let mut out = String::new();
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            // Types with a status of this form are objects; a manifest has no status.
            let is_status =
                field == "status" && reference(property).is_some_and(|name| name.ends_with("Status"));
            let word = if is_status { "any".to_owned() } else { self.word(property, wanted) };
            write!(out, " {field}:{word}").unwrap();
        }
        out
    }

    fn word(&self, schema: &Value, wanted: &mut Vec<String>) -> String {
        if let Some(name) = reference(schema) {
            let target = self.schemas[name];
            return match short(name).as_str() {
                "resource.Quantity" => "quantity".to_owned(),
                _ if target["properties"].is_object() => {
                    wanted.push(name.to_owned());
                    short(name)
                }
                _ => self.word(target, wanted),
            };
        }
        if let Some(values) = schema["enum"].as_array() {
            let values: Vec<&str> =
                values.iter().filter_map(Value::as_str).filter(|value| !value.is_empty()).collect();
            // A blank separates the fields of a line.
            return if values.iter().any(|value| value.contains(' ')) {
                "string".to_owned()
            } else {
                format!("={}", values.join("|"))
            };
        }
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (_, Some("int-or-string")) => "int-or-string".to_owned(),
            (Some("string"), Some("byte")) => "bytes".to_owned(),
            (Some("string"), _) => "string".to_owned(),
            (Some("boolean"), _) => "boolean".to_owned(),
            (Some("integer"), Some(format)) => format.to_owned(),
            (Some("number"), _) => "number".to_owned(),
            (Some("array"), _) => format!("[{}]", self.word(&schema["items"], wanted)),
            (Some("object"), _) if schema["additionalProperties"].is_object() => {
                format!("{{{}}}", self.word(&schema["additionalProperties"], wanted))
            }
            _ => "any".to_owned(),
        }
    }
}

/// Returns the name of the type that a schema refers to. A reference with a default or a description is in `allOf`.
fn reference(schema: &Value) -> Option<&str> {
    let direct = schema["$ref"].as_str();
    let name = direct.or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    name.strip_prefix("#/components/schemas/")
}

/// Shortens `io.k8s.api.core.v1.Service` to `core.v1.Service`.
fn short(name: &str) -> String {
    let parts: Vec<&str> = name.rsplitn(4, '.').collect();
    let keep = if parts.get(1).is_some_and(|part| part.starts_with('v') || part.len() == 2) { 3 } else { 2 };
    parts[..keep.min(parts.len())].iter().rev().copied().collect::<Vec<_>>().join(".")
}
