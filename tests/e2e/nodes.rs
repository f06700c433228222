//! Nodes as ACS-Engine creates them, so that the platform `azure-basic` finds the VM set of each.

use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

/// Part of the names of all nodes of a cluster.
const SUFFIX: &str = "12345678";

/// Returns the name of a pool, counted from 0.
pub(crate) fn pool_name(pool: usize) -> String {
    format!("pool{pool:02}")
}

/// Returns the name of the VM set of a pool, which the binding of its Service names.
pub(crate) fn vm_set(pool: usize) -> String {
    format!("{}-availabilitySet-{SUFFIX}", pool_name(pool))
}

/// Returns the name of a node in a cluster with this number of pools.
pub(crate) fn node_name(number: usize, pools: usize) -> String {
    format!("k8s-{}-{SUFFIX}-{}", pool_name(number % pools), number / pools)
}

/// Returns a node with capacity for pods; the fake kubelet sets its status to ready.
pub(crate) fn node(number: usize, pools: usize) -> Value {
    let name = node_name(number, pools);
    let size = json!({"cpu": "32", "memory": "128Gi", "pods": "110", "ephemeral-storage": "100Gi"});
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {
            "agentpool": pool_name(number % pools),
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/role": "agent",
        }},
        "spec": {"providerID": format!(
            "azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/{name}"
        )},
        "status": {"capacity": size, "allocatable": size, "addresses": [
            {"type": "InternalIP", "address": format!("10.{}.{}.{}", 100 + number / 65_536, number / 256 % 256, number % 256)},
            {"type": "Hostname", "address": name},
        ]},
    })
}

/// Writes the nodes of a cluster, spread over the pools, as a list into a file.
pub(crate) fn write(path: &Path, nodes: usize, pools: usize) -> io::Result<()> {
    let items: Vec<Value> = (0..nodes).map(|number| node(number, pools)).collect();
    fs::write(path, json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())
}
