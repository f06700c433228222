//! The schema of an overlay file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::platform::{Refusal, Requirement, Setting};
use crate::core::schema::read;
use crate::core::schema::read::{ApiVersion, Name};

/// The whole document.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Overlay")]
pub(super) struct OverlayFile {
    /// The version of this schema.
    api_version: ApiVersion,
    /// Always `Overlay`.
    kind: OverlayKind,
    /// The name of the overlay.
    pub(super) metadata: Name,
    /// The content of the overlay.
    pub(super) spec: OverlaySpec,
}

impl read::Described for OverlayFile {
    const SCHEMA: &str = include_str!("../../../docs/schema/overlay.json");
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
enum OverlayKind {
    /// An overlay.
    Overlay,
}

/// The content of an overlay.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverlaySpec {
    /// One line that says what the overlay does.
    #[serde(default)]
    pub title: String,
    /// What users should know before they use the overlay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Sources of the facts in this overlay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The platforms that read the fields that this overlay writes; any other platform is an error. Default: the platforms of
    /// its patches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// What to do on any other platform; shown in the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// Whose values this overlay may replace: names of earlier overlays in `spec.overlays`, `internal` for `internal: true`,
    /// `perPool` for `workload.perPool`, `dns` for `spec.dns`, or the name of the platform for its binding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<String>,
    /// The settings that it reads from `spec.settings`; `${setting.NAME}` is replaced with the value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// Turns `workload.spread` on, except with `workload.perPool`.
    #[serde(default)]
    pub spread: bool,
    /// What the Service of a pool must have after all patches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Requirement>,
    /// What the Service of a pool must not have after all patches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuses: Vec<Refusal>,
    /// The target of patches that have no target; default: all objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<PatchTarget>,
    /// The patches, in order.
    pub patches: Vec<PatchForm>,
}

/// A patch with its target, as in kustomize, with some additional fields.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchForm {
    /// Apply the patch on these platforms only; default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// The objects to patch; default: the target of the overlay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<PatchTarget>,
    /// How many objects the target must match; default: at least one.
    #[serde(default)]
    pub(super) expects: Expects,
    /// JSON Patch operations (RFC 6902); `metadata/labels` and `metadata/annotations` always exist. If this is a string that
    /// holds the operations, the patch is read as in kustomize: the patterns of its target are then regular expressions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Value>,
    /// A file with the operations, relative to this file, instead of `patch`; as in kustomize.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// As in kustomize; only the default values are supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<BTreeMap<String, bool>>,
}

/// The objects that a patch applies to. The patterns are globs if `patch` is a list. If it is a string or a `path`, they are
/// regular expressions that match the whole value, as in kustomize.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Target")]
pub(super) struct PatchTarget {
    /// Pattern for `apiVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) api_version: Option<String>,
    /// Pattern for the group in `apiVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    /// Pattern for the version in `apiVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Pattern for `kind`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// Pattern for `metadata.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Pattern for `metadata.namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    /// Pattern for the name of the Service in the manifests that the object is a copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<String>,
    /// Pattern for the pool of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pool: Option<String>,
    /// Labels that the object must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
    /// A label selector, such as `app=web,tier in (a,b)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label_selector: Option<String>,
    /// A selector like `labelSelector`, for annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) annotation_selector: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Expects {
    /// Fewer matches are an error; 0 allows no match.
    #[serde(default = "one")]
    pub(super) at_least: usize,
    /// More matches are an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at_most: Option<usize>,
}

fn one() -> usize {
    1
}

impl Default for Expects {
    fn default() -> Self {
        Self { at_least: 1, at_most: None }
    }
}
