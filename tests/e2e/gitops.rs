//! The real code of Argo CD and Flux syncs a rendered directory into a real API server: `target/gitops-proof`.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::app::App;
use crate::child::skip;
use crate::control_plane::{ControlPlane, Parts};
use crate::environment::checkout;
use crate::gateway::controller::{NAMESPACE, built, define};
use crate::objects::Patch;
use crate::run::{Run, Running};
use crate::wait::until;

/// Creates an app in a repository, with the manifests of Argo CD or Flux.
fn synced<'a>(plane: &'a ControlPlane, name: &str) -> Option<App<'a>> {
    if !is_built() {
        return None;
    }
    let app = App::rendered(plane, name);
    write_gitops(&app);
    Some(app)
}

/// Whether the program is there; prints that it is not.
fn is_built() -> bool {
    let is_built = Path::new(&program()).exists();
    if !is_built {
        skip("no target/gitops-proof: tests/go/gitops-proof/build.sh has not been run");
    }
    is_built
}

/// Makes the project a repository, and writes the manifests of Argo CD and Flux.
fn write_gitops(app: &App<'_>) {
    let git = Command::new("git").args(["init", "-q", "-b", "main"]).current_dir(app.directory()).status();
    assert!(git.unwrap().success());
    for tracker in ["argocd", "flux"] {
        app.run(&["init", "--gitops", tracker, "--repo", "https://git.example.com/team/deploy.git"]).ok();
    }
}

fn program() -> String {
    format!("{}/target/gitops-proof", env!("CARGO_MANIFEST_DIR"))
}

fn proof(plane: &ControlPlane, app: &App<'_>, who: &str, what: &str, more: &[&str]) -> Run {
    let root = app.directory().to_str().unwrap().to_owned();
    let file = format!("gitops/{who}.yaml");
    let kubeconfig = plane.kubeconfig.to_str().unwrap();
    let arguments = [&[who, what, &file, &root, kubeconfig], more].concat();
    Running::start(&mut app.command(&program(), &plane.kubeconfig, &arguments)).wait()
}

fn values(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().values().map(|value| value.as_str().unwrap()).collect()
}

/// Checks that both diff methods of Argo CD report no difference.
#[track_caller]
fn in_sync_for_argo_cd(plane: &ControlPlane, app: &App<'_>) -> Value {
    let seen = proof(plane, app, "argocd", "diff", &[]).json();
    assert_eq!(seen["different"], json!({"structured": [], "serverSide": []}));
    seen
}

/// Checks that `diff --live` reports only membership for objects that only another tool has applied so far.
fn sees_no_difference_but_membership(app: &App<'_>) {
    let difference = app.run(&["diff", "--live"]);
    assert_eq!((difference.code, difference.out.as_str()), (Some(1), ""), "{difference:?}");
    assert!(
        difference.err.contains("and 4 more: same content as in the directory; `apply`"),
        "{difference:?}"
    );
}

