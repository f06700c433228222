//! `prune`: what has left the tree leaves the cluster.

use crate::cli::Global;
use crate::commands::apply::place;
use crate::commands::for_each::{Between, ForEach};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::engine::apply::{narrow, prune};
use crate::engine::apply_set::Standing;
use crate::engine::observe::{Survey, survey};
use crate::engine::ownership::Others;
use crate::engine::prune::{describe, farewells};
use crate::engine::results::{Report, Word};
use crate::engine::target::{Purpose, Target};
use crate::engine::{confirm, ownership};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::LineFormat;

/// Delete from the cluster what has left the tree
///
/// Only members of our own set are deleted, and only when everything that the tree holds is there. Each deletion is
/// shown before; of a load balancer with the address that is lost.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    agreement: confirm::Agreement,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Refuse if Argo CD, Flux or Helm apply some of the objects too
    #[arg(long)]
    strict: bool,
    /// How many requests at once
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::at_once)]
    concurrency: usize,
    /// Output format; default: a line an object
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

impl ForEach for Args {
    fn between(&self) -> Between {
        self.output.map_or(Between::Headings, LineFormat::between)
    }
}

/// Prunes.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let purpose = if args.dry_run { Purpose::DryRun } else { Purpose::Change };
    let target = Target::open(global, purpose)?;
    let survey = survey(&target, args.concurrency)?;
    ownership::check(&target, &survey, if args.strict { Others::Refuse } else { Others::Warn })?;
    check_that_the_rest_is_there(&target, &survey)?;
    let farewells = farewells(&target, &survey, args.agreement.max_prune)?;
    let cluster = place(&target);
    let suffix = if args.dry_run { " (dry run)" } else { "" };
    let mut report = Report::new(args.output, suffix);
    if args.dry_run {
        for farewell in &farewells {
            crate::output::terminal::note(&describe(farewell));
        }
        for farewell in &farewells {
            report.say(&farewell.deletion.key, Word::Pruned, None);
        }
        return Ok(report.finish(global, &cluster)?);
    }
    confirm::to(&farewells, &args.agreement, &cluster)?;
    target.cluster.catch_interrupts();
    let gone = prune(&target, &farewells, args.concurrency, &mut report);
    if target.parent.is_some() {
        narrow(&target, &survey, &gone, Standing::found(&target), &mut report);
    }
    let interrupted = target.cluster.is_interrupted();
    let exit = report.finish(global, &cluster)?;
    Ok(if interrupted { Exit::Interrupted } else { exit })
}

/// What replaces a load balancer has to be there before the old one goes.
fn check_that_the_rest_is_there(target: &Target, survey: &Survey) -> Result<(), Failure> {
    let missing: Vec<String> = target
        .items
        .iter()
        .zip(&survey.live)
        .filter(|(_, live)| !target.set.is_member(live))
        .map(|(item, _)| item.key.to_string())
        .collect();
    let Some(first) = missing.first() else { return Ok(()) };
    Err(Diagnostic::refusal(format!(
        "{} of the tree {} not applied yet, such as {first}",
        plural(missing.len(), "object"),
        if missing.len() == 1 { "is" } else { "are" }
    ))
    .hint("`kubectl largescale apply` first, or `apply --prune` for both")
    .into())
}
