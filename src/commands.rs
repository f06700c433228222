//! The commands, one file each: `Args`, and `run` that returns how the program ends.

pub mod apply;
pub mod capacity;
pub mod completion;
pub mod diff;
pub mod doctor;
pub mod for_each;
pub mod init;
pub mod inventory;
pub mod pools;
pub mod prune;
pub mod render;
pub mod schema;
pub mod status;
