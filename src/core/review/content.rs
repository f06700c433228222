//! The content of a review: what changes in which pool.

use crate::core::review::AddressRisk;

/// The content of a review.
#[derive(Clone, Debug, Default)]
pub struct Review {
    /// The app, and the cluster if there are several.
    pub title: String,
    /// The state that the changes are compared with.
    pub against: Against,
    /// The DNS name that joins the pools, if there is one.
    pub host: Option<String>,
    /// The pools, with their nodes if these were read.
    pub pools: Vec<ReviewedPool>,
    /// The changes, in order.
    pub items: Vec<Item>,
    /// The number of unchanged objects.
    pub unchanged: usize,
    /// Warnings for the reviewer.
    pub warnings: Vec<String>,
}

/// The state that changes are compared with.
#[derive(Clone, Debug, Default)]
pub enum Against {
    /// The cluster.
    #[default]
    Cluster,
    /// A directory or a revision of git.
    Named(String),
    /// A directory, before it was rendered.
    Before(String),
}

/// A pool in a review.
#[derive(Clone, Debug, Default)]
pub struct ReviewedPool {
    /// Its name.
    pub name: String,
    /// Its state, as a word.
    pub state: &'static str,
    /// The number of nodes; `None` if nodes were not read.
    pub nodes: Option<usize>,
    /// The reason why the DNS name does not have it.
    pub left_out: Option<&'static str>,
}

/// One object in a review.
#[derive(Clone, Debug)]
pub struct Item {
    /// The object, or the file name if the object is unknown.
    pub object: String,
    /// The change, as a word.
    pub action: &'static str,
    /// The pool.
    pub pool: Option<String>,
    /// The unified diff.
    pub diff: String,
    /// The risk for the address of a load balancer.
    pub address_risk: Option<AddressRisk>,
    /// The current address, or the reason why it is unknown.
    pub address: String,
}
