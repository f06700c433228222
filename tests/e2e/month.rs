//! A month on a real control plane: random operations on nodes, directories and sets, against a model of the Services that must
//! stay the same objects with the same addresses.
//!
//! A month is a repository with one spec or two. After each operation, the user renders, applies, and follows the hints until
//! both succeed; in some months, Flux's controller syncs the directory instead of `apply`. [`cluster`] has the invariants. CI
//! lives a few months, and `make live-months` a number of its choice: `LIVE_MONTHS=50 SEED=1`. `tests/cli/month` has the part that needs
//! no cluster: branches and merges.

mod cluster;
mod content;
#[path = "../cli/month/desk.rs"]
#[expect(dead_code, reason = "tests/cli uses more of it")]
mod desk;
#[path = "../cli/month/files.rs"]
#[expect(dead_code, reason = "tests/cli uses more of it")]
mod files;
mod handover;
#[path = "../cli/month/hints.rs"]
mod hints;
mod kills;
mod life;
#[path = "../cli/month/nodes.rs"]
mod nodes;
mod operation;
mod places;
mod pools;
mod settle;
mod sync;

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::control_plane::{ControlPlane, Parts};
use crate::flux::controller::Flux;
use crate::month::life::Life;

/// The number of months in CI, and the first of them: they have most operations on sets, and Flux syncs one.
const IN_CI: u64 = 3;
const FIRST: u64 = 200;

/// The number of control planes, each with one month at a time.
const AT_ONCE: u64 = 2;

/// The number of failures after which no more months begin.
const FAILURES: usize = 4;

#[test]
fn a_month_keeps_every_address() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
    };
    let (first, count) = (number("SEED", FIRST), number("LIVE_MONTHS", IN_CI));
    let next = AtomicU64::new(first);
    let counts: Mutex<BTreeMap<String, u64>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(count) {
            scope.spawn(|| {
                let Some(plane) = ControlPlane::own(Parts::All, 0, 1) else { return };
                let Some(flux) = Flux::start(&plane) else { return };
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || failures.lock().unwrap().len() >= FAILURES {
                        break;
                    }
                    let mut life = Life::new(&plane, &flux, seed);
                    let outcome = catch_unwind(AssertUnwindSafe(|| life.live()));
                    let outcome = outcome.unwrap_or_else(|_| Err("a panic".to_owned()));
                    for (what, times) in &life.desk.counts {
                        *counts.lock().unwrap().entry(what.clone()).or_default() += times;
                    }
                    if let Err(problem) = outcome {
                        // The repository, to look at.
                        if let Ok(keep) = std::env::var("KEEP") {
                            let _ = life.desk.copy_to(&format!("{keep}/{seed}"));
                        }
                        let report = format!("SEED={seed} LIVE_MONTHS=1: {problem}\n{}", life.desk.report());
                        let _ = writeln!(std::io::stdout(), "{report}");
                        failures.lock().unwrap().push(report);
                    }
                    life.end();
                }
            });
        }
    });
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{count} months on a control plane:");
    for (what, times) in counts.into_inner().unwrap() {
        let _ = writeln!(out, "  {times:6} {what}");
    }
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
