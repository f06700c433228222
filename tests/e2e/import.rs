//! `init --from-cluster`, and `init --from` with a dump of objects that the real kubectl made: adopting them changes nothing.

use std::fs;

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::wait::until;

const SERVICES: &str = "apiVersion: v1
kind: Service
metadata:
  name: public-a
  annotations: {service.beta.kubernetes.io/azure-load-balancer-mode: pool00-availabilitySet-12345678}
spec: {type: LoadBalancer, selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata:
  name: public-b
  annotations: {service.beta.kubernetes.io/azure-load-balancer-mode: pool01-availabilitySet-12345678}
spec: {type: LoadBalancer, selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
";

const WORKLOAD: &str = "---
apiVersion: v1
kind: Service
metadata: {name: peers}
spec: {clusterIP: None, selector: {app: shop}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: other}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: shop.example.com}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - {name: shop, image: 'nginx:1.27', ports: [{containerPort: 8080}], env: [{name: MODE, value: live}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec:
  selector: {matchLabels: {app: other}}
  template: {metadata: {labels: {app: other}}, spec: {containers: [{name: other, image: 'nginx:1.27'}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  minReplicas: 2
  maxReplicas: 4
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: shop}
spec: {minAvailable: 1, selector: {matchLabels: {app: shop}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {a: b}
";

/// Returns the facts that an adoption must not change.
fn facts(plane: &ControlPlane, app: &App<'_>, objects: &[(&str, &str)]) -> Vec<Value> {
    let of = |(version, path): &(&str, &str)| {
        let live = plane.get(&app.path(version, path)).unwrap_or_else(|| panic!("{path} does not exist"));
        json!([
            live["metadata"]["uid"],
            live["metadata"]["generation"],
            live["metadata"]["finalizers"],
            live["spec"],
            live["status"]["loadBalancer"]
        ])
    };
    objects.iter().map(of).collect()
}

/// Waits until both load balancers have an address.
fn wait_for_addresses(plane: &ControlPlane, app: &App<'_>) {
    for name in ["public-a", "public-b"] {
        until(&format!("{name} has an address"), || {
            let live = plane.get(&app.path("v1", &format!("services/{name}")))?;
            live["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().map(drop)
        });
    }
}

/// Whether a line of a diff is a change other than membership in the set.
pub(crate) fn is_other_change(line: &str) -> bool {
    let is_change = (line.starts_with('+') || line.starts_with('-'))
        && !line.starts_with("+++ ")
        && !line.starts_with("--- ");
    let is_membership =
        ["applyset.kubernetes.io/part-of:", "largescale.dev/pool:", "largescale.dev/service:", "  labels:"];
    is_change && !is_membership.iter().any(|known| line.contains(known))
}

/// Renders, compares, applies and compares again: nothing but membership may change. Only the first two pools have Services.
fn adopt(plane: &ControlPlane, app: &App<'_>, objects: &[(&str, &str)]) {
    let spec = fs::read_to_string(app.directory().join("new/largescale.yaml")).unwrap();
    let excluded = "    exclude: [pool02, pool03]";
    app.write(
        "new/largescale.yaml",
        &spec.replace("    # exclude: [system]          # pools without a Service", excluded),
    );
    let before = facts(plane, app, objects);
    app.run(&["render", "-f", "new"]).ok();
    let diff = app.run(&["diff", "-f", "new", "--live"]);
    let other: Vec<&str> = diff.out.lines().filter(|line| is_other_change(line)).collect();
    assert!(diff.code == Some(1) && other.is_empty(), "{other:?}: {diff:?}");
    app.run(&["apply", "-f", "new"]).ok();
    assert_eq!(facts(plane, app, objects), before);
    let again = app.run(&["apply", "-f", "new"]).ok();
    assert!(
        again.lines().filter(|line| line.contains('/')).all(|line| line.ends_with(" unchanged")),
        "{again}"
    );
}

#[test]
fn a_namespace_is_adopted_without_a_change() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "import-namespace");
    app.write("shop.yaml", &format!("{SERVICES}{WORKLOAD}"));
    app.kubectl(&["apply", "-f", "shop.yaml"]).ok();
    wait_for_addresses(plane, &app);
    let namespace = app.namespace.clone();
    let completed = app
        .run(&["__complete", "init", "--from-cluster", "--namespace", &namespace, "--pool", "public-b="])
        .ok();
    let pools: Vec<String> = (0..4).map(|pool| format!("public-b=pool{pool:02}\n")).collect();
    assert_eq!(completed, format!("{}:4\n", pools.concat()));
    let run = app.run(&["init", "new", "--from-cluster", "--namespace", &namespace]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.err.contains("left out 2 Services of other types, which select other pods: elsewhere, other"),
        "{run:?}"
    );
    let manifest =
        fs::read_to_string(app.directory().join(format!("new/manifests/{namespace}.yaml"))).unwrap();
    let kinds: Vec<&str> = manifest.lines().filter(|line| line.starts_with("kind: ")).collect();
    assert_eq!(
        kinds,
        [
            "kind: Service",
            "kind: Service",
            "kind: Deployment",
            "kind: HorizontalPodAutoscaler",
            "kind: PodDisruptionBudget"
        ],
        "{manifest}"
    );
    for written in [
        "status",
        "uid",
        "resourceVersion",
        "nodePort",
        "clusterIPs",
        "finalizers",
        "last-applied",
        "revision",
        "replicas",
        "terminationMessagePath",
        "creationTimestamp",
        "internalTrafficPolicy",
        "ipFamilies",
    ] {
        assert!(!manifest.contains(&format!("{written}:")), "{written}: {manifest}");
    }
    assert!(manifest.contains("clusterIP: None"), "{manifest}");
    adopt(
        plane,
        &app,
        &[
            ("v1", "services/public-a"),
            ("v1", "services/public-b"),
            ("v1", "services/peers"),
            ("apps/v1", "deployments/shop"),
            ("policy/v1", "poddisruptionbudgets/shop"),
        ],
    );
}

#[test]
fn dumps_of_every_creator_are_adopted_without_a_change() {
    let Some(plane) = ControlPlane::shared() else { return };
    let creators: [(&str, &[&[&str]]); 4] = [
        ("create", &[&["create", "-f", "shop.yaml"]]),
        ("apply", &[&["apply", "-f", "shop.yaml"]]),
        ("server-side", &[&["apply", "--server-side", "-f", "shop.yaml"]]),
        ("replace", &[&["create", "-f", "shop.yaml"], &["replace", "-f", "shop.yaml"]]),
    ];
    for (creator, steps) in creators {
        let app = App::new(plane, &format!("import-{creator}"));
        app.write("shop.yaml", SERVICES);
        for step in steps {
            app.kubectl(step).ok();
        }
        wait_for_addresses(plane, &app);
        let dump = app.kubectl(&["get", "services", "-o", "json", "--show-managed-fields"]).ok();
        app.write("dump.json", &dump);
        let namespace = app.namespace.clone();
        app.run(&["init", "new", "--from", "dump.json", "--namespace", &namespace]).ok();
        adopt(plane, &app, &[("v1", "services/public-a"), ("v1", "services/public-b")]);
    }
}

#[test]
fn what_a_user_chose_for_one_service_stays_with_it() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "import-chosen");
    let chosen = SERVICES
        .replacen("port: 80,", "port: 80, nodePort: 31980,", 1)
        .replace("spec: {type: LoadBalancer,", "spec: {type: LoadBalancer, ipFamilyPolicy: SingleStack,");
    app.write("shop.yaml", &chosen);
    app.kubectl(&["apply", "-f", "shop.yaml"]).ok();
    wait_for_addresses(plane, &app);
    let namespace = app.namespace.clone();
    // The file and the live objects are the same.
    let run = app.run(&[
        "init",
        "new",
        "--from",
        "shop.yaml",
        "--from-cluster",
        "--service",
        "public-a",
        "--namespace",
        &namespace,
    ]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("left out 1 object that the input has twice"), "{run:?}");
    let overlay = fs::read_to_string(app.directory().join("new/overlays/existing-services.yaml")).unwrap();
    assert!(overlay.contains("value: 31980") && overlay.contains("pool: pool00"), "{overlay}");
    adopt(plane, &app, &[("v1", "services/public-a"), ("v1", "services/public-b")]);
    let rendered = fs::read_to_string(app.directory().join("new/rendered/service-public-a.yaml")).unwrap();
    assert!(rendered.contains("nodePort: 31980"), "{rendered}");
    let other = fs::read_to_string(app.directory().join("new/rendered/service-public-b.yaml")).unwrap();
    assert!(!other.contains("nodePort"), "{other}");
}

#[test]
fn only_the_services_must_be_readable() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "import-rights");
    app.write("shop.yaml", &format!("{SERVICES}{WORKLOAD}"));
    app.kubectl(&["apply", "-f", "shop.yaml"]).ok();
    app.kubectl(&["create", "clusterrole", "import-nodes", "--verb=list", "--resource=nodes"]).ok();
    app.kubectl(&[
        "create",
        "clusterrolebinding",
        "import-nodes",
        "--clusterrole=import-nodes",
        "--user=importer",
    ])
    .ok();
    app.kubectl(&["create", "role", "importer", "--verb=get", "--resource=services"]).ok();
    app.kubectl(&["create", "rolebinding", "importer", "--role=importer", "--user=importer"]).ok();
    let namespace = app.namespace.clone();
    let import = |directory: &str, flags: &[&str]| {
        let base = ["init", directory, "--from-cluster", "--namespace", &namespace, "--as", "importer"];
        app.run(&[&base[..], flags].concat())
    };
    let named = ["--service", "public-a", "--service", "public-b"];
    until("the rights are known", || (import("probe", &named).code == Some(0)).then_some(()));
    let run = import("named", &named);
    assert_eq!(run.code, Some(0), "{run:?}");
    for kind in ["deployments", "statefulsets", "daemonsets", "replicasets"] {
        assert!(
            run.err
                .contains(&format!("{kind} are not imported: forbidden: user `importer` cannot list {kind}")),
            "{run:?}"
        );
    }
    let listed = import("listed", &[]);
    assert!(listed.code == Some(4) && listed.err.contains("cannot list services"), "{listed:?}");
    let missing = import("missing", &["--service", "public-z", "--service", "public-a"]);
    assert!(
        missing.code == Some(3) && missing.err.contains("Service public-z not found in namespace"),
        "{missing:?}"
    );
    assert!(!app.directory().join("missing").exists() && !app.directory().join("listed").exists());
    // With the whole role, nothing is left out.
    let role = format!("{}/docs/rbac/importer.yaml", env!("CARGO_MANIFEST_DIR"));
    app.kubectl(&["apply", "--server-side", "-f", &role]).ok();
    app.kubectl(&[
        "create",
        "rolebinding",
        "importer-role",
        "--clusterrole=largescale-importer",
        "--user=importer",
    ])
    .ok();
    until("the rights of the role are known", || {
        let _ = fs::remove_dir_all(app.directory().join("whole"));
        let run = import("whole", &[]);
        (run.code == Some(0) && !run.err.contains("not imported")).then_some(())
    });
    let none = app.run(&["init", "none", "--from-cluster", "--namespace", "default"]);
    assert!(
        none.code == Some(3) && none.err.contains("namespace default has no Service of type LoadBalancer"),
        "{none:?}"
    );
    let selector = app.run(&["init", "labels", "--from-cluster", "--namespace", &namespace, "-l", "(("]);
    assert!(selector.code == Some(3) && selector.err.contains("invalid --selector `((`: "), "{selector:?}");
    let labels = app.run(&["init", "labels", "--from-cluster", "--namespace", &namespace, "-l", "app=none"]);
    assert!(labels.code == Some(3) && labels.err.contains("has the labels `app=none`"), "{labels:?}");
}
