//! `patches:` of a kustomization can be pasted into an overlay and have the same effect there. Patches that
//! kustomize silently ignores are an error.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::kubectl::Kubectl;

pub(crate) const NODES: &str = r#"{"kind": "NodeList", "items": [
  {"metadata": {"name": "a", "labels": {"pool": "a"}}, "spec": {"providerID": "hcloud://1"}},
  {"metadata": {"name": "b", "labels": {"pool": "b"}}, "spec": {"providerID": "hcloud://2"}}
]}"#;

const MANIFESTS: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}, annotations: {load-balancer.hetzner.cloud/location: fsn1}}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
  - {name: http, port: 80, protocol: TCP}
  - {name: https, port: 443, protocol: TCP}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web, tier: front}, annotations: {team: edge}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: app, image: 'app:1', args: [a, b]}
      - {name: log, image: 'log:1'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web-settings, namespace: other, labels: {app: web}}
data: {a: '1'}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: web, labels: {app: web}, annotations: {team: core}}
rules: []
";

/// A list for `patches:`, with every field of a target and every operation.
const PATCHES: &str = r#"
- target:
    group: apps
    version: v1
    kind: Deployment
    name: web
  patch: |-
    - op: replace
      path: /spec/replicas
      value: 6
    - op: test
      path: /spec/template/spec/containers/0/name
      value: app
    - op: add
      path: /spec/template/spec/containers/0/args/-
      value: c
    - op: add
      path: /spec/template/spec/containers/0/args/1
      value: separator
    - op: copy
      from: /spec/template/spec/containers/0/image
      path: /spec/template/spec/containers/1/image
    - op: move
      from: /metadata/labels/tier
      path: /metadata/labels/example.com~1tier
- target:
    kind: Service
    name: web-(a|x.*)
  patch: '[{"op": "add", "path": "/spec/loadBalancerIP", "value": "192.0.2.1"}, {"op": "remove", "path": "/spec/ports/1"}]'
- target:
    kind: Service
    name: web-[b-d]
  path: patches/b.yaml
- target:
    labelSelector: app=web,tier notin (back)
    kind: Config.*
  patch: |
    - {op: add, path: /data/b, value: "2"}
- target:
    annotationSelector: team in (edge, core)
  patch: |
    - {op: replace, path: /metadata/annotations/team, value: platform}
- target:
    namespace: default
    kind: Service|Deployment|ClusterRole
    labelSelector: app
  patch: |
    - {op: add, path: /metadata/labels/location, value: default}
- target: {group: rbac.authorization.k8s.io, name: we.}
  patch: |
    - {op: add, path: /rules/-, value: {apiGroups: [""], resources: [pods], verbs: [get]}}
"#;

const OF_B: &str = "- {op: add, path: /metadata/annotations/example.com~1note, value: of b}\n";

/// Creates the tree without patches as a kustomization, and a project next to it whose overlay has the same list.
fn both(patches: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("patches")).unwrap();
    fs::create_dir_all(at("kustomize/patches")).unwrap();
    fs::write(at("nodes.json"), NODES).unwrap();
    fs::write(at("web.yaml"), MANIFESTS).unwrap();
    fs::write(at("patches/b.yaml"), OF_B).unwrap();
    fs::write(at("kustomize/patches/b.yaml"), OF_B).unwrap();
    for (file, overlays, output) in
        [("base.yaml", "[]", "kustomize/tree"), ("ours.yaml", "[./o.yaml]", "ours")]
    {
        let spec = format!(
            "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: web}}\nspec:\n  manifests: [web.yaml]\n  platform: hetzner\n  nodes: nodes.json\n  pools: {{label: pool}}\n  overlays: {overlays}\n  output: {output}\n"
        );
        fs::write(at(file), spec).unwrap();
    }
    let indented: String = patches.lines().map(|line| format!("  {line}\n")).collect();
    let overlay = format!(
        "apiVersion: largescale.dev/v1alpha1\nkind: Overlay\nmetadata: {{name: o}}\nspec:\n  patches:\n{indented}"
    );
    fs::write(at("o.yaml"), overlay).unwrap();
    render(directory.path(), "base.yaml").unwrap();
    let tree: Vec<String> = fs::read_dir(at("kustomize/tree"))
        .unwrap()
        .map(|entry| format!("- tree/{}\n", entry.unwrap().file_name().display()))
        .collect();
    let kustomization = format!("resources:\n{}patches:{patches}", tree.concat());
    fs::write(at("kustomize/kustomization.yaml"), kustomization).unwrap();
    directory
}

/// Renders, or returns the error.
pub(crate) fn render(directory: &Path, spec: &str) -> Result<(), String> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubectl-largescale"));
    let output = program.args(["render", "-f", spec]).current_dir(directory).output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Returns objects by kind and name; empty maps count as missing.
pub(crate) fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    objects
        .into_iter()
        .map(|object| {
            let name = object["metadata"]["name"].as_str().unwrap();
            (format!("{}/{name}", object["kind"].as_str().unwrap()), object)
        })
        .collect()
}

