//! Runs each command with exactly the rights of its tier in docs/rbac, and with each right removed in turn.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::run::Run;
use crate::wait::until;

const API: &str = "/apis/rbac.authorization.k8s.io/v1";

/// The resources of the tree of an app; removing rules about others has no effect here.
const RESOURCES: [&str; 6] = ["configmaps", "deployments", "events", "namespaces", "nodes", "services"];

/// One right.
#[derive(Clone, Debug, PartialEq)]
struct Right {
    group: String,
    resource: String,
    verb: String,
}

/// Returns the rights of a tier, according to its file.
fn tier(plane: &ControlPlane, app: &App<'_>, name: &str) -> Vec<Right> {
    let file = format!("{}/docs/rbac/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    app.kubectl(&["apply", "--server-side", "-f", &file]).ok();
    let role = plane.get(&format!("{API}/clusterroles/largescale-{name}")).unwrap();
    let list = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        for resource in list(&rule["resources"]) {
            for verb in list(&rule["verbs"]) {
                let group = list(&rule["apiGroups"]).remove(0);
                rights.push(Right { group, resource: resource.clone(), verb });
            }
        }
    }
    rights
}

/// Gives a user rights, in the namespace of the app or, for cluster-scoped resources, in the cluster.
fn give(plane: &ControlPlane, app: &App<'_>, user: &str, rights: &[Right]) {
    for (location, is_here) in [("cluster", false), ("namespace", true)] {
        let rules: Vec<Value> = rights
            .iter()
            .filter(|right| ["namespaces", "nodes"].contains(&right.resource.as_str()) != is_here)
            .map(|right| json!({"apiGroups": [right.group], "resources": [right.resource], "verbs": [right.verb]}))
            .collect();
        let name = format!("{user}-{location}");
        let metadata = json!({"name": name});
        let version = "rbac.authorization.k8s.io/v1";
        let role =
            json!({"apiVersion": version, "kind": "ClusterRole", "metadata": metadata, "rules": rules});
        plane.create(&format!("{API}/clusterroles"), &role);
        let (kind, path) = if is_here {
            ("RoleBinding", format!("{API}/namespaces/{}/rolebindings", app.namespace))
        } else {
            ("ClusterRoleBinding", format!("{API}/clusterrolebindings"))
        };
        let binding = json!({"apiVersion": version, "kind": kind, "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]});
        plane.create(&path, &binding);
    }
    // The authorizer learns of new roles after a moment.
    for right in rights {
        let attributes = json!({"verb": right.verb, "group": right.group, "resource": right.resource,
            "namespace": if ["namespaces", "nodes"].contains(&right.resource.as_str()) { "" } else { &app.namespace }});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": attributes}});
        until(&format!("{user} has {right:?}"), || {
            let review = plane.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review);
            (review["status"]["allowed"] == true).then_some(())
        });
    }
}

/// Runs commands with all rights of some tiers, then with each right removed; `prepare` brings the app into the
/// initial state.
fn each_right_counts(
    name: &str,
    tiers: &[&str],
    prepare: impl Fn(&ControlPlane, &App<'_>),
    commands: impl Fn(&App<'_>, &str) -> Vec<Run>,
) {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, name);
    let rights: Vec<Right> = tiers
        .iter()
        .flat_map(|name| tier(plane, &app, name))
        .filter(|right| RESOURCES.contains(&right.resource.as_str()))
        .collect();
    prepare(plane, &app);
    give(plane, &app, name, &rights);
    for run in commands(&app, name) {
        assert!(matches!(run.code, Some(0 | 1)), "with all rights: {run:?}");
        assert!(
            !run.err.contains("forbidden: user") || run.err.contains(" cannot patch "),
            "with all rights: {run:?}"
        );
    }
    // Reading events is not needed if every load balancer has its address; `reader` has one without an address.
    let removable = rights.iter().filter(|right| right.resource != "events" || name == "rbac-reader");
    for (number, missing) in removable.enumerate() {
        let name = format!("{name}-{number}");
        let app = App::rendered(plane, &name);
        prepare(plane, &app);
        let rest: Vec<Right> = rights.iter().filter(|right| *right != missing).cloned().collect();
        give(plane, &app, &name, &rest);
        let runs = commands(&app, &name);
        let Right { resource, verb, .. } = missing;
        let said = format!("user `{name}` cannot {verb} {resource}");
        assert!(runs.iter().any(|run| run.err.contains(&said)), "no command needs {missing:?}: {runs:?}");
        for run in runs {
            assert!(!run.err.contains("panicked") && !run.err.contains("Error {"), "{run:?}");
            let is_whole = run.code == Some(0) && !run.err.contains("forbidden: user");
            let reports_why = run.err.contains("forbidden: user")
                || run.code == Some(1)
                || run.err.contains("not applied yet");
            assert!(is_whole || reports_why, "{missing:?}: {run:?}");
        }
    }
}

#[test]
fn pools() {
    let commands = |app: &App<'_>, user: &str| {
        vec![app.run(&["pools", "--as", user]), app.run(&["render", "--as", user])]
    };
    each_right_counts("rbac-pools", &["pools"], |_, _| {}, commands);
}

#[test]
fn reader() {
    // One object of each kind is missing in the ApplySet, and one load balancer has no address.
    let prepare = |plane: &ControlPlane, app: &App<'_>| {
        // Nothing answers at the addresses.
        app.edit("largescale.yaml", "spec:\n", "spec:\n  probe: {ports: [{port: 80, check: none}]}\n");
        app.run(&["apply", "--wait", "address"]).ok();
        plane.delete(&app.path("v1", "configmaps/web"));
        plane.delete(&app.path("apps/v1", "deployments/web"));
        plane.delete(&app.path("v1", "services/web-pool00"));
        let status = json!({"status": {"loadBalancer": {"ingress": null}}});
        plane.patch(&app.path("v1", "services/web-pool01/status"), Patch::Merge, &status);
    };
    let commands = |app: &App<'_>, user: &str| -> Vec<Run> {
        let words = [
            vec!["status"],
            vec!["probe", "--no-dns"],
            vec!["diff", "--live"],
            vec!["inventory", "view"],
            vec!["inventory", "verify"],
        ];
        words.iter().map(|words| app.run(&[words, &["--as", user][..]].concat())).collect()
    };
    each_right_counts("rbac-reader", &["pools", "reader"], prepare, commands);
}

