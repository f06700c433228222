//! Hand-written Services, one a pool, folded back into the one that they are copies of; old API versions made current.

mod apart;
mod bindings;
#[expect(clippy::module_inception, reason = "the room is named after what it is for")]
mod fold;
mod group;
mod modernise;
mod undecided;

pub use fold::{Folded, fold};
