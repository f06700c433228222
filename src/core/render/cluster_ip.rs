//! `spec.clusterIPServices`: keeps a Service of type ClusterIP with the name of a Service that is split for the pools.

use std::collections::{HashMap, HashSet};

use glob::Pattern;

use crate::core::manifest::{Key, Object, Origin};
use crate::core::pointer;
use crate::core::render::draft::Input;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::suggest::Suggestions;

/// The Services that keep a Service of type ClusterIP.
pub(super) struct ClusterIpServices<'a> {
    input: Input<'a>,
    /// The texts without wildcards, and their indexes.
    names: HashMap<&'a str, usize>,
    globs: Vec<(usize, Pattern)>,
}

impl<'a> ClusterIpServices<'a> {
    pub(super) fn of(input: Input<'a>) -> Self {
        let (mut names, mut globs) = (HashMap::new(), Vec::new());
        for (index, text) in input.spec.spec.cluster_ip_services.iter().enumerate() {
            if text.contains(['*', '?', '[']) {
                globs.extend(Pattern::new(text).ok().map(|glob| (index, glob)));
            } else {
                names.entry(text.as_str()).or_insert(index);
            }
        }
        Self { input, names, globs }
    }

    /// Whether a Service keeps one.
    pub(super) fn keeps(&self, service: &Object) -> bool {
        service.origin() == Origin::Manifests && self.index(service).is_some()
    }

    /// Returns the index of the text in `spec.clusterIPServices` that matches a Service.
    fn index(&self, service: &Object) -> Option<usize> {
        if self.names.is_empty() && self.globs.is_empty() {
            return None;
        }
        let (namespace, name) = full_name(self.input, service);
        let full = format!("{namespace}/{name}");
        let literal = self.names.get(name.as_str()).or_else(|| self.names.get(full.as_str()));
        literal.copied().or_else(|| {
            let is_match = |(_, glob): &&(usize, Pattern)| matches(glob, &name, &full);
            self.globs.iter().find(is_match).map(|(index, _)| *index)
        })
    }

    /// Reports texts that match no Service, and names that `spec.names` gives to the Service of a pool.
    pub(super) fn problems(&self) -> Vec<Diagnostic> {
        if self.names.is_empty() && self.globs.is_empty() {
            return Vec::new();
        }
        let mut problems = self.unmatched();
        problems.extend(self.given_to_pools());
        problems
    }

    fn unmatched(&self) -> Vec<Diagnostic> {
        let services: Vec<(String, String)> = services(self.input)
            .map(|service| full_name(self.input, service))
            .map(|(namespace, name)| (format!("{namespace}/{name}"), name))
            .collect();
        let known: HashSet<&str> =
            services.iter().flat_map(|(full, name)| [full.as_str(), name.as_str()]).collect();
        let literals = self.names.iter().filter(|(text, _)| !known.contains(*text)).map(|(_, index)| *index);
        let globs = self
            .globs
            .iter()
            .filter(|(_, glob)| !services.iter().any(|(full, name)| matches(glob, name, full)));
        let mut unmatched: Vec<usize> = literals.chain(globs.map(|(index, _)| *index)).collect();
        unmatched.sort_unstable();
        let mut suggestions = Suggestions::among(services.iter().map(|(_, name)| name.as_str()));
        let report = |index: usize| {
            let text = self.input.spec.spec.cluster_ip_services[index].as_str();
            let near = suggestions.did_you_mean(text);
            Diagnostic::error(format!(
                "`spec.clusterIPServices` names `{text}`, but the manifests have no such Service of type LoadBalancer{near}"
            ))
            .at(self.location(index))
            .hint("remove it; a Service of another type is not split, so it keeps its name")
        };
        unmatched.into_iter().map(report).collect()
    }

    fn given_to_pools(&self) -> Vec<Diagnostic> {
        let mut kept: HashMap<(String, String), usize> = HashMap::new();
        let mut namespaces: HashMap<String, Vec<String>> = HashMap::new();
        for service in services(self.input) {
            let (namespace, name) = full_name(self.input, service);
            if let Some(index) = self.index(service) {
                kept.insert((namespace.clone(), name.clone()), index);
            }
            namespaces.entry(name).or_default().push(namespace);
        }
        let mut problems = Vec::new();
        for (service, by_pool) in &self.input.spec.spec.names {
            for (pool, name) in by_pool {
                let (stated, base) =
                    service.split_once('/').map_or((None, service.as_str()), |(a, b)| (Some(a), b));
                let is_meant = |namespace: &&String| stated.is_none_or(|stated| stated == namespace.as_str());
                let mut found = namespaces.get(base).into_iter().flatten().filter(is_meant);
                let Some(index) = found.find_map(|namespace| kept.get(&(namespace.clone(), name.clone())))
                else {
                    continue;
                };
                let at = pointer::join(&pointer::join("/spec/names", service), pool);
                problems.push(
                    Diagnostic::error(format!(
                        "`spec.names` gives the name `{name}` to the Service of pool {pool}, but `spec.clusterIPServices` keeps this name for a Service of type ClusterIP; see {}",
                        self.location(*index)
                    ))
                    .at(self.input.document.location(&at))
                    .hint(format!(
                        "remove `{name}` from `spec.clusterIPServices`: other objects then use the Service of pool {pool}, which keeps its address; or remove it here, and the Service of the pool gets a new name and a new address"
                    )),
                );
            }
        }
        problems
    }

    fn location(&self, index: usize) -> Location {
        self.input.document.location(&format!("/spec/clusterIPServices/{index}"))
    }
}

fn services(input: Input<'_>) -> impl Iterator<Item = &Object> {
    input.objects.iter().filter(|object| object.is_load_balancer() && object.origin() == Origin::Manifests)
}

/// Returns the namespace, which may be that of the spec, and the name of a Service.
fn full_name(input: Input<'_>, service: &Object) -> (String, String) {
    let Key { namespace, name, .. } = service.key();
    let own = input.spec.metadata.namespace.clone().filter(|_| namespace.is_empty());
    (own.unwrap_or(namespace), name)
}

/// Whether a glob matches a Service; one without a slash matches in every namespace.
fn matches(glob: &Pattern, name: &str, full: &str) -> bool {
    glob.matches(if glob.as_str().contains('/') { full } else { name })
}
