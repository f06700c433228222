//! Overlays: JSON Patches with targets, for the rendered objects.

use std::collections::BTreeMap;

use glob::Pattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::diagnostic::{Checked, Diagnostic, Place};
use crate::core::form::{self, ApiVersion, Name};
use crate::core::patch::{self, Patch};
use crate::core::yaml::{self, Document};

const FILES: &[(&str, &str)] = &[
    ("internal-lb", include_str!("../../overlays/internal-lb.yaml")),
    ("local-traffic", include_str!("../../overlays/local-traffic.yaml")),
    ("no-node-ports", include_str!("../../overlays/no-node-ports.yaml")),
];

/// An overlay, read and checked.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// Its patches, in order.
    pub patches: Vec<TargetedPatch>,
    platforms: Vec<String>,
    place: Place,
    name: String,
}

/// A patch and the objects that it is for.
#[derive(Clone, Debug)]
pub struct TargetedPatch {
    /// What it does.
    pub patch: Patch,
    /// Where it stands.
    pub place: Place,
    /// Fewer matches are an error.
    pub at_least: usize,
    /// More matches are an error.
    pub at_most: Option<usize>,
    target: Vec<(&'static str, Pattern)>,
    labels: BTreeMap<String, String>,
}

/// What a target is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The object.
    pub object: &'a Value,
    /// The Service of the manifests that it is a copy of.
    pub service: Option<&'a str>,
    /// The value of the pool that it is for.
    pub pool: Option<&'a str>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Overlay")]
struct OverlayFile {
    /// The version of this form.
    api_version: ApiVersion,
    /// Always `Overlay`.
    kind: OverlayKind,
    /// Its name.
    metadata: Name,
    /// What it does.
    spec: OverlaySpec,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
enum OverlayKind {
    /// An overlay.
    Overlay,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OverlaySpec {
    /// A line about what it does.
    #[serde(default)]
    title: String,
    /// The platforms that read what it writes; on any other it is an error. Default: all.
    #[serde(default)]
    platforms: Vec<String>,
    /// Its patches, in order.
    patches: Vec<PatchForm>,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PatchForm {
    /// Which objects it is for; default: all.
    #[serde(default)]
    target: Target,
    /// How many it must match; default: at least one.
    #[serde(default)]
    expects: Expects,
    /// JSON Patch operations (RFC 6902); `metadata/labels` and `metadata/annotations` may be assumed to exist.
    patch: Vec<Value>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Target {
    /// A glob over `apiVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_version: Option<String>,
    /// A glob over `kind`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// A glob over `metadata.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// A glob over `metadata.namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// A glob over the name that a pool's Service has in the manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    /// A glob over the pool that a Service is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pool: Option<String>,
    /// Labels that it must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expects {
    /// Fewer matches are an error; 0 allows none.
    #[serde(default = "one")]
    at_least: usize,
    /// More matches are an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_most: Option<usize>,
}

fn one() -> usize {
    1
}

impl Default for Expects {
    fn default() -> Self {
        Self { at_least: 1, at_most: None }
    }
}

impl Overlay {
    /// Reads and checks an overlay file.
    pub fn read(file: &str, text: &str) -> Checked<Self> {
        let document = yaml::read_one(file, text)?;
        let read: OverlayFile = form::typed(&document)?;
        let mut problems = Vec::new();
        let patches = read
            .spec
            .patches
            .iter()
            .enumerate()
            .map(|(index, form)| targeted(form, &document, &format!("/spec/patches/{index}"), &mut problems))
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            patches,
            platforms: read.spec.platforms,
            place: document.place("/spec/platforms"),
            name: read.metadata.name,
        })
    }

    /// The text of a built-in overlay.
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// The names of the built-in overlays, in order.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// The JSON Schema of the form.
    pub fn schema() -> Value {
        form::schema::<OverlayFile>()
    }

    /// What it writes must be read by the platform, or it would be ignored in silence.
    pub fn check_platform(&self, platform: &str) -> Result<(), Diagnostic> {
        if self.platforms.is_empty() || self.platforms.iter().any(|known| known == platform) {
            return Ok(());
        }
        Err(Diagnostic::error(format!("the overlay {} is for {}, and {platform} would ignore it", self.name, self.platforms.join(", ")))
            .at(self.place.clone())
            .hint("take it out of `spec.overlays`; `internal: true` works on every platform that has internal load balancers"))
    }
}

impl TargetedPatch {
    /// Whether an object is meant.
    pub fn matches(&self, subject: Subject<'_>) -> bool {
        let text =
            |pointer: &str| subject.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        self.target.iter().all(|(field, pattern)| {
            pattern.matches(match *field {
                "service" => subject.service.unwrap_or_default(),
                "pool" => subject.pool.unwrap_or_default(),
                pointer => text(pointer),
            })
        }) && self
            .labels
            .iter()
            .all(|(key, value)| subject.object["metadata"]["labels"][key] == value.as_str())
    }
}

fn targeted(
    form: &PatchForm,
    document: &Document,
    at: &str,
    problems: &mut Vec<Diagnostic>,
) -> TargetedPatch {
    let target = &form.target;
    let fields = [
        ("/apiVersion", "apiVersion", &target.api_version),
        ("/kind", "kind", &target.kind),
        ("/metadata/name", "name", &target.name),
        ("/metadata/namespace", "namespace", &target.namespace),
        ("service", "service", &target.service),
        ("pool", "pool", &target.pool),
    ];
    let mut patterns = Vec::new();
    for (pointer, field, text) in fields {
        let Some(text) = text else { continue };
        match Pattern::new(text) {
            Ok(pattern) => patterns.push((pointer, pattern)),
            Err(error) => problems.push(
                Diagnostic::error(format!("`{text}` is no glob: {}", error.msg))
                    .at(document.place(&format!("{at}/target/{field}"))),
            ),
        }
    }
    TargetedPatch {
        patch: patch::read(document, &format!("{at}/patch"), problems),
        place: document.place(at),
        at_least: form.expects.at_least,
        at_most: form.expects.at_most,
        target: patterns,
        labels: target.labels.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_built_in_overlays_are_whole() {
        for name in Overlay::builtin_names() {
            let overlay = Overlay::read(name, Overlay::builtin_text(name).unwrap()).unwrap();
            assert_eq!(overlay.name, name);
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("overlays");
        assert_eq!(
            std::fs::read_dir(folder).unwrap().count(),
            FILES.len(),
            "a file of overlays/ is not built in"
        );
    }
}
