//! The commands, one file each: `Args`, and `run` that returns how the program ends.

mod changes;
pub mod completion;
pub mod diff;
mod discover;
pub mod init;
pub mod output;
pub mod pools;
pub mod render;
mod same_cluster;
pub mod schema;
pub mod status;
