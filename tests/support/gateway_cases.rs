//! The cases of the proof with Envoy Gateway: a Gateway, with nodes in three pools, on each of three platforms and in both modes.
//!
//! `tests/e2e/gateway` gives them to the controller and records what it makes in `tests/fixtures/gateway`.
//! `tests/cli/gateways.rs` compares the record with what is rendered today.

use std::fs;
use std::path::{Path, PathBuf};

use largescale::core::gateway::FleetMode;
use largescale::core::yaml;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The pools; each has two nodes.
pub(crate) const POOLS: [&str; 3] = ["blue", "green", "red"];

/// The platforms whose code runs in the tests, with the node label of their pools: one binds by an annotation and takes the machines
/// of a VM set, one selects nodes by an annotation, and one requires a class too.
const PLATFORMS: [(&str, &str); 3] = [
    ("azure-basic", "agentpool"),
    ("cilium-node-ipam", "example.com/pool"),
    ("openstack", "magnum.openstack.org/nodegroup"),
];

/// A Gateway on a platform, split in a mode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) platform: &'static str,
    pub(crate) label: &'static str,
    pub(crate) mode: FleetMode,
}

const MANIFESTS: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: CLASS}
spec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: PLATFORM}
spec:
  gatewayClassName: CLASS
  infrastructure:
    INFRASTRUCTURE
  allowedListeners: {namespaces: {from: Same}}
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: web-tls}]}}
  - {name: admin, port: 8088, protocol: HTTP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [PARENTS]
  hostnames: [www.example.com]
  rules:
  - backendRefs: [{name: web, port: 8080}]
";

/// A listener beside the Gateway, and a policy for it.
const ATTACHED: &str = "---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more}
spec:
  parentRef: {name: azure-basic}
  listeners: [{name: more, port: 8090, protocol: HTTP}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata: {name: web}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: azure-basic}]
  timeout: {http: {requestReceivedTimeout: 10s}}
";

/// Parameters with proxies on each node, on the ports of the listeners.
const DAEMONS: &str = "---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyProxy
metadata: {name: proxies}
spec:
  provider:
    type: Kubernetes
    kubernetes:
      envoyDaemonSet: {}
      useListenerPortAsContainerPort: true
";

/// An overlay for the Service of one pool: every field that an `EnvoyProxy` can set, but the class.
const OVERLAY: &str = "apiVersion: largescale.dev/v1alpha1
kind: Overlay
metadata: {name: fields}
spec:
  title: sets fields of the Service of a Gateway
  patches:
  - target: {kind: Service, pool: green}
    patch:
    - {op: replace, path: /spec/externalTrafficPolicy, value: Cluster}
    - {op: add, path: /spec/loadBalancerSourceRanges, value: [192.0.2.0/24]}
    - {op: add, path: /spec/loadBalancerIP, value: 192.0.2.9}
    - {op: add, path: /spec/allocateLoadBalancerNodePorts, value: false}
";

/// Returns all cases.
pub(crate) fn cases() -> impl Iterator<Item = Case> {
    let modes = [FleetMode::PerPool, FleetMode::Shared];
    PLATFORMS.iter().flat_map(move |&(platform, label)| modes.map(|mode| Case { platform, label, mode }))
}

impl Case {
    /// Returns its name, which is also that of its namespace.
    pub(crate) fn name(self) -> String {
        let mode = match self.mode {
            FleetMode::PerPool => "per-pool",
            FleetMode::Shared => "shared",
        };
        format!("{}-{mode}", self.platform)
    }

    /// Whether the proxies of its Gateways are a `DaemonSet`.
    pub(crate) fn has_daemons(self) -> bool {
        self.platform == "cilium-node-ipam"
    }

    /// Returns the directory of its record.
    pub(crate) fn record(self) -> PathBuf {
        fixtures().join(self.name())
    }

