//! Lists such as `k1=v1,k2=v2`, as controllers read them.

use crate::core::kubernetes::selector::Selector;
use crate::core::platform::selection::form::{Spaces, WithoutValue};
use crate::core::platform::selection::selected::Selected;

/// A list of labels that a node has all of.
///
/// With `WithoutValue::Exists` as AWS's provider has it, which others have copied (`getKeyValuePropertiesFromAnnotation` of
/// kubernetes/cloud-provider-aws): what follows a second `=` is dropped, and so is a part without a key. With
/// `WithoutValue::Refused` as Alibaba's (`filterOutByLabel`) and the AWS Load Balancer Controller have it.
pub(super) fn list(text: &str, spaces: Spaces, without_value: WithoutValue) -> Selected {
    let mut selector = Selector::default();
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
            (WithoutValue::Refused, _, None) => {
                return Selected::Nothing(format!("the controller refuses `{part}`, which has no `=`"));
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

/// One `key=value` with a key of the list; IBM's controller takes every node for any other text (`getServiceNodeSelectorFilter`
/// of IBM-Cloud/cloud-provider-ibm).
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
    fn lists_as_each_controller_reads_them() {
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
                "no node (the controller refuses `a`, which has no `=`)",
            ),
            ("a = 1", Spaces::Trimmed, WithoutValue::Refused, "the nodes with `a=1`"),
        ] {
            assert_eq!(list(text, spaces, without_value).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn one_key_or_every_node() {
        let keys = ["a".to_owned()];
        assert_eq!(one(" a = 1", &keys).to_string(), "the nodes with `a=1`");
        for text in ["b=1", "a", "a=1,a=2", "a=1=2", ""] {
            assert_eq!(one(text, &keys), Selected::EveryNode, "{text}");
        }
    }
}
