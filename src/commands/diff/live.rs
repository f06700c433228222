//! `diff --live`: shows what `apply` would change in the cluster, and with `--prune` what it would delete.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::cluster::{ClusterError, Force};
use crate::core::apply::MaxPrune;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::plural::plural;
use crate::core::report::shell_quote;
use crate::core::review::Reviewed;
use crate::directory::{new_salt, plan_source};
use crate::engine::compare::{Comparison, DiffStrategy, State, compare, takeovers};
use crate::engine::difference::differences;
use crate::engine::live_review::review;
use crate::engine::ownership::{Newcomers, OwnerArgs, OwnershipPolicy, observe_own};
use crate::engine::prune::{PruneCandidate, describe, prune_candidates};
use crate::engine::target::{Access, Target, location};
use crate::engine::{confirm, plan, results, takeover};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::changes::{Change, DiffFormat, show};
use crate::output::{summary as reviews, terminal};
use crate::scope::Scope;

/// Flags that require `--live`
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Live")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct LiveArgs {
    /// Show what apply would change in the cluster instead of what render would change in the directory
    #[arg(long, conflicts_with_all = ["nodes", "label", "locked", "forget", "new_pool", "allow_shrink"])]
    pub(crate) live: bool,
    /// Also show the objects that would be deleted
    #[arg(long, requires = "live")]
    prune: bool,
    /// Refuse to delete more members than this: a number, or a percentage of the ApplySet
    #[arg(long, requires = "prune", default_value_t, value_name = "N|N%")]
    max_prune: MaxPrune,
    /// Write a plan file; `apply FILE` then applies exactly that plan, or fails
    #[arg(long, requires = "live", conflicts_with = "summary", value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    owners: OwnerArgs,
    /// Take ownership of fields managed by others, as apply --force-conflicts
    #[arg(long, requires = "live")]
    force_conflicts: bool,
    /// Run a server-side dry run for every object, including those known to be unchanged
    #[arg(long, requires = "live")]
    server_side: bool,
    /// Send at most this number of requests at the same time
    #[arg(long, requires = "live", default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
}

impl LiveArgs {
    /// Returns the flag that is valid for a single cluster only, if the user typed it.
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
    let mut target = Target::open(scope, Access::ReadOnly)?;
    (target.taken, target.shared) = (args.owners.taken(), args.owners.shared());
    let observation = observe_own(&target, OwnershipPolicy::Warn, Newcomers::Warn, args.concurrency)?;
    let prune_candidates =
        if args.prune { prune_candidates(&target, &observation, args.max_prune)? } else { Vec::new() };
    let strategy = if args.server_side { DiffStrategy::ServerSide } else { DiffStrategy::Hybrid };
    let force = if args.force_conflicts { Force::Always } else { Force::Never };
    let comparisons = compare(&target, &observation, strategy, force, args.concurrency);
    let is_whole = report_problems(&comparisons);
    takeover::say(takeovers(&comparisons));
    confirm::warnings(&target);
    let differences = differences(&comparisons, &prune_candidates);
    comparisons.iter().filter_map(Comparison::release).for_each(|release| confirm::show(&release));
    for candidate in &prune_candidates {
        terminal::note(&describe(candidate));
    }
    if summary {
        terminal::data(&totals(&comparisons, &prune_candidates))?;
    } else if format == Some(DiffFormat::Markdown) {
        let review = review(scope, &target, &comparisons, &differences);
        reviews::print(scope, Reviewed::Changes(&review))?;
    } else {
        let changes: Vec<&Change> = differences.iter().map(|difference| &difference.change).collect();
        show(scope, &changes, format.and_then(DiffFormat::of_changes))?;
    }
    if args.out.is_some() && comparisons.iter().any(is_uncertain) {
        let problem = Diagnostic::error("cannot write a plan: it is not certain what `apply` would change")
            .hint("ask for a role that allows the server-side dry run, then run this command again");
        return Err(Failure { exit: Exit::Incomplete, problems: vec![problem] });
    }
    if !is_whole {
        if args.out.is_some() {
            let problem = Diagnostic::error("cannot write a plan: some objects could not be compared")
                .hint("fix the problems above, then run this command again");
            return Err(Failure { exit: Exit::Incomplete, problems: vec![problem] });
        }
        return Ok(Exit::Incomplete);
    }
    if let Some(path) = &args.out {
        if target.identity.is_empty() {
            return Err(Diagnostic::refusal("cannot write a plan: the identity of the cluster is unknown")
                .hint("allow `get` on the namespace kube-system")
                .into());
        }
        let max_prune = args.prune.then_some(args.max_prune);
        let source = plan_source(path, &scope.source);
        let plan =
            plan::plan(&target, &comparisons, &prune_candidates, max_prune, force, &new_salt()?, source);
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
                shell_quote::path(path)
            ));
        }
    }
    Ok(if differences.is_empty() { Exit::Success } else { Exit::Different })
}

/// Prints what could not be compared and what was only estimated. Returns whether everything was compared.
fn report_problems(comparisons: &[Comparison<'_>]) -> bool {
    let mut is_whole = true;
    let mut taken_over = Vec::new();
    for comparison in comparisons {
        let Comparison { state, left, .. } = comparison;
        let key = comparison.key();
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
            terminal::problem_of(&key.to_string(), &problem);
        }
    }
    terminal::same_of_objects();
    estimates(comparisons).iter().for_each(terminal::diagnostic);
    uncertain(comparisons).iter().for_each(terminal::diagnostic);
    if let [first, others @ ..] = taken_over.as_slice() {
        let (more, members) = match others.len() {
            0 => (String::new(), "it a member"),
            count => (format!(" and {count} more"), "them members"),
        };
        terminal::note(&format!(
            "{first}{more}: same content as in the directory; `apply` would make {members} of its ApplySet, and \
             kubectl-largescale a field manager"
        ));
    }
    is_whole
}

/// Returns a warning about objects that were compared without the server, because it refused the dry run.
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
            "{} compared without a server-side dry run, so the result is an estimate:{reasons}",
            plural(refused.len(), "object")
        ))
        .hint("the estimate lacks changes by the server and its webhooks; ask for a role that allows the dry run")
    })
}

/// Returns a warning about objects of which only the server knows whether an apply would change them.
fn uncertain(comparisons: &[Comparison<'_>]) -> Option<Diagnostic> {
    let keys: Vec<&Key> = comparisons.iter().filter(|it| is_uncertain(it)).map(Comparison::key).collect();
    let names: String = keys.iter().map(|key| format!("\n  {key}")).collect();
    (!keys.is_empty()).then(|| {
        Diagnostic::warning(format!(
            "not certain whether `apply` would change {}:{names}",
            plural(keys.len(), "object")
        ))
        .hint("only a server-side dry run decides; ask for a role that allows it")
    })
}

fn is_uncertain(comparison: &Comparison<'_>) -> bool {
    matches!(comparison.state, State::NotCertain)
}

fn totals(comparisons: &[Comparison<'_>], prune_candidates: &[PruneCandidate]) -> String {
    let count =
        |is: fn(&State) -> bool| comparisons.iter().filter(|comparison| is(&comparison.state)).count();
    let uncertain = match count(|state| matches!(state, State::NotCertain)) {
        0 => String::new(),
        count => format!(", {count} not certain"),
    };
    format!(
        "{} created, {} configured, {} pruned, {} unchanged{uncertain}\n",
        count(|state| matches!(state, State::Created | State::NoNamespace(_))),
        count(|state| matches!(state, State::Changed(_) | State::OwnershipChanged)),
        prune_candidates.len(),
        count(|state| matches!(state, State::Unchanged)),
    )
}
