//! Placeholders such as `${pool.name}` in the values of bindings and overlays.
//!
//! `$${` is a literal `${`. An unknown name is an error, never an empty string.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::core::bounds::MAX_OBJECT_BYTES;
use crate::core::patch::meter::measure;
use crate::core::pointer;
use crate::core::report::suggest::did_you_mean;

/// The values of the placeholders for one object.
#[derive(Clone, Debug, Default)]
pub struct Values<'a>(Vec<(&'a str, Option<Given<'a>>, &'a str)>);

/// The value of a placeholder.
#[derive(Clone, Copy, Debug)]
enum Given<'a> {
    Text(&'a str),
    /// Valid only if the placeholder is the whole string.
    List(&'a Value),
}

impl<'a> Values<'a> {
    /// Adds a placeholder. `None` means that it is known but has no value here; `why_none` is the reason.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: Option<&'a str>, why_none: &'a str) -> Self {
        self.0.push((name, value.map(Given::Text), why_none));
        self
    }

    /// Adds a placeholder with a string or a list of strings.
    #[must_use]
    pub fn with_value(mut self, name: &'a str, value: Option<&'a Value>, why_none: &'a str) -> Self {
        let given = value.map(|value| value.as_str().map_or(Given::List(value), Given::Text));
        self.0.push((name, given, why_none));
        self
    }

    /// Whether a placeholder is known but has no value here.
    pub fn lacks(&self, name: &str) -> bool {
        self.0.iter().find(|(known, ..)| *known == name).is_some_and(|(_, given, _)| given.is_none())
    }

    fn get(&self, name: &str) -> Result<&'a str, PlaceholderError> {
        match self.given(name)? {
            Given::Text(text) => Ok(text),
            Given::List(_) => Err(PlaceholderError::List { name: name.to_owned() }),
        }
    }

    fn given(&self, name: &str) -> Result<Given<'a>, PlaceholderError> {
        match self.0.iter().find(|(known, ..)| *known == name) {
            Some((_, Some(given), _)) => Ok(*given),
            Some((_, None, why)) => {
                Err(PlaceholderError::NoValue { name: name.to_owned(), why: (*why).to_owned() })
            }
            None => Err(PlaceholderError::Unknown {
                name: name.to_owned(),
                near: did_you_mean(name, self.0.iter().map(|(known, ..)| *known)),
                known: self
                    .0
                    .iter()
                    .map(|(known, ..)| format!("${{{known}}}"))
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }
}

/// Reasons why a placeholder could not be filled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlaceholderError {
    /// No placeholder has this name.
    #[error("unknown placeholder `${{{name}}}`{near}")]
    Unknown {
        /// The name as written.
        name: String,
        /// `, did you mean …?` or empty.
        near: String,
        /// All known placeholders.
        known: String,
    },
    /// The placeholder is known, but has no value for this object.
    #[error("the placeholder `${{{name}}}` has no value here: {why}")]
    NoValue {
        /// The name as written.
        name: String,
        /// The reason.
        why: String,
    },
    /// A list in the middle of a string.
    #[error("the placeholder `${{{name}}}` is a list, so it must be the whole value")]
    List {
        /// The name as written.
        name: String,
    },
    /// The values of the placeholders are too long together.
    #[error("with its placeholders filled the value has more than {limit} bytes, which is the limit")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// `${` without `}`.
    #[error("unclosed placeholder in `{text}`")]
    Unclosed {
        /// The text that holds it.
        text: String,
    },
}

impl PlaceholderError {
    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } => {
                Some(format!("known placeholders: {known}; write `$${{` for a literal `${{`"))
            }
            Self::Unclosed { .. } => Some("write `$${` for a literal `${`".to_owned()),
            Self::TooLong { .. } => Some("use fewer placeholders, or shorter settings".to_owned()),
            Self::NoValue { .. } | Self::List { .. } => None,
        }
    }
}

/// Fills the placeholders in a string.
pub fn fill(text: &str, values: &Values<'_>) -> Result<String, PlaceholderError> {
    fill_within(text, values, &mut MAX_OBJECT_BYTES.clone())
}

