//! Services that get another name at a render, because the Service of the manifests was renamed or an entry of `spec.names` is
//! gone. An apply creates Services with other addresses, unless `spec.names` keeps the old names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::gateway::is_gateway;
use crate::core::manifest::{Key, Object, label};
use crate::core::pools::PoolSet;
use crate::core::render::{RenderedFile, SERVICE_LABEL, pool_of};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::{first_of, plural};
use crate::core::spec::LargeScale;
use crate::core::tree::plan::{Action, Plan};
use crate::core::yaml;

/// What a rename is found in.
#[derive(Clone, Copy, Debug)]
pub struct Renamed<'a> {
    /// The spec.
    pub spec: &'a LargeScale,
    /// The cluster of the spec; `None` if the spec names none.
    pub cluster: Option<&'a str>,
    /// The objects of the manifests.
    pub objects: &'a [Object],
    /// The pools.
    pub pools: &'a PoolSet,
    /// The changes in the directory.
    pub plan: &'a Plan,
    /// The new files.
    pub rendered: &'a [RenderedFile],
    /// The current files.
    pub known: &'a BTreeMap<String, Vec<u8>>,
}

/// The namespace of a Service, and its name in the manifests.
type Id = (String, String);

/// The copies of each Service by pool.
type Copies = BTreeMap<Id, BTreeMap<String, Copy>>;

/// One copy.
#[derive(Clone, Debug)]
struct Copy {
    name: String,
    selector: Value,
}

