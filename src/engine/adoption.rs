//! Compares what adopting the objects of a cluster would apply with the cluster, before anything is rendered or applied.

use crate::cluster::{ApiCall, Cluster, Force};
use crate::core::live::{LiveObject, LiveState};
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
    /// An apply would fail, or its effect is unknown.
    Undecided(Diagnostic),
}

/// Returns the effect on each object of rendered files. `namespace` is for objects without one.
pub(crate) fn adoption(
    project: &Project,
    rendered: &[RenderedFile],
    cluster: &Cluster,
    namespace: &str,
) -> Result<Vec<Adopted>, Failure> {
    let mut desired = Vec::with_capacity(rendered.len());
    for file in rendered {
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
        takeover: None,
        cluster,
        rules: &project.spec.spec.conflicts,
        items: &items,
        strategy: DiffStrategy::Hybrid,
        force: Force::Never,
        concurrency: POLICY.concurrency,
    };
    let fields = project.platform.spec.load_balancer_fields();
    let of_one = |comparison: &Comparison<'_>| Adopted {
        key: comparison.key().clone(),
        effect: effect(comparison, &fields),
    };
    adopted.extend(compare_objects(&comparer, &objects).iter().map(of_one));
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
