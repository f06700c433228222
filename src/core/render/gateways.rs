//! Splits the Gateways of the manifests for the pools.
//!
//! A controller creates the load balancer of a Gateway, so there is no Service to copy. [`services`](services) makes the Service that
//! the controller will create. It is bound to each pool and patched like any Service, so that platforms, overlays and checks need
//! not know Gateways. Then [`carry`](carry) writes what the patches changed to the Gateway of the pool and to its parameters
//! (`perPool`), or the Service itself is rendered (`shared`).

mod attached;
mod carry;
mod copies;
mod decide;
mod listeners;
mod named_parameters;
mod parameters;
mod policies;
mod routes;
mod services;
mod shape;
mod warnings;

use std::collections::{HashMap, HashSet};

use crate::core::gateway;
use crate::core::gateway::{FleetMode, Implementation, Parameters};
use crate::core::manifest::{Key, Object};
use crate::core::render::draft::Input;
pub(super) use crate::core::render::gateways::carry::carry;
pub(super) use crate::core::render::gateways::services::demands;
pub(super) use crate::core::render::gateways::warnings::{note, warnings};
use crate::core::spec::LargeScale;

/// Namespace and name of an object.
type FullName = (String, String);

/// What becomes of the Gateways in the manifests. Empty if none is split.
#[derive(Clone, Debug, Default)]
pub(super) struct Gateways<'a> {
    how: Option<How<'a>>,
    /// The Gateways that are split.
    split: HashMap<FullName, Split>,
    /// The ListenerSets of these Gateways.
    listener_sets: HashMap<FullName, AttachedSet>,
    /// The parameters that only these Gateways name: they have a copy for each pool.
    parameters: HashSet<FullName>,
}

/// How the Gateways are split.
#[derive(Clone, Copy, Debug)]
struct How<'a> {
    mode: FleetMode,
    implementation: &'a Implementation,
    /// Whether each pool, or the fleet of all pools, has its parameters. If not, the Gateways keep those that they name.
    writes_parameters: bool,
}

impl<'a> How<'a> {
    /// Returns the kind of the parameters to write, if any.
    fn parameters(&self) -> Option<&'a Parameters> {
        self.implementation.spec.parameters.as_ref().filter(|_| self.writes_parameters)
    }
}

/// A Gateway that is split.
#[derive(Clone, Debug, Default)]
struct Split {
    /// The name of the copy for each pool; `None` for a pool that gets none. Empty with one fleet for all pools.
    names: Vec<Option<String>>,
    /// The index of the object with its parameters, if the manifests have one.
    parameters: Option<usize>,
    /// Whether it is the first Gateway that names these parameters.
    writes_parameters: bool,
}

/// A ListenerSet of a Gateway that is split.
#[derive(Clone, Debug)]
struct AttachedSet {
    gateway: FullName,
    /// The name of the copy for each pool, as for the Gateway.
    names: Vec<Option<String>>,
}

impl<'a> Gateways<'a> {
    /// Returns the mode and the implementation, if any Gateway is split.
    fn how(&self) -> Option<How<'a>> {
        self.how.filter(|_| !self.split.is_empty())
    }

    /// Returns how an object is split: only Gateways are.
    fn of(&self, spec: &LargeScale, object: &Object) -> Option<&Split> {
        if self.split.is_empty() || !is_gateway(object) {
            return None;
        }
        self.split.get(&full_name(spec, &object.key()))
    }

    /// Returns the number of objects that an object becomes, besides those that the Services in front of it add.
    pub(super) fn copies(&self, input: Input<'_>, object: &Object) -> Option<usize> {
        let how = self.how()?;
        if how.mode == FleetMode::Shared {
            return None;
        }
        let pools = input.pools.pools.len();
        let name = || full_name(input.spec, &object.key());
        if self.of(input.spec, object).is_some() {
            return Some(if how.parameters().is_some() { 2 * pools } else { pools });
        }
        let has_copies = is_listener_set(object) && self.listener_sets.contains_key(&name())
            || policies::single_target(self, input.spec, object).is_some();
        has_copies.then_some(pools)
    }
}

impl Gateways<'_> {
    /// Returns how many times as large an object may become, because its targets have one for each pool.
    pub(super) fn growth(&self, input: Input<'_>, object: &Object) -> usize {
        let is_per_pool = self.how().is_some_and(|how| how.mode == FleetMode::PerPool);
        let has_targets = || object.value()["spec"]["targetRefs"].is_array();
        if is_per_pool && has_targets() { input.pools.pools.len().max(1) } else { 1 }
    }
}

/// Returns namespace and name of an object; the namespace may be that of the spec.
fn full_name(spec: &LargeScale, key: &Key) -> FullName {
    (spec.namespace_of(key).to_owned(), key.name.clone())
}

/// Whether an object of the manifests is a Gateway.
fn is_gateway(object: &Object) -> bool {
    gateway::is_gateway(object.value())
}

