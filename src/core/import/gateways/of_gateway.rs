//! A Gateway, split into what the Gateways of all pools share and what one pool decides.

use serde_json::{Map, Value};

use crate::core::manifest::Key;

/// A Gateway that is the one of a pool.
#[derive(Clone, Debug)]
pub(crate) struct OfGateway {
    /// Its key in the input.
    pub(super) key: Key,
    /// The Gateway without its name and without what its pool decides.
    pub(super) rest: Value,
    /// The parameters that only this Gateway names.
    pub(super) parameters: Option<OwnParameters>,
    /// `spec.addresses`.
    pub(super) addresses: Option<Value>,
    /// The annotations of cert-manager.
    pub(super) issuers: Map<String, Value>,
}

/// The parameters that only one Gateway names.
#[derive(Clone, Debug)]
pub(super) struct OwnParameters {
    /// Their key.
    pub(super) key: Key,
    /// The parameters without their name and without what the pool decides.
    pub(super) rest: Value,
    /// The value of the pool label in the node selector of the proxies.
    pub(super) placed: Option<Value>,
    /// The pointer of the node selector.
    pub(super) selector: Option<String>,
    /// The first part of this pointer that the parameters do not have.
    pub(super) lacking: Option<String>,
}

impl OfGateway {
    /// Returns everything that the Gateways of the pools must have in common.
    pub(crate) fn common(&self) -> Value {
        let parameters = self.parameters.as_ref().map(|parameters| parameters.rest.clone());
        serde_json::json!({"gateway": self.rest, "parameters": parameters})
    }
}
