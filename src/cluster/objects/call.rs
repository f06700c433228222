//! One API call about objects, as data.

use std::borrow::Cow;

use http::{Method, Request};
use serde_json::{Value, json};

use crate::cluster::error::ClusterError;
use crate::cluster::operation::{Operation, Retry};
use crate::cluster::pages::{Listing, escaped};
use crate::cluster::response::ANY_LIST;
use crate::core::json;
use crate::core::live::Resource;

/// Reference of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Its kind.
    pub resource: Resource,
    /// Its namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Whether the server stores a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// The change is stored.
    None,
    /// `dryRun=All`: runs all checks and webhooks, and stores nothing.
    All,
}

/// An API call.
#[derive(Clone, Debug)]
pub enum ApiCall {
    /// Gets one object; `null` if it does not exist.
    Get(ObjectRef),
    /// Lists all objects of a kind, as an array of whole objects.
    List {
        /// The kind.
        resource: Resource,
        /// Only objects in this namespace.
        namespace: Option<String>,
        /// Only objects with these labels, in the syntax of `--selector`.
        labels: Option<String>,
        /// Only objects with these fields, in the syntax of `--field-selector`.
        fields: Option<String>,
    },
    /// Server-side apply with strict field validation; returns the resulting object.
    Apply {
        /// The object's reference.
        at: ObjectRef,
        /// The applied configuration.
        body: Value,
        /// The field manager.
        manager: &'static str,
        /// Whether to take fields from other managers: the server's `force`.
        force: Force,
        /// Whether the change is stored.
        dry_run: DryRun,
    },
    /// A JSON Patch (an array) or a merge patch (an object); returns the resulting object.
    Patch {
        /// The object's reference.
        at: ObjectRef,
        /// The patch.
        patch: Value,
        /// Whether the change is stored.
        dry_run: DryRun,
    },
    /// Deletes the object if its UID and resourceVersion still match.
    Delete {
        /// The object's reference.
        at: ObjectRef,
        /// Its UID.
        uid: String,
        /// Its resourceVersion.
        resource_version: String,
        /// Whether the deletion is real.
        dry_run: DryRun,
    },
    /// Lists the kinds of a group and version, as an `APIResourceList`; `null` if the server does not serve it.
    Resources {
        /// The group; empty for core.
        group: String,
        /// The version.
        version: String,
    },
    /// Lists the groups and versions of the server, as an `APIGroupList`.
    Groups,
    /// Reads the user's permissions in a namespace, as a `SelfSubjectRulesReview`.
    OwnRights {
        /// The namespace.
        namespace: String,
    },
}

/// How to handle fields that other managers own with other values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// The apply fails with a conflict that names them.
    Never,
    /// The apply takes ownership of them.
    Always,
}

impl ApiCall {
    /// Returns a call that lists a kind, in one namespace or in all.
    pub fn list(resource: Resource, namespace: Option<String>, labels: Option<String>) -> Self {
        Self::List { resource, namespace, labels, fields: None }
    }

    /// Returns the operation, for errors and permissions.
    pub(super) fn ask(&self) -> Operation {
        let ask = |verb, at: &ObjectRef, repeat| Operation {
            verb,
            resource: Cow::Owned(at.resource.plural.clone()),
            what: Cow::Owned(at.to_string()),
            repeat,
        };
        match self {
            Self::Get(at) => ask("get", at, Retry::Safe),
            // Applies and deletes are idempotent: the first says the final state, the second which UID to delete.
            Self::Apply { at, .. } => ask("patch", at, Retry::Safe),
            Self::Delete { at, .. } => ask("delete", at, Retry::Safe),
            Self::Patch { at, .. } => ask("patch", at, Retry::Unsafe),
            Self::List { resource, namespace, .. } => {
                let location =
                    namespace.as_ref().map(|name| format!(" in namespace {name}")).unwrap_or_default();
                Operation {
                    verb: "list",
                    resource: Cow::Owned(resource.plural.clone()),
                    what: Cow::Owned(format!("{}{location}", resource.plural)),
                    repeat: Retry::Safe,
                }
            }
            Self::Resources { group, version } => Operation {
                verb: "get",
                resource: Cow::Borrowed("the API"),
                what: Cow::Owned(format!("the kinds of {}", Self::group_version(group, version))),
                repeat: Retry::Safe,
            },
            Self::Groups => Operation::read("get", "the API", "the groups of the API"),
            // A read, although the API creates an object, which the server does not store.
            Self::OwnRights { .. } => {
                Operation::read("create", "selfsubjectrulesreviews", "the rights of this user")
            }
        }
    }

