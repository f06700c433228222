//! What a person has to agree to before something is deleted.

use super::target::Target;
use crate::core::apply::MaxPrune;
use crate::core::diagnostic::Diagnostic;
use crate::core::plural::plural;
use crate::failure::Failure;
use crate::ui::{self, Answer};

/// About deletions
#[derive(clap::Args, Debug)]
pub(in crate::commands) struct Agreement {
    /// How many members may be deleted at most: a number, or a percentage of the set
    #[arg(long, default_value_t, value_name = "N|N%")]
    pub(in crate::commands) max_prune: MaxPrune,
    /// Delete without asking
    #[arg(short, long)]
    pub(in crate::commands) yes: bool,
}

/// Shows each deletion and asks. Where nobody is there to be asked, only `--yes` is an answer.
pub(in crate::commands) fn to(deletions: &[String], args: &Agreement, cluster: &str) -> Result<(), Failure> {
    if deletions.is_empty() {
        return Ok(());
    }
    for deletion in deletions {
        ui::note(deletion);
    }
    if args.yes {
        return Ok(());
    }
    let question = format!("delete {} in {cluster}?", plural(deletions.len(), "object"));
    let refused = match ui::ask(&question) {
        Answer::Yes => return Ok(()),
        Answer::No => Diagnostic::refusal("nothing was changed"),
        Answer::Nobody => Diagnostic::refusal(format!(
            "{} would be deleted, and nobody is there to agree",
            plural(deletions.len(), "object")
        ))
        .hint("say --yes"),
    };
    Err(refused.into())
}

/// `--concurrency`.
pub(in crate::commands) fn at_once(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=256) => Ok(number),
        _ => Err(format!("`{text}` is no number from 1 to 256")),
    }
}

/// Shows what the server warned of.
pub(in crate::commands) fn warnings(target: &Target) {
    for text in target.cluster.warnings() {
        ui::diagnostic(&Diagnostic::warning(format!("the server says: {text}")));
    }
}
