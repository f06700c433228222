//! Jobs and `CronJobs`: `validateJobSpec`, `validateCronJobSpec`.

use serde_json::Value;

use crate::core::schema::field::{Field, Report};

/// The longest name of a `CronJob`: Kubernetes appends 11 characters to the name of a Job.
const MAX_CRON_JOB_NAME: usize = 52;

pub(super) fn job(spec: &Field<'_>, report: &mut Report<'_>) {
    let template = spec.get("template");
    let pod = template.get("spec");
    let restart = pod.get("restartPolicy");
    match restart.text() {
        None if pod.is_set() => {
            report.missing(&restart, Some("set `restartPolicy: Never` or `OnFailure`".to_owned()));
        }
        Some("Always") => report.invalid(&restart, "Never or OnFailure"),
        _ => {}
    }
    let indexed = spec.get("completionMode").text() == Some("Indexed");
    if indexed && !spec.get("completions").is_set() {
        report.missing(&spec.get("completions"), Some("`completionMode: Indexed` needs it".to_owned()));
    }
    if spec.get("maxFailedIndexes").is_set() && !spec.get("backoffLimitPerIndex").is_set() {
        report.missing(&spec.get("backoffLimitPerIndex"), Some("`maxFailedIndexes` needs it".to_owned()));
    }
    for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
        let field = spec.get(field);
        if field.is_set() && !indexed {
            report.forbidden(&field, "`completionMode` is not Indexed");
        }
    }
    let failures = spec.get("podFailurePolicy");
    if failures.is_set() && restart.text() == Some("OnFailure") {
        report.invalid(&restart, "Never, because `podFailurePolicy` is set");
    }
    let selector = spec.get("selector");
    if selector.is_set() && spec.get("manualSelector").value != &Value::Bool(true) {
        report.add(
            &selector,
            |field| format!("{field} is set, but `manualSelector` is not true"),
            Some("remove the selector: Kubernetes generates one".to_owned()),
        );
    }
}

pub(super) fn cron_job(spec: &Field<'_>, report: &mut Report<'_>) {
    let schedule = spec.get("schedule");
    match schedule.text() {
        None if !schedule.is_set() || schedule.value.is_string() => report.missing(&schedule, None),
        Some(text) if text.contains("TZ") => {
            report.add(
                &schedule,
                |field| format!("{field} has a time zone"),
                Some("set it in `timeZone`".to_owned()),
            );
        }
        Some(text) if !is_schedule(text) => {
            report
                .invalid(&schedule, "five fields, such as `*/15 3 * * MON-FRI`, or a name such as `@daily`");
        }
        _ => {}
    }
    let name = spec.ancestor(1).and_then(|object| object["metadata"]["name"].as_str()).unwrap_or_default();
    if name.len() > MAX_CRON_JOB_NAME {
        report.add(
            spec,
            |_| {
                format!(
                    "the name of the CronJob has {} characters, expected at most {MAX_CRON_JOB_NAME}",
                    name.len()
                )
            },
            Some("Kubernetes appends the time to the names of its Jobs".to_owned()),
        );
    }
}

/// Whether a text has the form of a schedule. The values of its fields are not checked, except for their characters.
fn is_schedule(text: &str) -> bool {
    if let Some(name) = text.strip_prefix('@') {
        let names = ["annually", "yearly", "monthly", "weekly", "daily", "midnight", "hourly"];
        return names.contains(&name)
            || name.strip_prefix("every ").is_some_and(|duration| !duration.is_empty());
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '/' | '-' | ',' | '?');
    fields.len() == 5 && fields.iter().all(|field| field.chars().all(is_known))
}
