//! Conflicts with other field managers: the rules in the spec, and the defaults where no rule matches.

use serde_json::Value;

use crate::core::live::{Entry, FieldSet, LiveObject, MANAGER, Segment, entries, get, matches, remove};
use crate::core::spec::{ConflictAction, ConflictRule};

/// A field that we apply and that another field manager owns with another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The path, as the API server writes it: `.spec.replicas`.
    pub field: String,
    /// The field manager that owns it.
    pub manager: String,
    /// The subresource that it was written through; empty for the object itself.
    pub subresource: String,
    /// The live value.
    pub theirs: Option<Value>,
    /// The value in the rendered directory.
    pub ours: Option<Value>,
}

/// A field that is left to another field manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yielded {
    /// The path.
    pub field: String,
    /// The field manager that owns it.
    pub manager: String,
}

/// The result of applying the rules to the conflicts of one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Retry the apply.
    Again {
        /// The fields to leave out.
        leave: Vec<String>,
        /// Whether to force the other conflicting fields.
        take: bool,
    },
    /// Fail because of these conflicts.
    Fail(Vec<Conflict>),
}

/// Fields that no rule may leave out, because they identify the object.
const NEVER: &[&str] = &[".apiVersion", ".kind", ".metadata", ".metadata.name", ".metadata.namespace"];

/// Returns the conflicts in a response with status 409. Each cause is a path and a message.
pub fn conflicts_of(
    causes: &[(String, String)],
    desired: &Value,
    live: Option<&LiveObject>,
) -> Vec<Conflict> {
    let conflict = |(field, message): &(String, String)| Conflict {
        field: field.clone(),
        manager: quoted_after(message, "conflict with ").unwrap_or_else(|| "another manager".to_owned()),
        subresource: quoted_after(message, "with subresource ").unwrap_or_default(),
        theirs: live.and_then(|live| get(field, live.value())).cloned(),
        ours: get(field, desired).cloned(),
    };
    causes.iter().map(conflict).collect()
}

/// Removes from the desired object the fields that a rule leaves to their field managers. It also removes fields whose
/// values are equal, so that the next run finds no change.
pub fn yielded(rules: &[ConflictRule], desired: &Value, live: Option<&LiveObject>) -> (Value, Vec<Yielded>) {
    let mut rest = desired.clone();
    let mut left = Vec::new();
    let Some(entries) = live.and_then(entries) else { return (rest, left) };
    for entry in entries.iter().filter(|entry| entry.manager != MANAGER) {
        // Most objects have no field that a rule matches.
        if !may_yield(rules, entry) {
            continue;
        }
        let mut fields = Vec::new();
        paths(entry.fields, desired, "", &mut fields);
        for field in fields {
            if action(rules, &field, entry.manager, entry.subresource) == ConflictAction::Yield
                && !NEVER.contains(&field.as_str())
                && remove(&field, &mut rest)
            {
                left.push(Yielded { field, manager: entry.manager.to_owned() });
            }
        }
    }
    (rest, left)
}

/// Applies the rules to the conflicts of one object.
pub fn verdict(rules: &[ConflictRule], conflicts: &[Conflict]) -> Verdict {
    let mut leave = Vec::new();
    let mut take = false;
    let mut failed = Vec::new();
    for conflict in conflicts {
        match action(rules, &conflict.field, &conflict.manager, &conflict.subresource) {
            ConflictAction::Yield if !NEVER.contains(&conflict.field.as_str()) => {
                leave.push(conflict.field.clone());
            }
            ConflictAction::Take => take = true,
            ConflictAction::Yield | ConflictAction::Fail => failed.push(conflict.clone()),
        }
    }
    if failed.is_empty() { Verdict::Again { leave, take } } else { Verdict::Fail(failed) }
}

/// Returns the action of the first rule that matches. By default, an autoscaler keeps the number of replicas.
fn action(rules: &[ConflictRule], field: &str, manager: &str, subresource: &str) -> ConflictAction {
    let fits = |rule: &&ConflictRule| {
        matches(&rule.field, field)
            && rule
                .manager
                .as_deref()
                .is_none_or(|name| glob::Pattern::new(name).is_ok_and(|pattern| pattern.matches(manager)))
    };
    match rules.iter().find(fits) {
        Some(rule) => rule.action,
        None if is_autoscaled(field, manager, subresource) => ConflictAction::Yield,
        None => ConflictAction::Fail,
    }
}

