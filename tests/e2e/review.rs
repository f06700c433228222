//! Reviews with data from the cluster, and the rights of the `CronJob`.

use crate::app::App;
use crate::control_plane::ControlPlane;

#[test]
fn the_addresses_at_stake_are_those_of_today() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "review-addresses");
    app.run(&["apply", "--wait", "address"]).ok();
    let service = plane.get(&app.path("v1", "services/web-pool01")).unwrap();
    let address = service["status"]["loadBalancer"]["ingress"][0]["ip"].as_str().unwrap();
    let gone = "the Service is removed, with its load balancer and the address";

    // Before the tree has changed: nodes, and so addresses, are read from the cluster.
    app.edit(
        "largescale.yaml",
        "platform: azure-basic\n",
        "platform: azure-basic\n  pools: {exclude: [pool01]}\n",
    );
    let tree = app.run(&["diff", "-o", "markdown"]);
    assert_eq!(tree.code, Some(1), "{tree:?}");
    let row = format!("| `service/review-addresses/web-pool01` | {address} | {gone} |\n");
    assert!(tree.out.contains(&row), "{}", tree.out);

    app.run(&["render", "--summary-file", "summary.md"]).ok();
    let summary = std::fs::read_to_string(app.directory().join("summary.md")).unwrap();
    assert!(summary.contains(&row), "{summary}");

    // The effect of an apply.
    let live = app.run(&["diff", "--live", "--prune", "-o", "markdown"]);
    assert_eq!(live.code, Some(1), "{live:?}");
    assert!(live.out.contains(&row), "{}", live.out);
    assert!(live.out.contains("**1 pruned, "), "{}", live.out);
    assert!(live.out.contains("| `pool01` |"), "{}", live.out);
}

#[test]
fn the_cron_job_is_taken_and_its_account_may_render() {
    let Some(plane) = ControlPlane::shared() else { return };
    plane.create_namespace("largescale");
    let app = App::new(plane, "review-refresh");
    let file = format!("{}/examples/cronjob/cronjob.yaml", env!("CARGO_MANIFEST_DIR"));
    let applied = app.command("kubectl", &plane.kubeconfig, &["apply", "--server-side", "-f", &file]);
    crate::run::Running::start(&mut { applied }).wait().ok();
    let account = "system:serviceaccount:largescale:largescale";
    app.run(&["render", "--as", account]).ok();
    // It may read nodes, and nothing else.
    let refused = app.run(&["diff", "--live", "--as", account]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    app.kubectl(&["delete", "clusterrolebinding", "largescale-refresh"]).ok();
    let refused = app.run(&["render", "--as", account]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
}