impl Renamed<'_> {
    /// Returns a warning for each Service whose copies lose their names, and so their addresses. `spec.names` in the hint is
    /// complete. A new name that `spec.names` states is what the user wants.
    pub fn warnings(self) -> Vec<Diagnostic> {
        let old = self.removed();
        if old.is_empty() {
            return Vec::new();
        }
        let (new, kept) = self.created();
        let mut names = self.spec.spec.names.clone();
        let services: Vec<Key> =
            self.objects.iter().filter(|object| is_split(object)).map(Object::key).collect();
        let unused: Vec<String> =
            self.spec.keys_of_no_service(&names, &services).map(str::to_owned).collect();
        names.retain(|key, _| !unused.contains(key));
        let mut found = Vec::new();
        let mut taken = BTreeSet::new();
        let mut without: Vec<&Id> = Vec::new();
        for (id, before) in &old {
            let Some(after) = successor(id, before, (&old, &new), &kept) else {
                without.push(id);
                continue;
            };
            taken.insert(after.clone());
            let Some(service) =
                services.iter().find(|key| self.spec.namespace_of(key) == after.0 && key.name == after.1)
            else {
                continue;
            };
            let given = self.spec.names_of(service);
            let mut lost = BTreeMap::new();
            for (pool, copy) in before {
                let Some(pool) = self.pools.pools.iter().find(|known| known.name == *pool) else { continue };
                let is_new = new[&after].get(&pool.name).is_some_and(|now| now.name != copy.name);
                if is_new && given.is_none_or(|names| !names.contains_key(&pool.value)) {
                    lost.insert(pool.value.clone(), copy.name.clone());
                }
            }
            if lost.is_empty() {
                continue;
            }
            names.entry(self.entry(service, &services)).or_default().extend(lost.clone());
            found.push((id.1.as_str(), service, lost));
        }
        let hint = self.hint(&names);
        let mut warnings: Vec<Diagnostic> =
            found.into_iter().map(|(old, service, lost)| self.warning(old, service, &lost, &hint)).collect();
        let is_free = |id: &&Id| !taken.contains(*id) && !kept.contains(*id) && !old.contains_key(*id);
        let free: Vec<&Id> = new.keys().filter(is_free).collect();
        let namespaces: BTreeSet<&str> = without.iter().map(|id| id.0.as_str()).collect();
        warnings.extend(namespaces.into_iter().filter_map(|namespace| {
            let of = |ids: &[&Id]| -> Vec<Id> {
                ids.iter().filter(|id| id.0 == namespace).map(|id| (*id).clone()).collect()
            };
            self.undecided(&old, &of(&without), &of(&free))
        }));
        warnings
    }

    /// Warns of Services of one namespace that are gone while others are new, if nothing decides which one became which.
    fn undecided(&self, old: &Copies, gone: &[Id], new: &[Id]) -> Option<Diagnostic> {
        let is_of_pool = |pool: &str| self.pools.pools.iter().any(|known| known.name == pool);
        let mut names: Vec<&str> = Vec::new();
        for id in gone {
            let copies = old[id].iter().filter(|(pool, _)| is_of_pool(pool));
            names.extend(copies.map(|(_, copy)| copy.name.as_str()));
        }
        if names.is_empty() || new.is_empty() {
            return None;
        }
        let list = |ids: &[Id]| ids.iter().map(|id| format!("`{}`", id.1)).collect::<Vec<_>>().join(", ");
        let pools: Vec<String> =
            self.pools.pools.iter().map(|pool| format!("{}: ...", flow(&pool.value))).collect();
        let fields: Vec<String> =
            new.iter().map(|id| format!("{}: {{{}}}", flow(&id.1), pools.join(", "))).collect();
        let fields = format!("names: {{{}}}", fields.join(", "));
        let field = match self.cluster {
            None => format!("`spec.{fields}`"),
            Some(cluster) => format!("`{fields}` for {cluster} in `spec.clusters`"),
        };
        let (are, their) =
            if names.len() == 1 { ("is", "its address is") } else { ("are", "their addresses are") };
        let warning = Diagnostic::warning(format!(
            "{} {} gone and {} {} new: if they were renamed, {} {are} removed ({}), and {their} lost when `apply --prune` or a GitOps tool deletes the old objects",
            list(gone),
            if gone.len() == 1 { "is" } else { "are" },
            list(new),
            if new.len() == 1 { "is" } else { "are" },
            plural(names.len(), "Service"),
            first_of(&names),
        ))
        .hint(format!("to keep the names and addresses, set {field} with the old names, and render again"));
        let is_first = |object: &&Object| {
            let key = object.key();
            is_split(object) && self.spec.namespace_of(&key) == new[0].0 && key.name == new[0].1
        };
        Some(match self.objects.iter().find(is_first) {
            Some(object) => warning.at(object.location("/metadata/name")),
            None => warning,
        })
    }

    fn warning(&self, old: &str, new: &Key, lost: &BTreeMap<String, String>, hint: &str) -> Diagnostic {
        let kind = &new.kind;
        let what = if old == new.name {
            format!("the {kind}s of `{old}` get other names")
        } else {
            format!("the {kind} `{old}` is replaced by `{}`", new.name)
        };
        let names: Vec<&str> = lost.values().map(String::as_str).collect();
        let (their, are) =
            if lost.len() == 1 { ("its address is", "is") } else { ("their addresses are", "are") };
        let warning = Diagnostic::warning(format!(
            "{what}: {} {are} removed ({}), and {their} lost when `apply --prune` or a GitOps tool deletes the old objects",
            plural(lost.len(), kind),
            first_of(&names),
        ))
        .hint(hint);
        let is_new = |object: &&Object| is_split(object) && object.key() == *new;
        match self.objects.iter().find(is_new) {
            Some(object) => warning.at(object.location("/metadata/name")),
            None => warning,
        }
    }

    fn hint(&self, names: &BTreeMap<String, BTreeMap<String, String>>) -> String {
        let pair = |(key, value): (&String, &String)| format!("{}: {}", flow(key), flow(value));
        let service = |(service, names): (&String, &BTreeMap<String, String>)| {
            format!("{}: {{{}}}", flow(service), names.iter().map(pair).collect::<Vec<_>>().join(", "))
        };
        let value = names.iter().map(service).collect::<Vec<_>>().join(", ");
        match self.cluster {
            None => {
                format!("to keep the names and addresses, set `spec.names: {{{value}}}` and render again")
            }
            Some(cluster) => format!(
                "to keep the names and addresses, set `names: {{{value}}}` for {cluster} in `spec.clusters`, and render again"
            ),
        }
    }

    /// Returns the key of a Service in `spec.names`.
    fn entry(&self, service: &Key, services: &[Key]) -> String {
        let same = services.iter().filter(|key| key.name == service.name).count();
        let full = format!("{}/{}", self.spec.namespace_of(service), service.name);
        if same > 1 || self.spec.spec.names.contains_key(&full) { full } else { service.name.clone() }
    }

    fn removed(&self) -> Copies {
        let mut found = Copies::new();
        for step in self.plan.steps.iter().filter(|step| step.action == Action::Removed) {
            let Some(bytes) = self.known.get(&step.path).filter(|_| step.pool.is_some()) else { continue };
            add(&mut found, &step.path, &String::from_utf8_lossy(bytes), self.spec);
        }
        found
    }

    /// Returns the copies that are new, and the Services with copies that are not.
    fn created(&self) -> (Copies, BTreeSet<(String, String)>) {
        let created = self.plan.steps.iter().filter(|step| step.action == Action::Created);
        let created: BTreeSet<&str> = created.map(|step| step.path.as_str()).collect();
        let (mut new, mut kept) = (Copies::new(), Copies::new());
        for file in self.rendered.iter().filter(|file| file.pool.is_some()) {
            let copies = if created.contains(file.path.as_str()) { &mut new } else { &mut kept };
            add(copies, &file.path, &file.text, self.spec);
        }
        (new, kept.into_keys().collect())
    }
}

