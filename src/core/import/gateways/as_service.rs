//! Shows a Gateway as the Service that its implementation creates.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::gateway::is_gateway;
use crate::core::import::gateways::known::{Known, class_of};
use crate::core::json;
use crate::core::render::POOL_LABEL;
use crate::core::yaml::Document;

/// Returns the Services of the Gateways among documents and the items of lists.
pub fn services(
    documents: &[Document],
    classes: &BTreeMap<String, String>,
    namespace: Option<&str>,
) -> Vec<Document> {
    let objects: Vec<Document> = documents.iter().cloned().flat_map(Document::into_objects).collect();
    let known = Known::of(objects.iter().map(|document| &document.value).collect(), classes, namespace);
    let gateways = objects.iter().filter(|document| is_gateway(&document.value));
    gateways.map(|gateway| document(gateway, &known)).collect()
}

/// Returns the GatewayClasses of the Gateways among documents that the documents do not have, each with the version of the API.
pub fn unknown_classes(documents: &[Document]) -> BTreeSet<(String, String)> {
    let objects: Vec<Document> = documents.iter().cloned().flat_map(Document::into_objects).collect();
    let known = Known::of(objects.iter().map(|document| &document.value).collect(), &BTreeMap::new(), None);
    let gateways = objects.iter().map(|document| &document.value).filter(|value| is_gateway(value));
    let class = |gateway: &Value| {
        let (_, version) = gateway["apiVersion"].as_str()?.split_once('/')?;
        let name = class_of(gateway);
        (!name.is_empty() && !known.has_class(gateway)).then(|| (name.to_owned(), version.to_owned()))
    };
    gateways.filter_map(class).collect()
}

/// Returns the Service of a Gateway, with the lines of the Gateway.
pub(super) fn document(gateway: &Document, known: &Known<'_>) -> Document {
    let mut document = gateway.clone();
    for field in ["labels", "annotations"] {
        let from = format!("/spec/infrastructure/{field}");
        document.copy(&from, &format!("/metadata/{field}"));
    }
    let mut service = known.service(&gateway.value);
    // `render` writes the label to the Gateway.
    if let Some(pool) = gateway.value["metadata"]["labels"].get(POOL_LABEL) {
        json::put(&mut service, &["metadata", "labels", POOL_LABEL], pool.clone());
    }
    document.value = service;
    document
}

/// Returns the Service of a Gateway as its user wrote it.
pub(super) fn object(gateway: &Value, document: &Document, known: &Known<'_>) -> Value {
    let mut service = known.service(gateway);
    if let Some(pool) = document.value["metadata"]["labels"].get(POOL_LABEL) {
        json::put(&mut service, &["metadata", "labels", POOL_LABEL], pool.clone());
    }
    service
}
