//! Checks every built-in platform from the controller's side: it must select exactly the nodes of one pool for each
//! rendered Service.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use largescale::core::kubernetes::node::Node;
use largescale::core::patch::placeholder::Values;
use largescale::core::platform::choose::choose;
use largescale::core::platform::{Platform, Selected, SettingForm, SettingOf, builtin_names, read_builtin};
use largescale::core::pools::{MergeOptions, discover_pools, merge, no_backend};
use largescale::core::spec::Spec;
use largescale::core::{node_list, yaml};
use serde_json::{Map, Value, json};

use crate::environment::Environment;
use crate::provider_nodes::{label_of, node};

/// Pools, and the names of their nodes.
pub(crate) const POOLS: [(&str, &[&str]); 3] = [
    ("blue", &["blue-0", "blue-1"]),
    ("green", &["green-0", "green-1", "green-2"]),
    ("red", &["red-0", "red-1"]),
];

pub(crate) const EXCLUDE: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// Platforms whose load balancers ignore the exclude label: shared/facts/providers.md, "not at all", and Cilium's
/// pkg/l2announcer.
const IGNORE_EXCLUDE: [&str; 4] = ["cilium-l2", "exoscale", "k3s", "rke2"];

/// Platforms whose load balancers never have control-plane nodes, or for which this is unknown.
const NO_CONTROL_PLANE: [&str; 3] = ["azure-basic", "azure-multi-slb", "tencent"];

/// Returns whether the platform cannot bind Services.
pub(crate) fn is_refused(platform: &Platform) -> bool {
    platform.spec.refused.is_some()
}

pub(crate) fn platforms() -> impl Iterator<Item = Platform> {
    builtin_names().map(|name| read_builtin(name).unwrap().unwrap())
}

/// Returns the nodes of `POOLS`, and nodes that belong to no load balancer, or only to some.
pub(crate) fn nodes(platform: &Platform) -> Value {
    let mut all: Vec<Value> = POOLS
        .iter()
        .flat_map(|(pool, names)| names.iter().map(|name| node(platform, name, Some(pool), &[])))
        .collect();
    let control_plane = ("node-role.kubernetes.io/control-plane", "");
    all.push(node(platform, "no-pool-0", None, &[]));
    all.push(node(platform, "control-0", None, &[control_plane]));
    all.push(node(platform, "excluded-0", Some("blue"), &[(EXCLUDE, "true")]));
    all.push(node(platform, "server-0", Some("green"), &[control_plane]));
    all.push(node(platform, "kubeadm-0", Some("red"), &[control_plane, (EXCLUDE, "")]));
    json!({"kind": "NodeList", "apiVersion": "v1", "items": all})
}

/// Returns the nodes behind the load balancer of each pool, according to the facts.
fn expected(platform: &Platform) -> BTreeMap<String, BTreeSet<String>> {
    let has = |list: &[&str]| list.contains(&platform.name.as_str());
    let mut pools: BTreeMap<String, BTreeSet<String>> = POOLS
        .iter()
        .map(|(pool, names)| ((*pool).to_owned(), names.iter().map(ToString::to_string).collect()))
        .collect();
    let mut add = |pool: &str, name: &str| {
        pools.get_mut(pool).unwrap().insert(name.to_owned());
    };
    if has(&IGNORE_EXCLUDE) {
        add("blue", "excluded-0");
        add("red", "kubeadm-0");
    }
    if !has(&NO_CONTROL_PLANE) {
        add("green", "server-0");
    }
    pools
}

/// Returns the settings that a platform requires in `spec.settings`, different for each pool.
pub(crate) fn settings(platform: &Platform) -> Value {
    let mut settings = Map::new();
    for setting in platform.spec.settings.iter().filter(|setting| setting.default.is_none()) {
        let of_pool = |index: usize, pool: &str| match setting.form {
            SettingForm::List => json!([format!("192.0.2.{index}/32")]),
            SettingForm::Number | SettingForm::Text => json!(format!("subnet-{pool}")),
        };
        settings.insert(
            setting.name.clone(),
            match setting.of {
                SettingOf::All | SettingOf::Either => of_pool(0, "all"),
                SettingOf::Pool => POOLS
                    .iter()
                    .enumerate()
                    .map(|(index, (pool, _))| ((*pool).to_owned(), of_pool(index, pool)))
                    .collect(),
            },
        );
    }
    Value::Object(settings)
}

pub(crate) fn project(platform: &Platform) -> Environment {
    let environment = Environment::with(std::path::Path::new("/nonexistent"));
    let spec = json!({
        "apiVersion": "largescale.dev/v1alpha1", "kind": "LargeScale", "metadata": {"name": "web"},
        "spec": {"manifests": ["web.yaml"], "platform": platform.name, "nodes": "nodes.json",
            "pools": {"label": label_of(platform)}, "settings": settings(platform)}
    });
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}});
    for (file, text) in [("largescale.yaml", spec), ("web.yaml", service), ("nodes.json", nodes(platform))] {
        fs::write(environment.path().join(file), text.to_string()).unwrap();
    }
    environment
}

/// Returns the objects of a rendered directory.
pub(crate) fn tree(environment: &Environment) -> Vec<Value> {
    let mut objects = Vec::new();
    for entry in fs::read_dir(environment.path().join("rendered")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        objects.push(yaml::read_one("tree", &text).unwrap().value);
    }
    objects
}

/// Returns the cloud's name for the node group of a node, according to the binding in the platform file.
pub(crate) fn group_name(platform: &Platform, node: &Node) -> Option<String> {
    let pool = node.labels.get(label_of(platform))?;
    let settings = settings(platform);
    let names: Vec<(String, String)> = settings
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, value)| Some((format!("setting.{name}"), value[pool].as_str()?.to_owned())))
        .collect();
    let set = format!("{pool}-vmss");
    let mut values =
        Values::default().with("pool.vmSet", Some(&set), "").with("pool.loadBalancer", Some(pool), "");
    for (name, value) in &names {
        values = values.with(name, Some(value), "");
    }
    platform.spec.selection.as_ref()?.name_of(&values)?.ok()
}

