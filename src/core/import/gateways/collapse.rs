//! Collapses what names the Gateways of all pools: routes, policies, ListenerSets, and solvers of cert-manager.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::core::gateway::references::parent_lists;
use crate::core::import::gateways::families::{Families, Partial};
use crate::core::import::gateways::restored::Restored;
use crate::core::import::gateways::{copies, policies};
use crate::core::import::group::Group;
use crate::core::import::input::ImportInput;
use crate::core::import::{Imported, Others};
use crate::core::manifest::Key;
use crate::core::pointer;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::plural::first_of;

/// Collapses the references to the Gateways of pools, and removes the objects that the manifests need not have then.
pub(crate) fn collapse(
    groups: &[Group],
    input: ImportInput<'_>,
    others: &mut Others,
    restored: &mut Restored,
    imported: &mut Imported,
) -> Checked<()> {
    if imported.gateways.is_none() {
        return Ok(());
    }
    let mut families = Families::of(groups, input.options.namespace);
    let mut problems = Vec::new();
    let replaced = |object: &Value| restored.replaced.contains(&Key::of(object));
    let mut removed: BTreeSet<usize> =
        (0..others.objects.len()).filter(|index| replaced(&others.objects[*index])).collect();
    let mut patches = Vec::new();
    for target in [copies::PARENT, copies::TARGET] {
        let found = copies::merge(target, input.pools, (&mut *others, &mut removed), &mut families);
        match found {
            Ok(found) => {
                patches.extend(found.patches);
                imported.changes.extend(found.changes);
            }
            Err(wrong) => problems.extend(wrong),
        }
    }
    policies::join(others, &mut removed, &families, imported);
    for index in (0..others.objects.len()).filter(|index| !removed.contains(index)).collect::<Vec<_>>() {
        let object = &others.objects[index];
        let lists = parent_lists(object).into_iter().chain(["/spec/targetRefs".to_owned()]);
        for at in lists.collect::<Vec<_>>() {
            let object = &others.objects[index];
            let Some(list) = object.pointer(&at).and_then(Value::as_array) else { continue };
            match families.collapse(list, object) {
                Ok(None) => {}
                Ok(Some(collapsed)) => {
                    if families.expanded(&collapsed, object) != *list {
                        imported.changes.push(format!(
                            "`{}` of {} lists the Gateways of the pools in another order than `render`, which has no effect",
                            pointer::field(&at),
                            Key::of(object)
                        ));
                    }
                    if let Some(list) = others.objects[index].pointer_mut(&at) {
                        *list = Value::Array(collapsed);
                    }
                }
                Err(partial) => problems.push(names_some(others, index, &at, &partial)),
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    restored.patches.extend(patches);
    others.remove(&removed);
    Ok(())
}

fn names_some(others: &Others, index: usize, at: &str, partial: &Partial) -> Diagnostic {
    let shown = |names: &[String]| first_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    Diagnostic::refusal(format!(
        "{} names only some Gateways of the pools: {}, but not {}",
        Key::of(&others.objects[index]),
        shown(&partial.named),
        shown(&partial.missing)
    ))
    .at(others.documents[index].location(at))
    .hint(format!(
        "add the others to `{}`, as `render` does; or leave the object out of the files, so that it stays as it is",
        pointer::field(at)
    ))
}
