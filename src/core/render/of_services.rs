//! Checks the fields of the spec that are about single Services of the manifests.

use crate::core::manifest::{Key, Object};
use crate::core::pointer;
use crate::core::render::draft::Input;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::suggest::Suggestions;

/// Reports Services in `spec.names` and `spec.pools.excludeFor` that are not in the manifests.
pub(super) fn unknown(input: Input<'_>) -> Vec<Diagnostic> {
    let spec = &input.spec.spec;
    if spec.names.is_empty() && spec.pools.exclude_for.is_empty() {
        return Vec::new();
    }
    let services = services(input);
    let names = input.spec.keys_of_no_service(&spec.names, &services);
    let excluded = input.spec.keys_of_no_service(&spec.pools.exclude_for, &services);
    let all = names.map(|key| ("names", "/spec/names", key));
    let all = all.chain(excluded.map(|key| ("pools.excludeFor", "/spec/pools/excludeFor", key)));
    let mut suggestions = Suggestions::among(services.iter().map(|service| service.name.as_str()));
    let report = |(field, at, key): (&str, &str, &str)| {
        let near = suggestions.did_you_mean(key);
        Diagnostic::warning(format!(
            "`spec.{field}` names the Service `{key}`, which is not in the manifests{near}"
        ))
        .at(input.document.location(&pointer::join(at, key)))
    };
    all.map(report).collect()
}

/// Reports Services that no pool gets.
pub(super) fn without_pool(input: Input<'_>) -> Vec<Diagnostic> {
    if input.spec.spec.pools.exclude_for.is_empty() {
        return Vec::new();
    }
    let is_lost =
        |service: &Key| input.pools.pools.iter().all(|pool| input.spec.excludes(service, &pool.value));
    let report = |object: &Object| {
        let service = object.key();
        is_lost(&service).then(|| {
            Diagnostic::error(format!("`spec.pools.excludeFor` excludes {service} from every pool"))
                .at(object.location("/metadata/name"))
                .hint("leave it in one pool, or remove it from the manifests")
        })
    };
    input.objects.iter().filter(|object| object.is_load_balancer()).filter_map(report).collect()
}

fn services(input: Input<'_>) -> Vec<Key> {
    input.objects.iter().filter(|object| object.is_load_balancer()).map(Object::key).collect()
}
