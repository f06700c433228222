//! The input of a render, and objects before they become files.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::gateway::Implementation;
use crate::core::lock::PoolKind;
use crate::core::manifest::{Key, Object, label};
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
    /// What is known about the Gateways besides the manifests.
    pub gateways: GatewayInput<'a>,
    /// The pools.
    pub pools: &'a PoolSet,
    /// The most objects to render; more are an error.
    pub max_objects: usize,
}

/// What is known about the Gateways besides the manifests.
#[derive(Clone, Copy, Debug)]
pub struct GatewayInput<'a> {
    /// The implementation in `spec.gateways.implementation`.
    pub implementation: Option<&'a Implementation>,
    /// The controllers of the GatewayClasses that the cluster had, by name.
    pub classes: &'a BTreeMap<String, String>,
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
    /// The Service that the implementation of the Gateway API creates for the Gateway of a pool. It becomes no file.
    GatewayService,
    /// The Gateway of a pool.
    Gateway,
    /// The parameters of a Gateway.
    GatewayParameters,
    /// The ListenerSet of a pool.
    ListenerSet,
    /// A policy of the Gateways of the pools.
    Policy,
}

impl Role {
    /// Whether it is the Service of a pool, rendered or made by a controller.
    pub(super) fn is_service(self) -> bool {
        matches!(self, Self::Service | Self::GatewayService)
    }
}

impl<'a> PendingObject<'a> {
    /// Returns the Service in the manifests that the object is a copy of.
    pub(super) fn service(&self) -> Option<&'a str> {
        self.role.is_service().then(|| self.source.value()["metadata"]["name"].as_str()).flatten()
    }
}

/// The label of a copy with the name of its pool.
pub const POOL_LABEL: &str = "largescale.dev/pool";

/// The label of a copy with the name of its shard.
pub const SHARD_LABEL: &str = "largescale.dev/shard";

/// Returns the name of the pool or shard of a rendered object.
pub fn pool_of(object: &Value) -> Option<&str> {
    label(object, POOL_LABEL).or_else(|| label(object, SHARD_LABEL))
}

/// Returns the label with the name of the pool or shard.
pub fn label_of_pools(kind: PoolKind) -> &'static str {
    match kind {
        PoolKind::Nodes => POOL_LABEL,
        PoolKind::Shard => SHARD_LABEL,
    }
}

/// The label of a copy with the name of the Service in the manifests.
pub const SERVICE_LABEL: &str = "largescale.dev/service";

/// One file of the rendered directory.
#[derive(Clone, Debug)]
pub struct RenderedFile {
    /// The path below the output directory.
    pub path: String,
    /// The key of the object in the file.
    pub key: Key,
    /// The name of the pool, for the Service or the Gateway of a pool.
    pub pool: Option<String>,
    /// The content.
    pub text: String,
}
