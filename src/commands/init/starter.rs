//! The text of a starter spec.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::core::import::Folded;
use crate::core::platform::choose::Choice;
use crate::core::pools::Merged;
use crate::core::report::escape::in_comment;
use crate::core::report::plural::plural;
use crate::core::yaml;

/// What a starter spec is made from.
pub(super) struct Starter<'a> {
    pub name: &'a str,
    pub namespace: Option<&'a str>,
    /// What `spec.manifests` names.
    pub manifests: &'a str,
    /// Where the nodes are read, as `spec.nodes` says it.
    pub nodes: &'a str,
    pub choice: &'a Choice<'a>,
    pub merged: &'a Merged,
    pub folded: Option<&'a Folded>,
}

/// The spec, with comments that say what else may stand there.
pub(super) fn text(starter: &Starter<'_>) -> String {
    let Starter { choice, merged, folded, .. } = starter;
    let scalar = yaml::write_scalar;
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line(
        "# What `kubectl largescale render` makes of this cluster. Every field: `kubectl largescale schema`.",
    );
    line("apiVersion: largescale.dev/v1alpha1");
    line("kind: LargeScale");
    line("metadata:");
    line(&format!("  name: {}", scalar(starter.name)));
    match starter.namespace {
        Some(namespace) => line(&format!("  namespace: {}", scalar(namespace))),
        None => line("  # namespace: web             # given to namespaced objects that have none"),
    }
    line("spec:");
    line(
        "  # Plain Kubernetes YAML: files, directories, globs. Each Service of type LoadBalancer becomes one per pool.",
    );
    line(&format!("  manifests: [{}]", scalar(starter.manifests)));
    explain_platform(&mut line, choice);
    line(&format!("  platform: {}", choice.platform.name));
    line("  # Where the nodes are read: cluster, or a file with the output of `kubectl get nodes -o json`.");
    line(&format!("  nodes: {}", scalar(starter.nodes)));
    line(&format!("  # Seen when this was written: {}.", in_comment(&seen(merged))));
    line("  pools:");
    line(&format!("    label: {}", scalar(&merged.set.label)));
    line("    # exclude: [system]          # pools that get no Service");
    line("    # declare: [{name: burst}]   # pools that may have no node yet");
    line("    # whenEmpty: remove          # default: keep, until `render --forget POOL`");
    if let Some(folded) = folded.filter(|folded| !folded.names.is_empty()) {
        line(
            "  # Names that these Services have already: another name would be another load balancer and another address.",
        );
        line("  names:");
        for text in yaml::write_plain(&folded.names).lines() {
            line(&format!("    {text}"));
        }
    }
    if folded.is_some_and(|folded| folded.internal) {
        line("  internal: true");
    } else {
        line("  # internal: true               # internal load balancers");
    }
    line("  # workload: {spread: true}     # spread the replicas over the pools");
    line("  # overlays: [overlays/pins.yaml]");
    line("  output: rendered");
    out
}

fn explain_platform(line: &mut impl FnMut(&str), choice: &Choice<'_>) {
    if choice.told {
        line(&format!("  # {}", choice.platform.spec.title));
        return;
    }
    line("  # The nodes do not tell which load balancers this cluster has. It is one of these:");
    for platform in std::iter::once(&choice.platform).chain(&choice.others) {
        line(&format!("  #   {}: {}", platform.name, platform.spec.choose));
    }
}

/// The pools and their nodes, shortly.
pub(super) fn seen(merged: &Merged) -> String {
    const SHOWN: usize = 8;
    let counts: BTreeMap<&str, usize> = merged
        .reports
        .iter()
        .map(|report| (report.pool.value.as_str(), report.observed.as_ref().map_or(0, |seen| seen.backends)))
        .collect();
    let mut text = counts
        .iter()
        .take(SHOWN)
        .map(|(pool, count)| format!("{pool} ({})", plural(*count, "node")))
        .collect::<Vec<_>>()
        .join(", ");
    if counts.len() > SHOWN {
        let _ = write!(text, " and {} more", counts.len() - SHOWN);
    }
    text
}
