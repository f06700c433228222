//! The commands, one file each. `Args` defines the flags; `run` runs the command and returns the exit code.

pub mod apply;
pub mod capacity;
pub mod completion;
pub mod diff;
pub mod doctor;
pub mod for_each;
pub mod init;
pub mod inventory;
pub mod model;
pub mod move_members;
pub mod options;
pub mod platforms;
pub mod pools;
pub mod probe;
pub mod prune;
pub mod render;
pub mod schema;
pub mod status;
