//! `apply --by-pool`: what all pools share first, then one pool after the other. Each must answer before the next one is changed.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::Pause;
use crate::core::manifest::Key;
use crate::core::probe::{Finding, Weight};
use crate::core::render::pool_of;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::pool_words;
use crate::core::status::{Rollout, is_workload, rollout};
use crate::engine::live_objects::{ManagedObject, ReadPolicy, read_each};
use crate::engine::load_balancers::load_balancers;
use crate::engine::probe::{NameServers, Wanted, probe};
use crate::engine::results::Results;
use crate::engine::target::{Item, Target};
use crate::engine::wait::WaitFor;
use crate::engine::warnings::{Warnings, warnings};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::output::terminal::Progress;

/// Time between two looks at a pool.
const EVERY: Duration = Duration::from_secs(1);

/// The pools, in the order in which they change, and how each is waited for.
pub(crate) struct Cells {
    /// The names of the pools.
    pools: BTreeSet<String>,
    waiting: Waiting,
    /// The warnings about load balancers before anything was changed.
    before: Warnings,
    /// The pools that are done.
    done: Vec<String>,
    /// The pool that did not answer, with the reasons.
    stopped: Option<(String, Vec<String>)>,
}

/// How a pool is waited for.
pub(crate) struct Waiting {
    /// The condition that a pool must meet before the next one is changed.
    pub(crate) until: WaitFor,
    /// How long it must stay true after a change, because a controller needs time to break something.
    pub(crate) settle: Duration,
    /// How long to wait for one pool.
    pub(crate) timeout: Duration,
    /// Requests to the API server at the same time.
    pub(crate) concurrency: usize,
}

impl Cells {
    /// Returns the pools of a directory by name, or only the one that the user named.
    pub(crate) fn new(target: &Target, first: Option<&str>, waiting: Waiting) -> Result<Self, Failure> {
        let mut pools: BTreeSet<String> =
            target.items.iter().filter_map(|item| pool_of(&item.wanted)).map(str::to_owned).collect();
        if let Some(first) = first {
            if !pools.contains(first) {
                let known: Vec<&str> = pools.iter().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Diagnostic::error(format!(
                    "--first: {} not found in the rendered directory",
                    pool_words::named(first)
                ))
                .hint(format!("the {}s are: {known}", pool_words::word(pools.iter().map(String::as_str))))
                .into());
            }
            pools = BTreeSet::from([first.to_owned()]);
        }
        let before = warnings(target, waiting.concurrency)?;
        Ok(Self { pools, waiting, before, done: Vec::new(), stopped: None })
    }

    /// Returns the names of the pools.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &String> {
        self.pools.iter()
    }

    /// Whether an object is changed: that of a pool that the user did not name is not.
    pub(crate) fn have(&self, object: &Value) -> bool {
        pool_of(object).is_none_or(|pool| self.pools.contains(pool))
    }

    /// Whether a pool did not answer.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Waits for a pool after it was applied, or for what all pools share. Returns `Break` if the next one must not be changed.
    pub(crate) fn after(&mut self, target: &Target, pool: Option<&str>, report: &Results) -> ControlFlow<()> {
        if !report.is_complete() {
            self.stopped = Some((named(pool), vec!["some objects were not applied".to_owned()]));
            return ControlFlow::Break(());
        }
        if target.cluster.is_interrupted() {
            return ControlFlow::Break(());
        }
        match self.wait_for(target, pool, report) {
            Outcome::Ready(what) => {
                if let Some(pool) = pool {
                    let number = self.done.len() + 1;
                    terminal::note(&format!(
                        "{} {what} ({number} of {})",
                        pool_words::named(pool),
                        self.pools.len()
                    ));
                    self.done.push(pool.to_owned());
                }
                ControlFlow::Continue(())
            }
            Outcome::Interrupted => ControlFlow::Break(()),
            Outcome::NotReady(why) => {
                self.stopped = Some((named(pool), why));
                ControlFlow::Break(())
            }
        }
    }

    /// Returns `pool` or `shard`.
    pub(crate) fn word(&self) -> &'static str {
        pool_words::word(self.pools.iter().map(String::as_str))
    }

    fn wait_for(&self, target: &Target, pool: Option<&str>, report: &Results) -> Outcome {
        if self.waiting.until == WaitFor::None {
            return Outcome::Ready("is applied");
        }
        let Waiting { settle, timeout, .. } = self.waiting;
        let items = target.items.iter().filter(|item| pool_of(&item.wanted) == pool);
        let is_changed = items.clone().any(|item| report.has_changed(&item.key));
        // What was not changed has had its time.
        let settle = if is_changed && pool.is_some() { settle.min(timeout) } else { Duration::ZERO };
        let began = Instant::now();
        let mut good_since: Option<Instant> = None;
        let mut progress = Progress::default();
        loop {
            let (missing, what) = self.look(target, pool);
            if missing.is_empty() {
                let since = *good_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= settle {
                    progress.end();
                    return Outcome::Ready(what);
                }
            } else {
                good_since = None;
                progress.show(&missing);
                if began.elapsed() >= timeout {
                    progress.end();
                    return Outcome::NotReady(missing);
                }
            }
            if target.cluster.pause(EVERY) == Pause::Interrupted {
                progress.end();
                return Outcome::Interrupted;
            }
        }
    }

    /// Returns the reasons to wait, and a phrase about the pool for the case that there is none.
    fn look(&self, target: &Target, pool: Option<&str>) -> (Vec<String>, &'static str) {
        let Waiting { until, concurrency, .. } = self.waiting;
        let mut missing = match rollouts(target, pool, concurrency) {
            Ok(missing) => missing,
            Err(failure) => return (problems(&failure), ""),
        };
        let Some(pool) = pool.filter(|_| matches!(until, WaitFor::Address | WaitFor::Answer)) else {
            return (missing, "is rolled out");
        };
        if until == WaitFor::Address {
            match load_balancers(target, concurrency) {
                Ok(found) => {
                    let rows =
                        found.report.pools.iter().filter(|row| row.pool == pool && !row.state.is_ready());
                    missing.extend(
                        rows.map(|row| format!("{} has no address: {}", row.service, row.state.word())),
                    );
                }
                Err(failure) => missing.extend(problems(&failure)),
            }
            return (missing, "has its addresses");
        }
        let wanted = Wanted {
            count: None,
            pools: vec![pool.to_owned()],
            // Other pools, which are not changed yet, are in DNS, too.
            names: NameServers::none(),
            concurrency,
        };
        match probe(target, &wanted) {
            Ok(probed) => missing.extend(probed.findings.iter().filter_map(in_the_way)),
            Err(failure) => missing.extend(problems(&failure)),
        }
        missing.extend(self.new_warnings(target, pool));
        (missing, "answers")
    }

    /// Returns the warnings of controllers since the run began: a cloud that refuses a change leaves the load balancer as it was.
    fn new_warnings(&self, target: &Target, pool: &str) -> Vec<String> {
        let now = match warnings(target, self.waiting.concurrency) {
            Ok(now) => now,
            Err(failure) => return problems(&failure),
        };
        let items = target.items.iter().filter(|item| pool_of(&item.wanted) == Some(pool));
        let is_new = |key: &Key| now.get(key).filter(|event| self.before.get(key) != Some(event));
        let new = items.filter_map(|item| Some((&item.key, is_new(&item.key)?)));
        new.map(|(key, event)| format!("{key}: {}: {}", event.reason, event.message)).collect()
    }

    /// Says where the run stopped, what was changed, and how to go back; nothing if it did not stop. Returns the exit code for it.
    pub(crate) fn finish(&self, flags: &str) -> Exit {
        let Some((cell, why)) = &self.stopped else { return Exit::Success };
        let reasons: String = why.iter().map(|line| format!("\n  {line}")).collect();
        let changed =
            if self.done.is_empty() { String::new() } else { format!("pool {}, ", self.done.join(", ")) };
        let left: Vec<&str> = self
            .pools
            .iter()
            .filter(|pool| !self.done.contains(pool) && pool_words::named(pool) != *cell)
            .map(String::as_str)
            .collect();
        let left = if left.is_empty() { "none".to_owned() } else { left.join(", ") };
        terminal::diagnostic(
            &Diagnostic::error(format!(
                "stopped at {cell}:{reasons}\napplied: {changed}{cell}; pools that were not changed: {left}"
            ))
            .hint(format!(
                "to go back, restore the rendered directory of before with git and run `kubectl largescale apply{flags} --by-pool`; to go on after a repair, run the same command again, which skips what is done"
            )),
        );
        Exit::Different
    }
}

