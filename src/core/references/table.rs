//! The table of the fields in which objects name other objects, by the kind of the objects that have the fields.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::core::pointer;
use crate::core::references::rule::{ReferenceRule, ReferenceTarget};

/// The fields of Kubernetes and of well-known custom resources. JSON, because each render reads it, and YAML takes ten times as
/// long.
///
/// The base is kustomize's list (api/internal/konfig/builtinpluginconsts/namereference.go, v0.20.1). The other fields of
/// Kubernetes and of Gateway API are from the Go types of k8s.io/api and sigs.k8s.io/gateway-api v1.6.1. The fields of Traefik,
/// Contour, Argo Rollouts, KEDA, Knative and Istio follow their API references, and no test compares them with the source. A
/// path that does not exist matches nothing.
///
/// `paths` are JSON pointers; `*` is each item of a list. If the last key is `name`, the fields kind, group, apiGroup,
/// apiVersion and namespace beside it describe the other object. If several targets share a path, the first is the default for
/// a reference without a kind: the parent of a route is a Gateway, or a Service in a mesh. `where` requires a value in a field
/// beside the name. `pods` has the pointers of the pod specs that `inPods` is below.
const BUILTIN: &str = include_str!("builtin.json");

/// The fields of Kubernetes and of well-known custom resources, and those that a spec adds.
#[derive(Clone, Debug)]
pub struct References {
    builtin: &'static ByKind,
    added: ByKind,
}

/// The fields by the kind of the objects that have them.
pub(super) type ByKind = HashMap<String, Vec<Field>>;

/// A field that names another object.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// The API group of the objects that have the field; `None` for any.
    pub(super) group: Option<String>,
    /// The keys of the path; `None` for each item of a list.
    pub(super) path: Vec<Option<String>>,
    /// The objects that it may name; the first is the default.
    pub(super) to: Vec<ReferenceTarget>,
    /// The key of the field beside the name with the namespace.
    pub(super) namespace: Option<String>,
    /// A field beside the name and the value that it must contain.
    pub(super) condition: Option<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Builtin {
    pods: Vec<PodSpec>,
    references: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PodSpec {
    group: String,
    kinds: Vec<String>,
    path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Group {
    to: ReferenceTarget,
    #[serde(default)]
    in_pods: Vec<String>,
    #[serde(default, rename = "in")]
    within: Vec<Holder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Holder {
    group: String,
    kinds: Vec<String>,
    paths: Vec<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default, rename = "where")]
    condition: HashMap<String, String>,
}

impl References {
    /// Returns the table with the fields that a spec adds.
    pub fn with(rules: &[ReferenceRule]) -> Self {
        let mut added = ByKind::new();
        for rule in rules {
            let group = rule.group.clone();
            let namespace = rule.namespace.clone();
            add(&mut added, &rule.kind, field(group, &rule.path, &rule.to, namespace, None));
        }
        Self { builtin: builtin(), added }
    }

    /// Returns the fields of a kind.
    pub(super) fn of<'a>(&'a self, group: &'a str, kind: &str) -> impl Iterator<Item = &'a Field> {
        let found = [self.builtin, &self.added].into_iter().filter_map(|table| table.get(kind)).flatten();
        found.filter(move |field| field.group.as_ref().is_none_or(|known| known == group))
    }
}

/// Returns the built-in table, which is read once, when it is first needed.
fn builtin() -> &'static ByKind {
    static TABLE: OnceLock<ByKind> = OnceLock::new();
    TABLE.get_or_init(|| {
        let empty = Builtin { pods: Vec::new(), references: Vec::new() };
        let read: Builtin = serde_json::from_str(BUILTIN).unwrap_or(empty);
        let mut table = ByKind::new();
        for Group { to, in_pods, within } in read.references {
            for (pods, below) in read.pods.iter().flat_map(|pods| in_pods.iter().map(move |it| (pods, it))) {
                for kind in &pods.kinds {
                    let path = format!("{}{below}", pods.path);
                    add(&mut table, kind, field(Some(pods.group.clone()), &path, &to, None, None));
                }
            }
            for holder in within {
                let condition = holder.condition.into_iter().next();
                for (kind, path) in
                    holder.kinds.iter().flat_map(|kind| holder.paths.iter().map(move |path| (kind, path)))
                {
                    let group = Some(holder.group.clone());
                    let namespace = holder.namespace.clone();
                    add(&mut table, kind, field(group, path, &to, namespace, condition.clone()));
                }
            }
        }
        table
    })
}

fn field(
    group: Option<String>,
    path: &str,
    to: &ReferenceTarget,
    namespace: Option<String>,
    condition: Option<(String, String)>,
) -> Field {
    let path = pointer::keys(path).map(|key| (key != "*").then(|| key.into_owned())).collect();
    Field { group, path, to: vec![to.clone()], namespace, condition }
}

/// Adds a field, or a target to the field with the same path.
fn add(table: &mut ByKind, kind: &str, new: Field) {
    let fields = table.entry(kind.to_owned()).or_default();
    let is_same = |known: &&mut Field| {
        known.path == new.path
            && known.group == new.group
            && known.namespace == new.namespace
            && known.condition == new.condition
    };
    match fields.iter_mut().find(is_same) {
        Some(known) => known.to.extend(new.to),
        None => fields.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_valid() {
        let read: Builtin = serde_json::from_str(BUILTIN).unwrap();
        assert!(read.references.iter().all(|group| !group.in_pods.is_empty() || !group.within.is_empty()));
        for holder in read.references.iter().flat_map(|group| &group.within) {
            assert!(holder.condition.len() < 2, "{:?}", holder.kinds);
            for path in &holder.paths {
                let rule = ReferenceRule {
                    kind: "A".to_owned(),
                    group: None,
                    path: path.clone(),
                    to: ReferenceTarget::default(),
                    namespace: None,
                };
                assert_eq!(rule.problem(), None, "{path}");
            }
        }
        assert!(builtin().contains_key("CronJob"));
    }
}
