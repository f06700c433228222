//! `externalTrafficPolicy: Local`: a load balancer answers only if a pod runs on the nodes of its pool.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::core::kubernetes::workloads::Workloads;
use crate::core::manifest::{Key, Object, Origin};
use crate::core::render::draft::{Input, PendingObject};
use crate::core::render::per_pool::workloads;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::plural::{first_of, plural};

/// Reports workloads whose pods need not run in every pool, if the Services of the other pools would not answer.
pub(super) fn warnings(input: Input<'_>, pending: &[PendingObject<'_>]) -> Vec<Diagnostic> {
    let pools = input.pools.pools.len();
    if input.spec.spec.workload.per_pool || pools < 2 {
        return Vec::new();
    }
    let workloads = workloads(input.objects);
    let mut services = BTreeSet::new();
    let local = pending
        .iter()
        .filter(|draft| draft.service().is_some() && draft.value["spec"]["externalTrafficPolicy"] == "Local");
    // One copy of each Service is enough.
    let local = local.filter(|draft| services.insert(draft.source.key()));
    let mut seen = BTreeSet::new();
    let mut selected: Vec<&Object> = Vec::new();
    for draft in local {
        let found = workloads.selected_by(draft.source.value()).copied();
        selected.extend(found.filter(|workload| seen.insert(workload.key())));
    }
    if selected.is_empty() {
        return Vec::new();
    }
    let scalers = Scalers::of(pending);
    let rendered: HashMap<Key, &Value> =
        pending.iter().map(|draft| (draft.source.key(), &draft.value)).collect();
    let check = |workload: &Object| {
        let value = rendered.get(&workload.key()).copied().unwrap_or(workload.value());
        warning(workload, value, &scalers, &input.pools.label, pools)
    };
    selected.into_iter().filter_map(check).collect()
}

fn warning(
    workload: &Object,
    value: &Value,
    scalers: &Scalers<'_>,
    label: &str,
    pools: usize,
) -> Option<Diagnostic> {
    // A DaemonSet runs on every node.
    if value["kind"] == "DaemonSet" {
        return None;
    }
    let Count { number, what, location, raise } = Count::of(workload, value, scalers);
    let pools_in_words = plural(pools, "pool");
    let effect =
        "with `externalTrafficPolicy: Local`, the load balancer of a pool without a pod does not answer";
    if number < u64::try_from(pools).unwrap_or(u64::MAX) {
        let message = format!("{} has {what} for {pools_in_words}; {effect}", workload.key());
        let hint = format!("{raise}, or set `workload: {{perPool: true}}`");
        return Some(Diagnostic::warning(message).at(location).hint(hint));
    }
    if is_spread(value, label) {
        return None;
    }
    let message = format!(
        "{} has {what} for {pools_in_words}, but nothing spreads them over the pools; {effect}",
        workload.key()
    );
    let warning = Diagnostic::warning(message).at(location);
    Some(warning.hint("set `workload: {spread: true}` or `workload: {perPool: true}`"))
}

/// The fewest replicas that a workload runs with.
struct Count {
    number: u64,
    /// The number in words.
    what: String,
    location: Location,
    /// How to raise it.
    raise: &'static str,
}

impl Count {
    fn of(workload: &Object, value: &Value, scalers: &Scalers<'_>) -> Self {
        if let Some(scaler) = scalers.of_workload(value) {
            let lowest = scaler.value["spec"]["minReplicas"].as_u64();
            let number = lowest.unwrap_or(1);
            let name = scaler.source.key();
            let what = match lowest {
                Some(_) => format!("{} at least (`minReplicas` of {name})", plural_of(number)),
                None => format!("1 replica at least ({name} has no `minReplicas`)"),
            };
            let location = scaler.source.location("/spec/minReplicas");
            return Self { number, what, location, raise: "raise `spec.minReplicas`" };
        }
        let replicas = value["spec"]["replicas"].as_u64();
        let number = replicas.unwrap_or(1);
        let what = match replicas {
            Some(_) => plural_of(number),
            None => "1 replica (no `spec.replicas`)".to_owned(),
        };
        let raise = if replicas.is_some() { "raise `spec.replicas`" } else { "set `spec.replicas`" };
        Self { number, what, location: workload.location("/spec/replicas"), raise }
    }
}

