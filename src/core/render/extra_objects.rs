//! Renders the additional objects that a platform needs for each pool, unless existing objects select the nodes of its Services.

use serde_json::Value;

use crate::core::json;
use crate::core::json::NotAMap;
use crate::core::manifest::Object;
use crate::core::patch::placeholder;
use crate::core::pointer;
use crate::core::render::budget::Budget;
use crate::core::render::draft::{Input, POOL_LABEL, PendingObject, Role};
use crate::core::render::needed_objects::Need;
use crate::core::render::patches;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::settings::{SettingOwner, Settings};

/// Reports Services that name an object which is not rendered, because their pool has existing objects: they would get no address.
pub(super) fn absent(
    input: Input<'_>,
    settings: &Settings,
    needed: &[Need],
    pending: &[PendingObject<'_>],
) -> Vec<Diagnostic> {
    let Some(path) = input.platform.spec.selection.as_ref().and_then(|selection| selection.path.as_deref())
    else {
        return Vec::new();
    };
    let written = input.platform.binding.added_paths().zip(input.platform.binding.added_values());
    let Some((_, template)) = written.into_iter().find(|(at, _)| *at == path) else { return Vec::new() };
    let report = |draft: &PendingObject<'_>| {
        let index = draft.pool.filter(|_| draft.role.is_service())?;
        if needed.get(index) != Some(&Need::Existing) {
            return None;
        }
        let pool = &input.pools.pools.get(index)?.value;
        let values = patches::values(input, settings, Some(index), None, SettingOwner::Platform);
        let own = placeholder::fill_value(template, &values).ok()?;
        let found = draft.value.pointer(path).filter(|found| **found == own)?.as_str()?;
        let name = draft.value["metadata"]["name"].as_str().unwrap_or_default();
        let field = pointer::field(path);
        Some(
            Diagnostic::error(format!(
                "`{field}` of Service {name} is `{found}`, and `render` does not write this object, because `spec.pools.existingObjectsFor` contains pool {pool}"
            ))
            .at(input.document.location("/spec/pools/existingObjectsFor"))
            .hint(format!(
                "name the existing object in an overlay, or remove pool {pool} from `spec.pools.existingObjectsFor`"
            )),
        )
    };
    pending.iter().filter_map(report).collect()
}

/// Returns the platform's objects for each pool. All Services of a pool share one set.
pub(super) fn objects<'a>(
    input: Input<'a>,
    settings: &Settings,
    needed: &[Need],
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> Vec<PendingObject<'a>> {
    let Some(source) = input.objects.iter().find(|object| object.is_load_balancer()) else {
        return Vec::new();
    };
    let mut pending = Vec::new();
    for template in &input.platform.spec.objects {
        let pools = input.pools.pools.iter().zip(needed).enumerate();
        for (index, (pool, _)) in pools.filter(|(_, (_, need))| **need == Need::Rendered) {
            if budget.is_spent() {
                return pending;
            }
            let values = patches::values(input, settings, Some(index), None, SettingOwner::Platform);
            match placeholder::fill_value(template, &values) {
                Ok(value) => match draft(value, &pool.name, source, index) {
                    Ok(draft) => {
                        budget.add(&draft.value);
                        pending.push(draft);
                    }
                    Err(why) => problems.push(
                        Diagnostic::error(format!("an object of platform {}: {why}", input.platform.name))
                            .at(input.document.location("/spec/platform"))
                            .hint("correct `spec.objects` in the platform file"),
                    ),
                },
                Err(error) => {
                    let kind = template["kind"].as_str().unwrap_or_default();
                    let mut problem =
                        Diagnostic::error(format!("the {kind} for the pool {}: {error}", pool.value))
                            .at(input.document.location("/spec"));
                    problem.hint = error.hint();
                    problems.push(problem);
                }
            }
        }
    }
    pending
}

fn draft<'a>(
    mut value: Value,
    pool: &str,
    source: &'a Object,
    index: usize,
) -> Result<PendingObject<'a>, NotAMap> {
    for parent in ["labels", "annotations"] {
        json::map_at(&mut value, &["metadata", parent])?;
    }
    json::set(&mut value, &["metadata", "labels", POOL_LABEL], pool)?;
    Ok(PendingObject { value, source, pool: Some(index), role: Role::Platform })
}