/// Whether an object of the manifests has a copy for each pool: a Service, or a Gateway.
fn is_split(object: &Object) -> bool {
    object.is_load_balancer() || is_gateway(object.value())
}

/// Returns what a copy keeps if its name changes: the pods of a Service, or the listeners of a Gateway.
fn selector(object: &Value) -> Value {
    let field = if is_gateway(object) { "listeners" } else { "selector" };
    object["spec"][field].clone()
}

/// Adds the object of a file, if it is the Service or the Gateway of a pool.
fn add(copies: &mut Copies, path: &str, text: &str, spec: &LargeScale) {
    let Ok(document) = yaml::read_one(path, text) else { return };
    let object = &document.value;
    let (Some(pool), Some(service)) = (pool_of(object), label(object, SERVICE_LABEL)) else {
        return;
    };
    let is_service = object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer";
    if !is_service && object["kind"] != "Gateway" {
        return;
    }
    let key = Key::of(object);
    let id = (spec.namespace_of(&key).to_owned(), service.to_owned());
    let copy = Copy { name: key.name.clone(), selector: selector(object) };
    copies.entry(id).or_default().insert(pool.to_owned(), copy);
}

/// Returns the Service that a Service became: itself, or the only new one of its namespace, or the only new one with its
/// selector. A Service is new if none of its copies existed before.
fn successor(
    id: &(String, String),
    before: &BTreeMap<String, Copy>,
    (old, new): (&Copies, &Copies),
    kept: &BTreeSet<(String, String)>,
) -> Option<(String, String)> {
    if new.contains_key(id) {
        return Some(id.clone());
    }
    let is_candidate =
        |other: &&(String, String)| other.0 == id.0 && !kept.contains(other) && !old.contains_key(other);
    let candidates: Vec<&(String, String)> = new.keys().filter(is_candidate).collect();
    let lost = old.keys().filter(|other| other.0 == id.0 && !new.contains_key(other)).count();
    if let ([only], 1) = (candidates.as_slice(), lost) {
        return Some((*only).clone());
    }
    let selectors = |copies: &BTreeMap<String, Copy>| -> BTreeSet<String> {
        copies.values().map(|copy| copy.selector.to_string()).collect()
    };
    let wanted = selectors(before);
    let is_same = |other: &&&(String, String)| selectors(&new[**other]) == wanted;
    let mut same = candidates.iter().filter(is_same);
    let is_unique = old.iter().filter(|(_, copies)| selectors(copies) == wanted).count() == 1;
    match (same.next(), same.next()) {
        (Some(one), None) if is_unique => Some((**one).clone()),
        _ => None,
    }
}

