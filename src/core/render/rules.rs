//! The rules of the platform and of the overlays, held against the Services as they are in the end: what an overlay does counts too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::manifest::{Key, Object};
use crate::core::platform::{Broken, Level, broken_rules, is_set};
use crate::core::pointer;
use crate::core::render::draft::{Input, PendingObject};
use crate::core::report::diagnostic::{Diagnostic, Location};

/// What the cloud would ignore or refuse in the copies of a Service: said once where the manifest says it.
pub(super) fn check(
    input: Input<'_>,
    pending: &[PendingObject<'_>],
    problems: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) {
    let mut said = BTreeSet::new();
    let mut lacking = BTreeMap::new();
    for draft in pending.iter().filter(|draft| draft.service().is_some()) {
        for broken in broken(input, &draft.value) {
            let location = location(draft, &broken);
            let of_manifest = location != draft.source.location("/metadata/name");
            let sentence = if of_manifest {
                broken.sentence.clone()
            } else {
                // What every copy lacks, the Service of the manifests lacks; what an overlay brought, the copy has.
                let is_common = broken.path.is_none()
                    && *lacking
                        .entry((draft.service(), broken.sentence.clone()))
                        .or_insert_with(|| all_lack(input, pending, draft, &broken.sentence));
                let key = if is_common { draft.source.key() } else { Key::of(&draft.value) };
                format!("{key}: {}", broken.sentence)
            };
            if !said.insert((sentence.clone(), location.to_string())) {
                continue;
            }
            let hint = broken.hint.to_owned();
            match broken.level {
                Level::Error => problems.push(Diagnostic::error(sentence).at(location).hint(hint)),
                Level::Warning => warnings.push(Diagnostic::warning(sentence).at(location).hint(hint)),
            }
        }
    }
}

/// The rules of the platform and of the overlays that a Service breaks.
fn broken<'a>(input: Input<'a>, service: &'a Value) -> impl Iterator<Item = Broken<'a>> {
    let overlays = input.overlays.iter();
    let theirs = overlays
        .flat_map(move |overlay| broken_rules(&overlay.spec.refuses, &overlay.spec.requires, service));
    input.platform.spec.broken_rules(service).chain(theirs)
}

/// The manifest's line if it says so itself, and otherwise that of the Service.
fn location(draft: &PendingObject<'_>, broken: &Broken<'_>) -> Location {
    let own = broken.path.filter(|path| draft.source.value().pointer(path).is_some_and(is_set));
    draft.source.location(own.unwrap_or("/metadata/name"))
}

/// Whether every copy of a Service breaks a rule.
fn all_lack(
    input: Input<'_>,
    pending: &[PendingObject<'_>],
    draft: &PendingObject<'_>,
    sentence: &str,
) -> bool {
    let mut copies = pending.iter().filter(|copy| copy.service() == draft.service());
    copies.all(|copy| broken(input, &copy.value).any(|other| other.sentence == sentence))
}

/// What the manifests' own Services have that the cloud refuses: told beside other problems that end a render before
/// there are copies.
pub(super) fn in_manifests(input: Input<'_>) -> Vec<Diagnostic> {
    let services = input.objects.iter().filter(|object| object.is_load_balancer());
    services
        .flat_map(|service| {
            let broken = input.platform.spec.broken_rules(service.value());
            broken.filter(|broken| broken.level == Level::Error).filter_map(|broken| {
                let location = service.location(broken.path?);
                Some(Diagnostic::error(broken.sentence).at(location).hint(broken.hint.to_owned()))
            })
        })
        .collect()
}

/// What in a Service of the manifests copies cannot share on this platform.
pub(super) fn refuse_unshareable(input: Input<'_>, object: &Object, problems: &mut Vec<Diagnostic>) {
    for broken in input.platform.spec.unshareable(object.value()) {
        let location = object.location(broken.path.unwrap_or_default());
        problems.push(Diagnostic::error(broken.sentence).at(location).hint(broken.hint.to_owned()));
    }
}

/// What a binding writes must not be there already.
pub(super) fn refuse_bound(input: Input<'_>, object: &Object, problems: &mut Vec<Diagnostic>) {
    for path in input.platform.binding.added_paths() {
        if let Some(found) = object.value().pointer(path) {
            problems.push(
                Diagnostic::error(format!("`{}` is {found} already, and each pool's copy gets its own", pointer::field(path)))
                    .at(object.location(path))
                    .hint("remove it; `init --from FILE` turns Services that were written by hand, one a pool, into one"),
            );
        }
    }
}
