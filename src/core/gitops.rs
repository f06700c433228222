//! Files that make Argo CD or Flux sync the rendered directories. They are outside of those, are written once, and then
//! belong to the user.

mod argocd;
mod flux;
mod site;

pub use crate::core::gitops::argocd::argocd;
pub use crate::core::gitops::flux::flux;
pub use crate::core::gitops::site::{Gateways, Site, SiteFile, SyncedTree, repository_url};
