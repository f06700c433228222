//! Five estates that users have, made with kubectl and adopted as docs/howto/adopt-services.md shows: nothing but membership changes.
//! Then one port changes and an environment variable is removed, and the cluster grows by a pool: nothing else changes.

use std::fs;

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::import::is_other_change;
use crate::wait::until;

/// An estate, and what happens to it.
struct Walk {
    name: &'static str,
    /// How kubectl makes the objects.
    creates: &'static [&'static str],
    objects: &'static str,
    node: fn(&str, usize) -> Value,
    pools: &'static [&'static str],
    /// Flags of `init`, besides the namespace and the nodes.
    init: &'static [&'static str],
    platform: &'static str,
    /// The objects that must stay as they are: API version and path.
    live: &'static [(&'static str, &'static str)],
    /// Changes of the manifests.
    edits: &'static [(&'static str, &'static str)],
    /// The lines of `diff --live` after these changes, sorted.
    changed: &'static [&'static str],
    /// The pool that the cluster grows by, and its Service.
    grows_by: &'static str,
    new_service: &'static str,
    /// The binding of the new Service: a JSON pointer and the value.
    binding: (&'static str, &'static str),
}

const WORKLOAD: &str = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx
        env: [{name: MODE, value: live}, {name: REMOVE, value: me}]
        ports: [{name: nginx-http, containerPort: 80}]
";

/// The two Services of the article, with the names of its availability sets.
const ARTICLE: &str = "apiVersion: v1
kind: Service
metadata:
    name: nginx-service1
    annotations:
        service.beta.kubernetes.io/azure-load-balancer-mode: \"agentpool1-availabilitySet-42344502\"
spec:
    type: LoadBalancer
    ports:
    - name: http
      port: 80
      targetPort: nginx-http
      protocol: TCP
    selector:
        app: web
---
apiVersion: v1
kind: Service
metadata:
    name: nginx-service2
    annotations:
        service.beta.kubernetes.io/azure-load-balancer-mode: \"agentpool2-availabilitySet-42344502\"
spec:
    type: LoadBalancer
    ports:
    - name: http
      port: 80
      targetPort: nginx-http
      protocol: TCP
    selector:
        app: web
";

const CHART: &str = include_str!("../charts/ingress-controller.yaml");

const CONFIGURATIONS: &str = "apiVersion: v1
kind: Service
metadata:
  name: web-users
  annotations: {service.beta.kubernetes.io/azure-load-balancer-configurations: lb-users}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web-gpu
  annotations: {service.beta.kubernetes.io/azure-load-balancer-configurations: LB-GPU}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
";

const EXTERNAL: &str = "apiVersion: v1
kind: Service
metadata:
  name: web-users
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: external
    service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: instance
    service.beta.kubernetes.io/aws-load-balancer-scheme: internet-facing
    service.beta.kubernetes.io/aws-load-balancer-target-node-labels: eks.amazonaws.com/nodegroup=users
spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web-gpu
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-type: external
    service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: instance
    service.beta.kubernetes.io/aws-load-balancer-scheme: internet-facing
    service.beta.kubernetes.io/aws-load-balancer-target-node-labels: eks.amazonaws.com/nodegroup=gpu
spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
";

const ONE: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {load-balancer.hetzner.cloud/location: fsn1}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
";

const WITHOUT_VARIABLE: (&str, &str) = ("        - name: REMOVE\n          value: me\n", "");
const OTHER_PORT: (&str, &str) = ("    port: 80\n", "    port: 8080\n");
const CHANGED_IN_TWO: &[&str] = &[
    "+    port: 8080",
    "+    port: 8080",
    "-          value: me",
    "-        - name: REMOVE",
    "-    port: 80",
    "-    port: 80",
];
const PAIR: &[(&str, &str)] =
    &[("v1", "services/web-users"), ("v1", "services/web-gpu"), ("apps/v1", "deployments/web")];

