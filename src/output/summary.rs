//! The reviews of the specs and clusters of one run, in one text of a limited size.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::core::review::{Reviewed, Slot, failed, left_out, markdown, share};
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// The bytes of the reviews that were printed in this run.
static PRINTED: AtomicUsize = AtomicUsize::new(0);

/// Whether the text of this run has ended, although there are more apps.
static IS_FULL: AtomicBool = AtomicBool::new(false);

/// Returns the review of an app for a text that has `used` bytes already. It is empty if the text has no more room, except for the
/// first app without room: it says how many are left out.
pub fn review(scope: &Scope, reviewed: Reviewed<'_>, used: usize) -> String {
    if scope.index == 0 && scope.following == 0 {
        return match reviewed {
            Reviewed::Changes(review) => markdown(review),
            Reviewed::Failed(title, problems) => failed(title, problems),
        };
    }
    if IS_FULL.load(Ordering::Relaxed) {
        return String::new();
    }
    share(reviewed, Slot { used, following: scope.following }).unwrap_or_else(|| {
        IS_FULL.store(true, Ordering::Relaxed);
        left_out(scope.following + 1)
    })
}

/// Prints the review of an app.
pub fn print(scope: &Scope, reviewed: Reviewed<'_>) -> Result<(), Failure> {
    let used = PRINTED.load(Ordering::Relaxed);
    let text = review(scope, reviewed, used);
    if !text.is_empty() {
        let space = if used == 0 { "" } else { "\n" };
        PRINTED.fetch_add(space.len() + text.len(), Ordering::Relaxed);
        terminal::data(&format!("{space}{text}"))?;
    }
    Ok(())
}
