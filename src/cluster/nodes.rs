//! Lists the nodes of a cluster.

use kube::api::ListParams;

use crate::cluster::error::ClusterError;
use crate::cluster::operation::Operation;
use crate::cluster::pages;
use crate::cluster::pages::Listing;
use crate::cluster::request::Requests;
use crate::core::kubernetes::node::{Node, RawNode, Strings};

/// Lists the nodes, and keeps only the relevant fields of each.
pub(super) async fn list(requests: &Requests) -> Result<Vec<Node>, ClusterError> {
    let listing = Listing {
        ask: Operation::read("list", "nodes", "nodes"),
        path: "/api/v1/nodes".into(),
        params: ListParams::default(),
        kind: "NodeList",
    };
    let mut strings = Strings::default();
    pages::all(requests, &listing, |node: RawNode| node.keep(&mut strings)).await
}
