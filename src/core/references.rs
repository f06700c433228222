//! Fields and text in which an object names another one.
//!
//! The fields are data: `builtin.json` lists those of Kubernetes and of well-known custom resources, and `spec.references` adds
//! more.

mod find;
mod lost;
mod rule;
mod table;
mod text;

pub use crate::core::references::find::{Reference, Stated};
pub use crate::core::references::lost::{Certainty, LostNames, Mention};
pub use crate::core::references::rule::{ReferenceRule, ReferenceTarget};
pub use crate::core::references::table::References;

/// The namespace of an object that states none, as in kustomize.
const DEFAULT_NAMESPACE: &str = "default";

/// Returns the namespace of an object, or `default` if it states none.
pub fn known_namespace(namespace: &str) -> &str {
    if namespace.is_empty() { DEFAULT_NAMESPACE } else { namespace }
}
