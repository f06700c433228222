//! What a platform or an overlay has to be told, because neither the nodes nor the manifests say it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that the spec says under `spec.settings`; `${setting.NAME}` stands for it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// What it is, behind "which is".
    pub title: String,
    /// One value for all, or one for each pool.
    #[serde(default)]
    pub of: SettingOf,
    /// A text, a number, or a list of texts.
    #[serde(default)]
    pub form: SettingForm,
    /// What each text must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// What it is where the spec does not say; without it, a placeholder that nobody has set is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Of an overlay: where it is not set, the patches that name it are left out, for all objects or for those of a pool.
    #[serde(default)]
    pub optional: bool,
}

/// The patterns of settings, and where they stand in the document that declares them.
pub fn setting_patterns(settings: &[Setting]) -> Vec<(String, &String)> {
    let at = |index: usize| format!("/spec/settings/{index}/matches");
    settings.iter().enumerate().filter_map(|(index, it)| Some((at(index), it.matches.as_ref()?))).collect()
}

/// What a setting is set for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SettingOf {
    /// All pools alike.
    #[default]
    All,
    /// Each pool: a map from the pool to its value.
    Pool,
    /// As the user likes: one value for all, or such a map.
    Either,
}

/// What a setting looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SettingForm {
    /// One text.
    #[default]
    Text,
    /// A whole number; its placeholder becomes a text with its digits.
    Number,
    /// Several; its placeholder stands alone in a value and becomes a list.
    List,
}
