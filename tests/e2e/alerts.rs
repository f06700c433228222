//! `spec.alerts` on a cluster: a rule file stays out of it, and a `PrometheusRule` is a member like the other objects.

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::environment::checkout;

#[test]
fn a_rule_file_is_not_applied_and_a_prometheus_rule_is() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "alerts");
    app.edit("largescale.yaml", "\nspec:\n", "\nspec:\n  alerts: {}\n");
    app.run(&["render"]).ok();
    let rules = app.directory().join("rendered/prometheus-alerts.rules");
    assert!(rules.exists());

    let first = app.run(&["apply"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let created = first.out.lines().filter(|line| line.ends_with(" created")).count();
    assert_eq!(created, 6, "{first:?}");
    assert_eq!(app.run(&["diff", "--live"]).ok(), "");
    let by_kubectl =
        app.kubectl(&["apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "rendered"]);
    assert_eq!(by_kubectl.code, Some(0), "{by_kubectl:?}");
    assert_eq!(by_kubectl.out.lines().count(), 6, "{by_kubectl:?}");

    let definition = checkout().join("tests/alerts/prometheusrules.yaml");
    app.kubectl(&["apply", "--server-side", "-f", definition.to_str().unwrap()]).ok();
    let crd = "crd/prometheusrules.monitoring.coreos.com";
    app.kubectl(&["wait", "--for=condition=established", "--timeout=30s", crd]).ok();
    app.edit("largescale.yaml", "alerts: {}", "alerts: {format: prometheusRule, labels: {release: kps}}");
    app.run(&["render"]).ok();
    assert!(!rules.exists());
    let applied = app.run(&["apply"]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(applied.out.contains("prometheusrule/alerts/alerts created\n"), "{applied:?}");
    assert_eq!(app.run(&["diff", "--live"]).ok(), "");
    // The API server pruned no field, and its selector finds it.
    let names = app.kubectl(&[
        "get",
        "prometheusrule",
        "-n",
        "alerts",
        "-l",
        "release=kps",
        "-o",
        "jsonpath={.items[*].spec.groups[*].rules[*].alert}",
    ]);
    assert!(names.out.contains("LargescalePoolWithoutReadyNodes LargescalePoolNotInLock"), "{names:?}");
    assert_eq!(app.run(&["diff", "--live", "--server-side"]).ok(), "");

    app.edit("largescale.yaml", "  alerts: {format: prometheusRule, labels: {release: kps}}\n", "");
    app.run(&["render"]).ok();
    let pruned = app.run(&["apply", "--prune", "--yes"]);
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    assert!(pruned.out.contains("prometheusrule/alerts/alerts pruned\n"), "{pruned:?}");
}
