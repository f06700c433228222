//! The input of a render, and objects before they become files.

use serde_json::Value;

use crate::core::manifest::{Key, Object};
use crate::core::overlay::Overlay;
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::spec::LargeScale;
use crate::core::yaml::Document;

/// The input of a render.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The spec.
    pub spec: &'a LargeScale,
    /// The document of the spec, for locations in messages.
    pub document: &'a Document,
    /// The objects of the manifests.
    pub objects: &'a [Object],
    /// The platform.
    pub platform: &'a Platform,
    /// The overlays, in the order of the spec.
    pub overlays: &'a [Overlay],
    /// The pools.
    pub pools: &'a PoolSet,
    /// The most objects to render; more are an error.
    pub max_objects: usize,
}

/// An object before it becomes a file.
#[derive(Clone, Debug)]
pub(super) struct PendingObject<'a> {
    pub(super) value: Value,
    /// The object in the manifests that it came from.
    pub(super) source: &'a Object,
    /// The index of its pool, for objects that exist once per pool.
    pub(super) pool: Option<usize>,
    /// Its role.
    pub(super) role: Role,
}

/// The role of a rendered object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// An object of the manifests, rendered once.
    Once,
    /// The Service of a pool.
    Service,
    /// The Service of type ClusterIP that keeps the name of a Service in the manifests.
    ClusterIp,
    /// The workload of a pool, or its autoscaler.
    Workload,
    /// An additional object that the platform needs for a pool.
    Platform,
    /// The DNS records of reserved addresses.
    Records,
}

impl<'a> PendingObject<'a> {
    /// Returns the Service in the manifests that the object is a copy of.
    pub(super) fn service(&self) -> Option<&'a str> {
        (self.role == Role::Service).then(|| self.source.value()["metadata"]["name"].as_str()).flatten()
    }
}

/// The label of a copy with the name of its pool.
pub const POOL_LABEL: &str = "largescale.dev/pool";

/// The label of a copy with the name of the Service in the manifests.
pub const SERVICE_LABEL: &str = "largescale.dev/service";

/// One file of the rendered directory.
#[derive(Clone, Debug)]
pub struct RenderedFile {
    /// The path below the output directory.
    pub path: String,
    /// The key of the object in the file.
    pub key: Key,
    /// The name of the pool, for the Service of a pool.
    pub pool: Option<String>,
    /// The content.
    pub text: String,
}