    /// Returns the files of its project.
    pub(crate) fn files(self) -> [(&'static str, String); 4] {
        [
            ("largescale.yaml", self.spec()),
            ("web.yaml", self.manifests()),
            ("fields.yaml", OVERLAY.to_owned()),
            (
                "nodes.json",
                json!({"kind": "NodeList", "apiVersion": "v1", "items": self.nodes()}).to_string(),
            ),
        ]
    }

    fn spec(self) -> String {
        let name = self.name();
        let mode = match self.mode {
            FleetMode::PerPool => "perPool",
            FleetMode::Shared => "shared",
        };
        let overlay = if self.platform == "openstack" { "fields.yaml" } else { "" };
        format!(
            "apiVersion: largescale.dev/v1alpha1
kind: LargeScale
metadata: {{name: {name}, namespace: {name}}}
spec:
  manifests: [web.yaml]
  platform: {}
  nodes: nodes.json
  pools: {{label: {}}}
  gateways: {{mode: {mode}}}
  overlays: [{overlay}]
",
            self.platform, self.label
        )
    }

    /// Returns the manifests, with another class in each case: a cluster-wide object belongs to one directory. The Gateway has the
    /// name of the platform, because the Services in front of all fleets are in one namespace.
    fn manifests(self) -> String {
        let (infrastructure, more) = match self.platform {
            "azure-basic" => {
                ("annotations: {example.com/team: edge}\n    labels: {example.com/tier: edge}", ATTACHED)
            }
            // Nodes without a proxy have no address with Node IPAM and `externalTrafficPolicy: Local`.
            "cilium-node-ipam" => (
                "annotations: {example.com/team: edge}
    parametersRef: {group: gateway.envoyproxy.io, kind: EnvoyProxy, name: proxies}",
                DAEMONS,
            ),
            _ => ("annotations: {loadbalancer.openstack.org/enable-health-monitor: \"true\"}", ""),
        };
        let parents = match self.platform {
            "azure-basic" => "{name: PLATFORM}, {kind: ListenerSet, name: more}",
            _ => "{name: PLATFORM}",
        };
        MANIFESTS
            .replace("PARENTS", parents)
            .replace("CLASS", &self.name())
            .replace("PLATFORM", self.platform)
            .replace("INFRASTRUCTURE", infrastructure)
            + more
    }

    /// Returns the nodes of its platform, with capacity for pods. They are the same for both modes.
    pub(crate) fn nodes(self) -> Vec<Value> {
        let of_pool = |(index, pool): (usize, &&str)| {
            [(index, 0, *pool), (index, 1, *pool)].map(|(at, n, pool)| self.node(at, n, pool))
        };
        POOLS.iter().enumerate().flat_map(of_pool).collect()
    }

    fn node(self, index: usize, number: usize, pool: &str) -> Value {
        let platform = PLATFORMS.iter().position(|(name, _)| *name == self.platform).unwrap_or_default();
        let (name, provider_id) = match self.platform {
            "azure-basic" => {
                let name = format!("k8s-{pool}-12345678-{number}");
                let id = format!(
                    "azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/{name}"
                );
                (name, id)
            }
            "openstack" => (
                format!("os-{pool}-{number}"),
                format!("openstack://RegionOne/0{index}e3dad0-9990-4345-b743-9f8ffabdff0{number}"),
            ),
            _ => (format!("metal-{pool}-{number}"), String::new()),
        };
        let size = json!({"cpu": "32", "memory": "128Gi", "pods": "110", "ephemeral-storage": "100Gi"});
        let address = format!("10.{}.{index}.{}", 100 + platform, number + 10);
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {
                self.label: pool, "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
            }},
            "spec": {"providerID": provider_id},
            "status": {
                "capacity": size, "allocatable": size,
                "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
                "conditions": [{"type": "Ready", "status": "True", "reason": "Fake"}],
            },
        })
    }
}

/// Returns the objects of a rendered directory, in the order of the names of their files.
pub(crate) fn rendered(directory: &Path) -> Vec<Value> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "yaml"));
    paths.sort();
    let read = |path: PathBuf| yaml::read("rendered", &fs::read_to_string(path).unwrap()).unwrap();
    paths.into_iter().flat_map(read).map(|document| document.value).collect()
}

/// Writes objects as the documents of a file.
pub(crate) fn write(objects: &[Value]) -> String {
    objects.iter().map(yaml::write_object).collect::<Vec<_>>().join("---\n")
}

/// Returns the objects of a file of the record.
pub(crate) fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    yaml::read("record", &text).unwrap().into_iter().map(|document| document.value).collect()
}

/// Returns the directory of the record.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gateway")
}

/// Returns the digest of what the record depends on: the version of the controller, the driver, and the rendered objects.
pub(crate) fn stamp(rendered: &[String]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = [
        "tests/go/envoy-gateway/go.mod",
        "tests/go/envoy-gateway/envoy.txt",
        "tests/e2e/gateway.rs",
        "tests/support/gateway_cases.rs",
    ]
    .map(|path| root.join(path))
    .into();
    files.extend(fs::read_dir(root.join("tests/e2e/gateway")).unwrap().map(|entry| entry.unwrap().path()));
    files.sort();
    let mut digest = Sha256::new();
    for text in files.iter().map(|path| fs::read_to_string(path).unwrap()).chain(rendered.iter().cloned()) {
        // A checkout on Windows may have other line ends.
        digest.update(text.replace("\r\n", "\n"));
        digest.update([0]);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
