//! `spec.gateways`: how the Gateways of the manifests are split.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::kubernetes::names;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::Document;

/// How the Gateways of the manifests are split (docs/howto/gateway-api.md).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatewaysSpec {
    /// How to split them. Default: `perPool` if the manifests have no Service of type LoadBalancer, otherwise `once`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<GatewayMode>,
    /// The implementation: the name of a built-in one, or a file with the same schema (`./my-gateway.yaml`). Default: the one whose
    /// controller the GatewayClass in the manifests names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implementation: Option<String>,
    /// The namespace of the proxies, if it is not the usual one of the implementation: for `shared`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Which parameters the Gateways of the pools name, such as an EnvoyProxy: for `perPool`. Default: `perPool`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<GatewayParameters>,
}

/// Which parameters the Gateways of the pools name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GatewayParameters {
    /// Each Gateway names a copy of the parameters for its pool: the proxies run on the nodes of the pool.
    PerPool,
    /// The Gateways keep the parameters that they name, which are rendered once. The annotations and labels in `spec.infrastructure` must
    /// be enough for the binding.
    Once,
}

/// How to split the Gateways of the manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GatewayMode {
    /// One Gateway for each pool, with a load balancer from the implementation. At most 32 pools.
    PerPool,
    /// One Gateway, and a Service of type LoadBalancer for each pool that sends traffic to the proxies of the Gateway.
    Shared,
    /// Leave the Gateways as they are.
    Once,
}

impl GatewaysSpec {
    /// Returns the problems of the values.
    pub(super) fn problems(&self, document: &Document) -> Option<Diagnostic> {
        if self.parameters.is_some() && self.mode == Some(GatewayMode::Shared) {
            let problem = Diagnostic::error("`spec.gateways.parameters` does not apply to `mode: shared`");
            let hint = "remove it: all pools share the parameters of the Gateway";
            return Some(problem.at(document.location("/spec/gateways/parameters")).hint(hint));
        }
        let namespace = self.namespace.as_deref()?;
        let message = names::check_label("`spec.gateways.namespace`", namespace).err()?;
        Some(Diagnostic::error(message).at(document.location("/spec/gateways/namespace")))
    }
}
