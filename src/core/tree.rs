//! The rendered directory as values: its objects, and the changes that a render would make.

mod conflicted;
pub mod immutable;
pub mod leaving;
pub mod objects;
pub mod plan;
