//! A hand-over that is cut off before or after each of its requests that change the cluster.

use super::{KINDS, applied, assert_same, assert_sets, services, set_id, split};
use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::proxy::{Fault, Proxy, Sent};

fn changes(sent: &Sent) -> bool {
    sent.method != "GET"
        && !sent.query.contains("dryRun=All")
        && !sent.path.contains("/authorization.k8s.io/")
}

/// Kills the run at its n-th change: from then on no request gets through. Returns whether there was an n-th change.
fn cut(plane: &ControlPlane, app: &App<'_>, arguments: &[&str], number: usize, at: &Fault) -> bool {
    let fault = at.clone();
    let (mut count, mut is_cut) = (0, false);
    let proxy = Proxy::start(plane, move |sent| {
        if is_cut {
            return Fault::ResetBefore;
        }
        count += usize::from(changes(sent));
        is_cut = count == number;
        if is_cut { fault.clone() } else { Fault::Pass }
    });
    let mut running = app.start(&proxy.kubeconfig(app.directory()), arguments);
    let was_cut = crate::wait::until("it is cut off or ends", || {
        let sent = proxy.sent();
        let made = sent.iter().filter(|sent| changes(sent)).count();
        if made >= number {
            Some(true)
        } else if running.has_ended() {
            Some(false)
        } else {
            None
        }
    });
    if was_cut {
        // The request is answered or lost; the process cannot do more.
        std::thread::sleep(std::time::Duration::from_millis(100));
        running.kill();
    }
    running.wait();
    was_cut
}

/// Asserts that the sets of the Services are among these, and that the parent of each lists their kind.
#[track_caller]
fn assert_covered(plane: &ControlPlane, app: &App<'_>, names: [&str; 2]) {
    for (name, service) in services(plane, app) {
        let set = names.into_iter().find(|set| service.set == set_id(app, set));
        let set = set.unwrap_or_else(|| panic!("{name} is in no set: {service:?}"));
        let parent = plane.get(&app.path("v1", &format!("configmaps/{set}")));
        let kinds = parent.unwrap_or_else(|| panic!("{name} is in {set}, which has no parent"));
        let kinds = &kinds["metadata"]["annotations"][KINDS];
        assert!(kinds.as_str().unwrap().contains("Service"), "{set} does not list Services: {kinds}");
    }
}

fn at_each_change(
    name: &str,
    prepare: impl Fn(&App<'_>),
    arguments: &[&str],
    names: [&str; 2],
    sets: &[(&str, &str)],
) {
    let Some(plane) = ControlPlane::shared() else { return };
    for (kind, fault) in [("before", Fault::ResetBefore), ("after", Fault::ResetAfter)] {
        let mut number = 1;
        loop {
            let (app, before) = applied(plane, &format!("{name}-{kind}-{number}"));
            prepare(&app);
            let was_cut = cut(plane, &app, arguments, number, &fault);
            assert_same(&before, &services(plane, &app));
            assert_covered(plane, &app, names);
            if was_cut {
                let again = app.run(arguments);
                assert_eq!(again.code, Some(0), "{kind} change {number}: {again:?}");
            }
            let after = services(plane, &app);
            assert_same(&before, &after);
            assert_sets(&app, &after, sets);
            if !was_cut {
                assert!(number > 3, "a hand-over makes more than {number} changes");
                break;
            }
            number += 1;
        }
    }
}

#[test]
fn a_split_that_is_cut_off_is_finished_by_the_next_run() {
    let arguments =
        ["apply", "-f", "web", "-f", "two", "--prune", "--yes", "--max-prune", "100%", "--concurrency", "1"];
    at_each_change("sets-cut-split", split, &arguments, ["web", "two"], &[("a-", "web"), ("", "two")]);
}

#[test]
fn a_move_that_is_cut_off_is_finished_by_the_next_run() {
    let rename = |app: &App<'_>| app.edit("web/largescale.yaml", "name: web", "name: shop");
    let arguments = ["move", "-f", "web", "--yes", "--concurrency", "1"];
    at_each_change("sets-cut-move", rename, &arguments, ["web", "shop"], &[("", "shop")]);
}
