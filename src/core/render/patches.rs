//! The platform's binding, `internal: true`, and the overlays: one mechanism, in this order.

use crate::core::diagnostic::Diagnostic;
use crate::core::manifest::Key;
use crate::core::overlay::Subject;
use crate::core::placeholder::Values;
use crate::core::plural::plural;
use crate::core::render::{Draft, Input, Role};
use crate::core::settings::Settings;

/// Binds each copy to its pool.
pub(super) fn bind(
    input: Input<'_>,
    settings: &Settings,
    drafts: &mut [Draft<'_>],
    problems: &mut Vec<Diagnostic>,
) {
    for draft in drafts {
        let Some(index) = draft.pool.filter(|_| draft.role == Role::Service) else { continue };
        let name = Key::of(&draft.value).to_string();
        let values = values(input, settings, draft.pool, draft.service());
        let bound = input.platform.binding.apply(&mut draft.value, &name, &values).and_then(|()| {
            if input.spec.spec.internal {
                input.platform.internal.apply(&mut draft.value, &name, &values)
            } else {
                Ok(())
            }
        });
        let Err(problem) = bound else { continue };
        let pool = &input.pools.pools[index];
        if pool.vm_set.is_none() && problem.message.contains("${pool.vmSet}") {
            // Where it stands is the platform's file; what to do about it is in the spec.
            problems.push(
                Diagnostic::error(format!("{name} cannot be bound: {}", pool.vm_set_problem))
                    .at(input.document.place("/spec/pools"))
                    .hint(format!("write it down: `spec.pools.vmSets: {{{}: NAME}}`", pool.value)),
            );
        } else {
            problems.push(problem);
        }
    }
    problems.dedup();
}

/// Applies the overlays, and holds each patch to the number of objects that it expects.
pub(super) fn overlay(
    input: Input<'_>,
    settings: &Settings,
    drafts: &mut [Draft<'_>],
    problems: &mut Vec<Diagnostic>,
) {
    for patch in input.overlays.iter().flat_map(|overlay| &overlay.patches) {
        let mut matched = 0;
        for draft in drafts.iter_mut() {
            let pool = draft.pool.map(|index| input.pools.pools[index].value.as_str());
            if !patch.matches(Subject { object: &draft.value, service: draft.service(), pool }) {
                continue;
            }
            matched += 1;
            let name = Key::of(&draft.value).to_string();
            let values = values(input, settings, draft.pool, draft.service());
            // What is wrong with the patch itself is said once, not for each object.
            problems.extend(
                patch
                    .patch
                    .apply(&mut draft.value, &name, &values)
                    .err()
                    .filter(|problem| !problems.contains(problem)),
            );
        }
        if matched < patch.at_least || patch.at_most.is_some_and(|most| matched > most) {
            let expected = match patch.at_most {
                Some(most) if most == patch.at_least => format!("{most}"),
                Some(most) => format!("{} to {most}", patch.at_least),
                None => format!("at least {}", patch.at_least),
            };
            problems.push(
                Diagnostic::error(format!(
                    "the patch is for {}, expected {expected}",
                    plural(matched, "object")
                ))
                .at(patch.place.clone())
                .hint("compare its `target` with the rendered objects; `expects: {atLeast: 0}` allows none"),
            );
        }
    }
}

/// The placeholders of an object: of its pool, and of the Service of the manifests that it is a copy of.
pub(super) fn values<'a>(
    input: Input<'a>,
    settings: &'a Settings,
    pool: Option<usize>,
    service: Option<&'a str>,
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
    settings.values(values, pool)
}
