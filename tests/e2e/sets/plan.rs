//! A plan file covers one directory, so it cannot hold a hand-over.

use super::{applied, assert_same, assert_sets, services, split};
use crate::control_plane::ControlPlane;

#[test]
fn a_plan_of_a_hand_over_is_refused_with_the_command_that_moves() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-plan");
    split(&app);
    let refused = app.run(&["diff", "-f", "web", "-f", "two", "--live", "--out", "p.plan"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    for (directory, flags) in [("web", &["--prune"][..]), ("two", &[])] {
        let refused = app.run(&[&["diff", "-f", directory, "--live", "--out", "p.plan"], flags].concat());
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(refused.err.contains("`kubectl largescale apply -f web -f two"), "{refused:?}");
        assert!(!app.directory().join("p.plan").exists());
    }
    // After the hand-over, a plan has the other changes.
    app.run(&["apply", "-f", "web", "-f", "two"]).ok();
    app.edit(
        "two/m.yaml",
        "name: b}\nspec: {type: LoadBalancer, selector: {app: b}, ports: [{port: 80",
        "name: b}\nspec: {type: LoadBalancer, selector: {app: b}, ports: [{port: 81",
    );
    app.run(&["render", "-f", "two"]).ok();
    assert_eq!(app.run(&["diff", "-f", "two", "--live", "--out", "p.plan"]).code, Some(1));
    app.run(&["apply", "-f", "two", "p.plan"]).ok();
    let after = services(plane, &app);
    assert_same(&before, &after);
    assert_sets(&app, &after, &[("a-", "web"), ("", "two")]);
}
