//! Applies the binding of the platform, `internal: true` and the overlays, in this order.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

use json_patch::PatchOperation;
use serde_json::Value;

use crate::core::json;
use crate::core::kubernetes::object_shape;
use crate::core::kubernetes::object_shape::Misshapen;
use crate::core::manifest::{Key, Scopes};
use crate::core::overlay::{Overlay, PatchSubject, TargetedPatch};
use crate::core::patch::placeholder::Values;
use crate::core::patch::{Meter, Patch};
use crate::core::pointer;
use crate::core::render::budget::{Budget, Cost};
use crate::core::render::draft::{Input, POOL_LABEL, PendingObject, Role, SERVICE_LABEL, label_of_pools};
use crate::core::render::edits::Edits;
use crate::core::render::leaks::Leaks;
use crate::core::render::provenance::{Author, Provenance};
use crate::core::render::regions::Regions;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::mask::is_secret;
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
    added: HashSet<Diagnostic>,
}

impl Found<'_> {
    /// Adds a problem of an object. It is the same for the Services of all pools, except for the name.
    fn misfit(&mut self, problem: Diagnostic, name: &str) {
        let misfit = (problem.location.clone(), problem.message.replacen(name, "", 1));
        if self.misfits.insert(misfit) {
            self.add(problem);
        }
    }

    fn add(&mut self, problem: Diagnostic) {
        if self.added.insert(problem.clone()) {
            self.problems.push(problem);
        }
    }
}

/// What the patches did to one object.
struct Progress<'a> {
    /// Who set its fields. Without overlays, there is nothing that could contradict the other authors.
    provenance: Option<Provenance<'a>>,
    meter: Meter,
    /// False if a patch left a value that lacks what every object has; later patches skip it.
    is_whole: bool,
    /// The parts that patches changed.
    changed: Regions,
    /// Whether a patch failed, so that the object is not what it should be.
    has_failed: bool,
    /// The key before the patches; `None` without overlays.
    before: Option<Key>,
    /// The values that overlays changed, and where.
    edits: Edits,
    /// Values of Secrets that overlays moved or copied.
    leaks: Leaks,
}

/// An object after all patches.
pub(super) struct Patched<'a> {
    /// Whether it still has the shape of an object.
    pub(super) is_whole: bool,
    /// Who set its fields, if there are overlays.
    pub(super) provenance: Option<Provenance<'a>>,
    /// The parts that patches changed.
    pub(super) changed: Regions,
    /// Whether all patches were applied to it.
    pub(super) is_complete: bool,
    /// The key before the patches; `None` without overlays, because only these may change it.
    pub(super) before: Option<Key>,
    /// The values that overlays changed, and where. They are not recorded for the Service of a pool.
    pub(super) edits: Edits,
    /// Values of Secrets that overlays moved or copied.
    pub(super) leaks: Leaks,
}

/// Binds each copy to its pool and applies the overlays. Returns what is known of each object then.
pub(super) fn apply<'a>(
    input: Input<'a>,
    settings: &'a Settings,
    scopes: &'a Scopes,
    pending: &mut [PendingObject<'_>],
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Patched<'a>> {
    let context = Context { input, settings, scopes };
    let has_overlays = !input.overlays.is_empty();
    let start = |draft: &PendingObject<'_>| Progress {
        provenance: has_overlays.then(Provenance::default),
        meter: Meter::default(),
        is_whole: true,
        changed: Regions::default(),
        has_failed: false,
        before: has_overlays.then(|| Key::of(&draft.value)),
        edits: Edits::default(),
        leaks: Leaks::default(),
    };
    let mut progress: Vec<Progress<'_>> = pending.iter().map(start).collect();
    let mut found = Found {
        added: problems.iter().cloned().collect(),
        problems,
        contradictions: BTreeSet::new(),
        misfits: BTreeSet::new(),
    };
    if bind(context, pending, &mut progress, budget, &mut found).is_continue() {
        for index in 0..input.overlays.len() {
            if overlay(context, index, pending, &mut progress, budget, &mut found).is_break() {
                break;
            }
        }
    }
    let patched = |progress: Progress<'a>| Patched {
        is_whole: progress.is_whole,
        provenance: progress.provenance,
        changed: progress.changed,
        is_complete: progress.is_whole && !progress.has_failed,
        before: progress.before,
        edits: progress.edits,
        leaks: progress.leaks,
    };
    for (draft, progress) in pending.iter().zip(&mut progress) {
        if let Some(problem) = progress.leaks.problem(&draft.value) {
            // The checks below would show its name.
            progress.is_whole = false;
            found.add(problem);
        }
    }
    progress.into_iter().map(patched).collect()
}

