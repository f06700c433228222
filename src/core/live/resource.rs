//! A resource of the Kubernetes API.

use serde_json::Value;

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
    pub fn all_of(list: &Value) -> Vec<Self> {
        let group_version = list["groupVersion"].as_str().unwrap_or_default();
        let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
        let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
        let resources = list["resources"].as_array().into_iter().flatten();
        resources
            .filter(|resource| resource["name"].as_str().is_some_and(|name| !name.contains('/')))
            .map(|resource| Self {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: text(resource, "kind"),
                plural: text(resource, "name"),
                namespaced: resource["namespaced"] == true,
            })
            .collect()
    }
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
        let found = Resource::all_of(&list);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].api_version().as_str(), found[0].plural.as_str()), ("apps/v1", "deployments"));
        let core = Resource::all_of(
            &json!({"groupVersion": "v1", "resources": [{"name": "namespaces", "kind": "Namespace", "namespaced": false}]}),
        );
        assert_eq!((core[0].group.as_str(), core[0].version.as_str(), core[0].namespaced), ("", "v1", false));
        assert_eq!(Resource::all_of(&Value::Null), []);
    }
}
