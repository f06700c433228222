//! A month as a program: random operations of a team in a repository, against a model of the pools that must keep their
//! Services.
//!
//! A month is a repository with one spec or two. Its operations change nodes, manifests and files, and join branches. After each
//! one, the user renders, and follows the hints until the render succeeds. [`check`] has the invariants. CI runs a few months, and
//! `make months` a number of its choice: `MONTHS=500 SEED=1`.

mod branches;
mod check;
mod conflicts;
mod content;
mod desk;
mod files;
mod hints;
mod known;
mod life;
mod nodes;
mod operation;
mod places;
mod pools;
mod repository;
mod settle;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::month::life::{Life, OPERATIONS};

/// The number of months of this test. CI also lives more of them, with the program that users get.
const IN_CI: u64 = 4;

/// The number of months at the same time: a month starts one program after the other, and waits for each.
const AT_ONCE: usize = 8;

/// The number of failures after which no more months begin.
const FAILURES: usize = 8;

#[test]
fn a_month_loses_nothing() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
    };
    let (first, count) = (number("SEED", 1), number("MONTHS", IN_CI));
    let next = AtomicU64::new(first);
    let counts: Mutex<BTreeMap<String, u64>> = Mutex::default();
    let failures: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || failures.lock().unwrap().len() >= FAILURES {
                        break;
                    }
                    let (life, outcome) = Life::of(seed);
                    for (what, times) in &life.desk.counts {
                        *counts.lock().unwrap().entry(what.clone()).or_default() += times;
                    }
                    if let Err(problem) = outcome {
                        // The repository, to look at.
                        if let Ok(keep) = std::env::var("KEEP") {
                            let _ = life.desk.copy_to(&format!("{keep}/{seed}"));
                        }
                        let report = format!("SEED={seed} MONTHS=1: {problem}\n{}", life.desk.report());
                        failures.lock().unwrap().push(report);
                    }
                }
            });
        }
    });
    let mut out = std::io::stdout();
    let counts = counts.into_inner().unwrap();
    let done: u64 =
        counts.iter().filter(|(what, _)| what.starts_with("done: ")).map(|(_, times)| times).sum();
    let _ = writeln!(
        out,
        "{count} months of {OPERATIONS} operations, {done} with those on the branches of joins:"
    );
    for (what, times) in counts {
        let _ = writeln!(out, "  {times:6} {what}");
    }
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
