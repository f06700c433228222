//! Which objects a patch is for.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::kubernetes::selector::Selector;
use crate::core::manifest::{Key, Scopes};
use crate::core::overlay::form::PatchTarget;
use crate::core::overlay::pattern::{Dialect, Pattern};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::Document;

/// What a target is compared with.
#[derive(Clone, Copy, Debug)]
pub struct PatchSubject<'a> {
    /// The object.
    pub object: &'a Value,
    /// The Service of the manifests that it is a copy of.
    pub service: Option<&'a str>,
    /// The value of the pool that it is for.
    pub pool: Option<&'a str>,
    /// Which kinds live in a namespace.
    pub scopes: &'a Scopes,
}

/// A target, read.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    patterns: Vec<(Field, Pattern)>,
    dialect: Dialect,
    labels: BTreeMap<String, String>,
    label_selector: Selector,
    annotation_selector: Selector,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    ApiVersion,
    Group,
    Version,
    Kind,
    Name,
    Namespace,
    Service,
    Pool,
}

/// Reads a target that stands at a pointer of a document.
pub(super) fn read(
    target: &PatchTarget,
    dialect: Dialect,
    document: &Document,
    at: &str,
    problems: &mut Vec<Diagnostic>,
) -> Meant {
    let fields = [
        (Field::ApiVersion, "apiVersion", &target.api_version),
        (Field::Group, "group", &target.group),
        (Field::Version, "version", &target.version),
        (Field::Kind, "kind", &target.kind),
        (Field::Name, "name", &target.name),
        (Field::Namespace, "namespace", &target.namespace),
        (Field::Service, "service", &target.service),
        (Field::Pool, "pool", &target.pool),
    ];
    let mut patterns = Vec::new();
    for (field, name, text) in fields {
        // Empty is absent, as in kustomize.
        let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { continue };
        match Pattern::read(text, dialect) {
            Ok(pattern) => patterns.push((field, pattern)),
            Err((message, hint)) => problems
                .push(Diagnostic::error(message).at(document.location(&format!("{at}/{name}"))).hint(hint)),
        }
    }
    let mut selector = |name: &str, text: &Option<String>| {
        let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { return Selector::default() };
        Selector::read(text).unwrap_or_else(|why| {
            problems.push(
                Diagnostic::error(format!("`{text}` is no label selector: {why}"))
                    .at(document.location(&format!("{at}/{name}")))
                    .hint("such as `app=web,tier in (a,b),!canary`"),
            );
            Selector::default()
        })
    };
    let label_selector = selector("labelSelector", &target.label_selector);
    let annotation_selector = selector("annotationSelector", &target.annotation_selector);
    Meant { patterns, dialect, labels: target.labels.clone(), label_selector, annotation_selector }
}

impl Meant {
    /// Whether an object is meant.
    pub(super) fn is(&self, subject: PatchSubject<'_>) -> bool {
        let metadata = &subject.object["metadata"];
        self.patterns.iter().all(|(field, pattern)| pattern.matches(self.text(*field, subject)))
            && self.labels.iter().all(|(key, value)| metadata["labels"][key] == value.as_str())
            && self.label_selector.matches(&metadata["labels"])
            && self.annotation_selector.matches(&metadata["annotations"])
    }

    fn text<'a>(&self, field: Field, subject: PatchSubject<'a>) -> &'a str {
        let object = subject.object;
        let text = |value: &'a Value| value.as_str().unwrap_or_default();
        let api_version = text(&object["apiVersion"]);
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        match field {
            Field::ApiVersion => api_version,
            Field::Group => group,
            Field::Version => version,
            Field::Kind => text(&object["kind"]),
            Field::Name => text(&object["metadata"]["name"]),
            Field::Namespace => match text(&object["metadata"]["namespace"]) {
                // For kustomize an object without a namespace is in `default`.
                "" if self.dialect == Dialect::Kustomize => {
                    let key = Key::of(object);
                    if subject.scopes.is_namespaced(&key.group, &key.kind) { "default" } else { "" }
                }
                namespace => namespace,
            },
            Field::Service => subject.service.unwrap_or_default(),
            Field::Pool => subject.pool.unwrap_or_default(),
        }
    }
}
