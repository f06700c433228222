//! `apply`, `diff --live` and `prune` on a cluster where nothing goes wrong.

use serde_json::json;

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;

#[test]
fn from_nothing_to_nothing_left_to_do() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::rendered(plane, "apply-first");
    let differs = app.run(&["diff", "--live", "--summary"]);
    assert_eq!(
        (differs.code, differs.out.as_str()),
        (Some(1), "6 created, 0 configured, 0 pruned, 0 unchanged\n")
    );

    let first = app.run(&["apply"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let created = first.out.lines().filter(|line| line.ends_with(" created")).count();
    assert_eq!(created, 6, "{first:?}");

    let again = app.run(&["apply"]);
    assert_eq!(again.out.lines().filter(|line| line.ends_with(" unchanged")).count(), 6, "{again:?}");
    assert_eq!(app.run(&["diff", "--live"]).ok(), "");
    assert_eq!(app.run(&["diff", "--live", "--server-side"]).ok(), "");

    let service = app.path("v1", "services/web-pool00");
    plane.patch(&service, Patch::Merge, &json!({"spec": {"selector": {"app": "other"}}}));
    let drift = app.run(&["diff", "--live"]);
    assert_eq!(drift.code, Some(6), "{drift:?}");
    assert!(drift.err.contains(".spec.selector"), "{drift:?}");
    let refused = app.run(&["apply"]);
    assert_eq!(refused.code, Some(6), "{refused:?}");
    assert!(
        refused.err.ends_with("5 unchanged, 1 failed in namespace apply-first, context test\n"),
        "{refused:?}"
    );
    let drift = app.run(&["diff", "--live", "--force-conflicts"]);
    assert_eq!(drift.code, Some(1), "{drift:?}");
    assert!(drift.out.contains("-    app: other\n+    app: web\n"), "{drift:?}");
    let repaired = app.run(&["apply", "--force-conflicts"]);
    assert_eq!(repaired.code, Some(0), "{repaired:?}");
    assert!(repaired.out.contains("service/apply-first/web-pool00 configured\n"), "{repaired:?}");
    app.run(&["diff", "--live"]).ok();
}
