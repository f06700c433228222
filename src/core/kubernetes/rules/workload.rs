//! Workloads: `ValidateDeploymentSpec` and the like.

use serde_json::Value;

use crate::core::kubernetes::formats::percent;
use crate::core::kubernetes::rules::selector::matches_template;
use crate::core::schema::field::{Field, Report};

pub(super) fn deployment(spec: &Field<'_>, report: &mut Report<'_>) {
    matches_template(spec, report);
    no_deadline(spec, report);
    let (deadline, ready) = (spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds"));
    let least = ready.number().unwrap_or(0);
    // Absent, it is 600 seconds.
    if deadline.number().unwrap_or(600) <= least && least >= 0 {
        let is = report.is(&deadline);
        report.add(
            &deadline,
            |field| format!("{field} is {is} (default 600), expected more than `minReadySeconds` ({least})"),
            None,
        );
    }
}

pub(super) fn deployment_strategy(strategy: &Field<'_>, report: &mut Report<'_>) {
    let update = strategy.get("rollingUpdate");
    if strategy.get("type").text() == Some("Recreate") {
        if update.is_set() {
            report.forbidden(&update, "`type` is Recreate");
        }
        return;
    }
    not_both_zero(&update, Defaults { surge: 25, unavailable: 25 }, report);
}

pub(super) fn replica_set(spec: &Field<'_>, report: &mut Report<'_>) {
    matches_template(spec, report);
    no_deadline(spec, report);
}

pub(super) fn stateful_set(spec: &Field<'_>, report: &mut Report<'_>) {
    matches_template(spec, report);
}

pub(super) fn stateful_set_strategy(strategy: &Field<'_>, report: &mut Report<'_>) {
    on_delete(strategy, report);
}

pub(super) fn daemon_set(spec: &Field<'_>, report: &mut Report<'_>) {
    matches_template(spec, report);
    no_deadline(spec, report);
}

pub(super) fn daemon_set_strategy(strategy: &Field<'_>, report: &mut Report<'_>) {
    if strategy.get("type").text() != Some("OnDelete") {
        let update = strategy.get("rollingUpdate");
        not_both_zero(&update, Defaults { surge: 0, unavailable: 1 }, report);
        let (surge, unavailable) = (update.get("maxSurge"), update.get("maxUnavailable"));
        if is_positive(surge.value) && is_positive(unavailable.value) {
            report.forbidden(&surge, "`maxUnavailable` is not 0");
        }
    }
}

pub(super) fn replication_controller(spec: &Field<'_>, report: &mut Report<'_>) {
    let (selector, template) = (spec.get("selector"), spec.get("template"));
    let metadata = template.get("metadata");
    let labels = metadata.get("labels");
    if labels.is_empty() && selector.is_empty() && template.is_set() {
        report.missing(
            &labels,
            Some("without `spec.selector`, the labels of the pod template select the pods".to_owned()),
        );
    }
    for (key, value) in selector.entries() {
        if labels.get(key).value != value.value && value.value.is_string() {
            report.add(
                &value,
                |field| format!("{field} is not a label of `spec.template.metadata.labels`"),
                None,
            );
        }
    }
}

/// What Kubernetes sets if a field of a rolling update is absent.
#[derive(Clone, Copy)]
struct Defaults {
    surge: i64,
    unavailable: i64,
}

/// An update that may neither add nor remove a pod never ends.
fn not_both_zero(update: &Field<'_>, defaults: Defaults, report: &mut Report<'_>) {
    let (surge, unavailable) = (update.get("maxSurge"), update.get("maxUnavailable"));
    if !update.is_set() {
        return;
    }
    let is_zero = |field: &Field<'_>, default: i64| match field.value {
        Value::Null => default == 0,
        Value::String(text) => percent(text) == Some(0),
        value => value.as_i64() == Some(0),
    };
    if is_zero(&surge, defaults.surge) && is_zero(&unavailable, defaults.unavailable) {
        report.add(
            &unavailable,
            |field| format!("{field} and `maxSurge` are both 0"),
            Some("set one of them to 1 or more".to_owned()),
        );
    }
}

fn is_positive(value: &Value) -> bool {
    match value {
        Value::String(text) => percent(text).is_some_and(|percent| percent > 0),
        value => value.as_i64().is_some_and(|number| number > 0),
    }
}

fn on_delete(strategy: &Field<'_>, report: &mut Report<'_>) {
    let update = strategy.get("rollingUpdate");
    if strategy.get("type").text() == Some("OnDelete") && update.is_set() {
        report.forbidden(&update, "`type` is OnDelete");
    }
}

/// Pods that are always restarted have no deadline.
fn no_deadline(spec: &Field<'_>, report: &mut Report<'_>) {
    let template = spec.get("template");
    let pod = template.get("spec");
    let deadline = pod.get("activeDeadlineSeconds");
    if deadline.is_set() {
        report.forbidden(&deadline, "only pods of a Job have a deadline");
    }
}