fn ours(kubectl: &Kubectl, directory: &Path) -> BTreeMap<String, Value> {
    render(directory, "ours.yaml").unwrap();
    let mut paths: Vec<_> =
        fs::read_dir(directory.join("ours")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let objects = paths.iter().flat_map(|path| kubectl.read(&fs::read_to_string(path).unwrap()).unwrap());
    by_name(objects.collect())
}

#[test]
fn the_same_patches_have_the_same_effect() {
    let Some(kubectl) = Kubectl::find() else { return };
    let directory = both(PATCHES);
    let theirs = by_name(kubectl.kustomize(&directory.path().join("kustomize")).unwrap());
    let ours = ours(&kubectl, directory.path());
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, object) in &theirs {
        assert_eq!(&ours[name], object, "{name}");
    }
    // Every patch must have an effect, otherwise nothing is compared.
    let at = |name: &str, pointer: &str| ours[name].pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("Deployment/web", "/spec/replicas"), 6);
    assert_eq!(
        at("Deployment/web", "/spec/template/spec/containers/0/args"),
        serde_json::json!(["a", "separator", "b", "c"])
    );
    assert_eq!(at("Deployment/web", "/metadata/labels/example.com~1tier"), "front");
    assert_eq!(at("Service/web-a", "/spec/ports").as_array().unwrap().len(), 1);
    assert_eq!(at("Service/web-b", "/metadata/annotations/example.com~1note"), "of b");
    assert_eq!(at("ConfigMap/web-settings", "/data/b"), "2");
    assert_eq!(at("ClusterRole/web", "/metadata/annotations/team"), "platform");
    assert_eq!(at("ClusterRole/web", "/metadata/labels/location"), Value::Null);
    assert_eq!(at("Deployment/web", "/metadata/labels/location"), "default");
    assert_eq!(at("ClusterRole/web", "/rules/0/verbs/0"), "get");
}

/// Checks that kustomize silently accepts a list, and that we report an error.
#[track_caller]
fn silent_there(kubectl: &Kubectl, patches: &str, object: &str, pointer: &str, there: &Value, said: &str) {
    let directory = both(patches);
    let theirs = by_name(kubectl.kustomize(&directory.path().join("kustomize")).unwrap());
    assert_eq!(&theirs[object].pointer(pointer).cloned().unwrap_or_default(), there, "{patches}");
    let why = render(directory.path(), "ours.yaml").unwrap_err();
    assert!(why.contains(said), "{patches}\n{why}");
}

#[test]
fn patches_that_kustomize_silently_ignores_are_an_error() {
    let Some(kubectl) = Kubectl::find() else { return };
    let check = |patches: &str, object: &str, pointer: &str, there: Value, said: &str| {
        silent_there(&kubectl, patches, object, pointer, &there, said);
    };
    check(
        "\n- target: {kind: Deploymnt}\n  patch: |-\n    - {op: replace, path: /spec/replicas, value: 9}\n",
        "Deployment/web",
        "/spec/replicas",
        2.into(),
        "o.yaml:7: the patch matches 0 objects, expected at least 1",
    );
    check(
        "\n- target: {kind: Deployment}\n  patch: |-\n    - op: replace\n      path: /spec/replica\n      value: 9\n",
        "Deployment/web",
        "/spec/replica",
        9.into(),
        "o.yaml:9: operation 1 (`replace` at `/spec/replica`) does not fit deployment/web: `/spec` has no `replica`, did you mean `replicas`?",
    );
    check(
        "\n- target: {kind: Deployment}\n  patch: |-\n    - {op: replace, path: /spec/template/spec/containers/-1/image, value: x}\n",
        "Deployment/web",
        "/spec/template/spec/containers/1/image",
        "x".into(),
        "`/spec/template/spec/containers` has 2 items but no `-1`",
    );
    check(
        "\n- target: {kind: Service, name: web-*}\n  patch: |-\n    - {op: add, path: /spec/loadBalancerIP, value: x}\n",
        "Service/web-a",
        "/spec/loadBalancerIP",
        Value::Null,
        "`web-*` looks like a glob",
    );
    check(
        "\n- target: {kind: Deployment}\n  patch: |-\n    - {op: add, path: /metadata/labels/x, value: '${y}'}\n",
        "Deployment/web",
        "/metadata/labels/x",
        "${y}".into(),
        "unknown placeholder `${y}`",
    );
    // The binding of the pool would be lost without a message.
    check(
        "\n- target: {kind: Service}\n  patch: |-\n    - {op: add, path: /metadata/annotations, value: {a: b}}\n",
        "Service/web-a",
        "/metadata/annotations/load-balancer.hetzner.cloud~1node-selector",
        Value::Null,
        "the overlay o contradicts the binding of the platform",
    );
    check(
        "\n- target: {kind: Deployment}\n  patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: any}\n    spec: {replicas: 9}\n",
        "Deployment/web",
        "/spec/replicas",
        9.into(),
        "strategic merge patches are not supported",
    );
}