/// Returns a text for a mapping in braces.
fn flow(text: &str) -> String {
    yaml::write_scalar(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::manifest::{ManifestFile, read_manifests};
    use crate::core::pools::Pool;
    use crate::core::tree::plan::{Overwrite, plan};

    fn spec(fields: &str) -> LargeScale {
        let text = format!(
            "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: a, namespace: prod}}\nspec:\n  manifests: [m]\n  platform: hetzner\n{fields}"
        );
        LargeScale::read("largescale.yaml", &text).unwrap().0
    }

    /// A copy: the Service of the manifests, the pool, the name of the copy, the app that it selects.
    type Given<'a> = (&'a str, &'a str, &'a str, &'a str);

    fn file((service, pool, name, app): Given<'_>) -> RenderedFile {
        let text = format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  labels: {{largescale.dev/pool: {pool}, {SERVICE_LABEL}: {service}}}\nspec: {{type: LoadBalancer, selector: {{app: {app}}}}}\n"
        );
        let key = Key {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: String::new(),
            name: name.to_owned(),
        };
        RenderedFile { path: format!("service-{name}.yaml"), key, pool: Some(pool.to_owned()), text }
    }

    #[track_caller]
    fn warnings(fields: &str, before: &[Given<'_>], after: &[Given<'_>]) -> Vec<String> {
        let spec = spec(fields);
        let services: BTreeSet<(&str, &str)> = after.iter().map(|given| (given.0, given.3)).collect();
        let manifests: Vec<String> = services
            .iter()
            .map(|(name, app)| {
                format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{type: LoadBalancer, selector: {{app: {app}}}, ports: [{{port: 80}}]}}\n")
            })
            .collect();
        let manifests = ManifestFile {
            shown: "web.yaml".to_owned(),
            source: "web.yaml".to_owned(),
            text: manifests.join("---\n"),
        };
        let objects = read_manifests(&[manifests]).unwrap();
        let pool = |name: &str| Pool { value: name.to_uppercase(), name: name.to_owned(), ..Pool::default() };
        let pools =
            PoolSet { label: "pool".to_owned(), pools: ["p", "q"].map(pool).to_vec(), ..PoolSet::default() };
        let known: BTreeMap<String, Vec<u8>> =
            before.iter().map(|given| file(*given)).map(|file| (file.path, file.text.into_bytes())).collect();
        let lock = crate::core::lock::Lock {
            files: known.keys().map(|path| (path.clone(), String::new())).collect(),
            ..Default::default()
        };
        let rendered: Vec<RenderedFile> = after.iter().map(|given| file(*given)).collect();
        let mut plan = plan(&rendered, Some(&lock), &known, "out", Overwrite::Allowed).unwrap();
        plan.name_removed(&known);
        let found = Renamed {
            spec: &spec,
            cluster: None,
            objects: &objects,
            pools: &pools,
            plan: &plan,
            rendered: &rendered,
            known: &known,
        }
        .warnings();
        found
            .iter()
            .map(|warning| {
                let (what, _) = warning.message.split_once(':').unwrap();
                let hint = warning.hint.as_deref().unwrap();
                let value = hint.split('`').nth(1).unwrap();
                format!("{what}: {value}")
            })
            .collect()
    }

    #[test]
    fn a_renamed_service_keeps_its_names_with_spec_names() {
        let before = [("web", "p", "web-p", "a"), ("web", "q", "old", "a")];
        assert_eq!(
            warnings("", &before, &[("site", "p", "site-p", "b"), ("site", "q", "site-q", "b")]),
            ["the Service `web` is replaced by `site`: spec.names: {site: {P: web-p, Q: old}}"]
        );
        // The rest of spec.names stays, without the Service that is gone.
        let names = "  names: {web: {Q: old}, site: {R: 'yes'}}\n";
        assert_eq!(
            warnings(names, &before, &[("site", "p", "site-p", "b"), ("site", "q", "site-q", "b")]),
            ["the Service `web` is replaced by `site`: spec.names: {site: {P: web-p, Q: old, R: \"yes\"}}"]
        );
        // The names of the hint are not a rename back.
        let names = "  names: {site: {P: web-p, Q: old}}\n";
        let now = [("site", "p", "site-p", "b"), ("site", "q", "site-q", "b")];
        let after = [("site", "p", "web-p", "b"), ("site", "q", "old", "b")];
        assert_eq!(warnings(names, &now, &after), [""; 0]);
        assert_eq!(warnings(names, &before, &after), [""; 0]);
    }

    #[test]
    fn an_entry_of_spec_names_that_is_gone() {
        assert_eq!(
            warnings("", &[("web", "p", "old", "a")], &[("web", "p", "web-p", "a")]),
            ["the Services of `web` get other names: spec.names: {web: {P: old}}"]
        );
    }

    #[test]
    fn services_that_are_only_removed_or_added_are_not_renamed() {
        let (web, api) = (("web", "p", "web-p", "a"), ("api", "p", "api-p", "b"));
        assert_eq!(warnings("", &[web, api], &[web]), [""; 0]);
        assert_eq!(warnings("", &[web], &[web, api]), [""; 0]);
        // A pool that is gone keeps nothing.
        assert_eq!(warnings("", &[("web", "r", "web-r", "a")], &[("site", "p", "site-p", "a")]), [""; 0]);
    }

    #[test]
    fn of_several_new_services_the_selector_decides() {
        let before = [("web", "p", "web-p", "a"), ("api", "p", "api-p", "b")];
        assert_eq!(
            warnings("", &before, &[("one", "p", "one-p", "b"), ("two", "p", "two-p", "a")]),
            [
                "the Service `api` is replaced by `one`: spec.names: {one: {P: api-p}, two: {P: web-p}}",
                "the Service `web` is replaced by `two`: spec.names: {one: {P: api-p}, two: {P: web-p}}"
            ]
        );
        // Without one, the warning names all of them.
        assert_eq!(
            warnings("", &before, &[("one", "p", "one-p", "c"), ("two", "p", "two-p", "d")]),
            [
                "`api`, `web` are gone and `one`, `two` are new: spec.names: {one: {P: ..., Q: ...}, two: {P: ..., Q: ...}}"
            ]
        );
        // The selector decides one of two, and the rest is as if the other were the only one.
        assert_eq!(
            warnings("", &before, &[("one", "p", "one-p", "b"), ("two", "p", "two-p", "d")]),
            [
                "the Service `api` is replaced by `one`: spec.names: {one: {P: api-p}}",
                "`web` is gone and `two` is new: spec.names: {two: {P: ..., Q: ...}}"
            ]
        );
    }
}
