//! `apply`: applies the rendered directory with server-side apply.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::{DryRun, Force};
use crate::commands::for_each::MultiTarget;
use crate::core::apply::{Release, other_set, yielded};
use crate::core::live::{LiveObject, is_unchanged};
use crate::core::render::pool_of;
use crate::core::report::plural::plural;
use crate::core::status::is_workload;
use crate::engine::apply::{ApplyJob, apply_in_order};
use crate::engine::cells::{Cells, Waiting};
use crate::engine::compare::{Comparison, DiffStrategy, State, compare, takeovers};
use crate::engine::observe::Observation;
use crate::engine::ownership::{Newcomers, OwnerArgs, OwnershipPolicy, observe_own};
use crate::engine::prune::{left_over, prune_candidates};
use crate::engine::results::{ObjectAction, Results};
use crate::engine::server_side_apply::ApplyOptions;
use crate::engine::takeover::TakeoverPolicy;
use crate::engine::target::{Access, Target, location};
use crate::engine::{confirm, plan, results, takeover, wait};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::{LineFormat, Separator};
use crate::output::terminal;
use crate::scope::Scope;

/// Apply the rendered directory to the cluster, as field manager kubectl-largescale
///
/// Reads the rendered directory and the lock file, and writes to the cluster only. Unchanged objects are skipped. If another
/// field manager owns a field with another value, apply reports the conflict, skips that object and applies the rest.
#[derive(clap::Args, Debug)]
#[command(mut_arg("max_prune", |arg| arg.requires("prune")))]
#[command(after_help = "Examples:
  # Apply the directory and wait until every load balancer has an address
  kubectl largescale apply -f app --wait address

  # Change one pool after the other, and stop at the first one that does not answer
  kubectl largescale apply -f app --by-pool

  # Show what the server would do
  kubectl largescale apply -f app --dry-run server

  # Apply, then delete objects that are no longer in the directory
  kubectl largescale apply -f app --prune

  # Apply exactly what a reviewed plan contains
  kubectl largescale diff -f app --live --out plan.json
  kubectl largescale apply -f app plan.json")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Args {
    /// Plan file written by `diff --live --out`; apply exactly that plan, or fail
    #[arg(value_name = "PLAN", conflicts_with_all = ["prune", "force_conflicts", "dry_run", "from_helm", "from_argocd", "from_flux", "with"])]
    plan: Option<PathBuf>,
    /// Delete objects that are no longer in the directory, after everything is applied
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    agreement: confirm::ConfirmArgs,
    /// Print what would be applied (client), or submit a server-side dry run (server)
    #[arg(long, value_enum, default_value_t, value_name = "STRATEGY")]
    dry_run: DryRunMode,
    /// Take ownership of fields managed by others, overwriting their values
    #[arg(long)]
    force_conflicts: bool,
    #[command(flatten)]
    owners: OwnerArgs,
    /// Refuse members that Argo CD, Flux or Helm also apply
    #[arg(long)]
    strict: bool,
    /// Send every object, including those known to be unchanged
    #[arg(long)]
    server_side: bool,
    /// Send at most this number of requests at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
    /// Change what all pools share first, then one pool after the other, and stop at the first one that does not answer
    #[arg(long, conflicts_with_all = ["plan", "dry_run"])]
    by_pool: bool,
    /// Like --by-pool, but stop after this pool
    #[arg(long, value_name = "POOL", conflicts_with_all = ["plan", "dry_run", "prune", "by_pool"])]
    first: Option<String>,
    /// With --by-pool and --first, watch a changed pool this long before the next one is changed
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = crate::cluster::parse_timeout)]
    settle: Duration,
    /// Wait for the rollout (ready), also for addresses (address), also until `probe` finds no difference (answer)
    /// [default: answer with --by-pool and --first, otherwise none]
    #[arg(long, value_enum, value_name = "CONDITION")]
    wait: Option<wait::WaitFor>,
    /// Stop waiting after this time, such as 90s or 10m
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = crate::cluster::parse_timeout)]
    timeout: Duration,
    /// Output format [default: one line per object]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

impl MultiTarget for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        self.plan.as_ref().map(|_| "a plan file")
    }

    fn separator(&self) -> Separator {
        self.output.map_or(Separator::Headings, LineFormat::separator)
    }
}

/// The value of `--dry-run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum DryRunMode {
    /// Apply the changes
    #[default]
    None,
    /// Print what would be applied
    Client,
    /// Submit a server-side dry run
    Server,
}

