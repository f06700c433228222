//! Drops what servers, controllers and other tools wrote, by the table in `written.yaml` and by the platform files.

use serde_json::Value;

use crate::core::import::dropped::{Dropped, Topic};
use crate::core::import::origin::Origin;
use crate::core::import::ports;
use crate::core::import::table::{Drop, Entry, table};
use crate::core::json::has_content;
use crate::core::platform::{Platform, Written};
use crate::core::pointer;

/// Whether the cluster or a tool creates such an object itself.
pub(crate) fn is_of_cluster(object: &Value) -> bool {
    let is = |field: &str, wanted: Option<&String>| {
        wanted.is_none_or(|wanted| object["metadata"][field] == wanted.as_str())
    };
    let has = |(path, values): (&String, &Vec<Value>)| {
        object.pointer(path).is_some_and(|value| values.is_empty() || values.contains(value))
    };
    table().left_out.iter().any(|known| {
        object["kind"] == known.kind.as_str()
            && is("name", known.name.as_ref())
            && is("namespace", known.namespace.as_ref())
            && known.having.iter().all(has)
    })
}

/// Drops what others than the user wrote to an object.
pub(crate) fn drop_written(
    object: &mut Value,
    origin: &Origin,
    platforms: &[Platform],
    dropped: &mut Dropped,
) {
    let (group, kind) = group_and_kind(object);
    let key = crate::core::manifest::Key::of(object).to_string();
    for entry in &table().entries {
        let is_of_kind = entry.kinds.is_empty() || entry.kinds.contains(&kind);
        let is_of_group = entry.group.as_ref().is_none_or(|wanted| *wanted == group);
        let is_excepted = entry.unless.iter().any(|field| object.pointer(field).is_some_and(has_content));
        if !is_of_kind || !is_of_group || is_excepted || entry.drop == Drop::Live && !origin.is_live {
            continue;
        }
        for path in entry.found_in(object) {
            let value = object.pointer(&path);
            let is_meant = entry.values.is_empty() || value.is_some_and(|value| entry.values.contains(value));
            let is_kept =
                is_choice(&path, value) || entry.drop == Drop::Live && ports::is_users(origin, object, &path);
            if is_meant && !is_kept {
                dropped.remove(entry.topic, object, &path, &key);
            }
        }
    }
    if kind == "Service" && group.is_empty() && origin.is_live {
        for written in platforms.iter().flat_map(|platform| &platform.spec.written) {
            for path in written.found_in(object) {
                if origin.applied(&path).is_none() {
                    dropped.remove(Topic::Platforms, object, &path, &key);
                }
            }
        }
    }
    drop_empty(object);
}

/// Whether a value is a choice of the user wherever it is: a headless Service has no address to allocate.
fn is_choice(path: &str, value: Option<&Value>) -> bool {
    path == "/spec/clusterIP" && value.is_some_and(|value| *value == "None")
}

/// Removes the maps and lists that are now empty, which an apply would own.
fn drop_empty(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    for field in ["annotations", "labels", "finalizers", "ownerReferences"] {
        let is_empty = match metadata.get(field) {
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::Array(list)) => list.is_empty(),
            _ => false,
        };
        if is_empty {
            metadata.remove(field);
        }
    }
}

impl Entry {
    /// Returns the pointers of the fields that an object has, list items from the last to the first.
    fn found_in(&self, object: &Value) -> Vec<String> {
        let mut found: Vec<String> = self.paths.iter().flat_map(|path| expand(object, path)).collect();
        for (field, keys) in [("annotations", &self.annotations), ("labels", &self.labels)] {
            let held = object["metadata"][field].as_object().into_iter().flatten().map(|(key, _)| key);
            let held = held.filter(|key| keys.iter().any(|known| matches_key(known, key)));
            found.extend(held.map(|key| pointer::join(&format!("/metadata/{field}"), key)));
        }
        found
    }
}

impl Written {
    /// Returns the pointers of the fields that a Service has.
    fn found_in(&self, service: &Value) -> Vec<String> {
        let (parent, _) = self.path.rsplit_once('/').unwrap_or_default();
        let below = service.pointer(parent).and_then(Value::as_object).into_iter().flatten();
        let keys = below.map(|(key, _)| pointer::join(parent, key));
        keys.filter(|path| matches_key(&self.path, path)).collect()
    }
}

/// Whether a key is the known one, or begins with it if that ends with `*`.
fn matches_key(known: &str, key: &str) -> bool {
    known.strip_suffix('*').map_or(known == key, |beginning| key.starts_with(beginning))
}

/// Returns the pointers of an object that a path with `*` means, list items from the last to the first.
pub(super) fn expand(object: &Value, path: &str) -> Vec<String> {
    let Some((list, rest)) = path.split_once("/*") else {
        return object.pointer(path).map(|_| path.to_owned()).into_iter().collect();
    };
    let length = object.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
    let items = (0..length).rev().map(|index| format!("{list}/{index}{rest}"));
    items.filter(|path| object.pointer(path).is_some()).collect()
}

