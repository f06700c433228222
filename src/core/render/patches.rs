//! The platform's binding, `internal: true`, and the overlays: one mechanism, in this order.

use std::collections::BTreeSet;

use crate::core::manifest::{Key, Scopes};
use crate::core::overlay::{Overlay, PatchSubject, TargetedPatch};
use crate::core::patch::Patch;
use crate::core::patch::placeholder::Values;
use crate::core::pointer;
use crate::core::render::draft::{Input, POOL_LABEL, PendingObject, Role, SERVICE_LABEL};
use crate::core::render::provenance::{Author, Provenance};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::plural::plural;
use crate::core::settings::{Asker, Settings};

/// Who labels the copies; no patch may undo that.
const LABELS: Author<'_> = Author { title: "the label of the pool", name: "", overrides: &[] };
/// Who keeps the traffic of a pool in it.
const PER_POOL: Author<'_> = Author { title: "`workload.perPool`", name: "perPool", overrides: &[] };
/// Who gives the pools their host name.
const DNS: Author<'_> = Author { title: "`spec.dns`", name: "dns", overrides: &[] };

/// What all patches of a render share.
#[derive(Clone, Copy)]
struct Context<'a> {
    input: Input<'a>,
    settings: &'a Settings,
    scopes: &'a Scopes,
}

/// What is wrong with the overlays: said once, not for each object that a patch is for.
struct Found<'p> {
    problems: &'p mut Vec<Diagnostic>,
    contradictions: BTreeSet<(Location, String)>,
    misfits: BTreeSet<(Option<Location>, String)>,
}

impl Found<'_> {
    fn add(&mut self, problem: Diagnostic) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// Binds each copy to its pool and applies the overlays.
