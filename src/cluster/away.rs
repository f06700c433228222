//! API servers that a command waited for in vain: the next app of the same run does not wait for them again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::cluster::request_error::Problem;

/// How long a request to such a server may take to find it back.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// The last problems by the address of the server.
static AWAY: Mutex<BTreeMap<String, Problem>> = Mutex::new(BTreeMap::new());

fn with_known<T>(work: impl FnOnce(&mut BTreeMap<String, Problem>) -> T) -> T {
    work(&mut AWAY.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Remembers why the program gave up on a server.
pub(super) fn remember(server: &str, problem: &Problem) {
    with_known(|known| drop(known.insert(server.to_owned(), problem.clone())));
}

/// Forgets it, because the server answers again.
pub(super) fn forget(server: &str) {
    with_known(|known| drop(known.remove(server)));
}

/// Returns why the program gave up on a server, if it did.
pub(super) fn problem_of(server: &str) -> Option<Problem> {
    with_known(|known| known.get(server).cloned())
}
