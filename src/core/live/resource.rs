//! A resource of the Kubernetes API.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::live::field_type::{InvalidObject, Type};

/// A kind with the API version in use and its name in URL paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The kind, such as `Service`.
    pub kind: String,
    /// The plural name in paths and roles, such as `services`.
    pub plural: String,
    /// Whether its objects are namespaced.
    pub namespaced: bool,
}

impl Resource {
    /// Returns the API version of its objects, such as `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Returns the core `ConfigMap`, which every server has.
    pub fn config_map() -> Self {
        Self::core("ConfigMap", "configmaps")
    }

    /// Returns a namespaced kind of the core group.
    pub fn core(kind: &str, plural: &str) -> Self {
        Self {
            group: String::new(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: true,
        }
    }

    /// Returns all kinds of an `APIResourceList`, the response of `/api/v1` or `/apis/GROUP/VERSION`, without subresources.
    pub fn all_of(list: &Value) -> Result<Vec<Self>, InvalidObject> {
        let group_version = text(list, "groupVersion")?;
        let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
        let read = |resource: &Value| {
            Ok(Self {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: text(resource, "kind")?.to_owned(),
                plural: text(resource, "name")?.to_owned(),
                namespaced: resource["namespaced"] == true,
            })
        };
        let mut kinds = items(list, "resources", read)?;
        kinds.retain(|kind| !kind.plural.contains('/'));
        Ok(kinds)
    }
}

/// Returns the groups of an `APIGroupList`, the response of `/apis`, each with the version that the server prefers.
pub fn preferred_versions(list: &Value) -> Result<BTreeMap<String, String>, InvalidObject> {
    let read = |group: &Value| {
        let version = text(&group["preferredVersion"], "version");
        let version = version.map_err(|problem| problem.below("preferredVersion"))?;
        Ok((text(group, "name")?.to_owned(), version.to_owned()))
    };
    Ok(items(list, "groups", read)?.into_iter().collect())
}

fn text<'a>(object: &'a Value, field: &str) -> Result<&'a str, InvalidObject> {
    Type::Name.require(field, &object[field])?;
    Ok(object[field].as_str().unwrap_or_default())
}

/// Reads each item of a list in an object; the list may be null.
fn items<T>(
    object: &Value,
    field: &str,
    read: impl Fn(&Value) -> Result<T, InvalidObject>,
) -> Result<Vec<T>, InvalidObject> {
    if object[field].is_null() {
        return Ok(Vec::new());
    }
    Type::Objects.require(field, &object[field])?;
    let list = object[field].as_array().into_iter().flatten();
    list.enumerate()
        .map(|(index, item)| read(item).map_err(|problem| problem.in_list(field, index)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_of_a_group() {
        let list = json!({"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
            {"name": "deployments", "kind": "Deployment", "namespaced": true},
            {"name": "deployments/scale", "kind": "Scale", "group": "autoscaling", "namespaced": true},
        ]});
        let found = Resource::all_of(&list).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].api_version().as_str(), found[0].plural.as_str()), ("apps/v1", "deployments"));
        let core = Resource::all_of(
            &json!({"groupVersion": "v1", "resources": [{"name": "namespaces", "kind": "Namespace", "namespaced": false}]}),
        )
        .unwrap();
        assert_eq!((core[0].group.as_str(), core[0].version.as_str(), core[0].namespaced), ("", "v1", false));
        assert_eq!(Resource::all_of(&json!({"groupVersion": "v1", "resources": null})), Ok(Vec::new()));
    }

    #[test]
    fn preferred_versions_of_groups() {
        let list = json!({"kind": "APIGroupList", "groups": [
            {"name": "apps", "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"}}]});
        assert_eq!(preferred_versions(&list).unwrap()["apps"], "v1");
    }

    #[test]
    fn answers_of_a_wrong_type_are_errors() {
        for (list, expected) in [
            (json!({}), "groupVersion is null, expected a string that is not empty"),
            (
                json!({"groupVersion": "v1", "resources": {}}),
                "resources is an object, expected a list of objects",
            ),
            (json!({"groupVersion": "v1", "resources": [7]}), "resources[0] is a number, expected an object"),
            (
                json!({"groupVersion": "v1", "resources": [{"name": "pods", "kind": ["Pod"]}]}),
                "resources[0].kind is a list, expected a string that is not empty",
            ),
        ] {
            assert_eq!(Resource::all_of(&list).unwrap_err().to_string(), expected);
        }
        let groups = json!({"groups": [{"name": "apps"}]});
        assert_eq!(
            preferred_versions(&groups).unwrap_err().to_string(),
            "groups[0].preferredVersion.version is null, expected a string that is not empty"
        );
    }
}
