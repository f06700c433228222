//! The commands, one file each: `Args`, and `run` that returns how the program ends.

pub mod apply;
pub mod capacity;
mod changes;
pub mod completion;
pub mod diff;
pub mod diff_live;
mod discover;
pub mod doctor;
pub mod each;
pub mod init;
pub mod inventory;
mod live;
pub mod output;
pub mod pools;
pub mod prune;
pub mod render;
mod review;
mod same_cluster;
pub mod schema;
mod set_name;
pub mod status;
