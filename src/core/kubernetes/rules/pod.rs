//! Pods: `ValidatePodSpec`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::core::kubernetes::formats::Format;
use crate::core::kubernetes::name_rules::{is_label, is_subdomain};
use crate::core::report::suggest::did_you_mean;
use crate::core::schema::field::{Field, Report};

/// Lists of containers, with whether they are init containers.
const CONTAINERS: &[(&str, bool)] = &[("containers", false), ("initContainers", true)];

/// The names that a misspelled one is compared with, at most.
const SUGGESTED: usize = 100;

/// Fields that only containers have that keep running.
const OF_RUNNING: &[&str] = &["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];

pub(super) fn pod(spec: &Field<'_>, report: &mut Report<'_>) {
    volumes(spec, report);
    let mut names: HashMap<&str, String> = HashMap::new();
    for (list, is_init) in CONTAINERS {
        let list = spec.get(list);
        for (index, value) in list.value.as_array().into_iter().flatten().enumerate() {
            let container = list.item(index);
            let name = container.get("name");
            if let Some(text) = value.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) {
                if let Some(first) = names.get(text) {
                    let is = report.is(&name);
                    report.add(&name, |field| format!("{field} is {is}, a duplicate of `{first}`"), None);
                } else {
                    names.insert(text, crate::core::pointer::field(&name.pointer()));
                }
            }
            if *is_init {
                init_container(&container, report);
            }
        }
    }
    host_ports(spec, report);
    dns(spec, report);
    host_names(spec, report);
    spread(spec, report);
}

/// A StatefulSet sets its own names.
fn host_names(spec: &Field<'_>, report: &mut Report<'_>) {
    let kind = spec.ancestor(3).map_or("", |workload| workload["kind"].as_str().unwrap_or_default());
    for field in ["hostname", "subdomain"] {
        let field = spec.get(field);
        if kind != "StatefulSet" && field.text().is_some_and(|name| !is_label(name)) {
            report.invalid(&field, &Format::Label.describe());
        }
    }
}

/// Each topology is spread over once in each way.
fn spread(spec: &Field<'_>, report: &mut Report<'_>) {
    let list = spec.get("topologySpreadConstraints");
    let mut seen: HashMap<(&str, &str), usize> = HashMap::new();
    for (index, value) in list.value.as_array().into_iter().flatten().enumerate() {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let first = *seen.entry((text("topologyKey"), text("whenUnsatisfiable"))).or_insert(index);
        if first != index {
            report.add(
                &list.item(index),
                |field| format!("{field} has the `topologyKey` and `whenUnsatisfiable` of item {first}"),
                Some("remove one of them".to_owned()),
            );
        }
    }
}

/// Volumes have unique names, and mounts name them.
fn volumes(spec: &Field<'_>, report: &mut Report<'_>) {
    let volumes = spec.get("volumes");
    // Sorted, so that the same name is suggested on every machine.
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, volume) in volumes.value.as_array().into_iter().flatten().enumerate() {
        let Some(name) = volume.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
            continue;
        };
        let first = *names.entry(name).or_insert(index);
        if first != index {
            report.duplicate(&volumes.item(index).get("name"), &volumes.item(first).get("name"));
        }
    }
    // The claims of a StatefulSet are volumes, too; `workload` adds them.
    let claims = claims_of(spec);
    for (list, _) in CONTAINERS {
        let list = spec.get(list);
        for container in list.items() {
            for mounts in ["volumeMounts", "volumeDevices"] {
                let mounts = container.get(mounts);
                for mount in mounts.items() {
                    let name = mount.get("name");
                    let Some(text) = name.text() else { continue };
                    if names.contains_key(text) || claims.contains(text) || report.is_full() {
                        continue;
                    }
                    let known = names.keys().chain(&claims).copied().take(SUGGESTED);
                    let near = did_you_mean(text, known);
                    let is = report.is(&name);
                    report.add(
                        &name,
                        |field| {
                            format!("{field} is {is}, which is not the name of a volume of the pod{near}")
                        },
                        Some("add the volume to `volumes` of the pod".to_owned()),
                    );
                }
            }
        }
    }
}

/// Returns the names of the claims of the StatefulSet that a pod belongs to.
fn claims_of<'a>(spec: &Field<'a>) -> BTreeSet<&'a str> {
    let templates =
        spec.ancestor(2).and_then(|set| set.get("volumeClaimTemplates")).and_then(Value::as_array);
    let names = templates.into_iter().flatten().map(|claim| claim["metadata"]["name"].as_str());
    names.flatten().collect()
}

