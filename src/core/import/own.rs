//! Fields that belong to one existing Service, so that no copy for another pool may have them: addresses, the IDs and names of load
//! balancers, and node ports that the user chose. An overlay keeps them on the Service of its pool.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::core::import::dropped::take;
use crate::core::manifest::Key;
use crate::core::patch::placeholder;
use crate::core::platform::{Platform, Within, is_set};
use crate::core::pointer;
use crate::core::report::plural::plural;

/// The name of the overlay.
const OVERLAY: &str = "existing-services";

/// What one Service has for itself.
#[derive(Clone, Debug)]
pub(crate) struct OwnFields {
    namespace: String,
    name: String,
    /// Fields that a Service for every pool must not have.
    fields: Vec<(String, Value)>,
    /// Fields that the cluster allocates to Services that do not choose them.
    chosen: Vec<(String, Value)>,
}

impl OwnFields {
    /// Takes the fields from a Service of type LoadBalancer.
    pub(crate) fn take_from(service: &mut Value, platform: &Platform) -> Self {
        let Key { namespace, name, .. } = Key::of(service);
        let mut taken = |paths: Vec<String>| {
            let held = paths.into_iter().filter(|path| service.pointer(path).is_some_and(is_set));
            let held: Vec<String> = held.filter(|path| !is_filled(service.pointer(path))).collect();
            held.into_iter()
                .filter_map(|path| Some((path.clone(), take(service, &path)?)))
                .collect::<Vec<_>>()
        };
        let annotations = platform.spec.address_annotations.iter().map(|key| annotation(key));
        let refused = platform.spec.refuses.iter().filter(|rule| rule.within == Within::Manifests);
        let refused = refused.filter(|rule| rule.keys.is_none()).map(|rule| rule.path.clone());
        let fields = std::iter::once("/spec/loadBalancerIP".to_owned()).chain(annotations).chain(refused);
        let fields = taken(fields.collect());
        let mut chosen = taken(
            ["/spec/clusterIP", "/spec/clusterIPs", "/spec/healthCheckNodePort"].map(str::to_owned).to_vec(),
        );
        let ports = service
            .pointer_mut("/spec/ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .enumerate();
        for (index, port) in ports.filter_map(|(index, port)| Some((index, port.as_object_mut()?))) {
            if let Some(value) = port.remove("nodePort") {
                chosen.push((format!("/spec/ports/{index}/nodePort"), value));
            }
        }
        Self { namespace, name, fields, chosen }
    }

    /// Returns the fields to the Service of a manifest that every pool copies, so that `render` reports them.
    fn put_back(&self, service: &mut Value) {
        for (path, value) in &self.fields {
            let Some((parent, _)) = path.rsplit_once('/') else { continue };
            let keys: Vec<_> = pointer::keys(path).collect();
            let keys: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
            if service.pointer(parent).is_none_or(|parent| parent.is_object() || parent.is_null()) {
                crate::core::json::put(service, &keys, value.clone());
            }
        }
    }

    fn operations(&self) -> Vec<Value> {
        let all = self.fields.iter().chain(&self.chosen);
        all.map(|(path, value)| json!({"op": "add", "path": path, "value": value})).collect()
    }

    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.chosen.is_empty()
    }
}

/// What the import does with the fields of all Services.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The patches of the overlay.
    pub(crate) patches: Vec<Value>,
    /// The changes, a sentence each.
    pub(crate) changes: Vec<String>,
}

