//! The fields of a Service that show the platform of its load balancer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::pattern;
use crate::core::platform::is_set;
use crate::core::pointer;

/// A field that shows that a Service is of this platform, besides the fields of its binding.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceMark {
    /// JSON pointer into the Service.
    pub path: String,
    /// A pattern of keys below `path`: such a key is the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    /// A pattern of the value; default: any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
}

impl ServiceMark {
    /// Returns the JSON pointer of the first field of a Service that is such a mark.
    pub(super) fn found_in(&self, service: &Value) -> Option<String> {
        let found = service.pointer(&self.path)?;
        // Patterns were checked when the platform was read.
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|text_of| pattern::compile(text_of).is_ok_and(|it| it.is_match(text)))
        };
        if self.keys.is_none() {
            return (is_set(found) && fits(&self.matches, text(found).as_str())).then(|| self.path.clone());
        }
        let fields = found.as_object()?.iter();
        let mut named =
            fields.filter(|(key, value)| fits(&self.keys, key) && fits(&self.matches, &text(value)));
        named.next().map(|(key, _)| pointer::join(&self.path, key))
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
