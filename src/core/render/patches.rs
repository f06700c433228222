//! Applies the binding of the platform, `internal: true` and the overlays, in this order.

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
use crate::core::settings::{SettingOwner, Settings};

/// Author of the labels of copies; patches may not change them.
const LABELS: Author<'_> = Author { title: "the label of the pool", name: "", overrides: &[] };
/// Author of the fields that keep the traffic of a pool in the pool.
const PER_POOL: Author<'_> = Author { title: "`workload.perPool`", name: "perPool", overrides: &[] };
/// Author of the annotations with the host name of the pools.
const DNS: Author<'_> = Author { title: "`spec.dns`", name: "dns", overrides: &[] };

/// Input that all patches of a render share.
#[derive(Clone, Copy)]
struct Context<'a> {
    input: Input<'a>,
    settings: &'a Settings,
    scopes: &'a Scopes,
}

/// Problems of the overlays: reported once, not for each object that a patch applies to.
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
    // Without overlays, there is nothing that could contradict the other authors.
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
        let values = values(input, context.settings, draft.pool, draft.service(), SettingOwner::Platform);
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
                    // `internal: true` may replace values of the binding: both are from the platform file.
                    let _ = provenance.note(object, operation, location, *author, &name);
                }
            })
        });
        let Err(error) = bound else { continue };
        let pool = &input.pools.pools[index];
        if error.lacks_value_of("pool.vmSet") {
            // The placeholder is in the platform's file, but the user sets the VM set in the spec.
            problems.push(
                Diagnostic::error(format!("{name} cannot be bound: {}", pool.vm_set_problem))
                    .at(input.document.location("/spec/pools"))
                    .hint(format!("set it: `spec.pools.vmSets: {{{}: NAME}}`", pool.value)),
            );
        } else {
            problems.push(error.problem);
        }
    }
    problems.dedup();
}

/// Records the fields that a copy got from us before any patch.
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

/// Applies an overlay, and checks the number of objects that each patch matches.
fn overlay<'a>(
    context: Context<'a>,
    index: usize,
    pending: &mut [PendingObject<'_>],
    provenance: &mut [Provenance<'a>],
    found: &mut Found<'_>,
) {
    let overlay: &'a Overlay = &context.input.overlays[index];
    let owner = SettingOwner::Overlay(index);
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
            if context.settings.leaves_out(owner, pool, patch.patch.placeholders()) {
                left_out += 1;
                continue;
            }
            applied += 1;
            one(context, (overlay, patch, owner), draft, provenance, found);
        }
        if let Some(problem) = unexpected(patch, matched) {
            found.add(problem);
        }
    }
    if applied == 0 && left_out > 0 {
        let settings = context.settings.optional_of(owner);
        found.add(does_nothing(overlay, &settings, context.input.document.location("/spec/settings")));
    }
}

/// Applies one patch of an overlay to one object.
fn one<'a>(
    context: Context<'a>,
    (overlay, patch, owner): (&'a Overlay, &TargetedPatch, SettingOwner),
    draft: &mut PendingObject<'_>,
    provenance: &mut Provenance<'a>,
    found: &mut Found<'_>,
) {
    let name = Key::of(&draft.value).to_string();
    let values = values(context.input, context.settings, draft.pool, draft.service(), owner);
    let author = Author { title: &overlay.title, name: &overlay.name, overrides: &overlay.spec.overrides };
    let mut contradictions = Vec::new();
    let done =
        patch.patch.apply_noting(&mut draft.value, &name, &values, &mut |object, operation, location| {
            contradictions.extend(provenance.note(object, operation, location, author, &name));
        });
    match done {
        Ok(()) => {
            for contradiction in contradictions {
                // The same for the Services of all pools.
                if found.contradictions.insert((patch.location.clone(), contradiction.at)) {
                    found.add(contradiction.problem);
                }
            }
        }
        Err(error) => {
            let problem = error.problem;
            // The object was restored, so its recorded fields are obsolete.
            *provenance = Provenance::default();
            // The same for the Services of all pools, except for the name.
            let misfit = (problem.location.clone(), problem.message.replacen(&name, "", 1));
            if found.misfits.insert(misfit) {
                found.add(problem);
            }
        }
    }
}

/// Reports a wrong number of objects that a patch matches.
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
        Diagnostic::error(format!("the patch matches {}, expected {expected}", plural(matched, "object")))
            .at(patch.location.clone())
            .hint("compare its `target` with the rendered objects; to allow no match, set `expects: {atLeast: 0}`"),
    )
}

fn does_nothing(overlay: &Overlay, settings: &[&str], location: Location) -> Diagnostic {
    let all = settings.join(", ");
    let first = settings.first().copied().unwrap_or_default();
    Diagnostic::error(format!("the overlay {} has no effect: none of its settings is set", overlay.name))
        .at(location)
        .hint(format!("set `spec.settings: {{{first}: ...}}`; its settings: {all}"))
}

/// Returns the placeholders of an object: those of its pool and of the Service that it is a copy of, and the settings that
/// are visible to `owner`.
pub(super) fn values<'a>(
    input: Input<'a>,
    settings: &'a Settings,
    pool: Option<usize>,
    service: Option<&'a str>,
    owner: SettingOwner,
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
    settings.values(values, owner, pool)
}
