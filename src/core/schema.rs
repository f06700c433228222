//! The schemas of the files that this program reads. Reading reports all problems at once.

pub mod field;
pub mod read;
pub mod shape;