/// A manual `kubectl scale` does not count as autoscaling. Every other manager that writes `scale` is an autoscaler.
fn is_autoscaled(field: &str, manager: &str, subresource: &str) -> bool {
    field == ".spec.replicas" && subresource == "scale" && !manager.starts_with("kubectl")
}

fn may_yield(rules: &[ConflictRule], entry: &Entry<'_>) -> bool {
    rules.iter().any(|rule| rule.action == ConflictAction::Yield) || entry.subresource == "scale"
}

/// Collects the paths of the fields that are both in the set and in the object, as the API server writes them.
fn paths(set: FieldSet<'_>, object: &Value, at: &str, found: &mut Vec<String>) {
    for (_, segment, below) in set.steps() {
        let (Some(segment), Some(below)) = (segment, below) else { continue };
        let path = match &segment {
            Segment::Field(name) => format!("{at}.{name}"),
            Segment::Key(key) => {
                let fields: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{at}[{}]", fields.join(","))
            }
            Segment::Value(value) => format!("{at}[={value}]"),
        };
        if get(&path, object).is_none() {
            continue;
        }
        if below.is_leaf() {
            found.push(path);
        } else {
            paths(below, object, &path, found);
            if let Segment::Key(key) = &segment {
                // The key fields of a list item are not left to others.
                found.retain(|field| !key.keys().any(|name| *field == format!("{path}.{name}")));
            }
        }
    }
}

/// Returns the other field managers that apply fields of the desired object, except kubectl and the given ones.
pub fn other_appliers<'a>(desired: &Value, live: &'a LiveObject, except: &[&str]) -> Vec<&'a str> {
    let is_other = |entry: &&Entry<'_>| {
        let is_known = [MANAGER, "kubectl", "kubectl-last-applied"].contains(&entry.manager);
        let is_apply = entry.operation == "Apply" && entry.subresource.is_empty();
        is_apply && !is_known && !except.contains(&entry.manager)
    };
    let mut found = Vec::new();
    for entry in entries(live).unwrap_or_default().iter().filter(is_other) {
        let mut shared = Vec::new();
        paths(entry.fields, desired, "", &mut shared);
        if !shared.is_empty() {
            found.push(entry.manager);
        }
    }
    found
}