#[test]
fn argo_cd_syncs_the_tree_and_sees_no_difference() {
    let Some(plane) = ControlPlane::own(Parts::All, 6, 3) else { return };
    let Some(app) = synced(&plane, "argo-cd") else { return };
    let plane = &plane;
    // Without the service controller, no load balancer gets an address.
    plane.pause("service-lb");
    let synced = proof(plane, &app, "argocd", "sync", &[]).json();
    // A ConfigMap, a Deployment, and a Service for each pool.
    assert_eq!(values(&synced).len(), 5, "{synced}");
    assert!(values(&synced).iter().all(|result| result.starts_with("Synced: ")), "{synced}");

    let seen = in_sync_for_argo_cd(plane, &app);
    assert_eq!(seen["managed"], 5);
    assert_eq!(seen["health"]["Service/argo-cd/web-pool00"], "Progressing", "no address yet");
    plane.resume("service-lb");
    until("Argo CD calls every Service healthy", || {
        let seen = in_sync_for_argo_cd(plane, &app);
        let health = &seen["health"];
        (0..3).all(|n| health[format!("Service/argo-cd/web-pool0{n}")] == "Healthy").then_some(())
    });

    sees_no_difference_but_membership(&app);
    // Our own apply and Argo CD do not revert each other.
    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.err.contains("use --with argocd"), "{refused:?}");
    let ours = app.run(&["apply", "--with", "argocd"]);
    assert_eq!(ours.code, Some(0), "{ours:?}");
    assert!(ours.err.contains("Argo CD"), "it reports the other tool: {}", ours.err);
    in_sync_for_argo_cd(plane, &app);
    let again = proof(plane, &app, "argocd", "sync", &[]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(app.run(&["diff", "--live"]).ok(), "");

    // A pool is removed.
    app.edit(
        "largescale.yaml",
        "platform: azure-basic\n",
        "platform: azure-basic\n  pools: {exclude: [pool01]}\n",
    );
    app.run(&["render"]).ok();
    let service = app.path("v1", "services/web-pool01");
    assert!(plane.get(&service).is_some());
    let pruned = proof(plane, &app, "argocd", "sync", &[]).json();
    assert!(pruned["Service/argo-cd/web-pool01"].as_str().unwrap().starts_with("Pruned: "), "{pruned}");
    until("its Service is deleted", || plane.get(&service).is_none().then_some(()));
    assert!(plane.get(&app.path("v1", "services/web-pool00")).is_some());

    // An empty directory deletes nothing.
    for file in std::fs::read_dir(app.directory().join("rendered")).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let empty = proof(plane, &app, "argocd", "sync", &[]);
    assert_eq!(empty.code, Some(1), "{empty:?}");
    assert!(empty.err.contains("wipe out all resources"), "{empty:?}");
    assert!(plane.get(&app.path("v1", "services/web-pool00")).is_some());
}

#[test]
fn flux_applies_the_tree_and_finds_nothing_to_change() {
    let Some(plane) = ControlPlane::own(Parts::All, 6, 3) else { return };
    let Some(app) = synced(&plane, "flux") else { return };
    let plane = &plane;
    plane.pause("service-lb");
    let inventory = app.directory().join("inventory.json");
    let inventory = inventory.to_str().unwrap();
    let applied = proof(plane, &app, "flux", "apply", &[inventory]).json();
    assert_eq!(values(&applied), ["created"; 5], "{applied}");
    let seen = proof(plane, &app, "flux", "diff", &[]).json();
    assert_eq!(seen["different"], json!({}));
    // This is why health checks need expressions: kstatus alone does not wait for an address.
    assert_eq!(seen["withoutExpressions"]["Service/web-pool00"], "Current");
    assert_eq!(seen["ready"]["Service/web-pool00"], "InProgress");
    plane.resume("service-lb");
    until("Flux calls every Service ready", || {
        let seen = proof(plane, &app, "flux", "diff", &[]).json();
        assert_eq!(seen["different"], json!({}));
        (0..3).all(|n| seen["ready"][format!("Service/web-pool0{n}")] == "Current").then_some(())
    });

    sees_no_difference_but_membership(&app);
    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.err.contains("use --with flux"), "{refused:?}");
    let ours = app.run(&["apply", "--with", "flux"]);
    assert_eq!(ours.code, Some(0), "{ours:?}");
    assert!(ours.err.contains("Flux"), "it reports the other tool: {}", ours.err);
    let again = proof(plane, &app, "flux", "apply", &[inventory]).json();
    assert_eq!(values(&again), ["unchanged"; 5], "{again}");
    assert_eq!(app.run(&["diff", "--live"]).ok(), "");

    app.edit(
        "largescale.yaml",
        "platform: azure-basic\n",
        "platform: azure-basic\n  pools: {exclude: [pool01]}\n",
    );
    app.run(&["render"]).ok();
    let pruned = proof(plane, &app, "flux", "apply", &[inventory]).json();
    assert_eq!(pruned["Service/flux/web-pool01"], "deleted", "{pruned}");
    let service = app.path("v1", "services/web-pool01");
    until("its Service is deleted", || plane.get(&service).is_none().then_some(()));

    // git does not store empty directories, so the directory disappears, and Flux stops.
    let tree = app.directory().join("rendered");
    std::fs::rename(&tree, app.directory().join("away")).unwrap();
    let gone = proof(plane, &app, "flux", "apply", &[inventory]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert!(gone.err.contains("kustomization path not found"), "{gone:?}");
    assert!(plane.get(&app.path("v1", "services/web-pool00")).is_some());
    // docs/gitops.md warns of this: with any other file in the directory, Flux deletes the objects.
    std::fs::create_dir(&tree).unwrap();
    std::fs::write(tree.join("README.md"), "nothing here").unwrap();
    let emptied = proof(plane, &app, "flux", "apply", &[inventory]).json();
    assert_eq!(emptied["Service/flux/web-pool00"], "deleted", "{emptied}");
}

