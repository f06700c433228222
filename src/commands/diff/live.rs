//! `diff --live`: what `apply` would change in the cluster, and with `--prune` what it would delete.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::cluster::{ClusterError, Force};
use crate::core::apply::MaxPrune;
use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::plural::plural;
use crate::core::review::markdown;
use crate::engine::compare::{Comparison, DiffStrategy, State, compare};
use crate::engine::difference::differences;
use crate::engine::live_review::review;
use crate::engine::observe::observe;
use crate::engine::ownership::OwnershipPolicy;
use crate::engine::prune::{PruneCandidate, describe, prune_candidates};
use crate::engine::target::{Access, Target, location};
use crate::engine::{confirm, ownership, plan, results};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::changes::{Change, DiffFormat, show};
use crate::output::terminal;
use crate::scope::Scope;

/// What apply would do
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Live")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct LiveArgs {
    /// Show what apply would change in the cluster, instead of what render would change in the tree
    #[arg(long, conflicts_with_all = ["nodes", "label", "locked", "forget", "allow_shrink"])]
    pub(crate) live: bool,
    /// Show what would be deleted, too
    #[arg(long, requires = "live")]
    prune: bool,
    /// How many members may be deleted at most: a number, or a percentage of the set
    #[arg(long, requires = "prune", default_value_t, value_name = "N|N%")]
    max_prune: MaxPrune,
    /// Write a plan: `apply FILE` then does exactly that, or nothing
    #[arg(long, requires = "live", conflicts_with = "summary", value_name = "FILE")]
    out: Option<PathBuf>,
    /// As apply --force-conflicts
    #[arg(long, requires = "live")]
    force_conflicts: bool,
    /// Let the server's dry run decide about every object, also about those that are certain to be as they should
    #[arg(long, requires = "live")]
    server_side: bool,
    /// How many requests at once
    #[arg(long, requires = "live", default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
}

impl LiveArgs {
    /// A plan is for one cluster.
    pub(crate) fn only_for_one(&self) -> Option<&'static str> {
        self.out.as_ref().map(|_| "--out")
    }
}

/// Shows the differences.
pub fn run(
    scope: &Scope,
    args: &LiveArgs,
    summary: bool,
    format: Option<DiffFormat>,
) -> Result<Exit, Failure> {
    let target = Target::open(scope, Access::ReadOnly)?;
    let observation = observe(&target, args.concurrency)?;
    ownership::check(&target, &observation, OwnershipPolicy::Warn)?;
    let prune_candidates =
        if args.prune { prune_candidates(&target, &observation, args.max_prune)? } else { Vec::new() };
    let strategy = if args.server_side { DiffStrategy::ServerSide } else { DiffStrategy::Hybrid };
    let force = if args.force_conflicts { Force::Always } else { Force::Never };
    let comparisons = compare(&target, &observation, strategy, force, args.concurrency);
    let is_whole = say_what_is_wrong(&comparisons);
    confirm::warnings(&target);
    let differences = differences(&comparisons, &prune_candidates);
    for candidate in &prune_candidates {
        terminal::note(&describe(candidate));
    }
    if summary {
        terminal::data(&totals(&comparisons, &prune_candidates))?;
    } else if format == Some(DiffFormat::Markdown) {
        terminal::data(&markdown(&review(scope, &target, &comparisons, &prune_candidates, &differences)))?;
    } else {
        let changes: Vec<&Change> = differences.iter().map(|difference| &difference.change).collect();
        show(scope, &changes, format.and_then(DiffFormat::of_changes))?;
    }
    if !is_whole {
        if args.out.is_some() {
            let problem = Diagnostic::error("no plan is written: not every object could be compared")
                .hint("see above; a plan is all or nothing");
            return Err(Failure { exit: Exit::Incomplete, problems: vec![problem] });
        }
        return Ok(Exit::Incomplete);
    }
    if let Some(path) = &args.out {
        if target.identity.is_empty() {
            return Err(Diagnostic::refusal("no plan is written: it would not know which cluster it is for")
                .hint("allow `get` on the namespace kube-system")
                .into());
        }
        let plan =
            plan::plan(&target, &comparisons, &prune_candidates, args.prune.then_some(args.max_prune), force);
        plan::write(path, &plan)?;
        terminal::note(&format!(
            "{} planned in {} for {}",
            plural(differences.len(), "change"),
            path.display(),
            location(&target)
        ));
        if !differences.is_empty() {
            terminal::note(&format!(
                "next: kubectl largescale apply{} {}",
                scope.source.flags(),
                path.display()
            ));
        }
    }
    Ok(if differences.is_empty() { Exit::Success } else { Exit::Different })
}

/// Says what could not be compared, and what was only estimated. Tells whether everything was compared.
fn say_what_is_wrong(comparisons: &[Comparison<'_>]) -> bool {
    let mut is_whole = true;
    let mut taken_over = Vec::new();
    for comparison in comparisons {
        let Comparison { item, state, left, .. } = comparison;
        let key = &item.key;
        results::yields(key, left);
        match state {
            State::NoNamespace(name) => {
                let missing = results::no_namespace(key, name);
                terminal::diagnostic(&Diagnostic { severity: Severity::Warning, ..missing });
            }
            State::OwnershipChanged => taken_over.push(key.to_string()),
            _ => {}
        }
        if let Some(problem) = results::problem(comparison) {
            is_whole = false;
            terminal::diagnostic(&problem);
        }
    }
    estimates(comparisons).iter().for_each(terminal::diagnostic);
    if let [first, others @ ..] = taken_over.as_slice() {
        let (more, them, members) = match others.len() {
            0 => (String::new(), "it", "it a member"),
            count => (format!(" and {count} more"), "them", "them members"),
        };
        terminal::note(&format!(
            "{first}{more}: as the directory has {them}; `apply` would make {members} of its set, and \
             kubectl-largescale a field manager"
        ));
    }
    is_whole
}

/// What was compared without the server, because it does not let us try.
fn estimates(comparisons: &[Comparison<'_>]) -> Option<Diagnostic> {
    let refused: Vec<&ClusterError> =
        comparisons.iter().filter_map(|comparison| comparison.refused.as_ref()).collect();
    let reasons: BTreeSet<String> = refused
        .iter()
        .filter_map(|error| match error {
            ClusterError::Request { problem, .. } => Some(format!("\n  {problem}")),
            _ => None,
        })
        .collect();
    let reasons: String = reasons.into_iter().collect();
    (!refused.is_empty()).then(|| {
        Diagnostic::warning(format!(
            "{} compared without the server, which is an estimate:{reasons}",
            plural(refused.len(), "object")
        ))
        .hint("what the server and its webhooks would add or refuse is not in it; ask for a role that allows this")
    })
}

fn totals(comparisons: &[Comparison<'_>], prune_candidates: &[PruneCandidate]) -> String {
    let count =
        |is: fn(&State) -> bool| comparisons.iter().filter(|comparison| is(&comparison.state)).count();
    format!(
        "{} created, {} configured, {} pruned, {} unchanged\n",
        count(|state| matches!(state, State::Created | State::NoNamespace(_))),
        count(|state| matches!(state, State::Changed(_) | State::OwnershipChanged)),
        prune_candidates.len(),
        count(|state| matches!(state, State::Unchanged)),
    )
}
