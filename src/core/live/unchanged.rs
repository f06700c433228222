//! Detects, without a request, that an apply would change nothing.

mod lists;
mod object;
mod same;

pub use crate::core::live::unchanged::object::is_unchanged;
