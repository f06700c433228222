//! Checks the final Services against the rules of the platform and of the overlays.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::core::manifest::{Key, Object, Origin};
use crate::core::platform::{Broken, Level, broken_rules, is_set};
use crate::core::pointer;
use crate::core::render::draft::{Input, PendingObject};
use crate::core::render::origin::overlay_line;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// Reports what the cloud would ignore or reject in the copies of a Service; once, if the manifest is the cause.
pub(super) fn check(
    input: Input<'_>,
    pending: &[PendingObject<'_>],
    problems: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) {
    let mut reported = BTreeSet::new();
    let mut lacking = BTreeMap::new();
    let mut copies: HashMap<usize, Vec<&PendingObject<'_>>> = HashMap::new();
    for draft in pending.iter().filter(|draft| draft.service().is_some()) {
        copies.entry(source(draft)).or_default().push(draft);
    }
    for draft in pending.iter().filter(|draft| draft.service().is_some()) {
        for broken in broken(input, &draft.value) {
            let location = location(input, draft, &broken);
            let of_manifest = location != draft.source.location("/metadata/name");
            let sentence = if of_manifest {
                broken.sentence.clone()
            } else {
                // If every copy lacks a field, report the Service in the manifests. If an overlay set a field, report the copy.
                let is_common = broken.path.is_none()
                    && *lacking
                        .entry((source(draft), broken.sentence.clone()))
                        .or_insert_with(|| all_lack(input, &copies[&source(draft)], &broken.sentence));
                let key = if is_common { draft.source.known_key() } else { Key::of(&draft.value) };
                format!("{}: {}", title(draft.source, &key), broken.sentence)
            };
            if !reported.insert((sentence.clone(), location.to_string())) {
                continue;
            }
            let hint = hint(draft.source, broken.hint);
            match broken.level {
                Level::Error => problems.push(Diagnostic::error(sentence).at(location).hint(hint)),
                Level::Warning => warnings.push(Diagnostic::warning(sentence).at(location).hint(hint)),
            }
        }
    }
}

/// Returns how messages name a Service: the user knows the Gateway whose Service a controller creates.
fn title(source: &Object, key: &Key) -> String {
    if source.origin() == Origin::GatewayImplementation {
        return format!("the Service of {}", Key { kind: "Gateway".to_owned(), ..key.clone() });
    }
    key.to_string()
}

fn hint(source: &Object, hint: &str) -> String {
    match source.origin() {
        Origin::Manifests => hint.to_owned(),
        Origin::GatewayImplementation | Origin::SharedGateway => {
            format!("{hint}; a Gateway sets annotations of its Service in `spec.infrastructure.annotations`")
        }
    }
}

/// Returns the rules of the platform and of the overlays that a Service breaks.
fn broken<'a>(input: Input<'a>, service: &'a Value) -> impl Iterator<Item = Broken<'a>> {
    let overlays = input.overlays.iter();
    let theirs = overlays
        .flat_map(move |overlay| broken_rules(&overlay.spec.refuses, &overlay.spec.requires, service));
    input.platform.spec.broken_rules(service).chain(theirs)
}

/// Returns the line in the manifest if the manifest sets the field. Otherwise returns the line of the overlay that sets the
/// field, or else of the Service.
fn location(input: Input<'_>, draft: &PendingObject<'_>, broken: &Broken<'_>) -> Location {
    let of_service = || draft.source.location("/metadata/name");
    let Some(path) = broken.path.as_deref() else { return of_service() };
    let own = draft.source.value().pointer(path).filter(|own| is_set(own));
    if own.is_some() && own == draft.value.pointer(path) {
        return draft.source.location(path);
    }
    overlay_line(input, path).or_else(|| own.map(|_| draft.source.location(path))).unwrap_or_else(of_service)
}

/// Returns what the copies of one Service have in common.
fn source(draft: &PendingObject<'_>) -> usize {
    std::ptr::from_ref(draft.source).addr()
}

/// Whether every copy of a Service breaks a rule.
fn all_lack(input: Input<'_>, copies: &[&PendingObject<'_>], sentence: &str) -> bool {
    copies.iter().all(|copy| broken(input, &copy.value).any(|other| other.sentence == sentence))
}

/// Reports fields of Services in the manifests that the cloud rejects, together with other problems that end a render
/// before copies exist.
pub(super) fn in_manifests(input: Input<'_>) -> Vec<Diagnostic> {
    let services = input.objects.iter().filter(|object| object.is_load_balancer());
    services
        .flat_map(|service| {
            let broken = input.platform.spec.broken_rules(service.value());
            broken.filter(|broken| broken.level == Level::Error).filter_map(|broken| {
                let location = service.location(&broken.path?);
                Some(Diagnostic::error(broken.sentence).at(location).hint(hint(service, broken.hint)))
            })
        })
        .collect()
}

/// Reports fields of a Service in the manifests that copies cannot share on this platform.
pub(super) fn refuse_unshareable(input: Input<'_>, object: &Object, problems: &mut Vec<Diagnostic>) {
    for broken in input.platform.spec.unshareable(object.value()) {
        let location = object.location(broken.path.as_deref().unwrap_or_default());
        problems.push(Diagnostic::error(broken.sentence).at(location).hint(hint(object, broken.hint)));
    }
}

/// Reports fields that the binding sets and that the manifest sets already.
pub(super) fn refuse_bound(input: Input<'_>, object: &Object, problems: &mut Vec<Diagnostic>) {
    for path in input.platform.binding.added_paths() {
        if let Some(found) = object.value().pointer(path) {
            problems.push(
                Diagnostic::error(format!("`{}` is already set to {found}, but the binding sets it in each pool's copy", pointer::field(path)))
                    .at(object.location(path))
                    .hint("remove it; if you wrote one Service per pool by hand, `init --from FILE` merges them into one"),
            );
        }
    }
}