pub(super) fn apply(
    input: Input<'_>,
    settings: &Settings,
    scopes: &Scopes,
    pending: &mut [PendingObject<'_>],
    problems: &mut Vec<Diagnostic>,
) {
    let context = Context { input, settings, scopes };
    // Without overlays nobody is there to contradict.
    let mut provenance =
        vec![Provenance::default(); if input.overlays.is_empty() { 0 } else { pending.len() }];
    bind(context, pending, &mut provenance, problems);
    let mut found = Found { problems, contradictions: BTreeSet::new(), misfits: BTreeSet::new() };
    for index in 0..input.overlays.len() {
        overlay(context, index, pending, &mut provenance, &mut found);
    }
}

/// Binds each copy to its pool.
fn bind<'a>(
    context: Context<'a>,
    pending: &mut [PendingObject<'_>],
    provenance: &mut [Provenance<'a>],
    problems: &mut Vec<Diagnostic>,
) {
    let input = context.input;
    let platform = input.platform;
    let binding = Author { title: "the binding of the platform", name: &platform.name, overrides: &[] };
    let internal = Author { title: "`internal: true`", name: "internal", overrides: &[] };
    for (number, draft) in pending.iter_mut().enumerate() {
        let Some(index) = draft.pool.filter(|_| draft.role == Role::Service) else { continue };
        let name = Key::of(&draft.value).to_string();
        let values = values(input, context.settings, draft.pool, draft.service(), Asker::Platform);
        if let Some(provenance) = provenance.get_mut(number) {
            before_patches(input, draft, provenance);
        }
        let wanted: &[(&Patch, Author<'_>)] = if input.spec.spec.internal {
            &[(&platform.binding, binding), (&platform.internal, internal)]
        } else {
            &[(&platform.binding, binding)]
        };
        let bound = wanted.iter().try_for_each(|(patch, author)| {
            patch.apply_noting(&mut draft.value, &name, &values, &mut |object, operation, location| {
                if let Some(provenance) = provenance.get_mut(number) {
                    // What `internal: true` writes over the binding, the platform's own file says.
                    let _ = provenance.note(object, operation, location, *author, &name);
                }
            })
        });
        let Err(problem) = bound else { continue };
        let pool = &input.pools.pools[index];
        if pool.vm_set.is_none() && problem.message.contains("${pool.vmSet}") {
            // Where it stands is the platform's file; what to do about it is in the spec.
            problems.push(
                Diagnostic::error(format!("{name} cannot be bound: {}", pool.vm_set_problem))
                    .at(input.document.location("/spec/pools"))
                    .hint(format!("write it down: `spec.pools.vmSets: {{{}: NAME}}`", pool.value)),
            );
        } else {
            problems.push(problem);
        }
    }
    problems.dedup();
}

/// Notes what a copy has of us before anything is patched.
fn before_patches(input: Input<'_>, draft: &PendingObject<'_>, provenance: &mut Provenance<'_>) {
    for label in [POOL_LABEL, SERVICE_LABEL] {
        provenance.holds(&draft.value, &pointer::join("/metadata/labels", label), LABELS);
    }
    if input.spec.spec.workload.per_pool {
        for at in ["/spec/externalTrafficPolicy", &pointer::join("/spec/selector", POOL_LABEL)] {
            provenance.holds(&draft.value, at, PER_POOL);
        }
    }
    let own = &draft.source.value()["metadata"]["annotations"];
    for key in draft.value["metadata"]["annotations"].as_object().into_iter().flat_map(|map| map.keys()) {
        if own.get(key).is_none() {
            provenance.holds(&draft.value, &pointer::join("/metadata/annotations", key), DNS);
        }
    }
}

/// Applies an overlay, and holds each patch to the number of objects that it expects.
fn overlay<'a>(
    context: Context<'a>,
    index: usize,
    pending: &mut [PendingObject<'_>],
    provenance: &mut [Provenance<'a>],
    found: &mut Found<'_>,
) {
    let overlay: &'a Overlay = &context.input.overlays[index];
    let asker = Asker::Overlay(index);
    let (mut applied, mut left_out) = (0, 0);
    for patch in overlay.patches_for(&context.input.platform.name) {
        let mut matched = 0;
        for (draft, provenance) in pending.iter_mut().zip(provenance.iter_mut()) {
            let pool = draft.pool.map(|index| &context.input.pools.pools[index]);
            let subject = PatchSubject {
                object: &draft.value,
                service: draft.service(),
                pool: pool.map(|pool| pool.value.as_str()),
                scopes: context.scopes,
            };
            if !patch.matches(subject) {
                continue;
            }
            matched += 1;
            if context.settings.leaves_out(asker, pool, patch.patch.placeholders()) {
                left_out += 1;
                continue;
            }
            applied += 1;
            one(context, (overlay, patch, asker), draft, provenance, found);
        }
        if let Some(problem) = unexpected(patch, matched) {
            found.add(problem);
        }
    }
    if applied == 0 && left_out > 0 {
        let settings = context.settings.optional_of(asker);
        found.add(does_nothing(overlay, &settings, context.input.document.location("/spec/settings")));
    }
}

/// Applies a patch of an overlay to one object.
fn one<'a>(
    context: Context<'a>,
    (overlay, patch, asker): (&'a Overlay, &TargetedPatch, Asker),
    draft: &mut PendingObject<'_>,
    provenance: &mut Provenance<'a>,
    found: &mut Found<'_>,
) {
    let name = Key::of(&draft.value).to_string();
    let values = values(context.input, context.settings, draft.pool, draft.service(), asker);
    let author = Author { title: &overlay.title, name: &overlay.name, overrides: &overlay.spec.overrides };
    let mut contradictions = Vec::new();
    let done =
        patch.patch.apply_noting(&mut draft.value, &name, &values, &mut |object, operation, location| {
            contradictions.extend(provenance.note(object, operation, location, author, &name));
        });
    match done {
        Ok(()) => {
            for contradiction in contradictions {
                // The same for the Service of every pool.
                if found.contradictions.insert((patch.location.clone(), contradiction.at)) {
                    found.add(contradiction.problem);
                }
            }
        }
        Err(problem) => {
            // The object is as it was before, and what was noted of it is not.
            *provenance = Provenance::default();
            // The same for the Service of every pool, but for its name.
            let misfit = (problem.location.clone(), problem.message.replacen(&name, "", 1));
            if found.misfits.insert(misfit) {
                found.add(problem);
            }
        }
    }
}

/// What is wrong with the number of objects that a patch is for.
fn unexpected(patch: &TargetedPatch, matched: usize) -> Option<Diagnostic> {
    if matched >= patch.at_least && patch.at_most.is_none_or(|most| matched <= most) {
        return None;
    }
    let expected = match patch.at_most {
        Some(most) if most == patch.at_least => format!("{most}"),
        Some(most) => format!("{} to {most}", patch.at_least),
        None => format!("at least {}", patch.at_least),
    };
    Some(
        Diagnostic::error(format!("the patch is for {}, expected {expected}", plural(matched, "object")))
            .at(patch.location.clone())
            .hint("compare its `target` with the rendered objects; `expects: {atLeast: 0}` allows none"),
    )
}

fn does_nothing(overlay: &Overlay, settings: &[&str], location: Location) -> Diagnostic {
    let all = settings.join(", ");
    let first = settings.first().copied().unwrap_or_default();
    Diagnostic::error(format!("the overlay {} does nothing: none of its settings is set", overlay.name))
        .at(location)
        .hint(format!("say `spec.settings: {{{first}: ...}}`; it knows {all}"))
}

/// The placeholders of an object: of its pool, of the Service of the manifests that it is a copy of, and what an asker sees
/// of the settings.
pub(super) fn values<'a>(
    input: Input<'a>,
    settings: &'a Settings,
    pool: Option<usize>,
    service: Option<&'a str>,
    asker: Asker,
) -> Values<'a> {
    const SHARED: &str = "this object is not the Service of one pool";
    let pool = pool.map(|index| &input.pools.pools[index]);
    let values = match pool {
        Some(pool) => input.pools.values(pool),
        None => ["pool.name", "pool.label", "pool.value", "pool.vmSet", "pool.loadBalancer"]
            .into_iter()
            .fold(Values::default(), |values, name| values.with(name, None, SHARED)),
    };
    let values =
        values.with("app.name", Some(&input.spec.metadata.name), "").with("service.name", service, SHARED);
    settings.values(values, asker, pool)
}