/// Applies the directory or the plan.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let plan = args.plan.as_deref().map(plan::read).transpose()?;
    let access = if args.dry_run == DryRunMode::None { Access::ReadWrite } else { Access::DryRun };
    let planned = args.plan.as_deref().zip(plan.as_ref());
    planned.iter().try_for_each(|(path, plan)| plan::refuse_missing_spec(path, plan, scope))?;
    let mut target = Target::open(scope, access)?;
    planned.iter().try_for_each(|(path, plan)| plan::refuse_other_spec(path, plan, &target, scope))?;
    (target.taken, target.shared) = match &plan {
        Some(plan) => plan::owners(plan)?,
        None => (args.owners.taken(), args.owners.shared()),
    };
    let others = OwnershipPolicy::of_flag(args.strict);
    let observation = observe_own(&target, others, Newcomers::Refuse, args.concurrency)?;
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
            let comparisons = compare(&target, &observation, strategy, force, args.concurrency);
            takeover::say(takeovers(&comparisons));
            for comparison in comparisons {
                comparison.release().iter().for_each(confirm::show);
                report_dry_run(&mut report, &comparison);
            }
            for candidate in &prune_candidates {
                report.say(&candidate.deletion.key, ObjectAction::Pruned, None);
            }
            return Ok(report.finish(scope, &cluster)?);
        }
    }

    let mut cells = args.cells(&target)?;
    let mut report = Results::new(args.output, "");
    let jobs = match &plan {
        Some(plan) => {
            plan::jobs(plan, &target, &observation, &prune_candidates, args.concurrency, &mut report)?
        }
        None => jobs(&target, &observation, args.server_side, &mut report),
    };
    let jobs = match &cells {
        Some(cells) => of_cells(cells, jobs),
        None => jobs,
    };
    let releases: Vec<Release> = jobs.iter().filter_map(ApplyJob::release).collect();
    confirm::to(&prune_candidates, &releases, &args.agreement, &cluster)?;
    target.cluster.catch_interrupts();
    let options =
        ApplyOptions { dry_run: DryRun::None, force, rules: &target.rules, concurrency: args.concurrency };
    apply_in_order(&target, &observation, jobs, &prune_candidates, options, cells.as_mut(), &mut report)?;
    confirm::warnings(&target);
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(scope, &cluster)?;
    if interrupted {
        return Ok(Exit::Interrupted);
    }
    match (&cells, exit) {
        (Some(cells), exit) => Ok(exit.max(cells.finish(&target.flags))),
        (None, Exit::Success) => {
            wait::until(&target, args.wait.unwrap_or_default(), args.timeout, args.concurrency)
        }
        (None, other) => Ok(other),
    }
}

impl Args {
    /// Returns the pools to change one after the other, if the user wants that.
    fn cells(&self, target: &Target) -> Result<Option<Cells>, Failure> {
        if !self.by_pool && self.first.is_none() {
            return Ok(None);
        }
        let waiting = Waiting {
            until: self.wait.unwrap_or(wait::WaitFor::Answer),
            settle: self.settle,
            timeout: self.timeout,
            concurrency: self.concurrency,
        };
        Ok(Some(Cells::new(target, self.first.as_deref(), waiting)?))
    }
}

/// Leaves out the objects of pools that the user did not name, and names the workloads that cannot be changed for one pool alone.
fn of_cells<'a>(cells: &Cells, jobs: Vec<ApplyJob<'a>>) -> Vec<ApplyJob<'a>> {
    let (jobs, left): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| cells.have(&job.object.item.wanted));
    let shared = |job: &&ApplyJob<'_>| {
        pool_of(&job.object.item.wanted).is_none() && is_workload(&job.object.item.wanted)
    };
    for job in jobs.iter().filter(shared) {
        let key = &job.object.item.key;
        terminal::note(&match cells.word() {
            "shard" => format!("{key} is shared by all shards, so its change reaches all of them at once"),
            _ => format!(
                "{key} is shared by all pools, so its change reaches all of them at once; `workload.perPool` in the spec gives each pool a copy"
            ),
        });
    }
    if !left.is_empty() {
        let objects = plural(left.len(), "changed object");
        terminal::note(&format!("{objects} of other pools will not be applied"));
    }
    jobs
}

/// Prints the number of members that an apply without `--prune` leaves behind.
fn note_left_over(count: usize) {
    let (members, are, them) = match count {
        0 => return,
        1 => ("1 member".to_owned(), "is", "it"),
        _ => (format!("{count} members"), "are", "them"),
    };
    terminal::note(&format!(
        "{members} of the ApplySet {are} no longer in the directory; `kubectl largescale prune` deletes {them}"
    ));
}

/// Returns the objects to apply and reports the unchanged ones.
fn jobs<'a>(
    target: &Target,
    observation: &'a Observation<'a>,
    all: bool,
    report: &mut Results,
) -> Vec<ApplyJob<'a>> {
    let policy = TakeoverPolicy::of(target);
    let mut takeovers = Vec::new();
    let mut jobs = Vec::new();
    for object in &observation.objects {
        let (key, live) = (&object.item.key, object.live());
        if live.is_some_and(LiveObject::is_being_deleted) {
            report.say(key, ObjectAction::Failed, Some(results::leaving(key)));
            continue;
        }
        let (body, left) = yielded(&target.rules, &object.item.wanted, live);
        results::yields(key, &left);
        let takeover = live.and_then(|live| policy.takeover(&body, live));
        if !all && takeover.is_none() && live.is_some_and(|live| is_unchanged(&body, live)) {
            report.say(key, ObjectAction::Unchanged, None);
        } else {
            takeovers.extend(takeover.map(|takeover| (key, takeover)));
            let mut job = ApplyJob { object, body };
            if job.release().is_some() {
                job.only_as_read();
            } else if live.is_some_and(|live| other_set(&target.set, live).is_some()) {
                job.only_this_object();
            }
            jobs.push(job);
        }
    }
    takeover::say(takeovers.iter().map(|(key, takeover)| (*key, takeover)));
    jobs
}

fn report_dry_run(report: &mut Results, comparison: &Comparison<'_>) {
    let key = comparison.key();
    results::yields(key, &comparison.left);
    if let Some(error) = &comparison.refused {
        // The server would refuse the apply too, so an estimate would be wrong here.
        report.say(key, ObjectAction::Failed, Some(results::failure(key, error)));
        return;
    }
    let (word, why) = match &comparison.state {
        State::Unchanged => (ObjectAction::Unchanged, None),
        State::NotCertain => (ObjectAction::NotCertain, None),
        State::Created => (ObjectAction::Created, None),
        State::Changed(_) | State::OwnershipChanged => (ObjectAction::Configured, None),
        State::NoNamespace(name) => (ObjectAction::Failed, Some(results::no_namespace(key, name))),
        State::Conflicts(_) | State::Failed(_) | State::Leaving | State::Unknown => {
            (ObjectAction::Failed, results::problem(comparison))
        }
    };
    report.say(key, word, why);
}
