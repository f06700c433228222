//! What a person who reviews a change wants to know of it.

pub mod commit_message;
mod markdown;
mod rebound;
mod stake;

pub use markdown::{Item, Review, ReviewedPool, failed, markdown};
pub use rebound::rebound;
pub use stake::{Stake, stake};