/// Without the events, `probe` still checks the load balancers; without the Services it cannot.
#[test]
fn probe_reports_the_rights_that_it_lacks() {
    let Some(plane) = ControlPlane::shared() else { return };
    for (name, resource, codes) in
        [("rbac-probe-1", "events", [0, 1].as_slice()), ("rbac-probe-2", "services", &[4])]
    {
        let app = App::rendered(plane, name);
        app.edit("largescale.yaml", "spec:\n", "spec:\n  probe: {ports: [{port: 80, check: none}]}\n");
        app.run(&["apply", "--wait", "address"]).ok();
        let status = json!({"status": {"loadBalancer": {"ingress": null}}});
        plane.patch(&app.path("v1", "services/web-pool01/status"), Patch::Merge, &status);
        let rights =
            ["identity", "pools", "reader"].into_iter().flat_map(|tier_name| tier(plane, &app, tier_name));
        let rest: Vec<Right> = rights.filter(|right| right.resource != resource).collect();
        give(plane, &app, name, &rest);
        let run = app.run(&["probe", "--no-dns", "--as", name]);
        assert!(codes.contains(&run.code.unwrap()), "{run:?}");
        assert!(run.err.contains(&format!("user `{name}` cannot ")), "{run:?}");
        assert!(run.err.contains(resource), "{run:?}");
    }
}

