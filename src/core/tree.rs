//! The rendered directory as values: its objects, and what a render would change in it.

pub mod immutable;
pub mod objects;
pub mod plan;