/// Whether an object of the manifests is a ListenerSet.
fn is_listener_set(object: &Object) -> bool {
    gateway::references::is_listener_set(object.value())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write;

    use crate::core::manifest::{ManifestFile, read_manifests};
    use crate::core::platform::read_builtin;
    use crate::core::pools::{Pool, PoolSet};
    use crate::core::render::{GatewayInput, Input, Rendered, render};
    use crate::core::report::diagnostic::Checked;
    use crate::core::spec::LargeScale;

    const API: &str = "apiVersion: gateway.networking.k8s.io/v1\nkind: ";

    fn rendered(mode: &str, manifests: String, pools: usize) -> Checked<Rendered> {
        let file = ManifestFile { source: "m.yaml".into(), shown: "m.yaml".into(), text: manifests };
        let objects = read_manifests(&[file]).unwrap();
        let spec = format!(
            "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: web, namespace: shop}}\nspec:\n  manifests: [m.yaml]\n  platform: hetzner\n  gateways: {{mode: {mode}, implementation: envoy-gateway}}\n"
        );
        let (spec, document) = LargeScale::read("s.yaml", &spec).unwrap();
        let pool = |number: usize| {
            let name = format!("p{number}");
            Pool { value: name.clone(), name, ..Pool::default() }
        };
        let pools =
            PoolSet { label: "pool".to_owned(), pools: (0..pools).map(pool).collect(), ..PoolSet::default() };
        let platform = read_builtin("hetzner").unwrap().unwrap();
        let implementation = crate::core::gateway::read_builtin("envoy-gateway").unwrap().unwrap();
        render(Input {
            spec: &spec,
            document: &document,
            objects: &objects,
            platform: &platform,
            overlays: &[],
            gateways: GatewayInput { implementation: Some(&implementation), classes: &BTreeMap::new() },
            pools: &pools,
            max_objects: 100_000,
        })
    }

    #[test]
    fn many_gateways_and_listener_sets_take_linear_time() {
        const COUNT: usize = 4_000;
        let mut text = String::new();
        for number in 0..COUNT {
            write!(
                text,
                "{API}Gateway\nmetadata: {{name: g{number}}}\nspec: {{gatewayClassName: eg, allowedListeners: {{namespaces: {{from: Same}}}}, listeners: [{{name: a, port: 80, protocol: HTTP}}]}}\n---\n{API}ListenerSet\nmetadata: {{name: s{number}}}\nspec: {{parentRef: {{name: g{number}}}, listeners: [{{name: b, port: 81, protocol: HTTP}}]}}\n---\n"
            )
            .unwrap();
        }
        // With a search for each Gateway, this would take minutes.
        assert_eq!(rendered("perPool", text.clone(), 1).unwrap().files.len(), 3 * COUNT);
        assert_eq!(rendered("shared", text, 1).unwrap().files.len(), 4 * COUNT);
    }

    #[test]
    fn services_of_gateways_are_counted_in_the_namespace_of_the_proxies() {
        let gateway = format!(
            "{API}Gateway\nmetadata: {{name: web}}\nspec: {{gatewayClassName: eg, listeners: [{{name: a, port: 80, protocol: HTTP}}]}}\n"
        );
        let demands = rendered("perPool", gateway, 2).unwrap().demands;
        let text = |pair: &(String, String)| format!("{}/{}", pair.0, pair.1);
        let shown: Vec<(String, Option<String>)> =
            demands.iter().map(|one| (text(&one.key), one.gateway.as_ref().map(text))).collect();
        let expected = |name: &str| (format!("envoy-gateway-system/{name}"), Some(format!("shop/{name}")));
        assert_eq!(shown, [expected("web-p0"), expected("web-p1")]);
    }

    #[test]
    fn long_lists_of_references_are_refused_before_they_are_made() {
        let parents = "{name: web}, ".repeat(20_000);
        let gateway = format!(
            "{API}Gateway\nmetadata: {{name: web}}\nspec: {{gatewayClassName: eg, listeners: [{{name: a, port: 80, protocol: HTTP}}]}}\n---\n"
        );
        let route =
            format!("{gateway}{API}HTTPRoute\nmetadata: {{name: web}}\nspec: {{parentRefs: [{parents}]}}\n");
        let problems = rendered("perPool", route, 500).unwrap_err();
        let expected = "httproute/web would have 10000000 parentRefs";
        assert!(problems.iter().any(|problem| problem.message.contains(expected)), "{problems:?}");
        let targets = "{group: gateway.networking.k8s.io, kind: Gateway, name: web}, ".repeat(20_000);
        let policy = format!(
            "{gateway}apiVersion: example.com/v1\nkind: Policy\nmetadata: {{name: web}}\nspec: {{targetRefs: [{targets}]}}\n"
        );
        let problems = rendered("perPool", policy, 500).unwrap_err();
        assert!(problems.iter().any(|problem| problem.message.contains("the limit is")), "{problems:?}");
    }
}