const WALKS: [Walk; 5] = [
    Walk {
        name: "walk-article",
        creates: &["create"],
        objects: ARTICLE,
        node: acs_node,
        pools: &["agentpool1", "agentpool2"],
        init: &["--from-cluster"],
        platform: "azure-basic",
        live: &[
            ("v1", "services/nginx-service1"),
            ("v1", "services/nginx-service2"),
            ("apps/v1", "deployments/web"),
        ],
        edits: &[OTHER_PORT, WITHOUT_VARIABLE],
        changed: CHANGED_IN_TWO,
        grows_by: "agentpool3",
        new_service: "nginx-service-agentpool3",
        binding: (
            "/metadata/annotations/service.beta.kubernetes.io~1azure-load-balancer-mode",
            "agentpool3-availabilitySet-42344502",
        ),
    },
    Walk {
        name: "walk-chart",
        // The values have other spellings than the API server's: numbers as quantities, references without a version.
        creates: &["create"],
        objects: CHART,
        node: acs_node,
        pools: &["agentpool1", "agentpool2"],
        init: &["--from", "objects.yaml", "--pool", "edge=agentpool1"],
        platform: "azure-basic",
        live: &[
            ("v1", "services/edge"),
            ("v1", "services/ingress-admission"),
            ("v1", "services/ingress-metrics"),
            ("apps/v1", "deployments/ingress-controller"),
            ("networking.k8s.io/v1", "networkpolicies/ingress-controller"),
            ("networking.k8s.io/v1", "ingresses/echo"),
            ("policy/v1", "poddisruptionbudgets/ingress-controller"),
        ],
        edits: &[
            ("  - name: 9000-tcp\n    port: 9000\n", "  - name: 9000-tcp\n    port: 9001\n"),
            ("        - name: LD_PRELOAD\n          value: /usr/local/lib/libmimalloc.so\n", ""),
        ],
        changed: &[
            "+    port: 9001",
            "-          value: /usr/local/lib/libmimalloc.so",
            "-        - name: LD_PRELOAD",
            "-    port: 9000",
        ],
        grows_by: "agentpool3",
        new_service: "edge-agentpool3",
        binding: (
            "/metadata/annotations/service.beta.kubernetes.io~1azure-load-balancer-mode",
            "agentpool3-availabilitySet-42344502",
        ),
    },
    Walk {
        name: "walk-configurations",
        creates: &["apply"],
        objects: CONFIGURATIONS,
        node: aks_node,
        pools: &["gpu", "users"],
        init: &["--from-cluster"],
        platform: "azure-multi-slb",
        live: PAIR,
        edits: &[OTHER_PORT, WITHOUT_VARIABLE],
        changed: CHANGED_IN_TWO,
        grows_by: "batch",
        new_service: "web-batch",
        binding: (
            "/metadata/annotations/service.beta.kubernetes.io~1azure-load-balancer-configurations",
            "batch",
        ),
    },
    Walk {
        name: "walk-external",
        creates: &["apply"],
        objects: EXTERNAL,
        node: eks_node,
        pools: &["gpu", "users"],
        init: &["--from-cluster"],
        platform: "aws-lbc",
        live: PAIR,
        edits: &[OTHER_PORT, WITHOUT_VARIABLE],
        changed: CHANGED_IN_TWO,
        grows_by: "batch",
        new_service: "web-batch",
        // The existing Services keep `external`, because the class is immutable.
        binding: ("/spec/loadBalancerClass", "service.k8s.aws/nlb"),
    },
    Walk {
        name: "walk-one",
        creates: &["apply"],
        objects: ONE,
        node: hetzner_node,
        pools: &["ingress", "worker"],
        init: &["--from-cluster", "--pool", "web=worker"],
        platform: "hetzner",
        live: &[("v1", "services/web"), ("apps/v1", "deployments/web")],
        edits: &[OTHER_PORT, WITHOUT_VARIABLE],
        changed: &["+    port: 8080", "-          value: me", "-        - name: REMOVE", "-    port: 80"],
        grows_by: "batch",
        new_service: "web-batch",
        binding: (
            "/metadata/annotations/load-balancer.hetzner.cloud~1node-selector",
            "hcloud/node-group=batch",
        ),
    },
];

fn node(name: &str, label: &str, pool: &str, provider_id: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {label: pool}},
        "spec": {"providerID": provider_id}})
}

fn acs_node(pool: &str, index: usize) -> Value {
    let name = format!("k8s-{pool}-42344502-{index}");
    let id = format!(
        "azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/{name}"
    );
    node(&name, "agentpool", pool, &id)
}

fn aks_node(pool: &str, index: usize) -> Value {
    let set = format!("aks-{pool}-12345678-vmss");
    let id = format!(
        "azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/{set}/virtualMachines/{index}"
    );
    node(&format!("{set}00000{index}"), "kubernetes.azure.com/agentpool", pool, &id)
}

fn eks_node(pool: &str, index: usize) -> Value {
    let name = format!("ip-{pool}-{index}.eu-west-1.compute.internal");
    node(&name, "eks.amazonaws.com/nodegroup", pool, &format!("aws:///eu-west-1a/i-{pool}{index}"))
}

