//! What a person who reviews a change wants to know of it.

pub mod commit_message;
mod markdown;
mod stake;

pub use markdown::{Item, Review, ReviewedPool, failed, markdown};
pub use stake::{Stake, stake};
