//! Files about implementations of the Gateway API: what is accepted can split a Gateway in both modes, or says why not.

use std::collections::BTreeMap;

use largescale::core::gateway::Implementation;
use largescale::core::manifest::{ManifestFile, read_manifests};
use largescale::core::pools::{Pool, PoolSet};
use largescale::core::render::{GatewayInput, Input, render};
use largescale::core::spec::LargeScale;
use serde_json::json;

use super::checks::{FILE, located, text};
use super::platforms::builtin;

/// A Gateway with everything that follows it.
const MANIFESTS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, annotations: {cert-manager.io/issuer: a}}
spec:
  gatewayClassName: a
  infrastructure: {labels: {a: b}, annotations: {a: b}}
  listeners: [{name: http, port: 80, protocol: HTTP}, {name: dns, port: 53, protocol: UDP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: {parentRefs: [{name: web}, {name: other}], hostnames: [a.example.com]}
---
apiVersion: example.com/v1
kind: Policy
metadata: {name: web}
spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: web}]}
";

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let implementation = match Implementation::read(FILE, text) {
        Ok(implementation) => implementation,
        Err(problems) => return located(&problems, text),
    };
    let file = ManifestFile { source: "m.yaml".into(), shown: "m.yaml".into(), text: MANIFESTS.to_owned() };
    let objects = read_manifests(&[file]).expect("valid manifests");
    let pool = |name: &str| Pool { value: name.to_owned(), name: name.to_owned(), ..Pool::default() };
    let pools = PoolSet { label: "pool".to_owned(), pools: vec![pool("a"), pool("b")], ..PoolSet::default() };
    let platform = builtin().iter().find(|platform| platform.name == "hetzner").expect("a known platform");
    let classes = BTreeMap::new();
    for mode in ["perPool", "shared"] {
        let spec = json!({"apiVersion": "largescale.dev/v1alpha1", "kind": "LargeScale",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"manifests": ["m.yaml"], "platform": "hetzner", "gateways": {"mode": mode}}});
        let (spec, document) = LargeScale::read(FILE, &spec.to_string()).expect("a valid spec");
        let gateways = GatewayInput { implementation: Some(&implementation), classes: &classes };
        let input = Input {
            spec: &spec,
            document: &document,
            objects: &objects,
            platform,
            overlays: &[],
            gateways,
            pools: &pools,
            max_objects: 100,
        };
        match render(input) {
            Ok(rendered) => {
                let gateways = rendered.files.iter().filter(|file| file.key.kind == "Gateway").count();
                assert_eq!(gateways, if mode == "perPool" { 2 } else { 1 }, "{mode}");
            }
            Err(problems) => assert!(!problems.is_empty()),
        }
    }
}
