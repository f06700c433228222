//! The part of a platform file that describes how the controller reads a binding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::platform::service_rules::Condition;

/// How a controller reads the nodes of a load balancer from a Service.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selection {
    /// JSON pointer into the Service: the field that the controller reads. Optional with `objects`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A pattern of other annotation keys, which the controller reads if the field is absent. `init --from` reads them, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_keys: Option<String>,
    /// How the controller interprets the text of the field.
    pub form: SelectionForm,
    /// For `keyValues`: how spaces around a part are handled.
    #[serde(default)]
    pub spaces: Spaces,
    /// For `keyValues`: the meaning of a key without a value.
    #[serde(default)]
    pub without_value: WithoutValue,
    /// For `labelValue`: the node label whose value is the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// For `names`: the cloud's name of a pool, with the placeholders of a binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For `names`: the text that lets the cloud choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto: Option<String>,
    /// For `names`: node labels whose value is the cloud's name of the node's set, if nodes have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name_labels: Vec<String>,
    /// For `objects`: the objects that select the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<SelectionObjects>,
    /// The nodes of a Service without the field.
    #[serde(default)]
    pub unset: Unset,
    /// A Service gets nodes only if all of these conditions hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_if: Vec<Condition>,
}

/// How a controller interprets a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SelectionForm {
    /// `k1=v1,k2=v2`: a node has all of these labels.
    KeyValues,
    /// Exactly one `key=value`, with spaces removed and a key from `onlyLabels`. Any other text selects every node.
    OneKeyValue,
    /// A label selector as in `kubectl --selector` (`labels.Parse` in Kubernetes).
    LabelSelector,
    /// A `LabelSelector` object as YAML or JSON, read by go-yaml v2: its keys are `matchlabels` and `matchexpressions`.
    /// Other keys, such as `matchLabels`, are ignored.
    LowerCaseObject,
    /// The value of one node label.
    LabelValue,
    /// The cloud's names of node sets, separated by commas and compared case-insensitively.
    Names,
    /// Other objects select the nodes.
    Objects,
}

/// How spaces around the parts of a list are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Spaces {
    /// Spaces are removed.
    #[default]
    Trimmed,
    /// Spaces are part of the key or the value, which then match no node.
    Kept,
}

/// The meaning of a key without a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WithoutValue {
    /// The label exists, with any value. A part without a key is ignored.
    #[default]
    Exists,
    /// The controller rejects a part without `=`; `key=` means the empty value.
    Refused,
    /// The label has the empty value, as with `key=`.
    Empty,
}

/// The nodes of a Service without the field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Unset {
    /// Every node.
    #[default]
    EveryNode,
    /// The nodes that the cloud chooses.
    Cloud,
    /// None: the controller rejects the Service.
    Refused,
}

/// Objects that select nodes for Services.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SelectionObjects {
    /// The kind of the objects.
    pub kind: String,
    /// JSON pointer into such an object: the `LabelSelector` of the Services that it applies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<String>,
    /// JSON pointer into such an object: the list that contains the text of the Service's field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
    /// JSON pointer into such an object: the `LabelSelector` of the nodes, or a list of alternatives.
    pub nodes: String,
}
