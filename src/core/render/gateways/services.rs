//! Makes the Service in front of each Gateway that is split.

use serde_json::{Map, Value, json};

use crate::core::capacity;
use crate::core::capacity::Demand;
use crate::core::gateway::{FleetMode, GatewayName, Implementation, TrafficPolicy};
use crate::core::json;
use crate::core::manifest::{Key, Object, Origin};
use crate::core::render::draft::{Input, PendingObject};
use crate::core::render::gateways::{Gateways, How, full_name, listeners};

impl Gateways<'_> {
    /// Returns the objects and the Service of each Gateway that is split. `None` if no Gateway is split.
    pub(in crate::core::render) fn with_services(&self, input: Input<'_>) -> Option<Vec<Object>> {
        let how = self.how()?;
        let split = input.objects.iter().filter(|object| self.of(input.spec, object).is_some());
        let all = listeners::all(input, &self.split, &self.listener_sets);
        let services = split.map(|gateway| {
            let listeners = all.get(&full_name(input.spec, &gateway.key())).map_or(&[][..], Vec::as_slice);
            self.service(input, how, gateway, listeners)
        });
        Some(input.objects.iter().cloned().chain(services).collect())
    }

    fn service(
        &self,
        input: Input<'_>,
        how: How<'_>,
        gateway: &Object,
        listeners: &[listeners::Listener<'_>],
    ) -> Object {
        let key = gateway.key();
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), key.name.as_str().into());
        let infrastructure = &gateway.value()["spec"]["infrastructure"];
        for field in ["labels", "annotations"] {
            if let Some(map) = infrastructure[field].as_object() {
                metadata.insert(field.to_owned(), Value::Object(map.clone()));
            }
        }
        let split = self.of(input.spec, gateway);
        let mut spec = json!({"type": "LoadBalancer"});
        let (namespace, origin, ports) = match how.mode {
            FleetMode::PerPool => {
                let policy = how.implementation.spec.service.external_traffic_policy.word();
                json::put(&mut spec, &["externalTrafficPolicy"], policy);
                (
                    gateway.value()["metadata"].get("namespace").cloned(),
                    Origin::GatewayImplementation,
                    listeners::service_ports(listeners, None),
                )
            }
            FleetMode::Shared => {
                json::put(&mut spec, &["selector"], selector(input, how.implementation, gateway));
                // Only the parameters know where the proxies run, so a node of any pool must reach them.
                json::put(&mut spec, &["externalTrafficPolicy"], TrafficPolicy::Cluster.word());
                let ports = split.map(|split| listeners::ports_of(input, how.implementation, split));
                (
                    namespace_of_proxies(input, how.implementation, gateway).map(Value::String),
                    Origin::SharedGateway,
                    listeners::service_ports(listeners, ports),
                )
            }
        };
        // The parameters may set fields of the Service.
        let own = split.and_then(|split| input.objects.get(split.parameters?));
        let form = how.implementation.spec.parameters.as_ref();
        for field in form.into_iter().flat_map(|form| &form.fields) {
            let Some(found) = own.and_then(|own| own.value().pointer(&field.parameters)) else { continue };
            let keys: Vec<&str> = field.service.split('/').skip(2).collect();
            json::put(&mut spec, &keys, found.clone());
        }
        if let Some(namespace) = namespace {
            metadata.insert("namespace".to_owned(), namespace);
        }
        json::put(&mut spec, &["ports"], ports);
        let value = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec});
        gateway.derive(value, origin)
    }
}

/// Returns what the Services require that the implementation makes for the Gateways of the pools, in the namespace of the proxies.
pub(in crate::core::render) fn demands(
    input: Input<'_>,
    gateways: &Gateways<'_>,
    services: &[PendingObject<'_>],
) -> Vec<Demand> {
    let Some(how) = gateways.how() else { return Vec::new() };
    let of_service = |service: &PendingObject<'_>| {
        let pool = input.pools.pools.get(service.pool?)?.name.as_str();
        let mut demand = capacity::demands(std::iter::once((Some(pool), &service.value))).pop()?;
        demand.gateway = Some(full_name(input.spec, &Key::of(&service.value)));
        let namespace = namespace_of_proxies(input, how.implementation, service.source);
        demand.key.0 = namespace.unwrap_or_default();
        Some(demand)
    };
    services.iter().filter_map(of_service).collect()
}

/// Returns the namespace of the proxies of a Gateway.
pub(super) fn namespace_of_proxies(
    input: Input<'_>,
    implementation: &Implementation,
    gateway: &Object,
) -> Option<String> {
    let given = input.spec.spec.gateways.as_ref().and_then(|spec| spec.namespace.clone());
    let own = gateway.value()["metadata"]["namespace"].as_str().map(str::to_owned);
    given.or_else(|| implementation.spec.service.namespace.clone()).or(own)
}

fn selector(input: Input<'_>, implementation: &Implementation, gateway: &Object) -> Map<String, Value> {
    let (namespace, name) = full_name(input.spec, &gateway.key());
    let class = gateway.value()["spec"]["gatewayClassName"].as_str().unwrap_or_default();
    let labels = implementation.proxy_selector(GatewayName { namespace: &namespace, name: &name, class });
    labels.into_iter().map(|(key, value)| (key, value.into())).collect()
}