#[test]
fn the_controller_of_every_platform_takes_exactly_the_nodes_of_the_pool() {
    let mut wrong = String::new();
    let mut seen = 0;
    for platform in platforms().filter(|platform| !is_refused(platform)) {
        let name = &platform.name;
        let environment = project(&platform);
        let output = environment.program(&["render"]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let objects = tree(&environment);
        let nodes = node_list::read_nodes("nodes.json", nodes(&platform).to_string().as_bytes()).unwrap();
        let known = platform.spec.recognize.provider_ids();
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for service in objects.iter().filter(|object| object["kind"] == "Service") {
            let selected = platform.spec.selected(service, &objects);
            let selected = selected.unwrap_or_else(|| panic!("{name}: no `selection`"));
            let taken = nodes
                .iter()
                .filter(|node| no_backend(node, &platform, &known).is_none())
                .filter(|node| selected.takes(node, group_name(&platform, node).as_deref()))
                .map(|node| node.name.to_string());
            let pool = service["metadata"]["labels"]["largescale.dev/pool"].as_str().unwrap();
            found.insert(pool.to_owned(), taken.collect());
        }
        if found != expected(&platform) {
            let _ = writeln!(wrong, "{name}: {found:?}, expected {:?}", expected(&platform));
        }
        // `pools` must count the nodes of the load balancers.
        let output = environment.program(&["pools", "-o", "json"]);
        let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let counted: BTreeMap<&str, u64> = listed["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pool| (pool["name"].as_str().unwrap(), pool["backends"].as_u64().unwrap()))
            .collect();
        let expected = expected(&platform);
        let expected: BTreeMap<&str, u64> =
            expected.iter().map(|(pool, nodes)| (pool.as_str(), nodes.len() as u64)).collect();
        if counted != expected {
            let _ = writeln!(wrong, "{name}: `pools` counts {counted:?}, expected {expected:?}");
        }
        seen += 1;
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(seen >= 19, "only {seen} platforms were read");
}

/// A Service without a binding must get every node or none, never exactly the nodes of one pool.
#[test]
fn a_service_without_a_binding_belongs_to_no_pool() {
    let bare = json!({"kind": "Service", "metadata": {"name": "web"}, "spec": {"type": "LoadBalancer"}});
    for platform in platforms() {
        let Some(selected) = platform.spec.selected(&bare, []) else {
            assert!(is_refused(&platform), "{}: no `selection`", platform.name);
            continue;
        };
        assert!(
            matches!(selected, Selected::EveryNode | Selected::Cloud | Selected::Nothing(_)),
            "{}: {selected}",
            platform.name
        );
    }
}

/// The handling of control-plane nodes must have a source if a platform states it.
#[test]
fn the_handling_of_control_plane_nodes_has_a_source() {
    for platform in platforms() {
        let takes = platform.spec.takes_control_plane();
        match &platform.spec.control_plane {
            Some(said) => assert!(!said.source.is_empty(), "{}", platform.name),
            None => assert!(!takes, "{}", platform.name),
        }
        if !is_refused(&platform) {
            let never = NO_CONTROL_PLANE.contains(&platform.name.as_str());
            assert_eq!(takes, !never, "{}", platform.name);
        }
    }
}

/// Returns a label that one of the patterns of the platform recognizes.
fn spec_mark(platform: &Platform) -> Option<(&str, &str)> {
    let patterns = &platform.spec.recognize.label_patterns;
    patterns
        .contains_key("topology.outscale.com/net")
        .then_some(("topology.outscale.com/net", "vpc-12345678"))
}

/// A compact cluster: three servers and nothing else.
#[test]
fn compact_clusters_have_pools_where_the_platform_takes_their_nodes() {
    let all: Vec<Platform> = platforms().collect();
    for platform in &all {
        let name = &platform.name;
        let mark = platform.spec.recognize.labels.iter().next();
        let mut labels =
            vec![("node-role.kubernetes.io/control-plane", "true"), ("node-role.kubernetes.io/etcd", "true")];
        labels.extend(mark.map(|(key, value)| (key.as_str(), value.as_str())));
        labels.extend(spec_mark(platform));
        let servers =
            ["a", "b", "c"].map(|pool| node(platform, &format!("server-{pool}"), Some(pool), &labels));
        let list = json!({"kind": "NodeList", "items": servers}).to_string();
        let nodes = node_list::read_nodes("nodes.json", list.as_bytes()).unwrap();
        let found = discover_pools(&nodes, platform, Some(label_of(platform)), None);
        if platform.spec.takes_control_plane() {
            let merged = merge(&Spec::new(name), &found.unwrap(), None, &MergeOptions::default()).unwrap();
            let pools: Vec<&str> = merged.set.pools.iter().map(|pool| pool.value.as_str()).collect();
            assert_eq!(pools, ["a", "b", "c"], "{name}");
        } else {
            let said = found.unwrap_err()[0].to_string();
            assert!(said.starts_with("found only control-plane nodes (3)"), "{name}: {said}");
        }
        if platform.spec.recognize.provider_ids.is_empty() {
            continue;
        }
        // The platform must also be recognized among all platforms.
        let choice = choose(&all, &nodes).unwrap().unwrap_or_else(|| panic!("{name} is not recognized"));
        let fits = std::iter::once(choice.platform).chain(choice.others.iter().copied());
        assert!(fits.map(|fit| &fit.name).any(|fit| fit == name), "{name}");
    }
}
