//! What makes Argo CD or Flux sync a tree: files that stand outside of it, written once and then the user's.

mod argocd;
mod flux;
mod site;

pub use argocd::argocd;
pub use flux::flux;
pub use site::{Site, SiteFile, SyncedTree, repository_url};
