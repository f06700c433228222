//! Which nodes the rules count: those that a load balancer of the platform takes, as kube-state-metrics shows them.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::platform::{ExcludeLabel, NotBackend};
use crate::core::pools::EXCLUDE;
use crate::core::render::alerts::promql::{any_of, globs, label_name, string};
use crate::core::render::draft::Input;
use crate::core::report::diagnostic::Diagnostic;

/// The labels of roles, which kube-state-metrics shows as `kube_node_role`, without an allowlist.
const ROLE: &str = "node-role.kubernetes.io/";

/// Returns the node labels that kube-state-metrics must show: those of `--metric-labels-allowlist`.
pub(super) fn labels(input: Input<'_>) -> Vec<&str> {
    let platform = &input.platform.spec;
    let exclude = (platform.exclude_label != ExcludeLabel::Ignored).then_some(EXCLUDE);
    let more = platform.not_backends.iter().filter(|rule| role(rule).is_none());
    let mut labels: Vec<&str> = vec![&input.pools.label];
    labels.extend(exclude);
    labels.extend(more.filter_map(|rule| rule.label.as_deref()));
    let mut seen = BTreeSet::new();
    labels.retain(|label| seen.insert(*label));
    labels
}

/// Reports labels to which kube-state-metrics would give the same name. It then adds a suffix that depends on the node.
pub(super) fn conflict(input: Input<'_>) -> Option<Diagnostic> {
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    labels(input).into_iter().find_map(|label| {
        let name = label_name(label);
        let first = names.insert(name.clone(), label)?;
        let message = format!("kube-state-metrics gives the node labels {first} and {label} the same name, {name}, so no rule can read them");
        Some(
            Diagnostic::error(message)
                .at(input.document.location("/spec/alerts"))
                .hint("choose another pool label (`spec.pools.label`), or remove `spec.alerts`"),
        )
    })
}

/// Returns the number of nodes by pool. With `ready`, of those that are Ready.
pub(super) fn count(input: Input<'_>, ready: bool) -> String {
    let name = label_name(&input.pools.label);
    let platform = &input.platform.spec;
    let mut matchers = vec![format!("{name}!=\"\"")];
    match platform.exclude_label {
        ExcludeLabel::Presence => matchers.push(format!("{}=\"\"", label_name(EXCLUDE))),
        // What Go's strconv.ParseBool reads as false.
        ExcludeLabel::Value => {
            matchers.push(format!("{}=~\"|false|False|FALSE|f|F|0\"", label_name(EXCLUDE)));
        }
        ExcludeLabel::Ignored => {}
    }
    let mut without = Vec::new();
    if !platform.takes_control_plane() {
        without.push("kube_node_role{role=~\"control-plane|master\"}".to_owned());
    }
    for rule in &platform.not_backends {
        if let Some(prefix) = &rule.provider_id {
            without
                .push(format!("kube_node_info{{provider_id=~{}}}", string(&globs(&[format!("{prefix}*")]))));
        } else if let Some(key) = &rule.taint {
            let effect = "effect=~\"NoSchedule|NoExecute\"";
            without.push(format!("kube_node_spec_taint{{key{},{effect}}}", any_of([key.as_str()])));
        } else if let Some(role) = role(rule) {
            without.push(format!("kube_node_role{{role{}}}", any_of([role])));
        } else if let Some(label) = &rule.label {
            matchers.push(match (&rule.other_than, &rule.value) {
                (Some(wanted), _) => format!("{}={}", label_name(label), string(wanted)),
                (None, Some(value)) => format!("{}!={}", label_name(label), string(value)),
                (None, None) => format!("{}=\"\"", label_name(label)),
            });
        }
    }
    without.dedup();
    let mut lines = vec![format!("    max by (node, {name}) (kube_node_labels{{{}}})", matchers.join(","))];
    lines.extend(without.iter().map(|series| format!("      unless on (node) {series}")));
    if ready {
        lines.push(
            "      and on (node) (kube_node_status_condition{condition=\"Ready\",status=\"true\"} == 1)"
                .to_owned(),
        );
    }
    format!(
        "count by (pool) (\n  label_replace(\n{},\n    \"pool\", \"$1\", \"{name}\", \"(.+)\"\n  )\n)",
        lines.join("\n")
    )
}

/// Returns the role that a rule leaves out.
fn role(rule: &NotBackend) -> Option<&str> {
    let is_plain = rule.value.is_none() && rule.other_than.is_none();
    rule.label.as_deref().filter(|_| is_plain)?.strip_prefix(ROLE)
}
