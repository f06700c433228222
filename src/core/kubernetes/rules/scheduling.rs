//! Tolerations and node affinity: `ValidateTolerations`, `ValidateNodeSelectorRequirement`.

use crate::core::kubernetes::formats::Format;
use crate::core::kubernetes::name_rules::{is_label_key, is_label_value};
use crate::core::schema::field::{Field, Report};

pub(super) fn toleration(toleration: &Field<'_>, report: &mut Report<'_>) {
    let (operator, value) = (toleration.get("operator"), toleration.get("value"));
    let compare = operator.text().unwrap_or("Equal");
    if toleration.get("key").is_empty() && compare != "Exists" {
        report.add(
            &operator,
            |field| format!("{field} is {compare}, but `key` is not set"),
            Some("set `key`, or `operator: Exists` to tolerate all taints".to_owned()),
        );
    }
    let seconds = toleration.get("tolerationSeconds");
    if seconds.is_set() && toleration.get("effect").text() != Some("NoExecute") {
        report.forbidden(&seconds, "`effect` is not NoExecute");
    }
    match compare {
        "Equal" if value.value.as_str().is_some_and(|value| !is_label_value(value)) => {
            report.invalid(&value, &Format::LabelValue.describe());
        }
        "Exists" if value.text().is_some() => report.forbidden(&value, "`operator` is Exists"),
        _ => {}
    }
}

pub(super) fn node_requirement(requirement: &Field<'_>, report: &mut Report<'_>) {
    let (operator, values, key) =
        (requirement.get("operator"), requirement.get("values"), requirement.get("key"));
    let count = values.items().count();
    let operator_text = operator.text().unwrap_or_default();
    match operator_text {
        "In" | "NotIn" if count == 0 => {
            report.missing(&values, Some(format!("list the values that `{operator_text}` compares")));
        }
        "Exists" | "DoesNotExist" if count > 0 => {
            report.forbidden(&values, &format!("`operator` is {operator_text}"));
        }
        "Gt" | "Lt" if count != 1 => {
            report.add(&values, |field| format!("{field} has {count} items, expected one number"), None);
        }
        _ => {}
    }
    let in_fields = requirement.is_in("matchFields");
    if key.is_empty() {
        report.missing(&key, None);
    } else if in_fields && key.text() != Some("metadata.name") {
        report.invalid(&key, "metadata.name");
    } else if !in_fields && key.text().is_some_and(|key| !is_label_key(key)) {
        report.invalid(&key, &Format::LabelKey.describe());
    }
}