/// Checks that Flux waits for the condition Programmed of Gateways.
#[track_caller]
fn flux_waits_for_gateways(plane: &ControlPlane, app: &App<'_>, gateways: &[&str]) {
    let programmed = json!({"type": "Programmed", "status": "True", "reason": "Programmed", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    for gateway in gateways {
        let ready =
            || proof(plane, app, "flux", "diff", &[]).json()["ready"][format!("Gateway/{gateway}")].clone();
        assert_eq!(ready(), "InProgress");
        let path = format!("gateways/{gateway}/status");
        let status = json!({"status": {"conditions": [programmed]}});
        plane.patch(&app.path("gateway.networking.k8s.io/v1", &path), Patch::Merge, &status);
        assert_eq!(ready(), "Current");
    }
}

/// Checks that the comparison that the Application chooses reports no difference.
#[track_caller]
fn no_difference_decides(plane: &ControlPlane, app: &App<'_>) {
    let seen = proof(plane, app, "argocd", "diff", &[]).json();
    assert_eq!((&seen["decides"], &seen["different"]["serverSide"]), (&"serverSide".into(), &json!([])));
}

/// The API server adds defaults of the CustomResourceDefinitions to Gateways and routes.
#[test]
fn both_tools_sync_gateways_and_see_no_difference() {
    let Some(crds) = built("standard") else { return };
    if !is_built() {
        return;
    }
    for (case, count, gateways) in
        [("per-pool", 8, &["web-pool1", "web-pool2", "web-pool3"][..]), ("one-fleet", 7, &["web"])]
    {
        let Some(plane) = ControlPlane::own(Parts::Nodes, 1, 1) else { return };
        let plane = &plane;
        for folder in ["standard", "generated"] {
            define(plane, &crds.join(folder));
        }
        plane.create_namespace(NAMESPACE);
        let input = checkout().join("tests/cases/gateways").join(case).join("in");
        let app = App::copied(plane, "shop", &input);
        app.run(&["render"]).ok();
        write_gitops(&app);

        let synced = proof(plane, &app, "argocd", "sync", &[]).json();
        assert_eq!(values(&synced).len(), count, "{case}: {synced}");
        assert!(values(&synced).iter().all(|result| result.starts_with("Synced: ")), "{case}: {synced}");
        let seen = proof(plane, &app, "argocd", "diff", &[]).json();
        assert_eq!((&seen["managed"], &seen["decides"]), (&count.into(), &"serverSide".into()), "{case}");
        no_difference_decides(plane, &app);

        let inventory = app.directory().join("inventory.json");
        let inventory = inventory.to_str().unwrap();
        let applied = proof(plane, &app, "flux", "apply", &[inventory]).json();
        assert_eq!(values(&applied).len(), count, "{case}: {applied}");
        assert_eq!(proof(plane, &app, "flux", "diff", &[]).json()["different"], json!({}), "{case}");
        let again = proof(plane, &app, "flux", "apply", &[inventory]).json();
        assert_eq!(values(&again), vec!["unchanged"; count], "{case}: {again}");
        no_difference_decides(plane, &app);
        flux_waits_for_gateways(plane, &app, gateways);

        // The defaults are in lists that have one owner, so our values conflict with those of the tools. docs/gitops.md tells what to do.
        let both = ["apply", "--yes", "--with", "argocd", "--with", "flux"];
        let refused = app.run(&both);
        assert_eq!(refused.code, Some(6), "{case}: {refused:?}");
        assert!(refused.err.contains("httproute/shop/web: conflict: 2 fields"), "{case}: {refused:?}");
        let forced = app.run(&[&both[..], &["--force-conflicts"]].concat());
        assert_eq!(forced.code, Some(0), "{case}: {forced:?}");
        no_difference_decides(plane, &app);
        assert_eq!(proof(plane, &app, "flux", "diff", &[]).json()["different"], json!({}), "{case}");
        assert_eq!(app.run(&["diff", "--live"]).ok(), "", "{case}");
    }
}
