//! Adopts random clusters that are already running, and checks that nothing changes.
//!
//! An estate is a set of Services that users made by hand, one for each pool or not, on any platform that can select nodes.
//! [`generate`] makes one from a seed. [`check`] creates it on the API server, adopts it, and changes it once. CI runs 60
//! seeds, and `make estates` a number of its choice: `ESTATES=500 SEED=1`.

mod check;
mod create;
mod forms;
mod generate;
pub(crate) mod selecting;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::control_plane::ControlPlane;
use crate::estates::check::{Verdict, adopt};
use crate::estates::generate::Estate;
use crate::estates::selecting::define_kinds;

/// The number of estates in CI.
const IN_CI: u64 = 60;

/// The number of estates that are adopted at the same time.
const AT_ONCE: usize = 6;

#[test]
fn adopting_an_estate_changes_nothing() {
    let Some(plane) = ControlPlane::shared() else { return };
    define_kinds(plane);
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
    };
    let (first, count) = (number("SEED", 1), number("ESTATES", IN_CI));
    let next = AtomicU64::new(first);
    let all = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let estate = Estate::of(seed);
                    let result = adopt(plane, &estate);
                    all.lock().unwrap().add(&estate, result);
                }
            });
        }
    });
    let summary = all.into_inner().unwrap();
    let _ = write!(std::io::stdout(), "{summary}");
    assert!(summary.wrong.is_empty(), "{}", summary.wrong.join("\n\n"));
    let refused = summary.platforms.values().map(|of| of.refused).sum::<u64>();
    assert!(count < IN_CI || (1..count).contains(&refused), "{refused} of {count} were refused");
}

/// How the adoptions ended.
#[derive(Default)]
struct Summary {
    platforms: BTreeMap<String, Count>,
    services: usize,
    wrong: Vec<String>,
}

#[derive(Default)]
struct Count {
    adopted: u64,
    /// Estates with a mistake, whose Service was named.
    refused: u64,
    wrong: u64,
}

impl Summary {
    fn add(&mut self, estate: &Estate, result: Result<Verdict, String>) {
        let count = self.platforms.entry(estate.platform.name.clone()).or_default();
        self.services += estate.services.len();
        match result {
            Ok(Verdict::Unchanged) => count.adopted += 1,
            Ok(Verdict::Refused) => count.refused += 1,
            Err(problem) => {
                count.wrong += 1;
                self.wrong.push(format!("seed {}, {estate}:\n{problem}", estate.seed));
            }
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |of: fn(&Count) -> u64| self.platforms.values().map(of).sum::<u64>();
        let (adopted, refused, wrong) = (sum(|it| it.adopted), sum(|it| it.refused), sum(|it| it.wrong));
        writeln!(
            f,
            "{} estates with {} Services on {} platforms: {adopted} adopted without a change, {refused} with a mistake refused \
             by name, {wrong} wrong",
            adopted + refused + wrong,
            self.services,
            self.platforms.len()
        )?;
        for (platform, count) in &self.platforms {
            writeln!(
                f,
                "  {platform}: {} adopted, {} refused, {} wrong",
                count.adopted, count.refused, count.wrong
            )?;
        }
        Ok(())
    }
}
