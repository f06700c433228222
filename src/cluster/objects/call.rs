//! One thing to ask of the API server about objects, as data.

use std::borrow::Cow;

use http::{Method, Request};
use serde_json::{Value, json};

use crate::cluster::error::ClusterError;
use crate::cluster::operation::{Operation, Retry};
use crate::cluster::pages::{Listing, escaped};
use crate::cluster::response::ANY_LIST;
use crate::core::live::Resource;

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Its kind.
    pub resource: Resource,
    /// Its namespace; empty where it has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Whether the server does it or only says what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// The change is made.
    None,
    /// `dryRun=All`: all checks and webhooks, and nothing is stored.
    All,
}

/// What to ask.
#[derive(Clone, Debug)]
pub enum ApiCall {
    /// One object; `null` if there is none.
    Get(ObjectRef),
    /// All objects of a kind, as an array of whole objects.
    List {
        /// The kind.
        resource: Resource,
        /// Only in this namespace.
        namespace: Option<String>,
        /// Only with these labels, in the form of `--selector`.
        labels: Option<String>,
        /// Only with these fields, in the form of `--field-selector`.
        fields: Option<String>,
    },
    /// Server-side apply, with strict validation of the fields; the answer is the object as it is then.
    Apply {
        /// Where to.
        at: ObjectRef,
        /// What is applied.
        body: Value,
        /// In whose name.
        manager: &'static str,
        /// Take fields from other managers: the server's `force`.
        force: Force,
        /// Really?
        dry_run: DryRun,
    },
    /// A JSON Patch (an array) or a merge patch (an object); the answer is the object as it is then.
    Patch {
        /// Where to.
        at: ObjectRef,
        /// The patch.
        patch: Value,
        /// Really?
        dry_run: DryRun,
    },
    /// Deletes the object if it is still the one that was looked at.
    Delete {
        /// Which.
        at: ObjectRef,
        /// Its UID.
        uid: String,
        /// Its resourceVersion.
        resource_version: String,
        /// Really?
        dry_run: DryRun,
    },
    /// The kinds of a group and version, as an `APIResourceList`; `null` if the server has none of it.
    Resources {
        /// The group; empty for core.
        group: String,
        /// The version.
        version: String,
    },
    /// The groups and versions that the server has, as an `APIGroupList`.
    Groups,
    /// What the user may do in a namespace, as a `SelfSubjectRulesReview`.
    OwnRights {
        /// The namespace.
        namespace: String,
    },
}

/// What becomes of fields that other managers hold with other values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// The apply fails and names them.
    Never,
    /// They become ours.
    Always,
}

impl ApiCall {
    /// The whole list of a kind, in one namespace or in all.
    pub fn list(resource: Resource, namespace: Option<String>, labels: Option<String>) -> Self {
        Self::List { resource, namespace, labels, fields: None }
    }

    /// What is asked, for errors and rights.
    pub(super) fn ask(&self) -> Operation {
        let ask = |verb, at: &ObjectRef, repeat| Operation {
            verb,
            resource: Cow::Owned(at.resource.plural.clone()),
            what: Cow::Owned(at.to_string()),
            repeat,
        };
        match self {
            Self::Get(at) => ask("get", at, Retry::Safe),
            // An apply says how it shall be in the end, a delete which one shall be gone.
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
            // It is a question, though it is asked by making an object that nobody keeps.
            Self::OwnRights { .. } => {
                Operation::read("create", "selfsubjectrulesreviews", "the rights of this user")
            }
        }
    }

    /// The list that is asked for, if one is.
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

    /// The request of anything but a list.
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
                    options["dryRun"] = json!(["All"]);
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
    /// As messages name objects: `service/web/nginx`.
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
