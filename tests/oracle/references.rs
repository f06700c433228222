//! References follow renamed objects as in kustomize: an overlay that renames every object has the same effect on all fields as
//! `namePrefix` and `nameSuffix`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::kubectl::Kubectl;
use crate::kustomize::{NODES, by_name, render};

/// Objects with references of every kind that kustomize knows. The load balancer has none, because its Services are named by us.
const MANIFESTS: &str = r"
apiVersion: v1
kind: Service
metadata: {name: edge, annotations: {load-balancer.hetzner.cloud/location: fsn1}}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner}
secrets: [{name: token}]
imagePullSecrets: [{name: registry}]
---
{apiVersion: v1, kind: Secret, metadata: {name: token}, stringData: {a: b}}
---
{apiVersion: v1, kind: Secret, metadata: {name: registry}, stringData: {a: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a: b}}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: urgent}, value: 1}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: example.com/disk}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk}
spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: runner
      priorityClassName: urgent
      imagePullSecrets: [{name: registry}, {name: elsewhere}]
      initContainers:
      - name: init
        image: init:1
        envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: token}}]
      containers:
      - name: app
        image: app:1
        env:
        - {name: A, valueFrom: {configMapKeyRef: {name: settings, key: a}}}
        - {name: B, valueFrom: {secretKeyRef: {name: token, key: a}}}
        - {name: C, valueFrom: {configMapKeyRef: {name: elsewhere, key: a, optional: true}}}
        envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: token}}]
      volumes:
      - {name: a, configMap: {name: settings}}
      - {name: b, secret: {secretName: token}}
      - {name: c, persistentVolumeClaim: {claimName: disk}}
      - {name: d, projected: {sources: [{configMap: {name: settings}}, {secret: {name: token}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  serviceName: web
  selector: {matchLabels: {app: store}}
  template: {metadata: {labels: {app: store}}, spec: {containers: [{name: app, image: 'app:1'}]}}
  volumeClaimTemplates:
  - {metadata: {name: data}, spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: other}
spec:
  serviceName: elsewhere
  selector: {matchLabels: {app: other}}
  template: {metadata: {labels: {app: other}}, spec: {containers: [{name: app, image: 'app:1'}]}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: '0 0 * * *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, serviceAccountName: runner, containers: [
    {name: app, image: 'app:1', envFrom: [{secretRef: {name: token}}]}]}}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  defaultBackend: {service: {name: web, port: {number: 80}}}
  tls: [{hosts: [a.example], secretName: token}]
  rules:
  - {host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}
  - {host: b.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: elsewhere, port: {number: 80}}}}]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [configmaps], resourceNames: [settings], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: runner, namespace: default}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: watcher}
rules: [{apiGroups: [''], resources: [nodes], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: watcher}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: watcher}
subjects: [{kind: ServiceAccount, name: runner, namespace: default}]
";

#[test]
fn references_follow_a_prefix_and_a_suffix_as_in_kustomize() {
    let Some(kubectl) = Kubectl::find() else { return };
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("kustomize")).unwrap();
    fs::write(at("nodes.json"), NODES).unwrap();
    fs::write(at("web.yaml"), MANIFESTS).unwrap();
    for (file, overlays, output) in
        [("base.yaml", "[]", "kustomize/tree"), ("ours.yaml", "[./o.yaml]", "ours")]
    {
        let spec = format!(
            "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: web}}\nspec:\n  manifests: [web.yaml]\n  platform: hetzner\n  nodes: nodes.json\n  pools: {{label: pool}}\n  overlays: {overlays}\n  output: {output}\n"
        );
        fs::write(at(file), spec).unwrap();
    }
    render(directory.path(), "base.yaml").unwrap();
    let tree = files(&at("kustomize/tree"));
    let resources: String = tree.iter().map(|name| format!("- tree/{name}\n")).collect();
    fs::write(
        at("kustomize/kustomization.yaml"),
        format!("namePrefix: pre-\nnameSuffix: -post\nresources:\n{resources}"),
    )
    .unwrap();
    let is_own = |object: &Value| object["metadata"]["labels"]["largescale.dev/pool"].is_null();
    let read = |folder: &str| -> Vec<Value> {
        let files = files(&at(folder)).into_iter().map(|name| at(folder).join(name));
        files
            .flat_map(|path| kubectl.read(&fs::read_to_string(path).unwrap()).unwrap())
            .filter(is_own)
            .collect()
    };
    let mut overlay =
        "apiVersion: largescale.dev/v1alpha1\nkind: Overlay\nmetadata: {name: o}\nspec:\n  patches:\n"
            .to_owned();
    for object in read("kustomize/tree") {
        let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        let _ = writeln!(
            overlay,
            "  - {{target: {{kind: {kind}, name: {name}}}, patch: [{{op: replace, path: /metadata/name, value: pre-{name}-post}}]}}"
        );
    }
    fs::write(at("o.yaml"), overlay).unwrap();
    render(directory.path(), "ours.yaml").unwrap();
    let mut ours = by_name(read("ours"));
    // kustomize leaves this field as it is, which then names no Secret.
    let account = ours.get_mut("ServiceAccount/pre-runner-post").unwrap();
    assert_eq!(account["secrets"][0]["name"], "pre-token-post");
    account["secrets"][0]["name"] = "token".into();
    let theirs = kubectl.kustomize(&at("kustomize")).unwrap();
    let theirs = by_name(theirs.into_iter().filter(is_own).collect());
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    let mut renamed = 0;
    for (name, object) in &theirs {
        assert_eq!(&ours[name], object, "{name}");
        renamed += object.to_string().matches("-post\"").count();
    }
    // Without references, nothing would be compared.
    assert!(renamed > theirs.len() + 25, "{renamed} names in {} objects", theirs.len());
}

/// Returns the names of the files in a directory.
fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    names
}
