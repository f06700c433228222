//! Reads lists such as `k1=v1,k2=v2` as the controllers do.

use crate::core::kubernetes::selector::Selector;
use crate::core::platform::selection::form::{Spaces, WithoutValue};
use crate::core::platform::selection::selected::Selected;

/// Reads a list of labels that a node must all have.
///
/// `WithoutValue::Exists` is how AWS's provider reads it, and others that copied it (`getKeyValuePropertiesFromAnnotation` in
/// kubernetes/cloud-provider-aws): the text after a second `=` is ignored, and so is a part without a key.
/// `WithoutValue::Empty` is how Outscale's controller reads it (`stringToMapHookFunc` in outscale/cloud-provider-osc).
/// `WithoutValue::Refused` is how Alibaba's controller (`filterOutByLabel`) and the AWS Load Balancer Controller read it.
pub(super) fn list(text: &str, spaces: Spaces, without_value: WithoutValue) -> Selected {
    let mut selector = Selector::default();
    if without_value == WithoutValue::Empty && text.is_empty() {
        return Selected::EveryNode;
    }
    for part in text.split(',') {
        let part = if spaces == Spaces::Trimmed { part.trim() } else { part };
        let (key, value) = match part.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (part, None),
        };
        selector = match (without_value, key, value) {
            (WithoutValue::Exists, "", _) => continue,
            (WithoutValue::Exists, key, None | Some("")) => selector.and_exists(key),
            (WithoutValue::Exists, key, Some(value)) => {
                selector.and_equals(key, value.split('=').next().unwrap_or_default())
            }
            (WithoutValue::Empty, _, Some(value)) if value.contains('=') => {
                return Selected::Nothing(format!("the controller rejects `{part}`, which has two `=`"));
            }
            (WithoutValue::Empty, key, value) => selector.and_equals(key, value.unwrap_or_default()),
            (WithoutValue::Refused, _, None) => {
                return Selected::Nothing(format!("the controller rejects `{part}`, which has no `=`"));
            }
            (WithoutValue::Refused, key, Some(value)) => {
                if spaces == Spaces::Trimmed {
                    selector.and_equals(key.trim(), value.trim())
                } else {
                    selector.and_equals(key, value)
                }
            }
        };
    }
    Selected::matching(selector)
}

/// Reads one `key=value` with a key of the list. IBM's controller selects every node for any other text
/// (`getServiceNodeSelectorFilter` in IBM-Cloud/cloud-provider-ibm).
pub(super) fn one(text: &str, keys: &[String]) -> Selected {
    let text: String = text.chars().filter(|character| *character != ' ').collect();
    match text.split('=').collect::<Vec<_>>().as_slice() {
        [key, value] if keys.iter().any(|known| known == key) => {
            Selected::matching(Selector::default().and_equals(key, value))
        }
        _ => Selected::EveryNode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_each_controller_does() {
        let every = "every node of the cluster";
        for (text, spaces, without_value, expected) in [
            ("a=1,b=2", Spaces::Trimmed, WithoutValue::Exists, "the nodes with `a=1,b=2`"),
            (" a=1 , b=2 ", Spaces::Trimmed, WithoutValue::Exists, "the nodes with `a=1,b=2`"),
            ("a,b=", Spaces::Trimmed, WithoutValue::Exists, "the nodes with `a,b`"),
            ("=x", Spaces::Trimmed, WithoutValue::Exists, every),
            ("", Spaces::Trimmed, WithoutValue::Exists, every),
            ("a=1=2", Spaces::Trimmed, WithoutValue::Exists, "the nodes with `a=1`"),
            ("a=1, b=2", Spaces::Kept, WithoutValue::Refused, "the nodes with `a=1, b=2`"),
            (
                "a",
                Spaces::Kept,
                WithoutValue::Refused,
                "no node (the controller rejects `a`, which has no `=`)",
            ),
            ("a, b=2", Spaces::Trimmed, WithoutValue::Empty, "the nodes with `a=,b=2`"),
            ("", Spaces::Trimmed, WithoutValue::Empty, every),
            (
                "a=1=2",
                Spaces::Trimmed,
                WithoutValue::Empty,
                "no node (the controller rejects `a=1=2`, which has two `=`)",
            ),
            ("a = 1", Spaces::Trimmed, WithoutValue::Refused, "the nodes with `a=1`"),
        ] {
            assert_eq!(list(text, spaces, without_value).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_than_one_key_and_value_select_every_node() {
        let keys = ["a".to_owned()];
        assert_eq!(one(" a = 1", &keys).to_string(), "the nodes with `a=1`");
        for text in ["b=1", "a", "a=1,a=2", "a=1=2", ""] {
            assert_eq!(one(text, &keys), Selected::EveryNode, "{text}");
        }
    }
}
