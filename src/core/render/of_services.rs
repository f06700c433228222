//! Checks the fields of the spec that are about single Services of the manifests.

use crate::core::manifest::{Key, Object};
use crate::core::pointer;
use crate::core::render::draft::Input;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::suggest::Suggestions;

/// Reports Services in `spec.names` and in fields of `spec.pools` that are not in the manifests.
pub(super) fn unknown(input: Input<'_>) -> Vec<Diagnostic> {
    let spec = &input.spec.spec;
    if spec.names.is_empty() && spec.pools.by_service().all(|(_, map)| map.is_empty()) {
        return Vec::new();
    }
    let services = services(input);
    let names = input.spec.keys_of_no_service(&spec.names, &services);
    let of_pools = spec.pools.by_service().flat_map(|(field, map)| {
        let keys: Vec<&str> = input.spec.keys_of_no_service(map, &services).collect();
        keys.into_iter().map(move |key| (format!("pools.{field}"), key))
    });
    let all = names.map(|key| ("names".to_owned(), key)).chain(of_pools);
    let mut suggestions = Suggestions::among(services.iter().map(|service| service.name.as_str()));
    let report = |(field, key): (String, &str)| {
        let at = format!("/spec/{}", field.replace('.', "/"));
        let near = suggestions.did_you_mean(key);
        Diagnostic::warning(format!(
            "`spec.{field}` names the Service `{key}`, which is not in the manifests{near}"
        ))
        .at(input.document.location(&pointer::join(&at, key)))
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
        let service = object.known_key();
        is_lost(&service).then(|| {
            Diagnostic::error(format!("`spec.pools.excludeFor` excludes {service} from every pool"))
                .at(object.location("/metadata/name"))
                .hint("leave it in one pool, or remove it from the manifests")
        })
    };
    input.objects.iter().filter(|object| object.is_load_balancer()).filter_map(report).collect()
}

fn services(input: Input<'_>) -> Vec<Key> {
    input.objects.iter().filter(|object| object.is_load_balancer()).map(Object::known_key).collect()
}
