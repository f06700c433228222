//! `render`: writes the tree and the lock, and says what changed.

mod command;
mod repository;
mod show;

pub use command::{Args, run};
