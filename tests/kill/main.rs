//! A render that is killed at any moment leaves every file whole, and the next one ends as if nothing had happened.

#![cfg(unix)]

mod project;
mod random;

use std::time::{Duration, Instant};

use project::{Project, Version, render_is_ok};
use random::Random;

/// How many runs are killed.
const KILLS: usize = 240;

/// What was found after the kills, so that the test can say that it tested something.
#[derive(Debug, Default)]
struct Found {
    /// The run had ended before.
    too_late: usize,
    /// Nothing had been written yet.
    nothing: usize,
    /// Unfinished files lay around.
    unfinished: usize,
    /// The lock said what was about to happen.
    pending: usize,
    /// Files of the old tree and files of the new one.
    mixed: usize,
}

#[test]
fn killed_at_any_moment() {
    let mut random = Random::new(0x6b69_6c6c);
    let project = Project::new();
    let clean = [Version::A, Version::B].map(|version| project.clean(version));
    let whole = longest_run(&project);
    let mut found = Found::default();
    let mut version = Version::A;
    project.set(version);
    render_is_ok(&project);

    for kill in 0..KILLS {
        // Now and then a run is killed after a killed one, for the other version or the same.
        let mend = random.below(4) != 0;
        if random.below(8) != 0 {
            version = version.other();
        }
        project.set(version);
        let before = project.snapshot();
        let after = Duration::from_nanos(random.below(u64::try_from(whole.as_nanos()).unwrap()));
        let ended = project.render_killed_after(after);
        let left = project.snapshot();
        let context = format!("kill {kill}, version {version:?}, after {after:?}");

        found.too_late += usize::from(ended);
        found.nothing += usize::from(!ended && left == before);
        found.unfinished += usize::from(!left.unfinished.is_empty());
        found.pending += usize::from(left.lock_is_pending());
        for (name, bytes) in &left.tree {
            let versions = clean.iter().filter_map(|clean| clean.tree.get(name)).collect::<Vec<_>>();
            assert!(!versions.is_empty(), "{context}: nobody wrote {name}");
            assert!(versions.contains(&bytes), "{context}: {name} is neither the old file nor the new");
        }
        assert!(left.foreign.is_empty(), "{context}: {:?}", left.foreign);
        found.mixed += usize::from(clean.iter().all(|clean| clean.tree != left.tree));
        let check = project.render(&["--check"]);
        assert!(matches!(check.status.code(), Some(0 | 1)), "{context}: {check:?}");
        assert!(project.snapshot() == left, "{context}: --check wrote something");

        if mend {
            render_is_ok(&project);
            let wanted = &clean[version as usize];
            let mended = project.snapshot();
            assert!(mended.unfinished.is_empty(), "{context}: {:?} was not swept", mended.unfinished);
            assert!(mended.tree == wanted.tree, "{context}: the tree is not as after a clean run");
            assert!(mended.lock == wanted.lock, "{context}: the lock is not as after a clean run");
        }
    }
    println!("{KILLS} kills within {whole:?}: {found:?}");
    for (what, times) in [("pending lock", found.pending), ("unfinished file", found.unfinished), ("mixed tree", found.mixed)] {
        assert!(times > 0, "no kill left a {what}, so this test tests little: {found:?}");
    }
}

/// The longest of a few runs that change every file: kills are spread over it.
fn longest_run(project: &Project) -> Duration {
    let run = |version| {
        project.set(version);
        let start = Instant::now();
        render_is_ok(project);
        start.elapsed()
    };
    let mut runs: Vec<Duration> = (0..5).flat_map(|_| [Version::B, Version::A]).map(run).collect();
    runs.sort();
    runs[runs.len() * 3 / 4]
}
