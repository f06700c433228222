//! The objects that a patch applies to.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::kubernetes::selector::Selector;
use crate::core::manifest::{Key, Scopes};
use crate::core::overlay::form::PatchTarget;
use crate::core::overlay::pattern::{Dialect, Pattern};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::Document;

/// An object, and the facts about it that a target can match.
#[derive(Clone, Copy, Debug)]
pub struct PatchSubject<'a> {
    /// The object.
    pub object: &'a Value,
    /// The Service in the manifests that the object is a copy of.
    pub service: Option<&'a str>,
    /// The value of the pool of the object.
    pub pool: Option<&'a str>,
    /// The scopes of kinds: namespaced or not.
    pub scopes: &'a Scopes,
}

/// A target that was read.
#[derive(Clone, Debug)]
pub(super) struct TargetMatcher {
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

/// Reads a target; `at` is its pointer in the document.
pub(super) fn read(
    target: &PatchTarget,
    dialect: Dialect,
    document: &Document,
    at: &str,
    problems: &mut Vec<Diagnostic>,
) -> TargetMatcher {
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
        // Kustomize treats an empty pattern as absent.
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
                Diagnostic::error(format!("invalid label selector `{text}`: {why}"))
                    .at(document.location(&format!("{at}/{name}")))
                    .hint("write a selector such as `app=web,tier in (a,b),!canary`"),
            );
            Selector::default()
        })
    };
    let label_selector = selector("labelSelector", &target.label_selector);
    let annotation_selector = selector("annotationSelector", &target.annotation_selector);
    TargetMatcher { patterns, dialect, labels: target.labels.clone(), label_selector, annotation_selector }
}

impl TargetMatcher {
    /// Whether the target matches an object.
    pub(super) fn matches(&self, subject: PatchSubject<'_>) -> bool {
        let metadata = &subject.object["metadata"];
        self.patterns.iter().all(|(field, pattern)| pattern.matches(self.field_text(*field, subject)))
            && self.labels.iter().all(|(key, value)| metadata["labels"][key] == value.as_str())
            && self.label_selector.matches(&metadata["labels"])
            && self.annotation_selector.matches(&metadata["annotations"])
    }

    /// Whether the target names kinds.
    pub(super) fn names_kinds(&self) -> bool {
        self.patterns.iter().any(|(field, _)| matches!(field, Field::Kind))
    }

    fn field_text<'a>(&self, field: Field, subject: PatchSubject<'a>) -> &'a str {
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
                // Kustomize treats an object without a namespace as one in `default`.
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