pub(super) fn group_and_kind(object: &Value) -> (String, String) {
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let version = text("apiVersion");
    (version.split_once('/').map_or("", |(group, _)| group).to_owned(), text("kind"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::platform::{builtin_names, read_builtin};

    fn without(object: &Value) -> Value {
        let platforms: Vec<Platform> = builtin_names().filter_map(read_builtin).map(Result::unwrap).collect();
        let mut left = object.clone();
        drop_written(&mut left, &Origin::of(object), &platforms, &mut Dropped::default());
        left
    }

    fn service(annotations: &Value, spec: &Value, applied: Option<&str>) -> Value {
        let mut service = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "a", "uid": "1", "annotations": annotations}, "spec": spec});
        if let Some(applied) = applied {
            let notes = service["metadata"]["annotations"].as_object_mut().unwrap();
            notes.insert("kubectl.kubernetes.io/last-applied-configuration".to_owned(), applied.into());
        }
        service
    }

    #[test]
    fn what_the_server_writes_is_dropped_from_every_kind() {
        let live = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "a", "uid": "1", "resourceVersion": "2", "generation": 3, "selfLink": "/x",
                "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{}],
                "ownerReferences": [{"kind": "App", "name": "x", "uid": "2"}], "finalizers": ["example.com/x", "foregroundDeletion"],
                "annotations": {"deployment.kubernetes.io/revision": "7", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
            },
            "spec": {"template": {"metadata": {"creationTimestamp": null,
                "annotations": {"kubectl.kubernetes.io/restartedAt": "2024-05-02T10:00:00Z"}}}},
            "status": {"replicas": 1},
        });
        assert_eq!(
            without(&live),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
                "spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2024-05-02T10:00:00Z"}}}}})
        );
    }

    #[test]
    fn what_the_user_wrote_stays() {
        // A file is the user's, except for what no manifest may have.
        let file = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "finalizers":
            ["example.com/x", "service.kubernetes.io/load-balancer-cleanup"], "labels": {"app.kubernetes.io/managed-by": "Helm"}},
            "spec": {"ports": [{"port": 80, "nodePort": 30080}]}});
        let mut expected = file.clone();
        expected["metadata"]["finalizers"] = json!(["example.com/x"]);
        assert_eq!(without(&file), expected);
        let applied = r#"{"kind":"Service","metadata":{"finalizers":["example.com/x"]},"spec":{"clusterIP":"10.0.0.9","ports":[{"port":443},{"nodePort":30080,"port":80}]}}"#;
        let spec = json!({"clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"], "healthCheckNodePort": 31000, "ports": [
            {"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 443, "protocol": "TCP", "nodePort": 31443}]});
        let mut live = service(&json!({}), &spec, Some(applied));
        live["metadata"]["finalizers"] = json!(["example.com/x", "example.com/y"]);
        let left = without(&live);
        assert_eq!(left["metadata"]["finalizers"], json!(["example.com/x"]));
        assert_eq!(
            left["spec"],
            json!({"clusterIP": "10.0.0.9", "ports": [
            {"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 443, "protocol": "TCP"}]})
        );
        let headless = json!({"clusterIP": "None", "clusterIPs": ["None"]});
        assert_eq!(without(&service(&json!({}), &headless, None))["spec"], json!({"clusterIP": "None"}));
    }

    #[test]
    fn what_controllers_of_platforms_write_is_dropped() {
        for written in [
            "loadbalancer.openstack.org/load-balancer-id",
            "loadbalancer.openstack.org/load-balancer-address",
            "metallb.io/ip-allocated-from-pool",
            "metallb.universe.tf/ip-allocated-from-pool",
            "service.beta.kubernetes.io/exoscale-loadbalancer-id",
            "service.beta.kubernetes.io/upcloud-load-balancer-name",
            "kube-vip.io/vipHost",
            "service.kubernetes.io/tcp-forwarding-rule",
            "meta.helm.sh/release-name",
            "argocd.argoproj.io/tracking-id",
        ] {
            let spec = json!({"ports": []});
            let left = without(&service(&json!({written: "x"}), &spec, None));
            assert_eq!(left["metadata"], json!({"name": "a"}), "{written}");
            let applied = format!(r#"{{"kind":"Service","metadata":{{"annotations":{{"{written}":"x"}}}}}}"#);
            let left = without(&service(&json!({written: "x"}), &spec, Some(&applied)));
            assert_eq!(left["metadata"]["annotations"][written], "x", "the user wrote {written}");
        }
        let user = json!({"service.kubernetes.io/topology-mode": "Auto", "metallb.io/address-pool": "a"});
        assert_eq!(without(&service(&user, &json!({}), None))["metadata"]["annotations"], user);
    }

    #[test]
    fn objects_of_the_cluster() {
        let object = |kind: &str, name: &str, namespace: &str| {
            is_of_cluster(&json!({"kind": kind, "metadata": {"name": name, "namespace": namespace}}))
        };
        assert!(object("ConfigMap", "kube-root-ca.crt", "a") && object("Service", "kubernetes", "default"));
        assert!(!object("Service", "kubernetes", "a") && !object("ConfigMap", "a", "default"));
        let endpoints = json!({"kind": "Endpoints", "metadata": {"name": "a", "labels": {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}}});
        assert!(is_of_cluster(&endpoints) && !object("Endpoints", "a", "b"));
        let token = |uid: &str| json!({"kind": "Secret", "type": "kubernetes.io/service-account-token", "metadata": {"name": "a", uid: "1"}});
        assert!(is_of_cluster(&token("uid")) && !is_of_cluster(&token("namespace")));
    }
}
