//! One spec for two clusters: a hand-over happens in each of them.

use std::fs;

use super::{Services, assert_same, assert_sets, services, write_spec};
use crate::app::App;
use crate::clusters::two_contexts;
use crate::control_plane::{ControlPlane, Parts};
use crate::run::Run;

const CLUSTERS: &str =
    "platform: azure-basic, clusters: [{name: west, context: west}, {name: east, context: east}]}";

fn with_clusters(app: &App<'_>, directory: &str) {
    app.edit(&format!("{directory}/largescale.yaml"), "platform: azure-basic}", CLUSTERS);
}

#[test]
fn a_service_moves_in_both_clusters() {
    let Some(west) = ControlPlane::shared() else { return };
    let Some(east) = ControlPlane::own(Parts::All, 6, 3) else { return };
    let app = App::empty(west, "sets-clusters");
    east.create_namespace("sets-clusters");
    let text = |plane: &ControlPlane| fs::read_to_string(&plane.kubeconfig).unwrap();
    app.write("both.kubeconfig", &two_contexts(&text(west), &text(&east)));
    let kubeconfig = app.directory().join("both.kubeconfig");
    let run = |arguments: &[&str]| -> Run { app.start(&kubeconfig, arguments).wait() };
    let both = || -> [Services; 2] { [services(west, &app), services(&east, &app)] };

    write_spec(&app, "web", "web", &["a", "b", "c"]);
    with_clusters(&app, "web");
    run(&["render", "-f", "web"]).ok();
    run(&["apply", "-f", "web", "--wait", "address"]).ok();
    let before = both();
    assert_eq!((before[0].len(), before[1].len()), (3 * west.pools, 3 * 3));

    write_spec(&app, "web", "web", &["a"]);
    write_spec(&app, "two", "two", &["b", "c"]);
    with_clusters(&app, "web");
    with_clusters(&app, "two");
    run(&["render", "-f", "web", "-f", "two"]).ok();
    let check = |moved: [bool; 2]| {
        for ((before, after), is_moved) in before.iter().zip(both()).zip(moved) {
            assert_same(before, &after);
            let others = if is_moved { "two" } else { "web" };
            assert_sets(&app, &after, &[("a-", "web"), ("", others)]);
        }
    };
    // Alone, each directory is refused in both clusters.
    for directory in ["web", "two"] {
        let alone = run(&["apply", "-f", directory, "--prune", "--yes", "--max-prune", "100%"]);
        assert_eq!(alone.code, Some(5), "{alone:?}");
        assert!(alone.err.contains("`kubectl largescale apply -f "), "{alone:?}");
        check([false, false]);
    }
    let prune = ["apply", "-f", "two", "-f", "web", "--prune", "--yes", "--max-prune", "100%"];
    let west_only = run(&[&prune[..], &["--only", "west"]].concat());
    assert_eq!(west_only.code, Some(0), "{west_only:?}");
    check([true, false]);
    let all = run(&prune);
    assert_eq!(all.code, Some(0), "{all:?}");
    check([true, true]);
    let shown = run(&["diff", "-f", "two", "-f", "web", "--live", "--prune"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
}
