//! The parts of an object that patches changed, so that only what differs between the copies is validated again.

use json_patch::PatchOperation;
use serde_json::Value;

use crate::core::kubernetes::name_rules::{is_label_key, is_label_value};

/// The parts of an object that are kept apart. A patch with more changes the whole object.
const MOST: usize = 32;

/// Annotations, whose values have no rule but the ones below.
const ANNOTATIONS: &str = "/metadata/annotations";

/// Labels, which are validated alone.
const LABELS: &str = "/metadata/labels";

/// Fields for any string.
const FREE: &[&str] = &["/spec/loadBalancerIP"];

/// Annotations whose values the API server validates.
const VALIDATED: &[&str] = &["service.beta.kubernetes.io/load-balancer-source-ranges"];

/// Pointers of changed values: not below lists, because the index of an item changes with each patch.
#[derive(Clone, Debug, Default)]
pub(super) struct Regions(Vec<String>);

impl Regions {
    /// Adds what an operation changes.
    pub(super) fn add(&mut self, operation: &PatchOperation) {
        match operation {
            PatchOperation::Test(_) => return,
            PatchOperation::Move(it) => self.add_path(it.from.as_str()),
            _ => {}
        }
        self.add_path(operation.path().as_str());
    }

    fn add_path(&mut self, path: &str) {
        let region = region(path);
        // An object with many changes is compared as a whole.
        if self.0.iter().any(|known| known.is_empty() || known == region) {
            return;
        }
        if self.0.len() == MOST {
            self.0 = vec![String::new()];
        } else {
            self.0.push(region.to_owned());
        }
    }

    /// Whether nothing was changed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object may be invalid although another one, which has got the same or other patches, is valid.
    pub(super) fn differ(&self, object: &Value, others: &Self, other: &Value) -> bool {
        let theirs = others.0.iter().filter(|region| !self.0.contains(region));
        self.0.iter().chain(theirs).any(|region| {
            let (own, other) = (value_at(object, region), value_at(other, region));
            match region.as_str() {
                ANNOTATIONS => !are_alike(own, other),
                region if region.starts_with(LABELS) => {
                    own != other && (other.is_none() || !own.is_none_or(is_valid_in_labels))
                }
                region if FREE.contains(&region) => !own.is_none_or(Value::is_string),
                _ => own != other,
            }
        })
    }
}

/// Returns the value at a pointer; without allocations for most pointers, because this is done for each copy.
fn value_at<'a>(object: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.contains('~') {
        return object.pointer(pointer);
    }
    pointer.split('/').skip(1).try_fold(object, |value, key| value.get(key))
}

/// Whether annotations have the same keys, and the same values where a value matters.
fn are_alike(own: Option<&Value>, other: Option<&Value>) -> bool {
    let (Some(Value::Object(own)), Some(Value::Object(other))) = (own, other) else { return own == other };
    own.len() == other.len()
        && own.keys().zip(other.keys()).all(|(own, other)| own == other)
        && VALIDATED.iter().all(|key| own.get(*key) == other.get(*key))
}

/// Whether a value is that of a valid label, or a map of valid labels.
fn is_valid_in_labels(value: &Value) -> bool {
    let is_valid = |value: &Value| value.as_str().is_some_and(is_label_value);
    match value {
        Value::Object(map) => map.iter().all(|(key, value)| is_label_key(key) && is_valid(value)),
        value => is_valid(value),
    }
}

/// Returns the map or value that contains what is at a path.
fn region(path: &str) -> &str {
    if path.starts_with(ANNOTATIONS) {
        return ANNOTATIONS;
    }
    let mut end = 0;
    for key in path.split('/').skip(1) {
        let is_item = key == "-" || !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
        if is_item {
            break;
        }
        end += 1 + key.len();
    }
    &path[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::pointer;

    fn regions_of(paths: &[&str]) -> Vec<String> {
        let mut regions = Regions::default();
        for path in paths {
            regions.add_path(path);
        }
        regions.0.iter().map(|region| pointer::field(region)).collect()
    }

    #[test]
    fn regions_end_at_lists() {
        let paths = [
            "/spec/a",
            "/spec/l/0/x",
            "/spec/l/-",
            "/metadata/annotations/x~1y",
            "/metadata/annotations",
            "/spec/a",
        ];
        assert_eq!(regions_of(&paths), ["spec.a", "spec.l", "metadata.annotations"]);
        let many: Vec<String> = (0..100).map(|number| format!("/data/k{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(regions_of(&many), [""]);
    }

    #[test]
    fn values_of_annotations_may_differ() {
        let differ = |path: &str, a: &Value, b: &Value| {
            let mut regions = Regions::default();
            regions.add_path(path);
            regions.differ(a, &Regions::default(), b)
        };
        let with = |key: &str, value: &str| json!({"metadata": {"annotations": {key: value}}, "spec": {"l": [value]}});
        assert!(!differ("/metadata/annotations/a", &with("a", "1"), &with("a", "2")));
        assert!(differ("/metadata/annotations/a", &with("a", "1"), &with("b", "1")));
        let ranges = VALIDATED[0];
        assert!(differ("/metadata/annotations/a", &with(ranges, "1"), &with(ranges, "2")));
        let labels = |value: &str| json!({"metadata": {"labels": {"a": value}}});
        assert!(!differ("/metadata/labels/a", &labels("x"), &labels("y")));
        assert!(differ("/metadata/labels/a", &labels("x y"), &labels("y")));
        assert!(differ("/metadata/labels", &labels("x y"), &labels("y")));
        assert!(differ("/metadata/labels/a b", &json!({"metadata": {"labels": {"a b": "x"}}}), &labels("y")));
        assert!(differ("/spec/l/0", &with("a", "1"), &with("a", "2")));
        assert!(!differ("/spec/other", &with("a", "1"), &with("a", "2")));
        assert!(!Regions::default().differ(&with("a", "1"), &Regions::default(), &with("b", "2")));
    }
}
