//! Adopts random clusters that are already running, and checks that nothing changes.
//!
//! An estate is a set of Services that users made by hand, one for each pool or not, on any platform that can select nodes.
//! [`generate`] makes one from a seed. [`check`] creates it on the API server, adopts it, and changes it once. CI runs 60
//! seeds, and `make estates` a number of its choice: `ESTATES=500 SEED=1`.

mod check;
mod forms;
mod generate;

use std::collections::BTreeMap;
use std::io::Write;

use crate::control_plane::ControlPlane;
use crate::estates::check::{Verdict, adopt};
use crate::estates::generate::Estate;

/// The number of estates in CI.
const IN_CI: u64 = 60;

#[test]
fn adopting_an_estate_changes_nothing() {
    let Some(plane) = ControlPlane::shared() else { return };
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
    };
    let (first, count) = (number("SEED", 1), number("ESTATES", IN_CI));
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for seed in first..first + count {
        let estate = Estate::of(seed);
        match adopt(plane, &estate) {
            Ok(verdict) => {
                let name = match verdict {
                    Verdict::Unchanged => "adopted without a change",
                    Verdict::Refused => "refused by name",
                };
                *seen.entry(name).or_default() += 1;
            }
            Err(problem) => wrong.push(format!("seed {seed}, {estate}:\n{problem}")),
        }
    }
    let _ = writeln!(std::io::stdout(), "{count} estates: {seen:?}");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(seen.values().sum::<u64>() == count && (count < IN_CI || seen.len() == 2), "{seen:?}");
}
