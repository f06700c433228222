//! Settings that a platform or an overlay needs, because neither the nodes nor the manifests hold them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A setting in `spec.settings`; `${setting.NAME}` is replaced with its value.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setting {
    /// The name of the setting.
    pub name: String,
    /// What it is: a clause that follows "which is".
    pub title: String,
    /// Whether there is one value for all pools, or one for each.
    #[serde(default)]
    pub of: SettingOf,
    /// The type: a string, a number, or a list of strings.
    #[serde(default)]
    pub form: SettingForm,
    /// A pattern that each string must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// Each text is an address or a range of addresses, and pools must have no address in common.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disjoint: bool,
    /// The value if the spec does not set it; without a default, an unset placeholder is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// For overlays: if it is not set, the patches that use it are left out, for all objects or for those of one pool.
    #[serde(default)]
    pub optional: bool,
}

/// Returns the patterns of settings, with their pointers in the document that declares them.
pub fn setting_patterns(settings: &[Setting]) -> Vec<(String, &String)> {
    let at = |index: usize| format!("/spec/settings/{index}/matches");
    settings.iter().enumerate().filter_map(|(index, it)| Some((at(index), it.matches.as_ref()?))).collect()
}

/// The scope of a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SettingOf {
    /// One value for all pools.
    #[default]
    All,
    /// A map from each pool to its value.
    Pool,
    /// Either one value for all pools, or a map from each pool to its value.
    Either,
}

/// The type of a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SettingForm {
    /// A string.
    #[default]
    Text,
    /// A whole number; its placeholder becomes a string of its digits.
    Number,
    /// A list of strings; its placeholder must be a whole value and becomes the list.
    List,
}
