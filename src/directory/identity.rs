//! The random identity of a directory.

use crate::core::lock::LockId;
use crate::core::report::diagnostic::Diagnostic;

/// Returns a new id from the random source of the operating system.
pub fn new_lock_id() -> Result<LockId, Diagnostic> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Diagnostic::error(format!(
            "cannot create an id for the lock: the operating system has no random numbers: {error}"
        ))
    })?;
    Ok(LockId::from_bytes(bytes))
}
