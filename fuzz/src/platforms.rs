//! Platform files: what is accepted can be used with nodes and Services.

use std::sync::OnceLock;

use largescale::core::node_list::read_nodes_in;
use largescale::core::platform::{
    Platform, VmSetFinder, broken_rules, builtin_names, cloud_config, facts, read_builtin,
};
use largescale::core::pools::{Pool, PoolSet, discover_pools};
use serde_json::json;

use super::checks::{FILE, located, text};

/// Returns the built-in platforms.
pub fn builtin() -> &'static [Platform] {
    static ALL: OnceLock<Vec<Platform>> = OnceLock::new();
    ALL.get_or_init(|| {
        let read = |name| read_builtin(name).expect("a known name").expect("a valid platform");
        builtin_names().map(read).collect()
    })
}

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let platform = match Platform::read(FILE, text) {
        Ok(platform) => platform,
        Err(problems) => return located(&problems, text),
    };
    let nodes = json!({"kind": "List", "items": [
        {"kind": "Node", "metadata": {"name": "k8s-a-12345678-vmss000000", "labels": {"agentpool": "a", "pool": "a"}},
         "spec": {"providerID": "azure:///subscriptions/s/resourceGroups/g/providers/x/k8s-a-12345678-0"}},
        {"kind": "Node", "metadata": {"name": "b-1", "labels": {"agentpool": "b", "pool": "b"}}},
    ]});
    let nodes = read_nodes_in(FILE, nodes.to_string().as_bytes()).expect("valid nodes");
    for label in [None, Some("agentpool")] {
        let _ =
            discover_pools(&nodes, &platform, label, None).map_err(|problems| assert!(!problems.is_empty()));
    }
    let finder = VmSetFinder::new(&platform, &nodes);
    let _ = finder.find(&nodes[0], "a");
    let service = json!({"metadata": {"annotations": {"a": "b"}}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    let _ = platform.spec.broken_rules(&service).count() + platform.spec.unshareable(&service).count();
    let _ = broken_rules(&platform.spec.refuses, &platform.spec.requires, &service).count();
    let pool = Pool { value: "a".to_owned(), name: "a".to_owned(), ..Pool::default() };
    let pools = PoolSet { label: "agentpool".to_owned(), pools: vec![pool], ..PoolSet::default() };
    let _ = cloud_config(&platform, &pools).map_err(|problems| assert!(!problems.is_empty()));
    let _ = (platform.pool_labels(), platform.spec.load_balancer_fields(), facts(&platform));
}