fn quoted_after(message: &str, mark: &str) -> Option<String> {
    let rest = message.split_once(mark)?.1.strip_prefix('"')?;
    Some(rest.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(field: &str, manager: Option<&str>, action: ConflictAction) -> ConflictRule {
        ConflictRule { field: field.to_owned(), manager: manager.map(str::to_owned), action }
    }

    fn deployment(entries: &Value) -> (Value, LiveObject) {
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {
            "replicas": 3, "template": {"spec": {"containers": [{"name": "web", "image": "nginx:1"}]}}}});
        let mut live = desired.clone();
        live["spec"]["replicas"] = 9.into();
        live["metadata"]["managedFields"] = entries.clone();
        (desired, LiveObject::sample(&live))
    }

    fn entry(manager: &str, subresource: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "subresource": subresource,
            "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    fn left_out(rules: &[ConflictRule], entries: &Value) -> (Value, Vec<String>) {
        let (desired, live) = deployment(entries);
        let (rest, left) = yielded(rules, &desired, Some(&live));
        (rest, left.iter().map(|left| format!("{} to {}", left.field, left.manager)).collect())
    }

    #[test]
    fn an_autoscaler_keeps_replicas() {
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let by = |manager: &str, subresource: &str| json!([entry(manager, subresource, &replicas)]);
        let (rest, yielded_fields) = left_out(&[], &by("kube-controller-manager", "scale"));
        assert_eq!(yielded_fields, [".spec.replicas to kube-controller-manager"]);
        assert!(rest["spec"].get("replicas").is_none());
        assert_eq!(left_out(&[], &by("kubectl", "scale")).1, [""; 0], "kubectl scale is manual");
        assert_eq!(left_out(&[], &by("kubectl-edit", "")).1, [""; 0]);
        assert_eq!(left_out(&[], &by(MANAGER, "scale")).1, [""; 0]);
        let take = rule(".spec.replicas", None, ConflictAction::Take);
        assert_eq!(
            left_out(&[take], &by("kube-controller-manager", "scale")).1,
            [""; 0],
            "a rule in the spec takes precedence"
        );
    }

    #[test]
    fn others_that_apply_the_same_fields() {
        let with = |manager: &str, operation: &str, fields: Value| {
            let mut entry = entry(manager, "", &fields);
            entry["operation"] = operation.into();
            entry
        };
        let replicas = || json!({"f:spec": {"f:replicas": {}}});
        let (desired, live) = deployment(&json!([
            with("ci", "Apply", replicas()),
            with("kubectl", "Apply", replicas()),
            with("helm", "Apply", replicas()),
            with("controller", "Update", replicas()),
            with("injector", "Apply", json!({"f:metadata": {"f:annotations": {"f:x": {}}}})),
        ]));
        assert_eq!(other_appliers(&desired, &live, &["helm"]), ["ci"]);
    }

    #[test]
    fn a_rule_in_the_spec_yields_fields() {
        let image = json!({"f:spec": {"f:template": {"f:spec": {"f:containers":
            {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:image": {}}}}}}});
        let entries = json!([entry("image-updater", "", &image)]);
        let path = ".spec.template.spec.containers[name=\"web\"]";
        let rules = |manager| vec![rule(&format!("{path}.*"), Some(manager), ConflictAction::Yield)];
        let (rest, yielded_fields) = left_out(&rules("image-*"), &entries);
        assert_eq!(
            yielded_fields,
            [format!("{path}.image to image-updater")],
            "the name is the key and stays"
        );
        assert_eq!(rest["spec"]["template"]["spec"]["containers"], json!([{"name": "web"}]));
        assert_eq!(left_out(&rules("other"), &entries).1, [""; 0]);
    }

    #[test]
    fn conflicts_are_parsed_from_server_messages() {
        let (desired, live) = deployment(&json!([]));
        let causes = [
            (
                ".spec.replicas".to_owned(),
                "conflict with \"hpa\" with subresource \"scale\" using apps/v1".to_owned(),
            ),
            (
                ".spec.paused".to_owned(),
                "conflict with \"foo\" using apps/v1 at 2026-01-02T03:04:05Z".to_owned(),
            ),
        ];
        let conflicts = conflicts_of(&causes, &desired, Some(&live));
        assert_eq!((conflicts[0].manager.as_str(), conflicts[0].subresource.as_str()), ("hpa", "scale"));
        assert_eq!((&conflicts[0].theirs, &conflicts[0].ours), (&Some(9.into()), &Some(3.into())));
        assert_eq!((conflicts[1].manager.as_str(), conflicts[1].subresource.as_str()), ("foo", ""));
        assert_eq!((&conflicts[1].theirs, &conflicts[1].ours), (&None, &None));
    }

    #[test]
    fn verdicts() {
        let conflict = |field: &str| Conflict {
            field: field.to_owned(),
            manager: "x".to_owned(),
            subresource: String::new(),
            theirs: None,
            ours: None,
        };
        let rules = [
            rule(".metadata.labels", None, ConflictAction::Yield),
            rule(".spec.type", None, ConflictAction::Take),
            rule(".metadata.name", None, ConflictAction::Yield),
        ];
        let (label, kind, port) =
            (conflict(".metadata.labels.a"), conflict(".spec.type"), conflict(".spec.port"));
        let again = |leave: &[&str], take| Verdict::Again {
            leave: leave.iter().map(ToString::to_string).collect(),
            take,
        };
        assert_eq!(verdict(&rules, &[label.clone(), kind.clone()]), again(&[".metadata.labels.a"], true));
        assert_eq!(verdict(&rules, std::slice::from_ref(&label)), again(&[".metadata.labels.a"], false));
        assert_eq!(verdict(&rules, &[label, port.clone(), kind]), Verdict::Fail(vec![port]));
        assert_eq!(
            verdict(&rules, &[conflict(".metadata.name")]),
            Verdict::Fail(vec![conflict(".metadata.name")])
        );
    }
}
