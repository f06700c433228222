//! Nodes as ACS-Engine made them, so that the platform `azure-basic` knows the VM set of each.

use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

/// What stands in the names of all nodes of a cluster.
const SUFFIX: &str = "12345678";

/// The name of a pool, from 0.
pub(crate) fn pool_name(pool: usize) -> String {
    format!("pool{pool:02}")
}

/// The name of the VM set behind a pool, which the binding of its Service names.
pub(crate) fn vm_set(pool: usize) -> String {
    format!("{}-availabilitySet-{SUFFIX}", pool_name(pool))
}

/// The name of a node, of a cluster with so many pools.
pub(crate) fn node_name(number: usize, pools: usize) -> String {
    format!("k8s-{}-{SUFFIX}-{}", pool_name(number % pools), number / pools)
}

/// A node with room for pods; the fake kubelet adds that it is ready.
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

/// The nodes of a cluster, one after the other to the pools, as a list in a file.
pub(crate) fn write(path: &Path, nodes: usize, pools: usize) -> io::Result<()> {
    let items: Vec<Value> = (0..nodes).map(|number| node(number, pools)).collect();
    fs::write(path, json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())
}
