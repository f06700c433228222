//! Autoscalers, disruption budgets and RBAC.

use crate::core::kubernetes::formats::Format;
use crate::core::kubernetes::name_rules::is_subdomain;
use crate::core::schema::field::{Field, Report};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn autoscaler(spec: &Field<'_>, report: &mut Report<'_>) {
    let (least, most) = (spec.get("minReplicas"), spec.get("maxReplicas"));
    if let (Some(least), Some(number)) = (least.number(), most.number())
        && number < least
        && number > 0
    {
        report.invalid(&most, &format!("at least `minReplicas` ({least})"));
    }
}

pub(super) fn budget(spec: &Field<'_>, report: &mut Report<'_>) {
    let unavailable = spec.get("maxUnavailable");
    if unavailable.is_set() && spec.get("minAvailable").is_set() {
        report.forbidden(&unavailable, "`minAvailable` is set, too");
    }
}

pub(super) fn policy_rule(rule: &Field<'_>, report: &mut Report<'_>) {
    let urls = rule.get("nonResourceURLs");
    let (groups, resources) = (rule.get("apiGroups"), rule.get("resources"));
    if !urls.is_empty() {
        if !groups.is_empty() || !resources.is_empty() || !rule.get("resourceNames").is_empty() {
            report.forbidden(&urls, "the rule is for resources, too");
        }
        return;
    }
    for field in [groups, resources] {
        if field.is_empty() {
            report.missing(&field, None);
        }
    }
}

pub(super) fn role(role: &Field<'_>, report: &mut Report<'_>) {
    let rules = role.get("rules");
    for rule in rules.items() {
        let urls = rule.get("nonResourceURLs");
        if !urls.is_empty() {
            report.forbidden(&urls, "a Role is for resources of a namespace; use a ClusterRole");
        }
    }
}

pub(super) fn role_binding(binding: &Field<'_>, report: &mut Report<'_>) {
    role_reference(binding, &["Role", "ClusterRole"], report);
}

pub(super) fn cluster_role_binding(binding: &Field<'_>, report: &mut Report<'_>) {
    role_reference(binding, &["ClusterRole"], report);
    let subjects = binding.get("subjects");
    for subject in subjects.items() {
        if subject.get("kind").text() == Some("ServiceAccount") && subject.get("namespace").is_empty() {
            report.missing(&subject.get("namespace"), None);
        }
    }
}

fn role_reference(binding: &Field<'_>, kinds: &[&str], report: &mut Report<'_>) {
    let reference = binding.get("roleRef");
    if !reference.is_set() {
        report.missing(&reference, None);
        return;
    }
    let (group, kind) = (reference.get("apiGroup"), reference.get("kind"));
    if group.text().is_some_and(|group| group != RBAC) {
        report.invalid(&group, RBAC);
    }
    if kind.text().is_some_and(|kind| !kinds.contains(&kind)) {
        report.invalid(&kind, &kinds.join(" or "));
    }
}

pub(super) fn subject(subject: &Field<'_>, report: &mut Report<'_>) {
    let (kind, group) = (subject.get("kind"), subject.get("apiGroup"));
    match kind.text() {
        Some("ServiceAccount") if !group.is_empty() => {
            report.invalid(&group, "no group for a ServiceAccount");
        }
        // Absent, it is the group of RBAC.
        Some("User" | "Group") if group.text().is_some_and(|group| group != RBAC) => {
            report.invalid(&group, RBAC);
        }
        Some("ServiceAccount") if subject.get("name").text().is_some_and(|name| !is_subdomain(name)) => {
            report.invalid(&subject.get("name"), &Format::Subdomain.describe());
        }
        Some("ServiceAccount" | "User" | "Group") | None => {}
        Some(_) => report.invalid(&kind, "ServiceAccount, User or Group"),
    }
}
