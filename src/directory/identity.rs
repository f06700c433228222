//! The random identity of a directory.

use anyhow::Context;

use crate::core::lock::LockId;

/// Returns a new id from the random source of the operating system.
pub fn new_lock_id() -> anyhow::Result<LockId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("cannot read random numbers for the id of the lock")?;
    Ok(LockId::from_bytes(bytes))
}
