//! The shapes of our own files, and how they are read with all problems at once.

pub mod read;
pub mod shape;
