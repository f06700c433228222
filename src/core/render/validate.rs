//! Validates what the platform and the overlays made, like manifests, and names the operation that wrote a value.

use std::collections::{BTreeSet, HashMap};

use crate::core::bounds::MAX_PROBLEMS;
use crate::core::manifest::{Key, validate};
use crate::core::render::draft::{Input, PendingObject, Role};
use crate::core::render::patches::Patched;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// Reports invalid objects. Objects of the manifests were valid, so only what was changed is validated: of the copies of an
/// object, the first one, and those in which a changed part differs from it.
pub(super) fn check(
    input: Input<'_>,
    pending: &[PendingObject<'_>],
    patched: &[Patched<'_>],
    problems: &mut Vec<Diagnostic>,
) {
    let mut reported = BTreeSet::new();
    let mut firsts: HashMap<(usize, Role, &str), usize> = HashMap::new();
    for (index, (draft, own)) in pending.iter().zip(patched).enumerate() {
        if !own.is_complete {
            continue;
        }
        // More help no reader, and each copy may have others.
        if problems.len() >= MAX_PROBLEMS {
            return;
        }
        let kind = draft.value["kind"].as_str().unwrap_or_default();
        let source = std::ptr::from_ref(draft.source).addr();
        let first = *firsts.entry((source, draft.role, kind)).or_insert(index);
        let is_changed = if first == index {
            draft.role != Role::Once || !own.changed.is_empty()
        } else {
            own.changed.differ(&draft.value, &patched[first].changed, &pending[first].value)
        };
        if is_changed {
            report(input, draft, own, &mut reported, problems);
        }
    }
}

fn report(
    input: Input<'_>,
    draft: &PendingObject<'_>,
    patched: &Patched<'_>,
    reported: &mut BTreeSet<(Location, String)>,
    problems: &mut Vec<Diagnostic>,
) {
    let key = Key::of(&draft.value);
    let by_patch = |pointer: &str| patched.provenance.as_ref().and_then(|it| it.location(pointer));
    let location = |pointer: &str| {
        by_patch(pointer).cloned().unwrap_or_else(|| input.document.location("/spec/platform"))
    };
    let is_patched = patched.provenance.as_ref().is_some_and(|it| it.location("").is_some());
    for problem in validate(&draft.value, location) {
        let at = problem.location.clone().unwrap_or_else(|| location(""));
        // The same for the copies of all pools, except for the name.
        if !reported.insert((at, problem.message.replacen(&key.name, "", 1))) {
            continue;
        }
        let author = if is_patched { "the patch breaks" } else { "the platform breaks" };
        let message = format!("{author} {key}: {}", problem.message);
        problems.push(patched.leaks.hide(Diagnostic { message, ..problem }));
    }
}
