//! The part of a platform file that says how its controller reads a binding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::platform::service_rules::Condition;

/// How a controller reads the nodes of a load balancer from a Service.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selection {
    /// JSON pointer into the Service: the field that the controller reads. With `objects` it may be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What the controller takes its text for.
    pub form: SelectionForm,
    /// Of `keyValues`: what becomes of spaces around a part.
    #[serde(default)]
    pub spaces: Spaces,
    /// Of `keyValues`: what a key without a value means.
    #[serde(default)]
    pub without_value: WithoutValue,
    /// Of `labelValue`: the node label whose value the text is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Of `names`: what the platform calls a pool, with the placeholders of a binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of `names`: the text with which the cloud chooses by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto: Option<String>,
    /// Of `objects`: which objects select the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<SelectionObjects>,
    /// What a Service without the field gets.
    #[serde(default)]
    pub unset: Unset,
    /// Only a Service for which all of this holds gets any node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_if: Vec<Condition>,
}

/// What a controller takes a text for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SelectionForm {
    /// `k1=v1,k2=v2`: a node has all of these labels.
    KeyValues,
    /// Exactly one `key=value`, spaces removed, with a key of `onlyLabels`. Every other text selects every node.
    OneKeyValue,
    /// A label selector as `kubectl --selector` takes it (`labels.Parse` of Kubernetes).
    LabelSelector,
    /// A `LabelSelector` object as YAML or JSON, read by go-yaml v2: its keys are `matchlabels` and `matchexpressions`, and
    /// other keys, `matchLabels` among them, are dropped.
    LowerCaseObject,
    /// The value of one node label.
    LabelValue,
    /// Names by which the cloud knows the sets of nodes, separated by commas and compared without case.
    Names,
    /// Other objects select the nodes.
    Objects,
}

/// What becomes of spaces around the parts of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Spaces {
    /// They are dropped.
    #[default]
    Trimmed,
    /// They are a part of the key or the value, which then match no node.
    Kept,
}

/// What a key without a value means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WithoutValue {
    /// The label exists, whatever its value. A part without a key is dropped.
    #[default]
    Exists,
    /// The controller refuses a part without `=`; `key=` is the empty value.
    Refused,
}

/// What a Service without the field gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Unset {
    /// Every node.
    #[default]
    EveryNode,
    /// What the cloud chooses.
    Cloud,
    /// Nothing: the controller refuses it.
    Refused,
}

/// Objects that select nodes for Services.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectionObjects {
    /// Their kind.
    pub kind: String,
    /// JSON pointer into such an object: the `LabelSelector` of the Services that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<String>,
    /// JSON pointer into such an object: the list that holds the text of the Service's field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
    /// JSON pointer into such an object: the `LabelSelector` of the nodes, or a list of them of which one is enough.
    pub nodes: String,
}
