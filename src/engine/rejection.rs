//! What to do about an object that the API server rejects.

use crate::cluster::{ClusterError, Problem};
use crate::core::apply::addresses;
use crate::core::live::{LeftField, SameName, foreign_items, same_names};
use crate::core::manifest::Key;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::shell_quote::word;
use crate::engine::live_objects::ManagedObject;
use crate::engine::takeover::TakeoverPolicy;

/// Words of the API server about a field that cannot be changed.
const IMMUTABLE: &[&str] = &[
    "immutable",
    "may not change",
    "may not be changed",
    "updates to statefulset spec for fields other than",
];

/// Returns a hint for a rejected object; `None` for other errors.
pub(crate) fn hint(
    object: &ManagedObject<'_>,
    policy: Option<&TakeoverPolicy>,
    error: &ClusterError,
) -> Option<String> {
    let ClusterError::Request { problem, .. } = error else { return None };
    if problem.is_of_admission() {
        return Some(admission(problem));
    }
    if problem.is_of_input() {
        let why = "a field is unknown or has a wrong type, or two items of a list have the same key";
        return Some(format!("{why}: {}", correct(object)));
    }
    let Problem::Rejected { code: 422, message, .. } = problem else { return None };
    if IMMUTABLE.iter().any(|words| message.contains(words)) {
        return Some(immutable(object));
    }
    let left = left_items(object, policy, message);
    if left.is_empty() {
        Some(format!("the object is invalid: {}", correct(object)))
    } else {
        Some(take(object, &left))
    }
}

/// Returns the error for an object that the API server rejects because a port has another number in the cluster than in the
/// directory; it would have both, under one name.
pub(crate) fn renumbered(
    object: &ManagedObject<'_>,
    policy: Option<&TakeoverPolicy>,
    error: &ClusterError,
) -> Option<Diagnostic> {
    let ClusterError::Request { problem: Problem::Rejected { code: 422, message, .. }, .. } = error else {
        return None;
    };
    let wanted = &object.item.wanted;
    let live = object.live()?;
    let takeover = policy.and_then(|policy| policy.takeover(wanted, live));
    let same = same_names(wanted, takeover.as_ref().map_or(live, |takeover| &takeover.after));
    let is_meant = |same: &&SameName| {
        message.contains("Duplicate value") && message.contains(&format!("\"{}\"", same.name))
    };
    let same: Vec<&SameName> = same.iter().filter(is_meant).collect();
    if same.is_empty() {
        return None;
    }
    let one = |same: &&SameName| {
        format!(
            "`{}` in `{}` has {} in the cluster (set by {}), and {} in the directory",
            same.name, same.list, same.live, same.manager, same.wanted
        )
    };
    let found: Vec<String> = same.iter().map(one).collect();
    let left: Vec<LeftField> = same
        .iter()
        .map(|same| LeftField { field: same.field.clone(), manager: same.manager.clone() })
        .collect();
    let live: Vec<&str> = same.iter().map(|same| same.live.as_str()).collect();
    Some(
        Diagnostic::error(format!("{}: {}", object.item.key, found.join("; "))).hint(format!(
            "to restore the value of the directory, run `{}` and apply again; to keep {}, set it in the manifests, render, and apply again",
            adopt(object, &left),
            live.join(" and ")
        )),
    )
}

/// Returns the hint for an object that admission rejects.
pub(crate) fn admission(problem: &Problem) -> String {
    if problem.is_of_unreachable_webhook() {
        return "the server cannot call a webhook of the cluster, which must allow the change: check that its Service has Pods \
                that are ready, or ask its owner"
            .to_owned();
    }
    "an admission policy or webhook of the cluster rejected it: change the manifests, or ask its owner"
        .to_owned()
}

/// Returns the name of an object for kubectl, with its namespace.
pub(crate) fn kubectl_name(key: &Key) -> String {
    let group = if key.group.is_empty() { String::new() } else { format!(".{}", key.group) };
    let namespace =
        if key.namespace.is_empty() { String::new() } else { format!(" -n {}", word(&key.namespace)) };
    format!("{}{group} {}{namespace}", key.kind.to_lowercase(), word(&key.name))
}

fn correct(object: &ManagedObject<'_>) -> String {
    let file = &object.item.location.file;
    format!("correct it in the manifests (the first line of {file} names the file), render, and apply again")
}

fn immutable(object: &ManagedObject<'_>) -> String {
    let key = &object.item.key;
    let delete = format!("`kubectl delete {}`", kubectl_name(key));
    match key.kind.as_str() {
        "Job" => format!(
            "a Job cannot be changed: give it another name in the manifests, or delete it ({delete}), then apply again"
        ),
        "StatefulSet" => format!(
            "the field is immutable: undo the change, or delete the StatefulSet without its Pods \
             (`kubectl delete {} --cascade=orphan`), then apply again",
            kubectl_name(key)
        ),
        "PersistentVolumeClaim" => {
            "the field is immutable: undo the change in the manifests; to delete the claim can delete its data"
                .to_owned()
        }
        "Service" => {
            let lost = match object.live().map(addresses).unwrap_or_default().as_slice() {
                [] => String::new(),
                addresses => format!(", which loses the address {}", addresses.join(", ")),
            };
            format!(
                "the field is immutable: undo the change in the manifests, or delete the Service ({delete}){lost}, \
                 then apply again"
            )
        }
        kind => format!(
            "the field is immutable: undo the change in the manifests, or delete the {kind} ({delete}), then apply \
             again"
        ),
    }
}

/// Returns the list items of other field managers that the message is about.
fn left_items(object: &ManagedObject<'_>, policy: Option<&TakeoverPolicy>, message: &str) -> Vec<LeftField> {
    let Some(live) = object.live() else { return Vec::new() };
    let wanted = &object.item.wanted;
    let takeover = policy.and_then(|policy| policy.takeover(wanted, live));
    let mut left = foreign_items(wanted, takeover.as_ref().map_or(live, |takeover| &takeover.after));
    left.retain(|left| {
        let list = left.field.split('[').next().unwrap_or_default();
        message.contains(list.trim_start_matches('.'))
    });
    left
}

fn take(object: &ManagedObject<'_>, left: &[LeftField]) -> String {
    let fields: Vec<String> = left.iter().map(|left| format!("{} of {}", left.field, left.manager)).collect();
    format!(
        "the list also keeps {}: add it to the manifests, or run `{}` and apply again, which removes it",
        fields.join(", "),
        adopt(object, left)
    )
}

/// Returns the command that takes these items over.
fn adopt(object: &ManagedObject<'_>, left: &[LeftField]) -> String {
    let mut command = format!("kubectl largescale inventory adopt{}", object.item.flags);
    let mut managers: Vec<&str> = left.iter().map(|left| left.manager.as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    for manager in managers {
        command.push_str(&format!(" --from {}", word(manager)));
    }
    for left in left {
        command.push_str(&format!(" --field {}", word(&left.field)));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_that_cannot_be_called_says_nothing_about_the_object() {
        let rejected = |message: &str| Problem::Rejected {
            code: 500,
            reason: String::new(),
            message: message.to_owned(),
        };
        let down =
            rejected("Internal error occurred: failed calling webhook \"a.example.com\": connection refused");
        assert!(admission(&down).starts_with("the server cannot call a webhook"));
        let denied = rejected("admission webhook \"a.example.com\" denied the request: no");
        assert!(admission(&denied).starts_with("an admission policy or webhook of the cluster rejected it"));
    }
}
