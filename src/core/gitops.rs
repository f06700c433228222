//! What makes Argo CD or Flux sync a tree: files that stand outside of it, written once and then the user's.

mod argocd;
mod flux;
mod site;

pub use crate::core::gitops::argocd::argocd;
pub use crate::core::gitops::flux::flux;
pub use crate::core::gitops::site::{Site, SiteFile, SyncedTree, repository_url};
