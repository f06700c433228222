//! Random bytes: the identity of a directory, and the salt of a plan.

use anyhow::Context;

use crate::core::apply::Salt;
use crate::core::lock::LockId;

/// Returns a new id from the random source of the operating system.
pub fn new_lock_id() -> anyhow::Result<LockId> {
    Ok(LockId::from_bytes(random().context("cannot read random numbers for the id of the lock")?))
}

/// Returns a new salt for the digests of a plan.
pub fn new_salt() -> anyhow::Result<Salt> {
    Ok(Salt::from_bytes(random().context("cannot read random numbers for the salt of the plan")?))
}

fn random() -> Result<[u8; 16], getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