#[test]
fn a_reader_sees_an_estimate() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "rbac-estimate");
    let rights: Vec<Right> = ["identity", "reader"].iter().flat_map(|name| tier(plane, &app, name)).collect();
    app.run(&["apply"]).ok();
    app.edit("web.yaml", "greeting: hello", "greeting: goodbye");
    app.run(&["render"]).ok();
    give(plane, &app, "rbac-estimate", &rights);
    let run = app.run(&["diff", "--live", "--as", "rbac-estimate"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("-  greeting: hello\n+  greeting: goodbye\n"), "{run:?}");
    assert!(
        run.err.contains("compared without a server-side dry run, so the result is an estimate:"),
        "{run:?}"
    );
}

#[test]
fn applier() {
    let commands = |app: &App<'_>, user: &str| {
        vec![app.run(&["apply", "--wait", "address", "--timeout", "20s", "--as", user])]
    };
    each_right_counts("rbac-applier", &["identity", "applier"], |_, _| {}, commands);
}

#[test]
fn pruner() {
    let prepare = |_: &ControlPlane, app: &App<'_>| {
        app.run(&["apply"]).ok();
        // Everything leaves the tree except the Services of two pools.
        app.write("web.yaml", SERVICE);
        app.run(&["render"]).ok();
    };
    let commands = |app: &App<'_>, user: &str| {
        vec![app.run(&["apply", "--prune", "--yes", "--max-prune", "100%", "--as", user])]
    };
    let Some(plane) = ControlPlane::shared() else { return };
    let name = "rbac-pruner";
    let app = App::rendered(plane, name);
    let rights: Vec<Right> = ["identity", "pruner"].iter().flat_map(|name| tier(plane, &app, name)).collect();
    prepare(plane, &app);
    give(plane, &app, name, &rights);
    let run = commands(&app, name).remove(0);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains(" pruned\n"), "{run:?}");
    for (number, resource) in ["configmaps", "deployments"].into_iter().enumerate() {
        let name = format!("{name}-{number}");
        let app = App::rendered(plane, &name);
        prepare(plane, &app);
        let rest: Vec<Right> = rights
            .iter()
            .filter(|right| right.verb != "delete" || right.resource != resource)
            .cloned()
            .collect();
        give(plane, &app, &name, &rest);
        let run = commands(&app, &name).remove(0);
        assert_eq!(run.code, Some(6), "{run:?}");
        assert!(run.err.contains(&format!("user `{name}` cannot delete {resource}")), "{run:?}");
        assert!(run.err.contains(" 1 failed in "), "{run:?}");
    }
}

/// `move` writes both parents and each member, and deletes the old parent.
#[test]
fn mover() {
    let Some(plane) = ControlPlane::shared() else { return };
    for (name, missing) in
        [("rbac-mover", None), ("rbac-mover-1", Some("delete")), ("rbac-mover-2", Some("patch"))]
    {
        let app = App::rendered(plane, name);
        let rights: Vec<Right> =
            ["identity", "pruner"].iter().flat_map(|tier_name| tier(plane, &app, tier_name)).collect();
        let rest: Vec<Right> = rights
            .into_iter()
            .filter(|right| Some(right.verb.as_str()) != missing || right.resource != "configmaps")
            .collect();
        app.run(&["apply"]).ok();
        app.edit("largescale.yaml", &format!("{{name: {name},"), "{name: other,");
        give(plane, &app, name, &rest);
        let run = app.run(&["move", "--yes", "--as", name]);
        match missing {
            None => assert_eq!(run.code, Some(0), "{run:?}"),
            Some(verb) => {
                assert!(matches!(run.code, Some(4 | 6)), "{run:?}");
                assert!(run.err.contains(&format!("user `{name}` cannot {verb} configmaps")), "{run:?}");
                app.run(&["move", "--yes"]).ok();
            }
        }
        assert!(plane.get(&app.path("v1", &format!("configmaps/{name}"))).is_none());
        app.run(&["diff", "--live", "--prune"]).ok();
    }
}

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: LoadBalancer
  ports:
  - port: 80
    targetPort: http
  selector:
    app: web
";
