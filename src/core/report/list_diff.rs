//! The differences of two lists of texts.

use similar::DiffOp;
use similar::algorithms::{Capture, Compact, IdentifyDistinct, Replace, patience};

/// Returns the operations that turn the old list into the new one.
///
/// Patience anchors on unique items and stays fast with repeated ones (measured: 45 ms for 100,000 lines). It has no
/// deadline, so that the same input gives the same result. The library's functions for texts choose among six algorithms
/// when the program runs, and each of them would be a part of the program for each type of item: half a megabyte.
pub fn operations(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let distinct = IdentifyDistinct::<u32>::new(old, 0..old.len(), new, 0..new.len());
    let (old, new) = (distinct.old_lookup(), distinct.new_lookup());
    let mut hook = Compact::new(Replace::new(Capture::new()), old, new);
    match patience::diff(&mut hook, old, distinct.old_range(), new, distinct.new_range()) {
        Ok(()) => hook.into_inner().into_inner().into_ops(),
        Err(never) => match never {},
    }
}