    /// Returns the list that the call reads, if it reads one.
    pub(super) fn listing(&self) -> Option<Listing> {
        let Self::List { resource, namespace, labels, fields } = self else { return None };
        let query: Vec<String> = [("labelSelector", labels), ("fieldSelector", fields)]
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", escaped(value.as_ref()?))))
            .collect();
        let mut path = collection(resource, namespace.as_deref().unwrap_or_default());
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        Some(Listing { ask: self.ask(), path, kind: ANY_LIST })
    }

    /// Returns the request of a call that reads no list.
    pub(super) fn request(&self) -> Result<Request<Vec<u8>>, ClusterError> {
        match self {
            Self::Get(at) => request(Method::GET, &at.path(), None),
            Self::List { resource, namespace, .. } => {
                request(Method::GET, &collection(resource, namespace.as_deref().unwrap_or_default()), None)
            }
            Self::Apply { at, body, manager, force, dry_run } => {
                let force = *force == Force::Always;
                let path = format!(
                    "{}?fieldManager={manager}&fieldValidation=Strict&force={force}{}",
                    at.path(),
                    dry_run.query('&')
                );
                request(Method::PATCH, &path, Some(("application/apply-patch+yaml", body)))
            }
            Self::Patch { at, patch, dry_run } => {
                let form = if patch.is_array() {
                    "application/json-patch+json"
                } else {
                    "application/merge-patch+json"
                };
                request(Method::PATCH, &format!("{}{}", at.path(), dry_run.query('?')), Some((form, patch)))
            }
            Self::Delete { at, uid, resource_version, dry_run } => {
                let mut options = json!({
                    "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
                    "preconditions": { "uid": uid, "resourceVersion": resource_version },
                });
                if *dry_run == DryRun::All {
                    json::put(&mut options, &["dryRun"], json!(["All"]));
                }
                request(Method::DELETE, &at.path(), Some(("application/json", &options)))
            }
            Self::Resources { group, version } => request(Method::GET, &root(group, version), None),
            Self::Groups => request(Method::GET, "/apis", None),
            Self::OwnRights { namespace } => {
                let review = json!({
                    "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
                    "spec": { "namespace": namespace },
                });
                let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
                request(Method::POST, path, Some(("application/json", &review)))
            }
        }
    }

    fn group_version(group: &str, version: &str) -> String {
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
    }
}

impl std::fmt::Display for ObjectRef {
    /// Formats the object for messages: `service/web/nginx`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.resource.kind.to_lowercase();
        if self.namespace.is_empty() {
            write!(f, "{kind}/{}", self.name)
        } else {
            write!(f, "{kind}/{}/{}", self.namespace, self.name)
        }
    }
}

impl ObjectRef {
    fn path(&self) -> String {
        format!("{}/{}", collection(&self.resource, &self.namespace), escaped(&self.name))
    }
}

impl DryRun {
    fn query(self, join: char) -> String {
        match self {
            Self::None => String::new(),
            Self::All => format!("{join}dryRun=All"),
        }
    }
}

fn root(group: &str, version: &str) -> String {
    let (group, version) = (escaped(group), escaped(version));
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

fn collection(resource: &Resource, namespace: &str) -> String {
    let root = root(&resource.group, &resource.version);
    if namespace.is_empty() || !resource.namespaced {
        return format!("{root}/{}", escaped(&resource.plural));
    }
    format!("{root}/namespaces/{}/{}", escaped(namespace), escaped(&resource.plural))
}

fn request(
    method: Method,
    path: &str,
    body: Option<(&'static str, &Value)>,
) -> Result<Request<Vec<u8>>, ClusterError> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some((form, _)) = body {
        request = request.header(http::header::CONTENT_TYPE, form);
    }
    let body = body.map(|(_, body)| body.to_string().into_bytes()).unwrap_or_default();
    request.body(body).map_err(|error| ClusterError::Unusable {
        what: format!("the path {path}"),
        reason: error.to_string(),
    })
}
