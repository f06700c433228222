//! What render reads, and an object on its way to the rendered directory.

use serde_json::Value;

use crate::core::manifest::{Key, Object};
use crate::core::overlay::Overlay;
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::spec::LargeScale;
use crate::core::yaml::Document;

/// Everything that decides what is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The spec.
    pub spec: &'a LargeScale,
    /// The spec's own lines, for messages.
    pub document: &'a Document,
    /// The objects of the manifests.
    pub objects: &'a [Object],
    /// The platform.
    pub platform: &'a Platform,
    /// The overlays, in the order of the spec.
    pub overlays: &'a [Overlay],
    /// The pools.
    pub pools: &'a PoolSet,
}

/// An object on its way into the tree.
#[derive(Clone, Debug)]
pub(super) struct PendingObject<'a> {
    pub(super) value: Value,
    /// What it came from.
    pub(super) source: &'a Object,
    /// The index of its pool, for what there is one of for each.
    pub(super) pool: Option<usize>,
    /// What it is.
    pub(super) role: Role,
}

/// What an object of the tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An object of the manifests, rendered once.
    Once,
    /// The Service of a pool.
    Service,
    /// The workload of a pool, or what scales it.
    Workload,
    /// What the platform needs for a pool, beside its Services.
    Platform,
    /// The DNS records of addresses that are reserved.
    Records,
}

impl<'a> PendingObject<'a> {
    /// The Service of the manifests that it is a copy of.
    pub(super) fn service(&self) -> Option<&'a str> {
        (self.role == Role::Service).then(|| self.source.value()["metadata"]["name"].as_str()).flatten()
    }
}

/// The label of a copy that names its pool.
pub const POOL_LABEL: &str = "largescale.dev/pool";

/// The label of a copy that names the Service of the manifests.
pub const SERVICE_LABEL: &str = "largescale.dev/service";

/// One file of the tree.
#[derive(Clone, Debug)]
pub struct RenderedFile {
    /// Its path below the output directory.
    pub path: String,
    /// Which object it holds.
    pub key: Key,
    /// The pool that a Service is for, by its name.
    pub pool: Option<String>,
    /// Its bytes.
    pub text: String,
}