fn plural_of(number: u64) -> String {
    plural(usize::try_from(number).unwrap_or(usize::MAX), "replica")
}

/// The horizontal autoscalers by the workload that they scale: namespace, kind and name.
struct Scalers<'a>(HashMap<[&'a str; 3], &'a PendingObject<'a>>);

impl<'a> Scalers<'a> {
    fn of(pending: &'a [PendingObject<'a>]) -> Self {
        let scalers = pending.iter().filter(|draft| draft.value["kind"] == "HorizontalPodAutoscaler");
        Self(
            scalers
                .filter_map(|draft| {
                    let target = &draft.value["spec"]["scaleTargetRef"];
                    let namespace = draft.value["metadata"]["namespace"].as_str().unwrap_or_default();
                    Some(([namespace, target["kind"].as_str()?, target["name"].as_str()?], draft))
                })
                .collect(),
        )
    }

    fn of_workload(&self, workload: &Value) -> Option<&'a PendingObject<'a>> {
        let metadata = &workload["metadata"];
        let namespace = metadata["namespace"].as_str().unwrap_or_default();
        self.0.get(&[namespace, workload["kind"].as_str()?, metadata["name"].as_str()?]).copied()
    }
}

/// Returns whether a rule of the scheduler spreads the pods over the values of the pool label.
fn is_spread(workload: &Value, label: &str) -> bool {
    let pod = &workload["spec"]["template"]["spec"];
    let is_over_pools = |term: &Value| term["topologyKey"] == label;
    let list = |value: &Value| value.as_array().is_some_and(|list| list.iter().any(is_over_pools));
    let apart = &pod["affinity"]["podAntiAffinity"];
    let preferred = apart["preferredDuringSchedulingIgnoredDuringExecution"].as_array();
    list(&pod["topologySpreadConstraints"])
        || list(&apart["requiredDuringSchedulingIgnoredDuringExecution"])
        || preferred.is_some_and(|list| list.iter().any(|term| is_over_pools(&term["podAffinityTerm"])))
}

/// Returns a note about load balancers whose selector matches no pod of the manifests: their pods come from elsewhere, or the selector
/// is misspelled. Manifests without any pods are for a workload that is elsewhere, so only `externalTrafficPolicy: Local`, which
/// depends on the pods, is worth a note there.
pub(super) fn without_pods(input: Input<'_>) -> Option<String> {
    // Also custom resources that make pods.
    let makes_pods = |object: &&Object| {
        object.value()["kind"] == "Pod" || object.value()["spec"]["template"]["spec"].is_object()
    };
    let pods: Vec<&Object> = input.objects.iter().filter(makes_pods).collect();
    let workloads = Workloads::of(pods.iter().map(|object| (object.value(), ())));
    let selects_nothing = |object: &&Object| {
        let spec = &object.value()["spec"];
        let has_selector = spec["selector"].as_object().is_some_and(|selector| !selector.is_empty());
        let depends_on_pods = !pods.is_empty() || spec["externalTrafficPolicy"] == "Local";
        has_selector && depends_on_pods && workloads.selected_by(object.value()).next().is_none()
    };
    // The pods of a Gateway are made by its controller.
    let own = |object: &&Object| object.is_load_balancer() && object.origin() == Origin::Manifests;
    let found = input.objects.iter().filter(own).filter(selects_nothing);
    let names: Vec<String> = found.map(|object| object.key().to_string()).collect();
    let selects = if names.len() == 1 { "selects" } else { "select" };
    let shown = first_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    (!names.is_empty()).then(|| format!("{shown} {selects} no pods of the manifests"))
}
