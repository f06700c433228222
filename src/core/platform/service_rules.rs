//! What a Service must and must not have on a platform. The program reports what the cloud would silently ignore.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::pattern;
use crate::core::pointer;

/// A field that a Service must not have.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refusal {
    /// JSON pointer into the Service; `*` is every item of a list.
    pub path: String,
    /// Applies to each field below `path` whose key matches this pattern, instead of to `path` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    /// Applies only if the value, as text, matches this pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// Applies only if all of these conditions hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// A lower-case clause that follows the field and its value.
    pub because: String,
    /// What to do instead.
    pub hint: String,
    /// The severity.
    #[serde(default)]
    pub level: Level,
    /// Which Services the rule applies to.
    #[serde(default)]
    pub within: Within,
}

/// A field that a controller writes to a Service.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Written {
    /// JSON pointer into the Service; a `*` at the end is every key that begins with the text before it.
    pub path: String,
    /// The source of this fact.
    pub source: String,
}

/// A field that a Service must have.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// JSON pointers into the Service; one of these fields is enough.
    pub any_of: Vec<String>,
    /// Applies only if all of these conditions hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// A lower-case clause that follows the missing field.
    pub because: String,
    /// What to do.
    pub hint: String,
    /// The severity.
    #[serde(default)]
    pub level: Level,
}

/// A condition on another field of the Service.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Condition {
    /// JSON pointer into the Service.
    pub path: String,
    /// A pattern that the value, as text, matches; an absent field is the empty text.
    pub matches: String,
}

/// Which Services a rule applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Within {
    /// The Service of any pool, whichever file sets the field.
    #[default]
    Pools,
    /// The Service in the manifests, which all pools copy; an overlay may set the field for the Service of one pool.
    Manifests,
}

/// The severity of a broken rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Nothing is rendered.
    #[default]
    Error,
    /// `render` prints a warning.
    Warning,
}

/// A rule that a Service breaks.
#[derive(Clone, Debug)]
pub struct Broken<'a> {
    /// The field that is wrong; `None` if a field is missing.
    pub path: Option<String>,
    /// The problem: a lower-case sentence.
    pub sentence: String,
    /// What to do.
    pub hint: &'a str,
    /// The severity.
    pub level: Level,
}

impl Refusal {
    /// Returns the fields of a Service that the rule refuses, each with the problem: a lower-case sentence.
    fn broken_by<'s>(&self, service: &'s Value) -> Vec<(String, String)> {
        let fields: Vec<(String, &Value)> = match (&self.keys, self.path.split_once("/*")) {
            (Some(pattern), _) => {
                let below =
                    pointer::find(service, &self.path).and_then(Value::as_object).into_iter().flatten();
                let named = below.filter(|(key, _)| matches(pattern, key));
                named.map(|(key, value)| (pointer::join(&self.path, key), value)).collect()
            }
            (None, Some((list, field))) => {
                let items =
                    pointer::find(service, list).and_then(Value::as_array).into_iter().flatten().enumerate();
                let of_item = |(index, item): (usize, &'s Value)| {
                    Some((format!("{list}/{index}{field}"), pointer::find(item, field)?))
                };
                items.filter_map(of_item).collect()
            }
            (None, None) => pointer::find(service, &self.path)
                .map(|found| (self.path.clone(), found))
                .into_iter()
                .collect(),
        };
        let is_meant = |value: &Value| {
            is_set(value) && self.matches.as_ref().is_none_or(|pattern| matches(pattern, &text(value)))
        };
        let mut fields: Vec<_> = fields.into_iter().filter(|(_, value)| is_meant(value)).collect();
        if !fields.is_empty() && !self.when.iter().all(|condition| condition.holds(service)) {
            fields.clear();
        }
        let told = |(path, found): (String, &Value)| {
            let sentence = format!("`{}` is {found}, which {}", pointer::field(&path), self.because);
            (path, sentence)
        };
        fields.into_iter().map(told).collect()
    }
}

impl Requirement {
    /// Returns the problem of a Service: a lower-case sentence.
    fn broken_by(&self, service: &Value) -> Option<String> {
        let has = |path: &String| pointer::find(service, path).is_some_and(is_set);
        if self.any_of.iter().any(has) || !self.when.iter().all(|condition| condition.holds(service)) {
            return None;
        }
        let names: Vec<_> = self.any_of.iter().map(|path| format!("`{}`", pointer::field(path))).collect();
        let what = match names.as_slice() {
            [one] => format!("{one} is not set"),
            several => format!("none of {} is set", several.join(", ")),
        };
        Some(format!("{what}, {}", self.because))
    }
}

impl Condition {
    /// Whether the condition holds for a Service.
    pub(super) fn holds(&self, service: &Value) -> bool {
        matches(&self.matches, &pointer::find(service, &self.path).map(text).unwrap_or_default())
    }
}

/// Returns the rules that the Service of a pool breaks.
pub fn broken_rules<'a>(
    refuses: &'a [Refusal],
    requires: &'a [Requirement],
    service: &'a Value,
) -> impl Iterator<Item = Broken<'a>> {
    let lacking = requires.iter().filter_map(|rule| {
        let sentence = rule.broken_by(service)?;
        Some(Broken { path: None, sentence, hint: &rule.hint, level: rule.level })
    });
    refused(refuses, service, Within::Pools).chain(lacking)
}

