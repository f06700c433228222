//! Compares what adopting the objects of a cluster would apply with the cluster, before anything is rendered or applied.

use std::collections::BTreeMap;

use crate::cluster::{ApiCall, Cluster, Force};
use crate::core::apply::Tool;
use crate::core::live::{LiveObject, LiveState};
use crate::core::lock::file_names::app_of_rules;
use crate::core::manifest::Key;
use crate::core::render::RenderedFile;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::review::Adoption;
use crate::core::tree::objects::read_file;
use crate::directory::Project;
use crate::engine::compare::{Comparer, Comparison, DiffStrategy, State, compare_objects};
use crate::engine::live_objects::{ManagedObject, ReadPolicy, read_each};
use crate::engine::results;
use crate::engine::served_kinds::ServedKinds;
use crate::engine::takeover::TakeoverPolicy;
use crate::engine::target::Item;
use crate::failure::Failure;

/// How many objects of a kind are read one by one, and how many requests are sent at the same time.
const POLICY: ReadPolicy = ReadPolicy { max_single_reads: 8, concurrency: 16 };

/// The effect of adopting one object.
pub(crate) struct Adopted {
    /// The object.
    pub(crate) key: Key,
    /// What would change.
    pub(crate) effect: AdoptionEffect,
}

/// What adopting an object would change.
pub(crate) enum AdoptionEffect {
    /// Nothing besides its membership.
    Nothing,
    /// Values would change.
    Changes(Adoption),
    /// The object does not exist, so an apply would create it.
    Created,
    /// An apply would refuse to change fields of other field managers.
    Conflict {
        /// The fields, and what clients would notice if they were overwritten.
        adoption: Adoption,
        /// The fields and their field managers.
        problem: Diagnostic,
    },
    /// An apply would fail, or its effect is unknown.
    Undecided(Diagnostic),
}

/// Returns the effect on each object of rendered files. `namespace` is for objects without one, and `taken` are the tools whose
/// objects the user takes over.
pub(crate) fn adoption(
    project: &Project,
    rendered: &[RenderedFile],
    cluster: &Cluster,
    namespace: &str,
    taken: &[Tool],
) -> Result<Vec<Adopted>, Failure> {
    let mut desired = Vec::with_capacity(rendered.len());
    // A rule file has no object.
    for file in rendered.iter().filter(|file| app_of_rules(&file.path).is_none()) {
        desired.extend(read_file(&file.path, &file.text)?);
    }
    let calls = ServedKinds::calls(&desired).map(|call: ApiCall| ((), call)).collect();
    let mut served = ServedKinds::default();
    for ((), answer) in cluster.call_small(calls) {
        served.add(answer?.kinds());
    }
    let items: Vec<Item> = desired
        .into_iter()
        .map(|object| {
            let resource = served.of(&object.value);
            let is_namespaced = resource.is_none_or(|resource| resource.namespaced);
            Item::locate(object, resource, is_namespaced.then_some(namespace))
        })
        .collect();
    let mut objects: Vec<ManagedObject<'_>> = items.iter().map(ManagedObject::new).collect();
    let mut adopted = Vec::new();
    read_each(cluster, &mut objects, POLICY, |group, error| {
        adopted.extend(group.iter().map(|object| {
            let key = object.item.key.clone();
            let problem = Diagnostic::warning(format!("cannot compare {key}: {error}"));
            Adopted { key, effect: AdoptionEffect::Undecided(problem) }
        }));
        Ok(())
    })?;
    objects.retain(|object| object.live != LiveState::Hidden);
    let comparer = Comparer {
        // As an apply does: fields that kubectl set move, whatever the spelling of their values.
        takeover: Some(TakeoverPolicy::entering(taken)),
        cluster,
        rules: &project.spec.spec.conflicts,
        items: &items,
        strategy: DiffStrategy::Hybrid,
        force: Force::Never,
        concurrency: POLICY.concurrency,
    };
    let fields = project.platform.spec.load_balancer_fields();
    let mut conflicts: BTreeMap<Key, Diagnostic> = BTreeMap::new();
    for comparison in compare_objects(&comparer, &objects) {
        let key = comparison.key().clone();
        match results::problem(&comparison) {
            Some(problem) if matches!(comparison.state, State::Conflicts(_)) => {
                conflicts.insert(key, problem);
            }
            _ => adopted.push(Adopted { key, effect: effect(&comparison, &fields) }),
        }
    }
    // What an apply would change if it overwrote the fields of the others.
    objects.retain(|object| conflicts.contains_key(&object.item.key));
    let forced = Comparer { force: Force::Always, ..comparer };
    for comparison in compare_objects(&forced, &objects) {
        let key = comparison.key().clone();
        let Some(problem) = conflicts.remove(&key) else { continue };
        let effect = match effect(&comparison, &fields) {
            AdoptionEffect::Changes(adoption) => AdoptionEffect::Conflict { adoption, problem },
            _ => AdoptionEffect::Undecided(problem),
        };
        adopted.push(Adopted { key, effect });
    }
    Ok(adopted)
}

fn effect(comparison: &Comparison<'_>, fields: &[String]) -> AdoptionEffect {
    match &comparison.state {
        State::Unchanged | State::OwnershipChanged => AdoptionEffect::Nothing,
        State::Created | State::NoNamespace(_) => AdoptionEffect::Created,
        State::Changed(after) => {
            let live = comparison.object.live().map(LiveObject::value);
            let adoption = Adoption::of(live.unwrap_or(&serde_json::Value::Null), after, fields);
            if adoption.is_nothing() { AdoptionEffect::Nothing } else { AdoptionEffect::Changes(adoption) }
        }
        State::Conflicts(_) | State::Failed(_) | State::NotCertain | State::Leaving | State::Unknown => {
            AdoptionEffect::Undecided(results::problem(comparison).unwrap_or_else(|| {
                Diagnostic::warning(format!(
                    "not certain whether adopting {} would change it",
                    comparison.key()
                ))
            }))
        }
    }
}
