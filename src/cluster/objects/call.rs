//! One API call about objects, as data.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use kube::api::{
    DeleteParams, GetParams, ListParams, Patch, PatchParams, Preconditions, ValidationDirective,
};
use serde_json::{Value, json};

use crate::cluster::error::ClusterError;
use crate::cluster::operation::{Operation, Retry};
use crate::cluster::pages::Listing;
use crate::cluster::response::ANY_LIST;
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
            // A JSON Patch has the resourceVersion, so that it is made once at most; a second try is a conflict.
            Self::Patch { at, patch, .. } if patch.is_array() => ask("patch", at, Retry::Safe),
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
        let path = collection(resource, namespace.as_deref().unwrap_or_default());
        let params = ListParams {
            label_selector: labels.clone(),
            field_selector: fields.clone(),
            ..ListParams::default()
        };
        Some(Listing { ask: self.ask(), path, params, kind: ANY_LIST })
    }

    /// Returns the request of a call that reads no list.
    pub(super) fn request(&self) -> Result<Request<Vec<u8>>, ClusterError> {
        let built = match self {
            Self::Get(at) => at.collection().get(&escaped(&at.name), &GetParams::default()),
            Self::List { resource, namespace, .. } => {
                let path = collection(resource, namespace.as_deref().unwrap_or_default());
                kube::core::Request::new(path).list(&ListParams::default())
            }
            Self::Apply { at, body, manager, force, dry_run } => {
                let params = PatchParams {
                    dry_run: *dry_run == DryRun::All,
                    force: *force == Force::Always,
                    field_manager: Some((*manager).to_owned()),
                    field_validation: Some(ValidationDirective::Strict),
                };
                at.collection().patch(&escaped(&at.name), &params, &Patch::Apply(body))
            }
            Self::Patch { at, patch, dry_run } => {
                let params = PatchParams { dry_run: *dry_run == DryRun::All, ..PatchParams::default() };
                let built = at.collection().patch(&escaped(&at.name), &params, &Patch::Merge(patch));
                // kube's own type for JSON Patch comes with another version of json-patch.
                built.map(|mut request| {
                    if patch.is_array() {
                        let json_patch = HeaderValue::from_static("application/json-patch+json");
                        request.headers_mut().insert(CONTENT_TYPE, json_patch);
                    }
                    request
                })
            }
            Self::Delete { at, uid, resource_version, dry_run } => {
                let (uid, resource_version) = (Some(uid.clone()), Some(resource_version.clone()));
                let params = DeleteParams {
                    dry_run: *dry_run == DryRun::All,
                    ..DeleteParams::background().preconditions(Preconditions { uid, resource_version })
                };
                at.collection().delete(&escaped(&at.name), &params)
            }
            Self::Resources { group, version } => plain(Method::GET, &root(group, version), Vec::new()),
            Self::Groups => plain(Method::GET, "/apis", Vec::new()),
            Self::OwnRights { namespace } => {
                let review = json!({
                    "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
                    "spec": { "namespace": namespace },
                });
                let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
                plain(Method::POST, path, review.to_string().into_bytes())
            }
        };
        built.map_err(|error| ClusterError::Unusable {
            what: "the request".into(),
            reason: error.into(),
            hint: "",
        })
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
    fn collection(&self) -> kube::core::Request {
        kube::core::Request::new(collection(&self.resource, &self.namespace))
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

/// Escapes text for a path: everything but RFC 3986's unreserved characters. kube writes names into paths as they are.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

fn plain(method: Method, path: &str, body: Vec<u8>) -> Result<Request<Vec<u8>>, kube::core::request::Error> {
    let json = "application/json";
    let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, json);
    request.body(body).map_err(kube::core::request::Error::BuildRequest)
}