/// What came of waiting for a cell.
enum Outcome {
    /// It is ready; a phrase about it.
    Ready(&'static str),
    /// The user interrupted.
    Interrupted,
    /// It is not ready in time, for these reasons.
    NotReady(Vec<String>),
}

fn named(pool: Option<&str>) -> String {
    pool.map_or_else(|| "the objects that all pools share".to_owned(), pool_words::named)
}

fn problems(failure: &Failure) -> Vec<String> {
    failure.problems.iter().map(ToString::to_string).collect()
}

/// A result that proves nothing stops a run, too: the next pool would be changed without knowing about this one.
fn in_the_way(finding: &Finding) -> Option<String> {
    match finding.weight {
        Weight::Warning => None,
        Weight::Difference => Some(finding.message.clone()),
        Weight::Unknown => Some(format!(
            "{} (use `--wait address` if the load balancers cannot be reached from here)",
            finding.message
        )),
    }
}

/// Returns the workloads of a cell that are not rolled out.
fn rollouts(target: &Target, pool: Option<&str>, concurrency: usize) -> Result<Vec<String>, Failure> {
    let is_of_cell = |item: &&Item| is_workload(&item.wanted) && pool_of(&item.wanted) == pool;
    let mut objects: Vec<_> = target.items.iter().filter(is_of_cell).map(ManagedObject::new).collect();
    let policy = ReadPolicy { max_single_reads: 4, concurrency };
    read_each(&target.cluster, &mut objects, policy, |_, error| Err(error.into()))?;
    let missing = objects.iter().filter_map(|object| match rollout(object.live()) {
        Rollout::Done => None,
        Rollout::Waiting(why) | Rollout::Failed(why) => Some(format!("{}: {why}", object.item.key)),
    });
    Ok(missing.collect())
}
