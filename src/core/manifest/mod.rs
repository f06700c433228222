//! Manifests: the user's plain Kubernetes YAML, read and checked before anything is made of it.

mod fields;
mod object;
mod read;
mod removed;
mod scope;

pub use object::{Key, Object};
pub use read::{ManifestFile, read_manifests};
pub use scope::Scopes;