/// Fills the placeholders in a string, and takes its length from `left`.
fn fill_within(text: &str, values: &Values<'_>, left: &mut usize) -> Result<String, PlaceholderError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            out.push_str(&rest[..start - 1]);
            out.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        out.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else {
            return Err(PlaceholderError::Unclosed { text: text.to_owned() });
        };
        let value = values.get(&rest[start + 2..start + length])?;
        take(left, value.len())?;
        out.push_str(value);
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn take(left: &mut usize, bytes: usize) -> Result<(), PlaceholderError> {
    *left = left.checked_sub(bytes).ok_or(PlaceholderError::TooLong { limit: MAX_OBJECT_BYTES })?;
    Ok(())
}

/// Fills the placeholders in every string of a value; keys stay unchanged.
pub fn fill_value(value: &Value, values: &Values<'_>) -> Result<Value, PlaceholderError> {
    fill_value_within(value, values, &mut MAX_OBJECT_BYTES.clone())
}

fn fill_value_within(
    value: &Value,
    values: &Values<'_>,
    left: &mut usize,
) -> Result<Value, PlaceholderError> {
    Ok(match value {
        Value::String(text) => match whole(text).map(|name| values.given(name)).transpose()? {
            Some(Given::List(list)) => {
                take(left, measure(list).bytes)?;
                list.clone()
            }
            _ => Value::String(fill_within(text, values, left)?),
        },
        Value::Array(list) => {
            let mut filled = Vec::with_capacity(list.len());
            for item in list {
                filled.push(fill_value_within(item, values, left)?);
            }
            Value::Array(filled)
        }
        Value::Object(map) => {
            let mut filled = Map::new();
            for (key, item) in map {
                filled.insert(key.clone(), fill_value_within(item, values, left)?);
            }
            Value::Object(filled)
        }
        plain => plain.clone(),
    })
}

/// Fills the placeholders in a JSON pointer. A value becomes part of one key, whatever characters it has.
pub fn fill_pointer(path: &str, values: &Values<'_>) -> Result<String, PlaceholderError> {
    if !path.contains("${") {
        return Ok(path.to_owned());
    }
    let mut filled = String::with_capacity(path.len());
    let mut left = MAX_OBJECT_BYTES;
    for key in pointer::keys(path) {
        pointer::push(&mut filled, &fill_within(&key, values, &mut left)?);
    }
    Ok(filled)
}

/// Returns the names of the placeholders in every string of a value; unclosed placeholders are skipped.
pub fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => {
            let parts = text.split("${").collect::<Vec<_>>();
            let after = parts.windows(2).filter(|pair| !pair[0].ends_with('$')).map(|pair| pair[1]);
            after.filter_map(|part| Some(part.split_once('}')?.0)).collect()
        }
        Value::Array(list) => list.iter().flat_map(names).collect(),
        Value::Object(map) => map.values().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

/// Returns the name of the placeholder if it is the whole string.
fn whole(text: &str) -> Option<&str> {
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| !name.contains(['$', '{', '}']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values<'static> {
        Values::default().with("pool.name", Some("a"), "").with("pool.vmSet", None, "no VM set is known")
    }

    #[test]
    fn fills_strings_and_values() {
        assert_eq!(fill("x-${pool.name}-y", &values()).unwrap(), "x-a-y");
        assert_eq!(fill("$${pool.name} $ {", &values()).unwrap(), "${pool.name} $ {");
        let value = serde_json::json!({"${pool.name}": ["${pool.name}", 1]});
        assert_eq!(fill_value(&value, &values()).unwrap(), serde_json::json!({"${pool.name}": ["a", 1]}));
    }

    #[test]
    fn a_list_must_be_the_whole_value() {
        let list = serde_json::json!(["a", "b"]);
        let values = values().with_value("setting.addresses", Some(&list), "");
        let filled = |text: &str| fill_value(&Value::from(text), &values);
        assert_eq!(filled("${setting.addresses}").unwrap(), list);
        assert_eq!(filled("${pool.name}").unwrap(), "a");
        let message = filled("x ${setting.addresses}").unwrap_err().to_string();
        assert_eq!(
            message,
            "the placeholder `${setting.addresses}` is a list, so it must be the whole value"
        );
    }

    #[test]
    fn what_is_filled_has_a_bound() {
        let long = "x".repeat(1000);
        let list = Value::from(vec![long.clone(); 10]);
        let values = Values::default().with("a", Some(&long), "").with_value("list", Some(&list), "");
        let once = serde_json::json!({"a": "${a}", "list": "${list}"});
        assert!(fill_value(&once, &values).is_ok());
        let too_long = Err(PlaceholderError::TooLong { limit: MAX_OBJECT_BYTES });
        assert_eq!(fill(&"${a}".repeat(4000), &values), too_long.clone());
        assert_eq!(fill_pointer(&format!("/{}", "${a}".repeat(4000)), &values), too_long);
        for one in ["${a}", "${list}"] {
            assert!(matches!(
                fill_value(&Value::from(vec![one; 4000]), &values),
                Err(PlaceholderError::TooLong { .. })
            ));
        }
    }

    #[test]
    fn fills_pointers_and_lists_names() {
        let values = Values::default().with("a", Some("x/y~"), "");
        assert_eq!(fill_pointer("/m/k~1${a}/-", &values).unwrap(), "/m/k~1x~1y~0/-");
        let value = serde_json::json!({"path": "/${a}", "value": ["$${b} ${c}${d}", 1, "${e"]});
        assert_eq!(names(&value), ["a", "c", "d"]);
    }

    #[test]
    fn unknown_missing_and_unclosed_placeholders_are_errors() {
        let message = |text| fill(text, &values()).unwrap_err().to_string();
        assert_eq!(
            message("${pool.names}"),
            "unknown placeholder `${pool.names}`, did you mean `pool.name`?"
        );
        assert_eq!(message("${HOME}"), "unknown placeholder `${HOME}`");
        assert_eq!(
            message("${pool.vmSet}"),
            "the placeholder `${pool.vmSet}` has no value here: no VM set is known"
        );
        assert_eq!(message("${pool"), "unclosed placeholder in `${pool`");
    }
}
