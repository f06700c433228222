//! A render that is killed at any moment leaves every file complete, and the next render ends as if nothing had
//! happened.

#![cfg(unix)]

mod project;
mod random;

use std::io::Write;
use std::time::Duration;

use project::{From, Project, Version, render_is_ok};
use random::Random;

/// How many runs are killed.
const KILLS: usize = 240;

/// What the kills left, so that the test can check that it tested something.
#[derive(Debug, Default)]
struct Found {
    /// The run had already ended.
    too_late: usize,
    /// Nothing was written yet.
    nothing: usize,
    /// There were temporary files.
    unfinished: usize,
    /// The lock was pending.
    pending: usize,
    /// The tree had files of both versions.
    mixed: usize,
}

#[test]
fn killed_at_any_moment() {
    let mut random = Random::new(0x6b69_6c6c);
    let project = Project::new();
    let clean = [Version::A, Version::B].map(|version| project.clean(version));
    let (before_writing, writing) = durations(&project);
    let mut found = Found::default();
    let mut version = Version::A;
    project.set(version);
    render_is_ok(&project);

    for kill in 0..KILLS {
        // Sometimes a run is killed after a killed run, of the other version or of the same.
        let mend = random.below(4) != 0;
        if random.below(8) != 0 {
            version = version.other();
        }
        project.set(version);
        let before = project.snapshot();
        // Most of a run is reading and computing, so two of three kills wait for the first sign of writing.
        let (from, within) = if random.below(3) == 0 {
            (From::Start, before_writing + writing)
        } else {
            (From::FirstUnfinishedFile, writing)
        };
        let after = Duration::from_nanos(random.below(u64::try_from(within.as_nanos()).unwrap()));
        let ended = project.render_killed(from, after);
        let left = project.snapshot();
        let context = format!("kill {kill}, version {version:?}, {after:?} after {from:?}");

        found.too_late += usize::from(ended);
        found.nothing += usize::from(!ended && left == before);
        found.unfinished += usize::from(!left.unfinished.is_empty());
        found.pending += usize::from(left.lock_is_pending());
        for (name, bytes) in &left.tree {
            let versions = clean.iter().filter_map(|clean| clean.tree.get(name)).collect::<Vec<_>>();
            assert!(!versions.is_empty(), "{context}: no version of the project has {name}");
            assert!(versions.contains(&bytes), "{context}: {name} is neither the old file nor the new");
        }
        assert!(left.foreign.is_empty(), "{context}: {:?}", left.foreign);
        found.mixed += usize::from(clean.iter().all(|clean| clean.tree != left.tree));

        if mend {
            render_is_ok(&project);
            let wanted = &clean[version as usize];
            let repaired = project.snapshot();
            assert!(repaired.unfinished.is_empty(), "{context}: {:?} was not swept", repaired.unfinished);
            assert!(repaired.tree == wanted.tree, "{context}: the tree differs from that of a clean run");
            assert!(
                repaired.lock_without_id() == wanted.lock_without_id(),
                "{context}: the lock differs from that of a clean run"
            );
            assert_eq!(repaired.lock_id(), before.lock_id(), "{context}: the directory has another id");
        } else {
            let check = project.render(&["--check"]);
            assert!(matches!(check.status.code(), Some(0 | 1)), "{context}: {check:?}");
            assert!(project.snapshot() == left, "{context}: --check wrote files");
        }
    }
    writeln!(
        std::io::stderr(),
        "{KILLS} kills, {before_writing:?} before writing, {writing:?} writing: {found:?}"
    )
    .unwrap();
    let least = KILLS / 20;
    let Found { pending, unfinished, mixed, .. } = found;
    assert!(
        pending.min(unfinished).min(mixed) >= least,
        "this test is too weak: of {KILLS} kills fewer than {least} left a pending lock, unfinished files or a mixed tree: {found:?}"
    );
}

/// Measures the time before a run writes, and from then to its end: kills are spread over both.
fn durations(project: &Project) -> (Duration, Duration) {
    let mut run = |version: Version| {
        project.set(version);
        project.render_timed()
    };
    let (mut before, mut writing): (Vec<_>, Vec<_>) =
        (0..5).flat_map(|_| [Version::B, Version::A]).map(&mut run).unzip();
    before.sort();
    writing.sort();
    (before[before.len() / 2], writing[writing.len() / 2])
}
