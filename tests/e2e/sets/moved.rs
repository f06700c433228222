//! `move`: one directory at hand.

use std::fs;

use serde_json::{Value, json};

use super::{KINDS, applied, assert_same, assert_sets, services, split, write_spec};
use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;

fn parent(plane: &ControlPlane, app: &App<'_>, name: &str) -> Option<Value> {
    plane.get(&app.path("v1", &format!("configmaps/{name}")))
}

fn lock_id(app: &App<'_>, directory: &str) -> String {
    let text = fs::read_to_string(app.directory().join(directory).join("largescale.lock")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned()
}

#[test]
fn a_renamed_app_keeps_its_objects() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-rename");
    app.edit("web/largescale.yaml", "name: web", "name: shop");
    let rendered = app.run(&["render", "-f", "web"]);
    assert!(rendered.err.contains("move the ApplySet with `kubectl largescale move -f web`"), "{rendered:?}");
    assert_eq!(app.run(&["apply", "-f", "web"]).code, Some(5));
    assert_eq!(app.run(&["prune", "-f", "web", "--yes"]).code, Some(5));
    let lock = fs::read(app.directory().join("web/largescale.lock")).unwrap();
    app.run(&["move", "-f", "web", "--dry-run"]).ok();
    assert_eq!(app.run(&["move", "-f", "web"]).code, Some(5), "not confirmed");
    assert_eq!(before, services(plane, &app));
    assert_eq!(fs::read(app.directory().join("web/largescale.lock")).unwrap(), lock);

    let moved = app.run(&["move", "-f", "web", "--yes"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    assert!(moved.err.contains("b-pool00 moves from web to shop, and keeps 198.18."), "{moved:?}");
    let after = services(plane, &app);
    assert_same(&before, &after);
    assert_sets(&app, &after, &[("", "shop")]);
    assert!(parent(plane, &app, "web").is_none());
    assert_eq!(parent(plane, &app, "shop").unwrap()["metadata"]["annotations"][KINDS], "ConfigMap,Service");
    // The lock names the new set, and nothing is left to do.
    app.run(&["render", "-f", "web", "--check"]).ok();
    app.run(&["diff", "-f", "web", "--live", "--prune"]).ok();
    let again = app.run(&["apply", "-f", "web", "--prune"]);
    assert!(again.err.contains(" unchanged in namespace") && !again.err.contains("configured"), "{again:?}");
    let nothing = app.run(&["move", "-f", "web", "--yes"]);
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
    assert!(nothing.err.contains("nothing to move"), "{nothing:?}");

    // The lock names the new set already, but the objects of this cluster are in the old one: the lock ID proves whose it is.
    let text = fs::read_to_string(app.directory().join("web/largescale.lock")).unwrap();
    app.edit("web/largescale.yaml", "name: shop", "name: store");
    app.write("web/largescale.lock", &text.replace("set: {name: shop", "set: {name: store"));
    app.run(&["move", "-f", "web", "--from", "shop", "--yes"]).ok();
    let after = services(plane, &app);
    assert_same(&before, &after);
    assert_sets(&app, &after, &[("", "store")]);
    app.run(&["diff", "-f", "web", "--live", "--prune"]).ok();
}

#[test]
fn a_moved_namespace_keeps_the_old_objects_until_prune() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-space");
    app.edit("web/largescale.yaml", "namespace: sets-space", "namespace: sets-space-new");
    app.run(&["render", "-f", "web"]).ok();
    let missing = app.run(&["move", "-f", "web", "--yes"]);
    assert!(
        missing.err.contains("hint: create it (`kubectl create namespace sets-space-new`), then run"),
        "{missing:?}"
    );
    assert_eq!(before, services(plane, &app));
    plane.create_namespace("sets-space-new");
    let moved = app.run(&["move", "-f", "web", "--yes"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    assert!(
        moved.err.contains(
            "objects stay in namespace sets-space: `kubectl largescale apply -f web --wait address`"
        ),
        "{moved:?}"
    );
    let applied = app.run(&["apply", "-f", "web", "--wait", "address"]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(plane.get("/api/v1/namespaces/sets-space-new/services/a-pool00").is_some());
    assert_same(&before, &services(plane, &app));
    // The lock still knows what it rendered in the old namespace, so that --yes is enough.
    app.run(&["prune", "-f", "web", "--yes", "--max-prune", "100%"]).ok();
    crate::wait::until("the old Services are gone", || services(plane, &app).is_empty().then_some(()));
    assert!(parent(plane, &app, "web").is_none());
}

#[test]
fn a_service_moves_to_another_app() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-move");
    split(&app);
    // The directory of `web` is next to it, and no longer contains the Service: that is proof enough.
    let moved = app.run(&["move", "-f", "two", "--from", "web", "--yes"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    let after = services(plane, &app);
    assert_same(&before, &after);
    assert_sets(&app, &after, &[("a-", "web"), ("", "two")]);
    assert!(parent(plane, &app, "web").is_some());
    app.run(&["apply", "-f", "two", "--prune"]).ok();
    app.run(&["apply", "-f", "web", "--prune"]).ok();
    assert_same(&before, &services(plane, &app));

    // The directory of `two` is gone after both were joined: its lock ID must be named.
    write_spec(&app, "web", "web", &["a", "b", "c"]);
    app.run(&["render", "-f", "web"]).ok();
    let id = lock_id(&app, "two");
    fs::remove_dir_all(app.directory().join("two")).unwrap();
    for (flags, said) in [
        (&[][..], "belongs to a directory with lock ID"),
        (&["--from-id", "0123456789abcdef0123456789abcdef"], "not 0123456789abcdef0123456789abcdef"),
    ] {
        let refused = app.run(&[&["move", "-f", "web", "--from", "two", "--yes"], flags].concat());
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(refused.err.contains(said), "{refused:?}");
    }
    let join = ["move", "-f", "web", "--from", "two", "--from-id", &id, "--yes"];
    let joined = app.run(&join);
    assert_eq!(joined.code, Some(0), "{joined:?}");
    assert!(joined.err.contains("1 object is not in this directory, and stays there"), "{joined:?}");
    let after = services(plane, &app);
    assert_same(&before, &after);
    assert_sets(&app, &after, &[("", "web")]);
    // The ConfigMap of `two` is still a member of its set, so its parent stays.
    assert!(parent(plane, &app, "two").is_some());
    app.run(&["apply", "-f", "web", "--prune"]).ok();
}

#[test]
fn sets_that_cannot_be_verified_give_nothing_away() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-verify");
    split(&app);
    let path = app.path("v1", "configmaps/web");
    let annotation = |key: &str, value: Value| json!({"metadata": {"annotations": {key: value}}});
    let whole = parent(plane, &app, "web").unwrap();
    for (key, value, said) in [
        ("largescale.dev/lock-id", Value::Null, "has no valid lock ID"),
        ("largescale.dev/lock-id", "x".into(), "has no valid lock ID"),
        ("applyset.kubernetes.io/tooling", "kubectl/v1.36.0".into(), "managed by kubectl/v1.36.0"),
    ] {
        plane.patch(&path, Patch::Merge, &annotation(key, value));
        let refused = app.run(&["move", "-f", "two", "--from", "web", "--yes"]);
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(refused.err.contains(said), "{said}: {refused:?}");
        plane.patch(&path, Patch::Merge, &annotation(key, whole["metadata"]["annotations"][key].clone()));
    }
    let missing = app.run(&["move", "-f", "two", "--from", "elsewhere/web", "--yes"]);
    assert_eq!(missing.code, Some(5), "{missing:?}");
    assert!(
        missing.err.contains("configmap/elsewhere/web, the parent of the ApplySet, not found"),
        "{missing:?}"
    );
    let own = app.run(&["move", "-f", "two", "--from", "two", "--yes"]);
    assert_eq!(own.code, Some(2), "{own:?}");
    // A renamed directory whose old set belongs to another one by now.
    app.edit("two/largescale.yaml", "name: two", "name: shop");
    app.edit("two/largescale.lock", "set: {name: two", "set: {name: web");
    let refused = app.run(&["move", "-f", "two", "--yes"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.err.contains("the ApplySet belongs to another directory"), "{refused:?}");
    assert_eq!(before, services(plane, &app));
}
