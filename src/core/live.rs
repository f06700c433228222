//! Compares an object in the rendered directory with the live object: field ownership, whether an apply would change
//! anything, what it would change, and the field paths in the API server's messages.

mod applied;
mod builtin_schemas;
mod computed;
mod duplicate_items;
mod effect;
mod field_changes;
mod field_path;
mod field_split;
mod field_type;
mod foreign_items;
mod likeness;
mod list_items;
mod live_object;
mod live_state;
mod managed_fields;
mod manager_migration;
mod normalize;
mod predict;
mod quantity;
mod removal;
mod resource;
mod server_defaults;
mod takeover;
mod types;
mod unchanged;

pub use crate::core::live::applied::{applied_configuration, label_patch};
pub use crate::core::live::duplicate_items::{DuplicateItem, duplicate_items};
pub use crate::core::live::effect::{Effect, effect, intended};
pub use crate::core::live::field_changes::{FieldChange, at as value_at, changes, digest};
pub use crate::core::live::field_path::{get, matches, remove};
pub use crate::core::live::field_type::InvalidObject;
pub use crate::core::live::foreign_items::{SameName, foreign_items, same_names};
pub use crate::core::live::live_object::LiveObject;
pub use crate::core::live::live_state::LiveState;
pub use crate::core::live::managed_fields::{Entry, FieldSet, MANAGER, Segment, entries, ours};
pub use crate::core::live::manager_migration::{managers_of, migration, migration_of_fields};
pub use crate::core::live::normalize::cleaned;
pub use crate::core::live::predict::{Outlook, Prediction, predict};
pub use crate::core::live::resource::{Resource, preferred_versions};
pub use crate::core::live::server_defaults::without_defaults;
pub use crate::core::live::takeover::{LeftField, Sources, Takeover, is_of_user, takeover};
pub use crate::core::live::unchanged::is_unchanged;
