//! Text of a starter spec.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::core::import::{EmptyPool, Imported};
use crate::core::platform::choose::Choice;
use crate::core::pools::Merged;
use crate::core::report::escape::in_comment;
use crate::core::report::plural::plural;
use crate::core::spec::GatewayMode;
use crate::core::yaml;

/// Input of a starter spec.
pub(super) struct Starter<'a> {
    pub name: &'a str,
    pub namespace: Option<&'a str>,
    /// The value of `spec.manifests`.
    pub manifests: &'a str,
    /// The overlays of the import, and what they keep.
    pub overlays: Vec<(&'a str, &'static str)>,
    /// The value of `spec.nodes`.
    pub nodes: &'a str,
    pub choice: &'a Choice<'a>,
    pub merged: &'a Merged,
    /// The pools without nodes that an existing Service is bound to.
    pub empty: &'a [EmptyPool],
    pub imported: Option<&'a Imported>,
}

/// Returns the spec, with comments about further fields.
pub(super) fn text(starter: &Starter<'_>) -> String {
    let Starter { choice, merged, imported, .. } = starter;
    let scalar = yaml::write_scalar;
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line("# Input of `kubectl largescale render`. `kubectl largescale schema` documents every field.");
    line("apiVersion: largescale.dev/v1alpha1");
    line("kind: LargeScale");
    line("metadata:");
    line(&format!("  name: {}", scalar(starter.name)));
    match starter.namespace {
        Some(namespace) => line(&format!("  namespace: {}", scalar(namespace))),
        None => line("  # namespace: web             # for namespaced objects without a namespace"),
    }
    line("spec:");
    line(
        "  # Kubernetes YAML: files, directories, globs. Each Service of type LoadBalancer becomes one Service per pool.",
    );
    line(&format!("  manifests: [{}]", scalar(starter.manifests)));
    explain_platform(&mut line, choice);
    line(&format!("  platform: {}", choice.platform.name));
    line("  # Source of the nodes: cluster, or a file with the output of `kubectl get nodes -o json`.");
    line(&format!("  nodes: {}", scalar(starter.nodes)));
    line(&format!("  # Pools found by init: {}.", in_comment(&seen(merged))));
    line("  pools:");
    line(&format!("    label: {}", scalar(&merged.set.label)));
    exclude(&mut line, starter);
    declare(&mut line, starter.empty);
    line("    # whenEmpty: remove          # default: keep, until `render --forget POOL`");
    if let Some(imported) = imported.filter(|imported| !imported.settings.is_empty()) {
        line("  # From the bindings of the existing Services.");
        line("  settings:");
        block(&mut line, "    ", &imported.settings);
    }
    if let Some(imported) = imported.filter(|imported| !imported.names.is_empty()) {
        let what = if imported.gateways.is_some() { "Services and Gateways" } else { "Services" };
        line(&format!(
            "  # Names of the existing {what}: a new name would create a new load balancer with a new address."
        ));
        line("  names:");
        block(&mut line, "    ", &imported.names);
    }
    if let Some(imported) = imported.filter(|imported| !imported.cluster_ip_services.is_empty()) {
        line(
            "  # Services that other objects refer to: a Service of type ClusterIP keeps the name. Remove a name that `names`",
        );
        line("  # gives to the Service of a pool.");
        let names: Vec<String> = imported.cluster_ip_services.iter().map(|name| scalar(name)).collect();
        line(&format!("  clusterIPServices: [{}]", names.join(", ")));
    }
    gateways(&mut line, *imported);
    if imported.is_some_and(|imported| imported.internal) {
        line("  internal: true");
    } else {
        line("  # internal: true               # internal load balancers");
    }
    line("  # workload: {spread: true}     # spread the replicas over the pools");
    if starter.overlays.is_empty() {
        line("  # overlays: [overlays/pins.yaml]");
    } else {
        let reasons: Vec<&str> = starter.overlays.iter().map(|(_, reason)| *reason).collect();
        let paths: Vec<String> = starter.overlays.iter().map(|(path, _)| scalar(path)).collect();
        line(&format!("  # Keeps {}.", reasons.join(", and ")));
        line(&format!("  overlays: [{}]", paths.join(", ")));
    }
    line("  output: rendered");
    out
}

