//! What is live in a cluster, against an object of the directory: whose fields are whose, whether an apply would
//! change anything, what it would change, and how the API server names the fields that it refuses.

mod change;
mod clean;
mod effect;
mod field_path;
mod managed;
mod migrate;
mod predict;
mod resource;
mod unchanged;
mod well_known;

pub use change::{FieldChange, changes, digest};
pub use clean::cleaned;
pub use effect::{Effect, effect, intended};
pub use field_path::{get, matches, remove};
pub use managed::{Entry, FieldSet, MANAGER, Segment, entries, ours};
pub use migrate::migration;
pub use predict::predict;
pub use resource::Resource;
pub use unchanged::is_unchanged;
