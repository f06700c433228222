//! Drops what the API server adds to objects itself, so that the manifests say what the user wrote.

use serde_json::Value;

use crate::core::import::dropped::{Dropped, Topic, take};
use crate::core::import::origin::Origin;
use crate::core::import::table::{ConditionalDefault, conditional_defaults};
use crate::core::import::written::{expand, group_and_kind};
use crate::core::live::without_defaults;
use crate::core::manifest::Key;

/// The fields of the address families. Their defaults are a property of the cluster.
const FAMILIES: &[&str] = &["/spec/ipFamilies", "/spec/ipFamilyPolicy"];

/// Drops the defaults from an object of a cluster. What its user applied stays. `family` is the address family that Services of
/// the cluster have if their users choose none.
pub(crate) fn drop_defaults(
    object: &mut Value,
    origin: &Origin,
    family: Option<&str>,
    dropped: &mut Dropped,
) {
    if !origin.is_live {
        return;
    }
    let key = Key::of(object).to_string();
    let is_users = |path: &str| origin.applied(path).is_some();
    let mut drop = |object: &mut Value, path: &str| dropped.remove(Topic::Defaults, object, path, &key);
    if is_single(object, family) {
        FAMILIES.iter().filter(|field| !is_users(field)).for_each(|field| drop(object, field));
    }
    for path in conditional(object) {
        if !is_users(&path) {
            drop(object, &path);
        }
    }
    for path in without_defaults(object, &is_users) {
        dropped.count(Topic::Defaults, &path, &key);
    }
}

/// Returns an object without all defaults, to compare Services of different origins.
pub(crate) fn comparable(object: &Value) -> Value {
    let mut object = object.clone();
    for path in conditional(&object) {
        take(&mut object, &path);
    }
    without_defaults(&mut object, &|_| false);
    object
}

/// Returns the address family of a Service for which the server chose it: one is enough to know the family of the cluster.
pub(crate) fn default_family<'a>(service: &'a Value, origin: &Origin) -> Option<&'a str> {
    let family = service.pointer("/spec/ipFamilies/0")?.as_str()?;
    let is_default =
        origin.is_live && origin.left_out("/spec/ipFamilies") && is_single(service, Some(family));
    is_default.then_some(family)
}

fn is_single(service: &Value, family: Option<&str>) -> bool {
    let families = service.pointer("/spec/ipFamilies").and_then(Value::as_array).map(Vec::as_slice);
    let [only] = families.unwrap_or_default() else { return false };
    service["kind"] == "Service"
        && service["spec"]["ipFamilyPolicy"] == "SingleStack"
        && family.is_some_and(|family| only == family)
}

/// Returns the fields with a default that depends on other fields.
fn conditional(object: &Value) -> Vec<String> {
    let (group, kind) = group_and_kind(object);
    let rules = conditional_defaults().iter().filter(|rule| rule.is_of(&group, &kind));
    rules.flat_map(|rule| rule.found_in(object)).collect()
}

impl ConditionalDefault {
    fn found_in(&self, object: &Value) -> Vec<String> {
        let holds = |(path, values): (&String, &Vec<Value>)| {
            object.pointer(path).is_some_and(|value| values.contains(value))
        };
        if !self.when.iter().all(holds) {
            return Vec::new();
        }
        let is_default = |path: &String| {
            let value = object.pointer(path);
            match &self.same_as {
                Some(field) => {
                    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                    value == object.pointer(&format!("{parent}/{field}"))
                }
                None => value == self.value.as_ref(),
            }
        };
        expand(object, &self.path).into_iter().filter(is_default).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(spec: &Value, applied: Option<&str>) -> Value {
        let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "uid": "1"}, "spec": spec});
        if let Some(applied) = applied {
            service["metadata"]["annotations"] =
                json!({"kubectl.kubernetes.io/last-applied-configuration": applied});
        }
        service
    }

    fn spec_without(service: &Value, family: Option<&str>) -> Value {
        let mut left = service.clone();
        drop_defaults(&mut left, &Origin::of(service), family, &mut Dropped::default());
        left["spec"].clone()
    }

    #[test]
    fn defaults_of_a_live_service_are_dropped() {
        let spec = json!({
            "allocateLoadBalancerNodePorts": true, "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "type": "LoadBalancer",
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}, {"port": 81, "protocol": "UDP", "targetPort": "web"}],
        });
        let ports = json!([{"port": 80}, {"port": 81, "protocol": "UDP", "targetPort": "web"}]);
        let families = json!({"ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "type": "LoadBalancer", "ports": ports});
        assert_eq!(spec_without(&service(&spec, None), None), families);
        assert_eq!(spec_without(&service(&spec, None), Some("IPv6")), families);
        let short = json!({"type": "LoadBalancer", "ports": ports});
        assert_eq!(spec_without(&service(&spec, None), Some("IPv4")), short);
        assert_eq!(
            comparable(&json!({"apiVersion": "v1", "kind": "Service", "spec": spec}))["spec"],
            families
        );
        let applied =
            r#"{"kind":"Service","spec":{"sessionAffinity":"None","ports":[{"port":80,"protocol":"TCP"}]}}"#;
        let left = spec_without(&service(&spec, Some(applied)), Some("IPv4"));
        assert_eq!(
            (&left["sessionAffinity"], &left["ports"][0]),
            (&json!("None"), &json!({"port": 80, "protocol": "TCP"}))
        );
        assert_eq!(
            default_family(&service(&spec, Some(applied)), &Origin::of(&service(&spec, Some(applied)))),
            Some("IPv4")
        );
        assert_eq!(default_family(&service(&spec, None), &Origin::of(&service(&spec, None))), None);
    }

    #[test]
    fn choices_stay() {
        let spec = json!({"allocateLoadBalancerNodePorts": false, "externalTrafficPolicy": "Local", "type": "LoadBalancer",
            "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "PreferDualStack", "ports": [{"port": 80, "targetPort": 8080}]});
        assert_eq!(spec_without(&service(&spec, None), Some("IPv4")), spec);
        let external = json!({"type": "ExternalName", "externalName": "x.example.com", "internalTrafficPolicy": "Cluster"});
        assert_eq!(spec_without(&service(&external, None), None), external);
        let file = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"sessionAffinity": "None"}});
        assert_eq!(spec_without(&file, Some("IPv4")), file["spec"], "a file is written as the user wants");
    }
}