/// Writes how the imported Gateways are split.
fn gateways(line: &mut impl FnMut(&str), imported: Option<&Imported>) {
    let Some(gateways) = imported.and_then(|imported| imported.gateways.as_ref()) else { return };
    let (mode, what) = match gateways.mode {
        GatewayMode::PerPool => ("perPool", "Each Gateway of the manifests becomes one Gateway per pool."),
        GatewayMode::Shared => ("shared", "Each pool has a Service in front of the proxies of each Gateway."),
        GatewayMode::Once => ("once", "The Gateways of the manifests are rendered as they are."),
    };
    line(&format!("  # {what}"));
    line("  gateways:");
    line(&format!("    mode: {mode}"));
    if !gateways.has_classes && gateways.mode != GatewayMode::Once {
        line(&format!("    implementation: {}", yaml::write_scalar(&gateways.implementation)));
    }
    if let Some(namespace) = &gateways.namespace {
        line(&format!("    namespace: {}", yaml::write_scalar(namespace)));
    }
    if gateways.keeps_parameters {
        line(
            "    # The existing Gateways have no parameters of their pools. Without this line, `render` adds them.",
        );
        line("    parameters: once");
    }
}

fn block(line: &mut impl FnMut(&str), indent: &str, value: &impl Serialize) {
    for text in yaml::write_plain(value).lines() {
        line(&format!("{indent}{text}"));
    }
}

/// Writes which pools get no Service, and the names of existing configurations.
fn exclude(line: &mut impl FnMut(&str), starter: &Starter<'_>) {
    let nothing = Imported::default();
    let imported = starter.imported.unwrap_or(&nothing);
    if imported.exclude.is_empty() && imported.exclude_for.is_empty() {
        line("    # exclude: [system]          # pools without a Service");
    } else {
        line(
            "    # Pools without an existing Service, so that nothing new is created. Remove a pool here to give it one.",
        );
    }
    if !imported.exclude.is_empty() {
        let pools: Vec<String> = imported.exclude.iter().map(|pool| yaml::write_scalar(pool)).collect();
        line(&format!("    exclude: [{}]", pools.join(", ")));
    }
    if !imported.exclude_for.is_empty() {
        line("    excludeFor:");
        block(line, "      ", &imported.exclude_for);
    }
    if !imported.existing_objects_for.is_empty() {
        line("    # Your own objects select the nodes of these Services, so none are rendered for them.");
        line("    existingObjectsFor:");
        block(line, "      ", &imported.existing_objects_for);
    }
    if !imported.load_balancers.is_empty() {
        line("    # The existing load-balancer configurations.");
        line("    loadBalancers:");
        block(line, "      ", &imported.load_balancers);
    }
}

/// Writes the pools that may have no nodes.
fn declare(line: &mut impl FnMut(&str), empty: &[EmptyPool]) {
    if empty.is_empty() {
        line("    # declare: [{name: burst}]   # pools that may have no nodes yet");
        return;
    }
    line("    # Pools of existing Services that have no nodes now.");
    line("    declare:");
    for pool in empty {
        line(&format!("    - name: {}", yaml::write_scalar(&pool.value)));
    }
    let sets: BTreeMap<&str, &str> =
        empty.iter().filter_map(|pool| Some((pool.value.as_str(), pool.vm_set.as_deref()?))).collect();
    if !sets.is_empty() {
        line("    vmSets:");
        block(line, "      ", &sets);
    }
}

fn explain_platform(line: &mut impl FnMut(&str), choice: &Choice<'_>) {
    if choice.is_certain {
        line(&format!("  # {}", choice.platform.spec.title));
        return;
    }
    line("  # The load balancers of this cluster could not be detected from the nodes. Choose one of:");
    for platform in std::iter::once(&choice.platform).chain(&choice.others) {
        line(&format!("  #   {}: {}", platform.name, platform.spec.choose));
    }
}

/// Returns the pools and their number of nodes, shortened.
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