/// Returns the refusals that apply to such a Service and that it breaks.
pub(super) fn refused<'a>(
    refuses: &'a [Refusal],
    service: &'a Value,
    within: Within,
) -> impl Iterator<Item = Broken<'a>> {
    refuses.iter().filter(move |rule| rule.within == within).flat_map(|rule| {
        let fields = rule.broken_by(service).into_iter();
        fields.map(|(path, sentence)| Broken {
            path: Some(path),
            sentence,
            hint: &rule.hint,
            level: rule.level,
        })
    })
}

/// Returns the annotations of a Service that name an address.
pub(super) fn addresses<'a>(
    annotations: &'a [String],
    service: &'a Value,
) -> impl Iterator<Item = Broken<'a>> {
    let set = service["metadata"]["annotations"].as_object().into_iter().flatten();
    let names_one = |(key, value): &(&String, &Value)| {
        is_set(value) && annotations.iter().any(|known| known.eq_ignore_ascii_case(key))
    };
    set.filter(names_one).map(|(key, found)| {
        let path = pointer::join("/metadata/annotations", key);
        let sentence = format!(
            "`{}` is {found}, which names the address of a single load balancer",
            pointer::field(&path)
        );
        Broken { path: Some(path), sentence, hint: OWN_ADDRESS, level: Level::Error }
    })
}

const OWN_ADDRESS: &str =
    "remove it, or set a value for each pool's Service in an overlay (`target: {pool: POOL}`)";

/// Matches a pattern. Patterns were checked when the platform was read.
fn matches(pattern: &str, text: &str) -> bool {
    pattern::compile(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Whether a field is set. Kubernetes treats null, 0 and "" as not set.
pub fn is_set(value: &Value) -> bool {
    !(value.is_null() || *value == 0 || *value == "" || value.as_array().is_some_and(Vec::is_empty))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(rest: &Value) -> Refusal {
        let mut form = json!({"path": "/spec/a", "because": "does nothing", "hint": "remove it"});
        json_patch::merge(&mut form, rest);
        serde_json::from_value(form).unwrap()
    }

    #[test]
    fn refusals_apply_to_set_fields_that_match() {
        let service = |a: Value| json!({"spec": {"a": a, "b": "x"}});
        let plain = refusal(&json!({}));
        let found = plain.broken_by(&service(json!("1")));
        assert_eq!(found, [("/spec/a".to_owned(), "`spec.a` is \"1\", which does nothing".to_owned())]);
        for unset in [json!(null), json!(0), json!(""), json!([])] {
            assert_eq!(plain.broken_by(&service(unset)), []);
        }
        let of_value = refusal(&json!({"matches": "^false$"}));
        assert!(!of_value.broken_by(&service(json!(false))).is_empty());
        assert!(of_value.broken_by(&service(json!("true"))).is_empty());
        let with = |pattern: &str| refusal(&json!({"when": [{"path": "/spec/b", "matches": pattern}]}));
        assert!(!with("^x$").broken_by(&service(json!(1))).is_empty());
        assert!(with("^$").broken_by(&service(json!(1))).is_empty());
    }

    #[test]
    fn refusals_apply_to_each_key_that_matches() {
        let rule = refusal(&json!({"path": "/metadata/annotations", "keys": "^a/"}));
        let service = json!({"metadata": {"annotations": {"a/1": "x", "a/2": "", "b/1": "y"}}});
        let found = rule.broken_by(&service);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "/metadata/annotations/a~11");
        assert_eq!(found[0].1, "`metadata.annotations[a/1]` is \"x\", which does nothing");
        assert_eq!(rule.broken_by(&json!({})), []);
    }

    #[test]
    fn refusals_apply_to_each_item_of_a_list() {
        let rule = refusal(&json!({"path": "/spec/ports/*/targetPort", "matches": "[a-z]"}));
        let service = json!({"spec": {"ports": [{"targetPort": 80}, {"targetPort": "http"}, {"port": 1}]}});
        let found = rule.broken_by(&service);
        assert_eq!(
            found,
            [(
                "/spec/ports/1/targetPort".to_owned(),
                "`spec.ports[1].targetPort` is \"http\", which does nothing".to_owned()
            )]
        );
    }

    #[test]
    fn requirements_need_one_of_their_fields() {
        let of = |paths: &[&str]| Requirement {
            any_of: paths.iter().map(ToString::to_string).collect(),
            when: Vec::new(),
            because: "and the cloud guesses".to_owned(),
            hint: String::new(),
            level: Level::Warning,
        };
        let service = json!({"metadata": {"annotations": {"a.b/c": "x"}}});
        assert_eq!(of(&["/spec/x", "/metadata/annotations/a.b~1c"]).broken_by(&service), None);
        assert_eq!(
            of(&["/spec/x"]).broken_by(&service).unwrap(),
            "`spec.x` is not set, and the cloud guesses"
        );
        assert_eq!(
            of(&["/spec/x", "/metadata/annotations/a.b~1d"]).broken_by(&service).unwrap(),
            "none of `spec.x`, `metadata.annotations[a.b/d]` is set, and the cloud guesses"
        );
    }
}
