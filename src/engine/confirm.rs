//! Confirmation of deletions by the user.

use crate::core::apply::{MaxPrune, Release};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::engine::prune::{LockRecord, PruneCandidate, describe};
use crate::engine::target::Target;
use crate::failure::Failure;
use crate::output::terminal;
use crate::output::terminal::Answer;

/// About deletions
#[derive(clap::Args, Debug)]
pub(crate) struct ConfirmArgs {
    /// Maximum number of members to delete: a number, or a percentage of the ApplySet
    #[arg(long, default_value_t, value_name = "N|N%")]
    pub(crate) max_prune: MaxPrune,
    /// Delete objects and load balancers without confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// With --yes, also delete objects of a kind, or in a namespace, that the lock has never contained
    #[arg(long, requires = "yes")]
    pub(crate) prune_unrecorded: bool,
}

/// Prints each deletion of an object or of a load balancer, and asks for confirmation. Without a terminal, `--yes` is required, and
/// `--prune-unrecorded` for objects that the lock has never contained.
pub(crate) fn to(
    prune_candidates: &[PruneCandidate],
    releases: &[Release],
    args: &ConfirmArgs,
    cluster: &str,
) -> Result<(), Failure> {
    if prune_candidates.is_empty() && releases.is_empty() {
        return Ok(());
    }
    releases.iter().for_each(show);
    for candidate in prune_candidates {
        terminal::note(&describe(candidate));
    }
    if args.yes {
        return agree_to_unrecorded(prune_candidates, args);
    }
    let counts = [(prune_candidates.len(), "object"), (releases.len(), "load balancer")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let objects = counts.map(|(count, what)| plural(count, what)).collect::<Vec<_>>().join(" and ");
    let refused = match terminal::ask(&format!("delete {objects} in {cluster}?")) {
        Answer::Yes => return Ok(()),
        Answer::No => Diagnostic::refusal("nothing was changed"),
        Answer::NoTerminal => {
            Diagnostic::refusal(format!("{objects} would be deleted, but there is no terminal to confirm"))
                .hint("use --yes to delete without confirmation")
        }
    };
    Err(refused.into())
}

/// Prints that a load balancer will be deleted.
pub(crate) fn show(release: &Release) {
    terminal::note(&release.to_string());
}

fn agree_to_unrecorded(prune_candidates: &[PruneCandidate], args: &ConfirmArgs) -> Result<(), Failure> {
    let unknown = prune_candidates.iter().filter(|candidate| candidate.record == LockRecord::Unknown);
    let names: Vec<String> = unknown.map(|candidate| candidate.deletion.key.to_string()).collect();
    if names.is_empty() || args.prune_unrecorded {
        return Ok(());
    }
    Err(Diagnostic::refusal(format!(
        "the lock has never contained the kind and namespace of {}, so --yes does not delete {}",
        names.join(", "),
        if names.len() == 1 { "it" } else { "them" }
    ))
    .hint("check each object; then run the command in a terminal without --yes, or add --prune-unrecorded")
    .into())
}

/// Asks the user to confirm. Without a terminal only `--yes` confirms.
pub(crate) fn change(yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    match terminal::ask("continue?") {
        Answer::Yes => Ok(()),
        Answer::No => Err(Diagnostic::refusal("nothing was changed").into()),
        Answer::NoTerminal => Err(Diagnostic::refusal("confirmation requires a terminal")
            .hint("use --yes to continue without confirmation")
            .into()),
    }
}

/// Parses `--concurrency`.
pub(crate) fn concurrency(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=256) => Ok(number),
        _ => Err(format!("invalid number `{text}`; use 1 to 256")),
    }
}

/// Prints the warnings of the API server.
pub(crate) fn warnings(target: &Target) {
    for text in target.cluster.warnings() {
        terminal::diagnostic(&Diagnostic::warning(format!("from the API server: {text}")));
    }
}
