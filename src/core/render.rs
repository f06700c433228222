//! `render`: turns the spec, manifests, platform, overlays and pools into the files of the rendered directory. It is a pure
//! function: the same input gives the same bytes on every machine.

mod address;
mod alerts;
mod budget;
mod cluster_ip;
mod copies;
mod dangling;
mod dns;
mod draft;
mod duplicates;
mod edits;
mod extra_objects;
mod files;
mod gateways;
mod gitops_check;
mod leaks;
mod load_balancer_only;
mod local_traffic;
mod needed_objects;
mod of_services;
mod origin;
mod patches;
mod paths;
mod per_pool;
mod provenance;
mod regions;
mod renames;
mod repeated;
mod rules;
mod spread;
mod twice_bound;
mod validate;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::Value;

use crate::core::capacity::{Demand, demands};
use crate::core::json;
use crate::core::manifest::{self, Key, Object, Scopes, Separated};
use crate::core::overlay::Overlay;
use crate::core::platform::{Platform, ShardsGive};
use crate::core::pools::Pool;
use crate::core::references::References;
pub use crate::core::render::alerts::key_of_rules;
use crate::core::render::budget::Budget;
use crate::core::render::cluster_ip::ClusterIpServices;
pub use crate::core::render::draft::{
    GatewayInput, Input, POOL_LABEL, RenderedFile, SERVICE_LABEL, SHARD_LABEL, label_of_pools, pool_of,
};
use crate::core::render::draft::{PendingObject, Role};
pub use crate::core::render::files::is_rendered;
use crate::core::render::gateways::Gateways;
use crate::core::render::needed_objects::{Need, needed, without_effect};
use crate::core::render::per_pool::PerPool;
use crate::core::report::diagnostic::{Checked, Diagnostic, Severity};
use crate::core::settings::Settings;
use crate::core::spec::LargeScale;
use crate::core::yaml::Document;

/// The result of rendering.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The files, sorted by path.
    pub files: Vec<RenderedFile>,
    /// The resources that the Services need.
    pub demands: Vec<Demand>,
    /// Warnings for the user.
    pub warnings: Vec<Diagnostic>,
    /// Facts that follow from the spec and are easily forgotten.
    pub notes: Vec<String>,
}

/// Renders the files, or returns all problems: first the warnings that were found until then, then the errors, each by file and
/// line.
pub fn render(input: Input<'_>) -> Checked<Rendered> {
    let mut warnings = Vec::new();
    match render_with(input, &mut warnings) {
        Ok(rendered) => Ok(Rendered { warnings, ..rendered }),
        Err(mut problems) => {
            problems.append(&mut warnings);
            problems.sort_by(|a, b| {
                let order = |problem: &Diagnostic| problem.severity != Severity::Warning;
                order(a).cmp(&order(b)).then_with(|| a.location.cmp(&b.location))
            });
            Err(problems)
        }
    }
}

