//! `apply`: the tree into the cluster, by server-side apply.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::{DryRun, Force};
use crate::commands::for_each::MultiTarget;
use crate::core::apply::yielded;
use crate::core::live::is_unchanged;
use crate::engine::apply::{ApplyJob, apply_in_order};
use crate::engine::compare::{Comparison, DiffStrategy, State, compare};
use crate::engine::observe::{Observation, observe};
use crate::engine::ownership::OwnershipPolicy;
use crate::engine::prune::{left_over, prune_candidates};
use crate::engine::results::{ObjectAction, Results};
use crate::engine::server_side_apply::ApplyOptions;
use crate::engine::target::{Access, Target, location};
use crate::engine::{confirm, ownership, plan, results, wait};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::{LineFormat, Separator};
use crate::output::terminal;
use crate::scope::Scope;

/// Apply the tree to the cluster, as field manager kubectl-largescale
///
/// What is already as the tree says is left alone. Fields that others hold with other values are conflicts: they are
/// shown, the object is not changed, and the others are applied all the same.
#[derive(clap::Args, Debug)]
#[command(mut_arg("max_prune", |arg| arg.requires("prune")))]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Args {
    /// A plan of `diff --live --out`: exactly what it says is done, or nothing
    #[arg(value_name = "PLAN", conflicts_with_all = ["prune", "force_conflicts", "dry_run"])]
    plan: Option<PathBuf>,
    /// Delete what has left the tree, when everything is applied
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    agreement: confirm::ConfirmArgs,
    /// Say what would be done: by what was read (client), or by the server's dry run (server)
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    dry_run: DryRunMode,
    /// Take fields that others hold
    #[arg(long)]
    force_conflicts: bool,
    /// Refuse objects that Argo CD, Flux or Helm apply too
    #[arg(long)]
    strict: bool,
    /// Send every object, also those that are certain to be as they should
    #[arg(long)]
    server_side: bool,
    /// How many requests at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
    /// Wait until the workload is rolled out (ready), and until every load balancer has its address too (address)
    #[arg(long, value_enum, default_value_t, value_name = "FOR")]
    wait: wait::WaitFor,
    /// How long to wait, such as 90s or 10m
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = crate::cluster::parse_timeout)]
    timeout: Duration,
    /// Output format; default: a line an object
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

impl MultiTarget for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        self.plan.as_ref().map(|_| "a plan")
    }

    fn separator(&self) -> Separator {
        self.output.map_or(Separator::Headings, LineFormat::separator)
    }
}

/// `--dry-run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum DryRunMode {
    /// It is done.
    #[default]
    None,
    /// Only reading.
    Client,
    /// By the server.
    Server,
}

/// Applies.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let plan = args.plan.as_deref().map(plan::read).transpose()?;
    let access = if args.dry_run == DryRunMode::None { Access::ReadWrite } else { Access::DryRun };
    let target = Target::open(scope, access)?;
    let observation = observe(&target, args.concurrency)?;
    ownership::check(
        &target,
        &observation,
        if args.strict { OwnershipPolicy::Refuse } else { OwnershipPolicy::Warn },
    )?;
    let max_prune = match &plan {
        None => args.prune.then_some(args.agreement.max_prune),
        Some(plan) => plan.max_prune()?,
    };
    let prune_candidates =
        max_prune.map(|max| prune_candidates(&target, &observation, max)).transpose()?.unwrap_or_default();
    if max_prune.is_none() {
        note_left_over(left_over(&target, &observation));
    }
    let force = args.force_conflicts || plan.as_ref().is_some_and(|plan| plan.terms.force_conflicts);
    let force = if force { Force::Always } else { Force::Never };
    let cluster = location(&target);
    match args.dry_run {
        DryRunMode::None => {}
        DryRunMode::Client | DryRunMode::Server => {
            let strategy = match (args.dry_run, args.server_side) {
                (DryRunMode::Client, _) => DiffStrategy::ClientSide,
                (_, true) => DiffStrategy::ServerSide,
                _ => DiffStrategy::Hybrid,
            };
            let suffix =
                if strategy == DiffStrategy::ClientSide { " (dry run)" } else { " (server dry run)" };
            let mut report = Results::new(args.output, suffix);
            for comparison in compare(&target, &observation, strategy, force, args.concurrency) {
                foretell(&mut report, &comparison);
            }
            for candidate in &prune_candidates {
                report.say(&candidate.deletion.key, ObjectAction::Pruned, None);
            }
            return Ok(report.finish(scope, &cluster)?);
        }
    }

    let mut report = Results::new(args.output, "");
    let jobs = match &plan {
        Some(plan) => {
            plan::jobs(plan, &target, &observation, &prune_candidates, args.concurrency, &mut report)?
        }
        None => jobs(&target, &observation, args.server_side, &mut report),
    };
    confirm::to(&prune_candidates, &args.agreement, &cluster)?;
    target.cluster.catch_interrupts();
    let options =
        ApplyOptions { dry_run: DryRun::None, force, rules: &target.rules, concurrency: args.concurrency };
    apply_in_order(&target, &observation, jobs, &prune_candidates, options, &mut report)?;
    confirm::warnings(&target);
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &cluster)?;
    match exit {
        _ if interrupted => Ok(Exit::Interrupted),
        Exit::Success => wait::until(&target, args.wait, args.timeout, args.concurrency),
        other => Ok(other),
    }
}

/// Says how many members an apply without `--prune` leaves behind.
fn note_left_over(count: usize) {
    let (members, are, them) = match count {
        0 => return,
        1 => ("1 member".to_owned(), "is", "it"),
        _ => (format!("{count} members"), "are", "them"),
    };
    terminal::note(&format!(
        "{members} of the set {are} no longer in the directory; `kubectl largescale prune` deletes {them}"
    ));
}

/// What is to be sent; what is certain to be as it should is said at once.
fn jobs(target: &Target, observation: &Observation, all: bool, report: &mut Results) -> Vec<ApplyJob> {
    let mut jobs = Vec::new();
    for (index, (item, live)) in target.items.iter().zip(&observation.live).enumerate() {
        if !live["metadata"]["deletionTimestamp"].is_null() {
            report.say(&item.key, ObjectAction::Failed, Some(results::leaving(&item.key)));
            continue;
        }
        let (body, left) = yielded(&target.rules, &item.wanted, live);
        results::yields(&item.key, &left);
        if !all && !live.is_null() && is_unchanged(&body, live) {
            report.say(&item.key, ObjectAction::Unchanged, None);
        } else {
            jobs.push(ApplyJob { index, body });
        }
    }
    jobs
}

fn foretell(report: &mut Results, comparison: &Comparison<'_>) {
    let key = &comparison.item.key;
    results::yields(key, &comparison.left);
    if let Some(error) = &comparison.refused {
        // The apply would be refused as well, so no estimate stands in for the server here.
        report.say(key, ObjectAction::Failed, Some(results::failure(key, error)));
        return;
    }
    let (word, why) = match &comparison.state {
        State::Unchanged => (ObjectAction::Unchanged, None),
        State::Created => (ObjectAction::Created, None),
        State::Changed(_) | State::OwnershipChanged => (ObjectAction::Configured, None),
        State::NoNamespace(name) => (ObjectAction::Failed, Some(results::no_namespace(key, name))),
        State::Conflicts(_) | State::Failed(_) | State::Leaving | State::Unknown => {
            (ObjectAction::Failed, results::problem(comparison))
        }
    };
    report.say(key, word, why);
}