fn init_container(container: &Field<'_>, report: &mut Report<'_>) {
    if container.get("restartPolicy").text() == Some("Always") {
        return;
    }
    for field in OF_RUNNING {
        let field = container.get(field);
        if field.is_set() {
            report.forbidden(&field, "an init container ends; set `restartPolicy: Always` for a sidecar");
        }
    }
}

/// A port of the node is used once, and is that of the container with `hostNetwork`.
fn host_ports(spec: &Field<'_>, report: &mut Report<'_>) {
    let is_host_network = spec.get("hostNetwork").value == &Value::Bool(true);
    let mut used: HashMap<(i64, &str, &str), String> = HashMap::new();
    let containers = spec.get("containers");
    for (index, container) in containers.value.as_array().into_iter().flatten().enumerate() {
        let all = container.get("ports").and_then(Value::as_array).into_iter().flatten().enumerate();
        for (position, port) in all {
            let text = |key: &str, default| {
                port.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).unwrap_or(default)
            };
            let host_port = port.get("hostPort").and_then(Value::as_i64).filter(|port| *port != 0);
            let Some(number) = host_port else { continue };
            let of_container = containers.item(index);
            let ports = of_container.get("ports");
            let item = ports.item(position);
            let field = item.get("hostPort");
            let key = (number, text("protocol", "TCP"), text("hostIP", ""));
            if let Some(first) = used.get(&key) {
                report.add(&field, |field| format!("{field} is {number}, a duplicate of `{first}`"), None);
            } else {
                used.insert(key, crate::core::pointer::field(&field.pointer()));
            }
            if is_host_network && item.get("containerPort").number().is_some_and(|port| port != number) {
                report.add(
                    &field,
                    |field| {
                        format!(
                            "{field} is {number}, expected the `containerPort`, because `hostNetwork` is true"
                        )
                    },
                    None,
                );
            }
        }
    }
}

fn dns(spec: &Field<'_>, report: &mut Report<'_>) {
    let config = spec.get("dnsConfig");
    let servers = config.get("nameservers");
    if spec.get("dnsPolicy").text() == Some("None") && servers.is_empty() {
        report.missing(&servers, Some("`dnsPolicy: None` needs a name server".to_owned()));
    }
    if let Some(restart) = spec.get("restartPolicy").text()
        && let Some(kind) = always_restarted(spec)
        && restart != "Always"
        && matches!(restart, "OnFailure" | "Never")
    {
        report.invalid(&spec.get("restartPolicy"), &format!("Always: a {kind} restarts its containers"));
    }
}

/// Returns the kind of the workload of a pod template, if its containers are always restarted.
fn always_restarted<'a>(spec: &Field<'a>) -> Option<&'a str> {
    let kind = spec.ancestor(3)?["kind"].as_str()?;
    ["DaemonSet", "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"]
        .contains(&kind)
        .then_some(kind)
}

pub(super) fn dns_config(config: &Field<'_>, report: &mut Report<'_>) {
    let (servers, searches, options) =
        (config.get("nameservers"), config.get("searches"), config.get("options"));
    for (list, most) in [(&servers, 3), (&searches, 32)] {
        if list.items().count() > most {
            report.add(list, |field| format!("{field} has more than {most} items, which is the limit"), None);
        }
    }
    // Kubernetes accepts underscores and a single dot since 1.34 (`RelaxedDNSSearchValidation`, on by default since 1.33).
    for search in searches.items() {
        let is_valid = |text: &str| {
            text == "." || is_subdomain(&text.strip_suffix('.').unwrap_or(text).replace('_', "0"))
        };
        if search.value.as_str().is_some_and(|text| !is_valid(text)) {
            report.invalid(&search, "a DNS subdomain");
        }
    }
    for option in options.items().filter(|option| option.value.is_object() && option.get("name").is_empty()) {
        report.missing(&option.get("name"), None);
    }
}

pub(super) fn template(template: &Field<'_>, report: &mut Report<'_>) {
    let spec = template.get("spec");
    let ephemeral = spec.get("ephemeralContainers");
    if !ephemeral.is_empty() {
        report.forbidden(&ephemeral, "only a running pod has ephemeral containers");
    }
}
