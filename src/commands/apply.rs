//! `apply`: the tree into the cluster, by server-side apply.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::Global;
use crate::cluster::{Certainty, Force};
use crate::commands::for_each::{Between, ForEach};
use crate::core::apply::yielded;
use crate::core::live::is_unchanged;
use crate::engine::apply::{Job, carry_out};
use crate::engine::cluster_identity::named;
use crate::engine::compare::{Comparison, Judge, State, compare};
use crate::engine::observe::{Survey, survey};
use crate::engine::ownership::Others;
use crate::engine::prune::{farewells, left_over};
use crate::engine::results::{Report, Word};
use crate::engine::server_side_apply::Manner;
use crate::engine::target::{Purpose, Target};
use crate::engine::{confirm, ownership, plan, results, wait};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::LineFormat;
use crate::output::terminal;

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
    agreement: confirm::Agreement,
    /// Say what would be done: by what was read (client), or by the server's dry run (server)
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    dry_run: DryRun,
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
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::at_once)]
    concurrency: usize,
    /// Wait until the workload is rolled out (ready), and until every load balancer has its address too (address)
    #[arg(long, value_enum, default_value_t, value_name = "FOR")]
    wait: wait::For,
    /// How long to wait, such as 90s or 10m
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = crate::cluster::parse_timeout)]
    timeout: Duration,
    /// Output format; default: a line an object
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

impl ForEach for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        self.plan.as_ref().map(|_| "a plan")
    }

    fn between(&self) -> Between {
        self.output.map_or(Between::Headings, LineFormat::between)
    }
}

/// `--dry-run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum DryRun {
    /// It is done.
    #[default]
    None,
    /// Only reading.
    Client,
    /// By the server.
    Server,
}

/// Applies.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let plan = args.plan.as_deref().map(plan::read).transpose()?;
    let purpose = if args.dry_run == DryRun::None { Purpose::Change } else { Purpose::DryRun };
    let target = Target::open(global, purpose)?;
    let survey = survey(&target, args.concurrency)?;
    ownership::check(&target, &survey, if args.strict { Others::Refuse } else { Others::Warn })?;
    let max_prune = match &plan {
        None => args.prune.then_some(args.agreement.max_prune),
        Some(plan) => plan.max_prune()?,
    };
    let farewells = max_prune.map(|max| farewells(&target, &survey, max)).transpose()?.unwrap_or_default();
    if max_prune.is_none() {
        note_left_over(left_over(&target, &survey));
    }
    let force = args.force_conflicts || plan.as_ref().is_some_and(|plan| plan.terms.force_conflicts);
    let force = if force { Force::Always } else { Force::Never };
    let cluster = place(&target);
    match args.dry_run {
        DryRun::None => {}
        DryRun::Client | DryRun::Server => {
            let judge = match (args.dry_run, args.server_side) {
                (DryRun::Client, _) => Judge::Reading,
                (_, true) => Judge::Server,
                _ => Judge::Doubt,
            };
            let suffix = if judge == Judge::Reading { " (dry run)" } else { " (server dry run)" };
            let mut report = Report::new(args.output, suffix);
            for comparison in compare(&target, &survey, judge, force, args.concurrency) {
                foretell(&mut report, &comparison);
            }
            for farewell in &farewells {
                report.say(&farewell.deletion.key, Word::Pruned, None);
            }
            return Ok(report.finish(global, &cluster)?);
        }
    }

    let mut report = Report::new(args.output, "");
    let jobs = match &plan {
        Some(plan) => plan::jobs(plan, &target, &survey, &farewells, args.concurrency, &mut report)?,
        None => jobs(&target, &survey, args.server_side, &mut report),
    };
    confirm::to(&farewells, &args.agreement, &cluster)?;
    target.cluster.catch_interrupts();
    let manner =
        Manner { certainty: Certainty::Done, force, rules: &target.rules, at_once: args.concurrency };
    carry_out(&target, &survey, jobs, &farewells, manner, &mut report)?;
    confirm::warnings(&target);
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(global, &cluster)?;
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

/// Where it goes, for a person.
pub(super) fn place(target: &Target) -> String {
    format!("namespace {}, {}", target.set.namespace, named(target.cluster.context()))
}

/// What is to be sent; what is certain to be as it should is said at once.
fn jobs(target: &Target, survey: &Survey, all: bool, report: &mut Report) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (index, (item, live)) in target.items.iter().zip(&survey.live).enumerate() {
        if !live["metadata"]["deletionTimestamp"].is_null() {
            report.say(&item.key, Word::Failed, Some(results::leaving(&item.key)));
            continue;
        }
        let (body, left) = yielded(&target.rules, &item.wanted, live);
        results::yields(&item.key, &left);
        if !all && !live.is_null() && is_unchanged(&body, live) {
            report.say(&item.key, Word::Unchanged, None);
        } else {
            jobs.push(Job { index, body });
        }
    }
    jobs
}

fn foretell(report: &mut Report, comparison: &Comparison<'_>) {
    let key = &comparison.item.key;
    results::yields(key, &comparison.left);
    if let Some(error) = &comparison.refused {
        // The apply would be refused as well, so no estimate stands in for the server here.
        report.say(key, Word::Failed, Some(results::failure(key, error)));
        return;
    }
    let (word, why) = match &comparison.state {
        State::Unchanged => (Word::Unchanged, None),
        State::Created => (Word::Created, None),
        State::Changed(_) | State::TakenOver => (Word::Configured, None),
        State::NoNamespace(name) => (Word::Failed, Some(results::no_namespace(key, name))),
        State::Conflicts(_) | State::Failed(_) | State::Leaving | State::Unknown => {
            (Word::Failed, results::problem(comparison))
        }
    };
    report.say(key, word, why);
}
