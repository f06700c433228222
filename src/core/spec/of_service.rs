//! What the spec says about a single Service of the manifests: the names of its copies, and the pools that get none.

use std::collections::BTreeMap;

use glob::Pattern;

use crate::core::manifest::Key;
use crate::core::spec::LargeScale;

impl LargeScale {
    /// Returns the namespace of an object: that of the spec, if the manifest states none.
    pub fn namespace_of<'a>(&'a self, key: &'a Key) -> &'a str {
        if key.namespace.is_empty() {
            self.metadata.namespace.as_deref().unwrap_or_default()
        } else {
            &key.namespace
        }
    }

    /// Returns the names of the copies of a Service that must not change, by pool.
    pub fn names_of(&self, service: &Key) -> Option<&BTreeMap<String, String>> {
        of_service(self, &self.spec.names, service)
    }

    /// Whether a pool gets no copy of a Service. The globs were checked when the spec was read.
    pub fn excludes(&self, service: &Key, pool: &str) -> bool {
        is_listed(self, &self.spec.pools.exclude_for, service, pool)
    }

    /// Whether existing objects select the nodes of a Service in a pool, so that none are rendered for it.
    pub fn has_existing_objects(&self, service: &Key, pool: &str) -> bool {
        is_listed(self, &self.spec.pools.existing_objects_for, service, pool)
    }

    /// Returns the keys of `spec.names` or of a field of `spec.pools` that mean none of these Services.
    pub fn keys_of_no_service<'a, T>(
        &'a self,
        map: &'a BTreeMap<String, T>,
        services: &'a [Key],
    ) -> impl Iterator<Item = &'a str> {
        let is_meant = |key: &str| {
            services.iter().any(|service| match key.split_once('/') {
                Some((namespace, name)) => service.name == name && self.namespace_of(service) == namespace,
                None => service.name == key,
            })
        };
        map.keys().map(String::as_str).filter(move |key| !is_meant(key))
    }
}

fn is_listed(spec: &LargeScale, map: &BTreeMap<String, Vec<String>>, service: &Key, pool: &str) -> bool {
    let globs = of_service(spec, map, service);
    globs.into_iter().flatten().any(|glob| Pattern::new(glob).is_ok_and(|glob| glob.matches(pool)))
}

/// Returns the entry of a Service: that of `NAMESPACE/NAME`, or else that of `NAME`.
fn of_service<'a, T>(spec: &LargeScale, map: &'a BTreeMap<String, T>, service: &Key) -> Option<&'a T> {
    if map.is_empty() {
        return None;
    }
    let full = format!("{}/{}", spec.namespace_of(service), service.name);
    map.get(&full).or_else(|| map.get(&service.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_a_namespace_come_first() {
        let text = "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {name: a, namespace: own}\nspec:\n  manifests: [m]\n  platform: hetzner\n  names: {web: {p: one}, shop/web: {p: two}, own/api: {p: three}}\n  pools: {excludeFor: {blog/web: ['a*'], web: [c]}}\n";
        let (spec, _) = LargeScale::read("largescale.yaml", text).unwrap();
        let key = |namespace: &str, name: &str| Key {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let name = |namespace: &str, name: &str| {
            spec.names_of(&key(namespace, name)).map_or("", |names| names["p"].as_str())
        };
        assert_eq!([name("blog", "web"), name("", "web"), name("shop", "web")], ["one", "one", "two"]);
        assert_eq!([name("", "api"), name("own", "api"), name("x", "api")], ["three", "three", ""]);
        assert!(spec.excludes(&key("blog", "web"), "ab") && !spec.excludes(&key("blog", "web"), "c"));
        assert!(spec.excludes(&key("", "web"), "c") && !spec.excludes(&key("", "api"), "c"));
        let services = [key("shop", "web"), key("", "api")];
        let unknown: Vec<&str> = spec.keys_of_no_service(&spec.spec.pools.exclude_for, &services).collect();
        assert_eq!(unknown, ["blog/web"]);
    }
}
