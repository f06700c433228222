//! Renders the additional objects that a platform needs for each pool.

use serde_json::Value;

use crate::core::json;
use crate::core::json::NotAMap;
use crate::core::manifest::Object;
use crate::core::patch::placeholder;
use crate::core::render::budget::Budget;
use crate::core::render::draft::{Input, POOL_LABEL, PendingObject, Role};
use crate::core::render::patches;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::settings::{SettingOwner, Settings};

/// Returns the platform's objects for each pool. All Services of a pool share one set.
pub(super) fn objects<'a>(
    input: Input<'a>,
    settings: &Settings,
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> Vec<PendingObject<'a>> {
    let Some(source) = input.objects.iter().find(|object| object.is_load_balancer()) else {
        return Vec::new();
    };
    let mut pending = Vec::new();
    for template in &input.platform.spec.objects {
        for (index, pool) in input.pools.pools.iter().enumerate() {
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
