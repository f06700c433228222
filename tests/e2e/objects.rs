//! Reads and changes objects of the cluster as the administrator, without the tested code.

use serde_json::{Value, json};

use crate::control_plane::ControlPlane;
use crate::wait::until;

/// The type of a patch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patch<'a> {
    Merge,
    Json,
    /// Server-side apply by this field manager, forcing conflicts.
    Apply(&'a str),
}

impl ControlPlane {
    /// Sends any request; returns the status and the JSON of the response.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let headers = [("Content-Type".to_owned(), media_type.to_owned())];
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let answer = self.upstream.send(method, path, &headers, body).unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// Returns the object at a path, if it exists.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let (status, object) = self.request("GET", path, "application/json", None);
        assert!(matches!(status, 200 | 404), "{path}: {object}");
        (status == 200).then_some(object)
    }

    /// Returns the items of a list.
    #[track_caller]
    pub(crate) fn list(&self, path: &str) -> Vec<Value> {
        let mut list = self.get(path).unwrap_or_else(|| panic!("there is no {path}"));
        match list["items"].take() {
            Value::Array(items) => items,
            other => panic!("{path} is not a list: {other}"),
        }
    }

    /// Creates an object; the path is that of its list.
    #[track_caller]
    pub(crate) fn create(&self, path: &str, object: &Value) -> Value {
        let (status, made) = self.request("POST", path, "application/json", Some(object));
        assert_eq!(status, 201, "{path}: {made}");
        made
    }

    #[track_caller]
    pub(crate) fn patch(&self, path: &str, how: Patch, change: &Value) -> Value {
        let (path, media_type) = match how {
            Patch::Merge => (path.to_owned(), "application/merge-patch+json"),
            Patch::Json => (path.to_owned(), "application/json-patch+json"),
            Patch::Apply(manager) => {
                (format!("{path}?fieldManager={manager}&force=true"), "application/apply-patch+yaml")
            }
        };
        let (status, object) = self.request("PATCH", &path, media_type, Some(change));
        assert!(matches!(status, 200 | 201), "{path}: {object}");
        object
    }

    /// Deletes the object at a path, whether it exists or not.
    #[track_caller]
    pub(crate) fn delete(&self, path: &str) {
        let (status, answer) = self.request("DELETE", path, "application/json", None);
        assert!(matches!(status, 200 | 202 | 404), "{path}: {answer}");
    }

    /// Creates a namespace; no two tests may share one.
    #[track_caller]
    pub(crate) fn create_namespace(&self, name: &str) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.create("/api/v1/namespaces", &namespace);
    }

    /// Gives a user a right in a namespace, or everywhere; it is effective when this returns. Use `--as` to
    /// impersonate the user.
    #[track_caller]
    pub(crate) fn allow(
        &self,
        user: &str,
        namespace: Option<&str>,
        verbs: &[&str],
        group: &str,
        resource: &str,
    ) {
        const API: &str = "rbac.authorization.k8s.io";
        let (kind, below) = match namespace {
            Some(namespace) => ("Role", format!("/apis/{API}/v1/namespaces/{namespace}")),
            None => ("ClusterRole", format!("/apis/{API}/v1")),
        };
        let name = [user, group, resource].join("-");
        let role = json!({"apiVersion": format!("{API}/v1"), "kind": kind, "metadata": {"name": name},
            "rules": [{"apiGroups": [group], "resources": [resource], "verbs": verbs}]});
        self.create(&format!("{below}/{}s", kind.to_lowercase()), &role);
        let binding = json!({"apiVersion": format!("{API}/v1"), "kind": format!("{kind}Binding"),
            "metadata": {"name": name},
            "roleRef": {"apiGroup": API, "kind": kind, "name": name},
            "subjects": [{"apiGroup": API, "kind": "User", "name": user}]});
        self.create(&format!("{below}/{}bindings", kind.to_lowercase()), &binding);
        // The authorizer learns of a new role after a moment.
        for verb in verbs {
            let attributes =
                json!({"verb": verb, "group": group, "resource": resource, "namespace": namespace});
            let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                "spec": {"user": user, "resourceAttributes": attributes}});
            until(&format!("{user} may {verb} {resource}"), || {
                let review = self.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review);
                (review["status"]["allowed"] == true).then_some(())
            });
        }
    }
}
