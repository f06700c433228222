//! Labels and label selectors.

use crate::core::kubernetes::formats::Format;
use crate::core::kubernetes::name_rules::{is_label_key, is_label_value};
use crate::core::kubernetes::selector::{ObjectKeys, Selector};
use crate::core::schema::field::{Field, Report, shown};

/// Checks a map of labels: each key, and each value.
pub(super) fn labels(field: &Field<'_>, report: &mut Report<'_>) {
    for (key, value) in field.entries() {
        if !is_label_key(key) {
            let form = Format::LabelKey.describe();
            let key = shown(key);
            report.add(field, |field| format!("{field} has the key `{key}`, expected {form}"), None);
        }
        if value.value.as_str().is_some_and(|value| !is_label_value(value)) {
            report.invalid(&value, &Format::LabelValue.describe());
        }
    }
}

/// `ValidateLabelSelectorRequirement`.
pub(super) fn requirement(field: &Field<'_>, report: &mut Report<'_>) {
    let (operator, values) = (field.get("operator"), field.get("values"));
    let Some(operator_text) = operator.text() else { return };
    match operator_text {
        "In" | "NotIn" => {
            if values.is_empty() {
                report.missing(&values, Some(format!("list the values that `{operator_text}` compares")));
            }
        }
        "Exists" | "DoesNotExist" => {
            if !values.is_empty() {
                report.forbidden(&values, &format!("`operator` is {operator_text}"));
            }
        }
        _ => report.invalid(&operator, "In, NotIn, Exists or DoesNotExist"),
    }
}

/// Checks that a selector is given and matches the labels of the pod template.
pub(super) fn matches_template(spec: &Field<'_>, report: &mut Report<'_>) {
    let field = spec.get("selector");
    if !field.is_set() {
        let hint = "set it to labels of the pod template, such as `matchLabels: {app: NAME}`";
        report.missing(&field, Some(hint.to_owned()));
        return;
    }
    let Ok(selector) = Selector::read_object(field.value, ObjectKeys::CamelCase) else { return };
    if selector.is_everything() {
        report.add(&field, |field| format!("{field} is empty, expected labels of the pod template"), None);
        return;
    }
    let template = spec.get("template");
    let metadata = template.get("metadata");
    let labels = metadata.get("labels");
    // Wrong labels are reported as such.
    let is_valid = labels.entries().all(|(_, value)| value.value.is_string());
    if is_valid && !selector.matches(labels.value) {
        let shown = shown(&selector.to_string());
        report.add(
            &labels,
            |field| format!("{field} does not match `spec.selector` (`{shown}`)"),
            Some("give the pod template the labels of the selector".to_owned()),
        );
    }
}