fn hetzner_node(pool: &str, index: usize) -> Value {
    node(&format!("{pool}-{index}"), "hcloud/node-group", pool, &format!("hcloud://{}{index}", pool.len()))
}

#[test]
fn article() {
    WALKS[0].take();
}

#[test]
fn chart() {
    WALKS[1].take();
}

#[test]
fn configurations() {
    WALKS[2].take();
}

#[test]
fn external() {
    WALKS[3].take();
}

#[test]
fn one_service() {
    WALKS[4].take();
}

impl Walk {
    /// Creates the estate, adopts it, changes it and grows it.
    fn take(&self) {
        let Some(plane) = ControlPlane::shared() else { return };
        let app = App::empty(plane, self.name);
        app.write("objects.yaml", &self.objects(&app.namespace));
        app.kubectl(&[self.creates, &["-f", "objects.yaml"]].concat()).ok();
        for (_, service) in self.live.iter().filter(|(_, path)| path.starts_with("services/")) {
            until(&format!("{service} has its address"), || {
                let live = plane.get(&app.path("v1", service))?;
                let is_ready = live["spec"]["type"] != "LoadBalancer"
                    || live["status"]["loadBalancer"]["ingress"][0]["ip"].is_string();
                is_ready.then_some(())
            });
        }
        let before = self.facts(plane, &app);
        self.adopt(&app);
        assert_eq!(self.facts(plane, &app), before, "{}", self.name);
        self.change(plane, &app);
        let changed = self.facts(plane, &app);
        self.grow(plane, &app);
        assert_eq!(self.facts(plane, &app), changed, "{}", self.name);
    }

    fn objects(&self, namespace: &str) -> String {
        if self.objects != CHART {
            return format!("{}{WORKLOAD}", self.objects);
        }
        // The other tests share the cluster: no webhook, and no other namespace.
        let documents = CHART.split("\n---\n").filter(|document| {
            !["kind: Namespace\n", "kind: ValidatingWebhookConfiguration\n"]
                .iter()
                .any(|kind| document.contains(kind))
        });
        let text = documents.collect::<Vec<_>>().join("\n---\n");
        text.replace("namespace: ingress\n", &format!("namespace: {namespace}\n"))
            .replace("namespace: ingress}", &format!("namespace: {namespace}}}"))
    }

    /// Returns what must not change, except for the number of replicas, which an autoscaler sets.
    fn facts(&self, plane: &ControlPlane, app: &App<'_>) -> Vec<Value> {
        let of = |(version, path): &(&str, &str)| {
            let mut live =
                plane.get(&app.path(version, path)).unwrap_or_else(|| panic!("{path} does not exist"));
            live["spec"].as_object_mut().unwrap().remove("replicas");
            json!([
                path,
                live["metadata"]["uid"],
                live["metadata"]["finalizers"],
                live["spec"],
                live["status"]["loadBalancer"]
            ])
        };
        self.live.iter().map(of).collect()
    }

    fn write_nodes(&self, app: &App<'_>, path: &str, more: &[&str]) {
        let pools = self.pools.iter().chain(more);
        let nodes: Vec<Value> = pools.flat_map(|pool| (0..2).map(|index| (self.node)(pool, index))).collect();
        app.write(path, &json!({"apiVersion": "v1", "kind": "List", "items": nodes}).to_string());
    }

    /// The three commands of the page, and the comparison before the last one.
    fn adopt(&self, app: &App<'_>) {
        self.write_nodes(app, "nodes.json", &[]);
        let base = ["init", "app", "--nodes", "nodes.json", "--namespace", &app.namespace];
        let init = app.run(&[&base[..], self.init].concat());
        assert_eq!(init.code, Some(0), "{init:?}");
        if self.init.contains(&"--from-cluster") {
            assert!(init.err.contains("adopting changes nothing: "), "{init:?}");
        }
        assert!(init.err.contains(&format!("\nplatform {}: ", self.platform)), "{init:?}");
        app.run(&["render", "-f", "app"]).ok();
        let diff = app.run(&["diff", "-f", "app", "--live"]);
        let other: Vec<&str> = diff.out.lines().filter(|line| is_other_change(line)).collect();
        assert!(diff.code == Some(1) && other.is_empty(), "{other:?}: {diff:?}");
        assert!(!diff.err.contains("conflict"), "{diff:?}");
        app.run(&["apply", "-f", "app"]).ok();
        let again = app.run(&["diff", "-f", "app", "--live"]);
        assert!(again.code == Some(0) && again.out.is_empty(), "{again:?}");
    }

