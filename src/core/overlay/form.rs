//! The form of an overlay file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::platform::{Refusal, Requirement, Setting};
use crate::core::schema::read::{ApiVersion, Name};

/// The whole document.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Overlay")]
pub(super) struct OverlayFile {
    /// The version of this form.
    api_version: ApiVersion,
    /// Always `Overlay`.
    kind: OverlayKind,
    /// Its name.
    pub(super) metadata: Name,
    /// What it does.
    pub(super) spec: OverlaySpec,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
enum OverlayKind {
    /// An overlay.
    Overlay,
}

/// What an overlay does.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OverlaySpec {
    /// A line about what it does.
    #[serde(default)]
    pub title: String,
    /// What else to know before it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where its facts are from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The platforms that read what it writes; on any other it is an error. Default: those of its patches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// What to do on any other platform, for the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// Whose values it may write over: names of overlays before it in `spec.overlays`, `internal` for `internal: true`,
    /// `perPool` for `workload.perPool`, `dns` for `spec.dns`, the name of the platform for its binding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<String>,
    /// What it has to be told in `spec.settings`; `${setting.NAME}` stands for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// Turns `workload.spread` on, where the workload is not one per pool.
    #[serde(default)]
    pub spread: bool,
    /// What the Service of a pool must have in the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Requirement>,
    /// What the Service of a pool must not have in the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refuses: Vec<Refusal>,
    /// Which objects its patches are for that have no target of their own; default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<PatchTarget>,
    /// Its patches, in order.
    pub patches: Vec<PatchForm>,
}

/// A patch with its target, as kustomize has it or with what is known here beside it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchForm {
    /// Only on these platforms; on any other the patch is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// Which objects it is for; default: those of the overlay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<PatchTarget>,
    /// How many it must match; default: at least one.
    #[serde(default)]
    pub(super) expects: Expects,
    /// JSON Patch operations (RFC 6902); `metadata/labels` and `metadata/annotations` may be assumed to exist. A text
    /// with such operations is a patch as kustomize has it: the patterns of its target are regular expressions then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Value>,
    /// Instead of `patch`, as in kustomize: a file with the operations, relative to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// As in kustomize; only what is the default there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) options: Option<BTreeMap<String, bool>>,
}

/// Which objects a patch is for. Globs where `patch` is a list; regular expressions over the whole value, as in kustomize,
/// where it is a text or a `path`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Target")]
pub(super) struct PatchTarget {
    /// Over `apiVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) api_version: Option<String>,
    /// Over the group in `apiVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    /// Over the version in `apiVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Over `kind`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// Over `metadata.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Over `metadata.namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) namespace: Option<String>,
    /// Over the name that a pool's Service has in the manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<String>,
    /// Over the pool that a Service is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pool: Option<String>,
    /// Labels that it must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
    /// A label selector, such as `app=web,tier in (a,b)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label_selector: Option<String>,
    /// The same over annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) annotation_selector: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Expects {
    /// Fewer matches are an error; 0 allows none.
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