/// Binds each copy to its pool. Breaks if a limit of the render is exceeded.
fn bind<'a>(
    context: Context<'a>,
    pending: &mut [PendingObject<'_>],
    progress: &mut [Progress<'a>],
    budget: &mut Budget,
    found: &mut Found<'_>,
) -> ControlFlow<()> {
    let input = context.input;
    let platform = input.platform;
    let binding = Author { title: "the binding of the platform", name: &platform.name, overrides: &[] };
    let internal = Author { title: "`internal: true`", name: "internal", overrides: &[] };
    let platform_at = input.document.location("/spec/platform");
    let mut problems = Vec::new();
    for number in 0..pending.len() {
        let (draft, progress) = (&mut pending[number], &mut progress[number]);
        let Some(index) = draft.pool.filter(|_| draft.role.is_service()) else { continue };
        let name = Key::of(&draft.value).to_string();
        let values = values(input, context.settings, draft.pool, draft.service(), SettingOwner::Platform);
        if let Some(provenance) = &mut progress.provenance {
            before_patches(input, draft, provenance);
        }
        let wanted: &[(&Patch, Author<'_>)] = if input.spec.spec.internal {
            &[(&platform.binding, binding), (&platform.internal, internal)]
        } else {
            &[(&platform.binding, binding)]
        };
        let Progress { provenance, meter, changed, .. } = progress;
        let mut touched = Edits::default();
        let bound = wanted.iter().try_for_each(|(patch, author)| {
            patch.apply_noting(&mut draft.value, &name, &values, meter, &mut |object, operation, location| {
                touch(&mut touched, operation, location);
                changed.add(operation);
                if let Some(provenance) = provenance {
                    // `internal: true` may replace values of the binding: both are from the platform file.
                    let _ = provenance.note(object, operation, location, *author, &name);
                }
            })
        });
        budget.count(Cost::default(), meter);
        match bound {
            Ok(()) => {
                for problem in misshapen(&draft.value, &name, &touched, &platform_at) {
                    progress.is_whole = false;
                    found.misfit(problem, &name);
                }
            }
            Err(error) if error.lacks_value_of("pool.vmSet") => {
                let pool = &input.pools.pools[index];
                // The placeholder is in the platform's file, but the user sets the VM set in the spec.
                problems.push(
                    Diagnostic::error(format!("{name} cannot be bound: {}", pool.vm_set_problem))
                        .at(input.document.location("/spec/pools"))
                        .hint(pool.vm_set_hint.clone()),
                );
            }
            Err(error) => {
                progress.has_failed = true;
                problems.push(error.problem);
                if error.exceeds_limit {
                    break;
                }
            }
        }
        if let Some(problem) = budget.exceeded(pending, &platform_at) {
            found.add(problem);
            return ControlFlow::Break(());
        }
    }
    problems.dedup();
    found.problems.extend(problems);
    ControlFlow::Continue(())
}

/// Remembers an operation that changes the header or the metadata of an object.
fn touch(touched: &mut Edits, operation: &PatchOperation, location: &Location) {
    let from = match operation {
        PatchOperation::Test(_) => return,
        PatchOperation::Move(it) => Some(it.from.as_str()),
        _ => None,
    };
    for path in from.into_iter().chain([operation.path().as_str()]) {
        let of_all = ["/apiVersion", "/kind", "/metadata"];
        if path.is_empty() || of_all.iter().any(|field| path.starts_with(field)) {
            touched.add(path.to_owned(), location.clone());
        }
    }
}

/// Reports the fields that no object may have like this, each at the last operation that changed it.
fn misshapen(object: &Value, name: &str, touched: &Edits, otherwise: &Location) -> Vec<Diagnostic> {
    if touched.is_empty() {
        return Vec::new();
    }
    let report = |wrong: Misshapen| {
        let at = touched.last(&wrong.pointer).unwrap_or(otherwise);
        Diagnostic::error(format!("the patch breaks {name}: {}", wrong.message))
            .at(at.clone())
            .hint("an object needs `apiVersion`, `kind` and `metadata.name`, and its labels and annotations are maps of strings")
    };
    object_shape::misshapen(object).into_iter().map(report).collect()
}

/// Records the fields that a copy got from us before any patch.
fn before_patches(input: Input<'_>, draft: &PendingObject<'_>, provenance: &mut Provenance<'_>) {
    for label in [label_of_pools(input.pools.kind), SERVICE_LABEL] {
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

/// Applies an overlay, and checks the number of objects that each patch matches. Breaks if a limit of the render is
/// exceeded.
fn overlay<'a>(
    context: Context<'a>,
    index: usize,
    pending: &mut [PendingObject<'_>],
    progress: &mut [Progress<'a>],
    budget: &mut Budget,
    found: &mut Found<'_>,
) -> ControlFlow<()> {
    let overlay: &'a Overlay = &context.input.overlays[index];
    let owner = SettingOwner::Overlay(index);
    let (mut applied, mut left_out) = (0, 0);
    for patch in overlay.patches_for(&context.input.platform.name) {
        let (mut matched, mut has_broken) = (0, false);
        // The Service whose copies the patch matched last.
        let mut copied = None;
        for number in 0..pending.len() {
            if let Some(problem) = budget.exceeded(pending, &patch.location) {
                found.add(problem);
                return ControlFlow::Break(());
            }
            let (draft, progress) = (&mut pending[number], &mut progress[number]);
            budget.step();
            let is_copy = draft.role.is_service();
            if !progress.is_whole {
                has_broken = true;
                copied = is_copy.then_some(draft.source).or(copied);
                continue;
            }
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
            copied = is_copy.then_some(draft.source).or(copied);
            // A Service of type ClusterIP follows the copies of its Service.
            let is_for_copies = draft.role == Role::ClusterIp
                && copied.is_some_and(|source| std::ptr::eq(source, draft.source));
            if is_for_copies && needs_pool(context, patch, owner) {
                continue;
            }
            matched += usize::from(!is_for_copies);
            if context.settings.leaves_out(owner, pool, patch.patch.placeholders()) {
                left_out += 1;
                continue;
            }
            applied += 1;
            let before = Cost::of(&progress.meter);
            let annotations = (is_for_copies && patch.names_kinds())
                .then(|| draft.value["metadata"].get("annotations").cloned())
                .flatten();
            let exceeds_limit = one(context, (overlay, patch, owner), draft, progress, found);
            if let Some(annotations) = annotations {
                // Load balancers read what a patch for the Services of the pools writes there.
                json::put(&mut draft.value, &["metadata", "annotations"], annotations);
            }
            budget.count(before, &progress.meter);
            if exceeds_limit {
                // The other objects would only repeat the work and the error.
                return ControlFlow::Break(());
            }
        }
        // A broken object might have been a match.
        if !has_broken && let Some(problem) = unexpected(patch, matched) {
            found.add(problem);
        }
    }
    if applied == 0 && left_out > 0 {
        let settings = context.settings.optional_of(owner);
        found.add(does_nothing(overlay, &settings, context.input.document.location("/spec/settings")));
    }
    ControlFlow::Continue(())
}

/// Whether a patch uses values of a pool, which the Service of type ClusterIP does not have.
fn needs_pool(context: Context<'_>, patch: &TargetedPatch, owner: SettingOwner) -> bool {
    let values = values(context.input, context.settings, None, None, owner);
    patch.patch.placeholders().any(|name| values.lacks(name))
}

/// Applies one patch of an overlay to one object. Returns whether the patch exceeds a limit.
fn one<'a>(
    context: Context<'a>,
    (overlay, patch, owner): (&'a Overlay, &TargetedPatch, SettingOwner),
    draft: &mut PendingObject<'_>,
    progress: &mut Progress<'a>,
    found: &mut Found<'_>,
) -> bool {
    let name = Key::of(&draft.value).to_string();
    let values = values(context.input, context.settings, draft.pool, draft.service(), owner);
    let author = Author { title: &overlay.title, name: &overlay.name, overrides: &overlay.spec.overrides };
    let Progress { provenance, meter, changed, edits, leaks, .. } = progress;
    let is_copy = draft.role.is_service();
    let mut contradictions = Vec::new();
    let was_secret = is_secret(&draft.value);
    let mut touched = Edits::default();
    let done = patch.patch.apply_noting(
        &mut draft.value,
        &name,
        &values,
        meter,
        &mut |object, operation, location| {
            touch(&mut touched, operation, location);
            changed.add(operation);
            leaks.note(object, operation, location);
            if !is_copy && !matches!(operation, PatchOperation::Test(_)) {
                edits.add(operation.path().to_string(), location.clone());
            }
            if let Some(provenance) = provenance {
                contradictions.extend(provenance.note(object, operation, location, author, &name));
            }
        },
    );
    match done {
        Ok(()) => {
            if was_secret && !is_secret(&draft.value) {
                let message = format!("the patch changes the kind of {name}, so its values would be shown");
                let hint = "write another object of the new kind, without the values of the Secret";
                found.add(Diagnostic::error(message).at(patch.location.clone()).hint(hint));
                progress.has_failed = true;
            }
            for contradiction in contradictions {
                // The same for the Services of all pools.
                if found.contradictions.insert((patch.location.clone(), contradiction.at)) {
                    found.add(progress.leaks.hide(contradiction.problem));
                }
            }
            for problem in misshapen(&draft.value, &name, &touched, &patch.location) {
                progress.is_whole = false;
                found.misfit(progress.leaks.hide(problem), &name);
            }
            false
        }
        Err(error) => {
            // The object was restored, so its recorded fields are obsolete.
            progress.provenance = Some(Provenance::default());
            progress.has_failed = true;
            found.misfit(progress.leaks.hide(error.problem), &name);
            error.exceeds_limit
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