fn render_with(input: Input<'_>, warnings: &mut Vec<Diagnostic>) -> Checked<Rendered> {
    if let Some(problem) = cannot_bind(input.spec, input.document, input.platform) {
        return Err(problem.into());
    }
    let Separated { objects, mut notes, problems: hooks } =
        manifest::separate(input.objects, input.spec.spec.helm_hooks);
    let input = Input { objects: &objects, ..input };
    let (gateways, of_gateways) = Gateways::decide(input, warnings);
    let objects = gateways.with_services(input);
    let input = Input { objects: objects.as_deref().unwrap_or(input.objects), ..input };
    let settings = Settings::read(input.spec, input.document, input.platform, input.overlays)?;
    let mut problems = hooks;
    warnings.extend(gateways::warnings(input, &gateways, &mut problems));
    warnings.extend(unverified(input));
    warnings.extend(settings.unknown_pools(&input.pools.pools, &input.spec.spec.other_pools));
    problems.extend(nothing_to_copy(input).filter(|_| of_gateways.is_empty()));
    problems.extend(of_gateways);
    problems.extend(of_services::without_pool(input));
    problems.extend(no_internal(input));
    problems.extend(dns::problems(input));
    warnings.extend(dns::warnings(input));
    let needed = needed(input);
    warnings.extend(without_effect(input));
    problems.extend(missing_settings(input, &settings, &needed));
    problems.extend(overlays_fit(input));
    problems.extend(twice_bound::problems(input, &settings));
    problems.extend(repeated::overlaps(input, &settings));
    let kept = ClusterIpServices::of(input);
    problems.extend(kept.problems());
    let scopes = Scopes::of(input.objects);
    let per_pool = PerPool::of(input, &mut problems);
    let mut budget = match Budget::of(input, (&per_pool, &gateways), &kept, &needed) {
        Ok(budget) => budget,
        Err(problem) => {
            problems.push(problem);
            return Err(problems);
        }
    };
    let mut pending = Vec::with_capacity(input.objects.len() + input.pools.pools.len());
    warnings.extend(per_pool::warnings(input, &per_pool));
    for object in input.objects {
        let value = with_namespace_and_labels(input.spec, object, &scopes);
        if object.is_load_balancer() {
            copies::copy(input, object, &value, &mut pending, &mut problems);
            if kept.keeps(object) {
                pending.push(PendingObject { value, source: object, pool: None, role: Role::ClusterIp });
            }
        } else if per_pool.splits(object) {
            per_pool.copy(input, object, &value, &mut pending, &mut problems);
        } else if !gateways.copy(input, object, (&value, &scopes), &mut pending, &mut problems) {
            pending.push(PendingObject { value, source: object, pool: None, role: Role::Once });
        }
    }
    warnings.extend(of_services::unknown(input));
    if !problems.is_empty() {
        problems.extend(rules::in_manifests(input));
        return Err(problems);
    }
    warnings.extend(spread::over_pools(input, &mut pending));
    pending.extend(extra_objects::objects(input, &settings, &needed, &mut budget, &mut problems));
    if budget.is_spent() {
        problems.extend(budget.exceeded(&pending, &input.document.location("/spec/platform")));
        return Err(problems);
    }
    notes.extend(Object::dropped(input.objects));
    notes.extend(gateways::note(input, &gateways));
    notes.extend(dns::publish(input, &mut pending));
    notes.extend(input.platform.spec.internal_needs.clone().filter(|_| input.spec.spec.internal));
    notes.extend(local_traffic::without_pods(input));
    notes.extend(shared_by_shards(input));
    let mut patched = patches::apply(input, &settings, &scopes, &mut pending, &mut budget, &mut problems);
    validate::check(input, &pending, &patched, &mut problems);
    // The checks below are about objects with the shape of an object.
    let mut is_whole = patched.iter().map(|patched| patched.is_whole);
    pending.retain(|_| is_whole.next().unwrap_or(true));
    patched.retain(|patched| patched.is_whole);
    load_balancer_only::remove(input, &mut pending);
    let table = References::with(&input.spec.spec.references);
    let renamed = renames::update(&mut pending, &patched, &table, &scopes, &mut problems);
    dangling::check(input, (&pending, &patched), &renamed, &table, &mut problems, warnings);
    rules::check(input, &pending, &mut problems, warnings);
    problems.extend(repeated::problems(input, &pending));
    problems.extend(extra_objects::absent(input, &settings, &needed, &pending));
    warnings.extend(local_traffic::warnings(input, &pending));
    warnings.extend(duplicates::warnings(&pending, &patched));
    let carried = gateways::carry(input, &gateways, &mut pending, &patched, &mut problems);
    for draft in &mut pending {
        drop_empty_metadata(&mut draft.value);
    }
    find_collisions(&pending, &mut problems);
    problems.extend(gitops_check::left_out(&pending));
    if !problems.is_empty() {
        return Err(problems);
    }
    let pool = |draft: &PendingObject<'_>| Some(input.pools.pools.get(draft.pool?)?.name.as_str());
    let mut demands = demands(pending.iter().map(|draft| (pool(draft), &draft.value)));
    demands.extend(gateways::demands(input, &gateways, &carried));
    gitops_check::escape(&mut pending);
    let files = alerts::with_file(input, &demands, files::files(pending), warnings, &mut notes)?;
    warnings.extend(gitops_check::too_large(&files));
    Ok(Rendered { files, demands, notes, ..Rendered::default() })
}

/// Returns an error for each setting that is required and has no value.
fn missing_settings(input: Input<'_>, settings: &Settings, needed: &[Need]) -> Vec<Diagnostic> {
    let pools: Vec<&Pool> = input.pools.pools.iter().collect();
    let with = pools.iter().zip(needed).filter(|(_, need)| **need == Need::Rendered);
    let with: Vec<&Pool> = with.map(|(pool, _)| *pool).collect();
    settings.missing(input.spec, input.document, input.platform, input.overlays, &pools, &with)
}

/// Returns the object with the namespace of the spec, if it has none, the labels of the spec, unless it sets them itself, and
/// the parents that patches may rely on. A null field is absent, as in kubectl.
fn with_namespace_and_labels(spec: &LargeScale, object: &Object, scopes: &Scopes) -> Value {
    let key = object.key();
    let mut value = object.value().clone();
    let Some(metadata) = json::existing_map(&mut value, &["metadata"]) else { return value };
    if let Some(namespace) = &spec.metadata.namespace
        && key.namespace.is_empty()
        && scopes.is_namespaced(&key.group, &key.kind)
    {
        metadata.insert("namespace".to_owned(), namespace.as_str().into());
    }
    for parent in ["labels", "annotations"] {
        if !metadata.get(parent).is_some_and(Value::is_object) {
            metadata.insert(parent.to_owned(), Value::Object(serde_json::Map::new()));
        }
    }
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        for (key, value) in &spec.spec.labels {
            labels.entry(key).or_insert_with(|| value.as_str().into());
        }
    }
    value
}

