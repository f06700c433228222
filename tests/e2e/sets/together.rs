//! Several directories in one run.

use std::fs;

use super::{applied, assert_same, assert_sets, services, split, write_spec};
use crate::control_plane::ControlPlane;

#[test]
fn a_split_spec_keeps_every_service_in_both_orders() {
    let Some(plane) = ControlPlane::shared() else { return };
    for (name, order) in [("sets-split-1", ["web", "two"]), ("sets-split-2", ["two", "web"])] {
        let (app, before) = applied(plane, name);
        split(&app);
        let [first, second] = order;
        let prune = ["apply", "-f", first, "-f", second, "--prune", "--yes", "--max-prune", "100%"];
        let shown = app.run(&["diff", "-f", first, "-f", second, "--live", "--prune"]);
        assert!(!shown.err.contains("will be deleted"), "{shown:?}");
        let run = app.run(&prune);
        assert_eq!(run.code, Some(0), "{run:?}");
        let is_new = |line: &str| line.starts_with("service/") && line.ends_with(" created");
        assert!(!run.out.lines().any(is_new), "{run:?}");
        let after = services(plane, &app);
        assert_same(&before, &after);
        assert_sets(&app, &after, &[("a-", "web"), ("", "two")]);
        // The other set is narrowed by the next run at the latest; then nothing is left to do.
        let again = app.run(&prune);
        assert!(
            again
                .out
                .lines()
                .filter(|line| line.starts_with("service/"))
                .all(|line| line.ends_with(" unchanged")),
            "{again:?}"
        );

        // One Service moves back.
        write_spec(&app, "web", "web", &["a", "b"]);
        write_spec(&app, "two", "two", &["c"]);
        app.run(&["render", "-f", "web", "-f", "two"]).ok();
        let run = app.run(&prune);
        assert_eq!(run.code, Some(0), "{run:?}");
        let after = services(plane, &app);
        assert_same(&before, &after);
        assert_sets(&app, &after, &[("c-", "two"), ("", "web")]);
    }
}

#[test]
fn prune_keeps_what_another_directory_of_the_run_renders() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-prune");
    split(&app);
    let prune = app.run(&["prune", "-f", "web", "-f", "two", "--yes", "--max-prune", "100%"]);
    assert_eq!(prune.code, Some(5), "two is not applied yet: {prune:?}");
    assert!(prune.err.contains("moves to two, which this run applies too; it is not deleted"), "{prune:?}");
    assert_same(&before, &services(plane, &app));

    // It is unknown what a directory contains that cannot be read.
    fs::remove_file(app.directory().join("two/rendered/service-b-pool00.yaml")).unwrap();
    for command in ["prune", "apply"] {
        let flags: &[&str] = if command == "apply" { &["--prune"] } else { &[] };
        let arguments =
            [&[command, "-f", "web", "-f", "two", "--yes", "--max-prune", "100%"], flags].concat();
        let refused = app.run(&arguments);
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(
            refused.err.contains("but two of this run cannot be read, and may contain it"),
            "{refused:?}"
        );
        assert_same(&before, &services(plane, &app));
    }
}

#[test]
fn objects_in_two_directories_are_refused() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-both");
    write_spec(&app, "two", "two", &["b"]);
    app.run(&["render", "-f", "two"]).ok();
    for order in [["web", "two"], ["two", "web"]] {
        let [first, second] = order;
        let refused = app.run(&["apply", "-f", first, "-f", second, "--prune", "--yes"]);
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(
            refused.err.contains("is in the directory of web too, and a member of its ApplySet"),
            "{refused:?}"
        );
    }
    let refused = app.run(&["move", "-f", "two", "--from", "web", "--yes"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.err.contains("is in both directories, this one and that of web"), "{refused:?}");
    assert_eq!(before, services(plane, &app));

    // Alone, the set of the object is named, and what to remove.
    let alone = app.run(&["apply", "-f", "two"]);
    assert_eq!(alone.code, Some(5), "{alone:?}");
    assert!(alone.err.contains("is a member of another ApplySet (web in namespace sets-both, "), "{alone:?}");
    assert!(
        alone.err.contains("(`kubectl largescale render -f web` or `kubectl largescale render -f two`)"),
        "{alone:?}"
    );
}

#[test]
fn the_hint_of_a_directory_applied_alone_moves_the_objects() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-alone");
    split(&app);
    let alone = app.run(&["apply", "-f", "two", "--prune"]);
    assert_eq!(alone.code, Some(5), "{alone:?}");
    assert!(
        alone.err.contains("apply both directories in one run: `kubectl largescale apply -f web -f two`"),
        "{alone:?}"
    );
    assert_eq!(before, services(plane, &app));
    app.run(&["apply", "-f", "web", "-f", "two"]).ok();
    let after = services(plane, &app);
    assert_same(&before, &after);
    assert_sets(&app, &after, &[("a-", "web"), ("", "two")]);

    // Without the other directory, `move` is the way.
    write_spec(&app, "web", "web", &["a", "b"]);
    app.run(&["render", "-f", "web"]).ok();
    fs::remove_dir_all(app.directory().join("two")).unwrap();
    let alone = app.run(&["apply", "-f", "web"]);
    assert_eq!(alone.code, Some(5), "{alone:?}");
    assert!(alone.err.contains("move them with `kubectl largescale move -f web --from two`"), "{alone:?}");
    assert_eq!(after, services(plane, &app));
}

#[test]
fn a_set_of_a_third_directory_gives_nothing_away() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-third");
    split(&app);
    // Another directory has the name of `web`, and another lock ID.
    let lock = fs::read_to_string(app.directory().join("web/largescale.lock")).unwrap();
    let forged: String = lock
        .lines()
        .map(|line| {
            if line.starts_with("id: ") {
                "id: 0123456789abcdef0123456789abcdef\n".to_owned()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    app.write("web/largescale.lock", &forged);
    let refused = app.run(&["apply", "-f", "web", "-f", "two", "--prune", "--yes"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(refused.err.contains("the ApplySet belongs to another directory"), "{refused:?}");
    assert_eq!(before, services(plane, &app));
}

#[test]
fn a_directory_outside_of_the_run_keeps_what_moved_to_it() {
    let Some(plane) = ControlPlane::shared() else { return };
    let (app, before) = applied(plane, "sets-outside");
    split(&app);
    for command in [&["prune"][..], &["apply", "--prune"]] {
        let run = app.run(&[command, &["-f", "web", "--yes", "--max-prune", "100%"]].concat());
        assert_eq!(run.code, Some(5), "{run:?}");
        assert!(run.err.contains(" would be deleted, but two renders them for the same cluster"), "{run:?}");
        assert_same(&before, &services(plane, &app));
    }
    // The hint moves them.
    let run = app.run(&["apply", "-f", "web", "-f", "two", "--prune", "--yes", "--max-prune", "100%"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let after = services(plane, &app);
    assert_same(&before, &after);
    assert_sets(&app, &after, &[("a-", "web"), ("", "two")]);
}