/// Makes patches for the Services with a pool, by `names`: Service, pool, name. Returns the fields of the others to the
/// `objects`.
pub(crate) fn keep(
    all: &[OwnFields],
    names: &BTreeMap<String, BTreeMap<String, String>>,
    objects: &mut [Value],
) -> Kept {
    let mut patches = Vec::new();
    let mut lost = Vec::new();
    for own in all.iter().filter(|own| !own.is_empty()) {
        let of_pool = names.iter().find_map(|(service, by_pool)| {
            let (namespace, base) = service.split_once('/').unwrap_or(("", service));
            let is_it = |(_, name): &(&String, &String)| {
                **name == own.name && (namespace.is_empty() || namespace == own.namespace)
            };
            Some((base, by_pool.iter().find(is_it)?.0))
        });
        let Some((base, pool)) = of_pool else {
            let is_it = |object: &&mut Value| {
                let key = Key::of(object);
                key.kind == "Service" && key.name == own.name && key.namespace == own.namespace
            };
            objects.iter_mut().find(is_it).into_iter().for_each(|object| own.put_back(object));
            lost.extend(
                own.chosen
                    .iter()
                    .map(|(path, _)| format!("`{}` of Service {}", pointer::field(path), own.name)),
            );
            continue;
        };
        let operations = own.operations();
        let mut target = json!({"kind": "Service", "service": base, "pool": pool});
        if !own.namespace.is_empty() {
            crate::core::json::put(&mut target, &["namespace"], own.namespace.clone());
        }
        patches.push(json!({"target": target, "expects": {"atLeast": 0}, "patch": operations}));
    }
    let mut kept = Kept::default();
    if !lost.is_empty() {
        kept.changes
            .push(format!("dropped {}, because copies for several pools cannot have it", lost.join(", ")));
    }
    if patches.is_empty() {
        return kept;
    }
    kept.changes.push(format!(
        "overlays/existing-services.yaml keeps the addresses, IDs and node ports of {}",
        plural(patches.len(), "existing Service")
    ));
    kept.patches = patches;
    kept
}

/// Returns the overlay with these patches; `None` if there is none.
pub(crate) fn overlay(patches: &[Value]) -> Option<Value> {
    (!patches.is_empty()).then(|| {
        json!({
            "apiVersion": "largescale.dev/v1alpha1", "kind": "Overlay", "metadata": {"name": OVERLAY},
            "spec": {"title": "what existing Services have, and no Service of another pool may have", "patches": patches},
        })
    })
}

fn annotation(key: &str) -> String {
    pointer::join("/metadata/annotations", key)
}

/// Whether an overlay would fill in a text that looks like a placeholder.
fn is_filled(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !placeholder::names(value).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::overlay::Overlay;
    use crate::core::platform::read_builtin;
    use crate::core::yaml;

    fn kept(
        platform: &str,
        annotations: &Value,
        spec: &Value,
        names: &[(&str, &str, &str)],
    ) -> (Kept, Value) {
        let platform = read_builtin(platform).unwrap().unwrap();
        let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web-a", "namespace": "shop",
            "annotations": annotations}, "spec": spec});
        let own = OwnFields::take_from(&mut service, &platform);
        let mut by_service: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (base, pool, name) in names {
            by_service.entry((*base).to_owned()).or_default().insert((*pool).to_owned(), (*name).to_owned());
        }
        let mut objects = [service];
        let kept = keep(&[own], &by_service, &mut objects);
        let [service] = objects;
        (kept, service)
    }

    #[test]
    fn the_overlay_keeps_what_belongs_to_one_service() {
        let (kept, service) = kept(
            "exoscale",
            &json!({"service.beta.kubernetes.io/exoscale-loadbalancer-name": "nlb-1", "a": "b"}),
            &json!({"clusterIP": "10.0.0.9", "loadBalancerIP": "192.0.2.1", "ports": [{"port": 80, "nodePort": 30080}]}),
            &[("shop/web", "apps", "web-a"), ("web", "x", "other")],
        );
        assert_eq!(service["metadata"]["annotations"], json!({"a": "b"}));
        assert_eq!(service["spec"], json!({"ports": [{"port": 80}]}));
        let text = yaml::write_object(&overlay(&kept.patches).unwrap());
        let read = Overlay::read("o.yaml", &text, &|_| panic!("no file")).unwrap();
        assert_eq!((read.patches.len(), read.spec.overrides.len()), (1, 0), "{text}");
        for part in [
            "service: web\n",
            "pool: apps\n",
            "namespace: shop\n",
            "value: nlb-1",
            "192.0.2.1",
            "value: 30080",
            "10.0.0.9",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn without_a_pool_the_manifest_keeps_the_address() {
        let spec = json!({"loadBalancerIP": "192.0.2.1", "ports": [{"port": 80, "nodePort": 30080}]});
        let (kept, service) =
            kept("openstack", &json!({"loadbalancer.openstack.org/load-balancer-id": "x"}), &spec, &[]);
        assert_eq!(overlay(&kept.patches), None);
        assert_eq!(service["spec"], json!({"loadBalancerIP": "192.0.2.1", "ports": [{"port": 80}]}));
        assert_eq!(service["metadata"]["annotations"]["loadbalancer.openstack.org/load-balancer-id"], "x");
        assert_eq!(
            kept.changes,
            [
                "dropped `spec.ports[0].nodePort` of Service web-a, because copies for several pools cannot have it"
            ]
        );
    }
}
