//! Manifests: the user's Kubernetes YAML, read and checked before it is rendered.

mod fields;
mod helm_hooks;
mod metadata;
mod names;
mod object;
mod read;
mod removed;
mod scope;
mod server_fields;
mod validate;

pub use crate::core::manifest::helm_hooks::{HelmHooks, Separated, separate};
pub use crate::core::manifest::metadata::{has_metadata, label, set_label, set_metadata};
pub use crate::core::manifest::names::check_names;
pub use crate::core::manifest::object::{Key, Object, Origin};
pub use crate::core::manifest::read::{ManifestFile, check_header, read_manifests};
pub use crate::core::manifest::scope::Scopes;
pub use crate::core::manifest::validate::validate;
