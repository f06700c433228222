//! All nodes of a cluster.

use super::error::ClusterError;
use super::pages::{self, Listing};
use super::request::{Ask, Requests};
use crate::core::node::{Node, RawNode, Strings};

/// Lists the nodes; of each only what matters is kept.
pub(super) async fn list(requests: &Requests) -> Result<Vec<Node>, ClusterError> {
    let listing =
        Listing { ask: Ask::read("list", "nodes", "nodes"), path: "/api/v1/nodes".into(), kind: "NodeList" };
    let mut strings = Strings::default();
    pages::all(requests, &listing, |node: RawNode| node.keep(&mut strings)).await
}