/// Returns the reason why the platform cannot bind Services to pools, unless the spec uses `workload.perPool`.
pub fn cannot_bind(spec: &LargeScale, document: &Document, platform: &Platform) -> Option<Diagnostic> {
    let refused = platform.spec.refused.as_ref().filter(|_| !spec.spec.workload.per_pool)?;
    let location = document.location("/spec/platform");
    let shards = match platform.spec.shards_give() {
        _ if spec.spec.shards.is_some() => "",
        ShardsGive::LoadBalancer => {
            "; for more bandwidth or connections, set `spec.shards: N`: N load balancers with all nodes"
        }
        ShardsGive::Address => "; for more addresses, set `spec.shards: N`: N Services with all nodes",
        ShardsGive::Nothing => "",
    };
    Some(Diagnostic::error(refused.because.clone()).at(location).hint(format!("{}{shards}", refused.hint)))
}

/// Says that shards have one load balancer.
fn shared_by_shards(input: Input<'_>) -> Option<String> {
    let shards = input.platform.spec.shards.as_ref().filter(|shards| shards.give == ShardsGive::Address)?;
    input.spec.spec.shards?;
    Some(format!("the shards have different addresses and one load balancer: {}", shards.because))
}

/// Reports that the manifests have no Service to copy for the pools.
fn nothing_to_copy(input: Input<'_>) -> Option<Diagnostic> {
    if input.objects.iter().any(Object::is_load_balancer) {
        return None;
    }
    let service =
        input.objects.iter().map(Object::key).find(|key| key.group.is_empty() && key.kind == "Service");
    let hint = match service {
        Some(key) => format!("set `spec.type: LoadBalancer` in the Service that clients use, such as {key}"),
        None => "add the Service that clients use, with `spec.type: LoadBalancer`".to_owned(),
    };
    let problem = Diagnostic::error(
        "the manifests contain no Service of type LoadBalancer, so there is nothing to copy for each pool",
    );
    Some(problem.at(input.document.location("/spec/manifests")).hint(hint))
}

/// Reports `internal: true` on a platform where it has no effect.
fn no_internal(input: Input<'_>) -> Option<Diagnostic> {
    if !input.spec.spec.internal || !input.platform.internal.is_empty() {
        return None;
    }
    let name = &input.platform.name;
    let problem = Diagnostic::error(format!("`internal: true` has no effect on platform {name}"))
        .at(input.document.location("/spec/internal"));
    Some(match &input.platform.spec.internal_instead {
        Some(instead) => problem.hint(instead.clone()),
        None => problem.hint("set the annotation that the cloud reads in the manifests"),
    })
}

/// Checks that the platform supports the overlays and that their names are unique.
fn overlays_fit(input: Input<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut names: HashMap<&str, &Overlay> = HashMap::new();
    for overlay in input.overlays {
        let first = *names.entry(overlay.name.as_str()).or_insert(overlay);
        if !std::ptr::eq(first, overlay) {
            let first = first.location("/metadata/name");
            problems.push(
                Diagnostic::error(format!("duplicate overlay name {}; first used at {first}", overlay.name))
                    .at(overlay.location("/metadata/name"))
                    .hint("rename one of them; errors and `overrides` refer to overlays by name"),
            );
        }
        problems.extend(overlay.check_platform(&input.platform.name).err());
    }
    problems
}

/// Returns what no code of the platform's provider has confirmed.
fn unverified(input: Input<'_>) -> Vec<Diagnostic> {
    let location = || input.document.location("/spec/platform");
    let name = &input.platform.name;
    let binding = input.platform.spec.is_documented_only().then(|| {
        Diagnostic::warning(format!(
            "the binding of platform {name} is only documented: its controller's code was never run on rendered Services"
        ))
        .at(location())
        .hint("check the nodes of one load balancer before you rely on it")
    });
    let sentences = input.platform.spec.doubts().iter();
    let facts =
        sentences.map(|sentence| Diagnostic::warning(format!("not verified: {sentence}")).at(location()));
    binding.into_iter().chain(facts).collect()
}

fn drop_empty_metadata(value: &mut Value) {
    let Some(metadata) = json::existing_map(value, &["metadata"]) else { return };
    for parent in ["labels", "annotations"] {
        if metadata.get(parent).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
            metadata.remove(parent);
        }
    }
}

/// Reports pending objects with the same key: a copy and another object, or two copies.
fn find_collisions(pending: &[PendingObject<'_>], problems: &mut Vec<Diagnostic>) {
    // A hash map, because keys that differ in their last letters only are slow to sort.
    let mut seen: HashMap<Key, &Object> = HashMap::with_capacity(pending.len());
    for draft in pending {
        let entry = match seen.entry(Key::of(&draft.value)) {
            Entry::Vacant(vacant) => {
                vacant.insert(draft.source);
                continue;
            }
            Entry::Occupied(entry) => entry,
        };
        let first = entry.get().location("/metadata/name");
        problems.push(
            Diagnostic::error(format!("duplicate object {}; first rendered from {first}", entry.key()))
                .at(draft.source.location("/metadata/name"))
                .hint("rename one of them; for the copies of a Service, use `spec.names`"),
        );
    }
}