    /// Changes a port, and removes an environment variable.
    fn change(&self, plane: &ControlPlane, app: &App<'_>) {
        let manifests = fs::read_dir(app.directory().join("app/manifests")).unwrap();
        let manifests: Vec<String> = manifests
            .map(|entry| format!("app/manifests/{}", entry.unwrap().file_name().to_string_lossy()))
            .collect();
        let [manifest] = manifests.as_slice() else { panic!("{manifests:?}") };
        for (from, to) in self.edits {
            app.edit(manifest, from, to);
        }
        let before = self.facts(plane, app);
        app.run(&["render", "-f", "app"]).ok();
        let diff = app.run(&["diff", "-f", "app", "--live"]).out;
        let is_change = |line: &&str| {
            line.starts_with(['+', '-']) && !line.starts_with("+++ ") && !line.starts_with("--- ")
        };
        let mut changed: Vec<&str> = diff.lines().filter(is_change).collect();
        changed.sort_unstable();
        assert_eq!(changed, self.changed, "{diff}");
        app.run(&["apply", "-f", "app"]).ok();
        // Addresses and node ports stay.
        for (old, new) in before.iter().zip(self.facts(plane, app)) {
            assert_eq!((&old[0], &old[1], &old[2], &old[4]), (&new[0], &new[1], &new[2], &new[4]));
            let ports = |object: &Value| -> Vec<Value> {
                let ports = object[3]["ports"].as_array().into_iter().flatten();
                ports.map(|port| port["nodePort"].clone()).collect()
            };
            assert_eq!(ports(old), ports(&new), "{old}\n{new}");
        }
    }

    /// Adds the nodes of another pool, which gets a Service.
    fn grow(&self, plane: &ControlPlane, app: &App<'_>) {
        self.write_nodes(app, "app/nodes.json", &[self.grows_by]);
        let rendered = app.run(&["render", "-f", "app"]);
        assert_eq!(rendered.code, Some(0), "{rendered:?}");
        assert!(rendered.out.contains("\n1 created, 0 changed, 0 removed, "), "{rendered:?}");
        let diff = app.run(&["diff", "-f", "app", "--live", "--summary"]);
        assert!(diff.out.contains("1 created, 0 configured, 0 pruned, "), "{diff:?}");
        let applied = app.run(&["apply", "-f", "app"]);
        assert_eq!(applied.code, Some(0), "{applied:?}");
        assert!(applied.err.contains("1 created, "), "{applied:?}");
        let new = plane.get(&app.path("v1", &format!("services/{}", self.new_service)));
        let new = new.unwrap_or_else(|| panic!("no Service {}: {applied:?}", self.new_service));
        assert_eq!(new.pointer(self.binding.0), Some(&self.binding.1.into()), "{new}");
    }
}

/// A binding that the live Service has in another form, from a field manager that keeps it, is a conflict that clients would
/// notice.
#[test]
fn init_reports_a_conflict_about_a_binding() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::empty(plane, "walk-conflict");
    let walk = &WALKS[0];
    app.write("live.yaml", &ARTICLE.replace("agentpool1-availabilitySet-42344502", "{VM set}"));
    app.kubectl(&["create", "-f", "live.yaml"]).ok();
    let namespace = app.namespace.clone();
    let init = |directory: &str, flags: &[&str]| {
        app.run(&[&["init", directory, "--namespace", &namespace][..], flags].concat())
    };
    walk.write_nodes(&app, "nodes.json", &[]);
    // What a Service of a cluster has is kept, even if it looks like a placeholder.
    let refused = init("live", &["--nodes", "nodes.json", "--from-cluster"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    let stated = format!("{namespace}/nginx-service1=agentpool1");
    let live = init("live", &["--nodes", "nodes.json", "--from-cluster", "--pool", &stated, "--from-helm"]);
    assert_eq!(live.code, Some(0), "{live:?}");
    assert!(live.err.contains("adopting changes nothing: 2 objects"), "{live:?}");
    assert!(live.err.contains("--from-helm has no effect: no object has the marks of Helm"), "{live:?}");
    // The nodes of the cluster of the tests are in other pools.
    let pools = ARTICLE
        .replace("agentpool1-availabilitySet-42344502", "pool00-availabilitySet-12345678")
        .replace("agentpool2-availabilitySet-42344502", "pool01-availabilitySet-12345678");
    app.write("pools.yaml", &pools);
    let other = init("other", &["--from", "pools.yaml"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    for service in ["nginx-service1", "nginx-service2"] {
        assert!(
            other.err.contains(&format!("error: service/{namespace}/{service}: conflict: ")),
            "{other:?}"
        );
    }
    assert!(other.err.contains("changes, which may replace the load balancer"), "{other:?}");
}
