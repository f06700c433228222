//! Merges a group of Services into one, and decides the pool and the kept name of each.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::import::bindings::bound_pool;
use crate::core::import::hand_written::HandWritten;
use crate::core::import::undecided::Named;
use crate::core::import::{Imported, undecided};
use crate::core::json;
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::report::diagnostic::Diagnostic;

/// Merges Services that differ only in their names and bindings into one.
pub(crate) fn fold_group(
    group: &[HandWritten],
    platform: &Platform,
    pools: &PoolSet,
    imported: &mut Imported,
    problems: &mut Vec<Diagnostic>,
) -> Named {
    let names: Vec<&str> = group.iter().map(|service| service.name.as_str()).collect();
    let base = base_name(&names);
    let mut by_pool: BTreeMap<String, String> = BTreeMap::new();
    let mut unknown = Vec::new();
    for service in group {
        let bound = bound_pool(service, &platform.binding, pools);
        let pool = match undecided::stated_pool(service, bound, pools) {
            Ok(stated) => stated.or(bound),
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let Some(pool) = pool else {
            unknown.push(service);
            continue;
        };
        if let Some(other) = by_pool.insert(pool.value.clone(), service.name.clone()) {
            problems.push(
                Diagnostic::error(format!(
                    "Services {other} and {} are both bound to pool {}",
                    service.name, pool.value
                ))
                .at(service.location.clone())
                .hint("keep one of them, or make them differ in more than their names"),
            );
        }
    }
    let refused = problems.len();
    let is_alone = group.len() == 1;
    unknown.retain(|service| match service.undecided(is_alone, &base, pools) {
        Some(problem) => {
            problems.push(problem);
            false
        }
        None => true,
    });
    let is_refused = problems.len() > refused;
    if is_refused {
        // A guess for the others would be of no use after an error.
    } else if is_alone && by_pool.is_empty() && group[0].unread.is_empty() {
        imported.warnings.push(
            Diagnostic::warning(format!("Service {base} is not bound to a pool; its copies get new names and new addresses"))
                .at(group[0].location.clone())
                .hint(format!("if its load balancer uses the nodes of one pool today, keep its address with `spec.names: {{{base}: {{POOL: {base}}}}}`")),
        );
    } else {
        assign_in_order(&base, unknown, pools, &mut by_pool, imported, problems);
    }
    if group.len() > 1 {
        imported.changes.push(format!(
            "merged the Services {} into {base}; `spec.names` keeps their names",
            names.join(", ")
        ));
    }
    let mut object = group[0].rest.clone();
    json::put(&mut object, &["metadata", "name"], base.as_str());
    let entry = Named {
        base,
        namespace: object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
        names: by_pool.clone(),
        location: group[0].location.clone(),
    };
    imported.objects.push(object);
    if !by_pool.is_empty() {
        imported.names.insert(entry.base.clone(), by_pool);
    }
    entry
}

/// Assigns the remaining pools in order to Services without a binding or with a placeholder, with a warning. All other
/// Services were refused before.
fn assign_in_order(
    base: &str,
    unknown: Vec<&HandWritten>,
    pools: &PoolSet,
    by_pool: &mut BTreeMap<String, String>,
    imported: &mut Imported,
    problems: &mut Vec<Diagnostic>,
) {
    let taken: BTreeSet<String> = by_pool.keys().cloned().collect();
    let mut free = pools.pools.iter().filter(|pool| !taken.contains(&pool.value));
    for service in unknown {
        let binding = service.unread.first().map_or_else(
            || "it has no binding".to_owned(),
            |unread| format!("its binding `{}` names no known pool", unread.value),
        );
        let Some(pool) = free.next() else {
            problems.push(
                Diagnostic::error(format!("no pool is left for Service {}: {binding}", service.name))
                    .at(service.location.clone()),
            );
            continue;
        };
        imported.warnings.push(
            Diagnostic::warning(format!(
                "Service {} gets pool {}, the next in order: {binding}",
                service.name, pool.value
            ))
            .at(service.location.clone())
            .hint(format!("check `spec.names: {{{base}: {{{}: {}}}}}`", pool.value, service.name)),
        );
        by_pool.insert(pool.value.clone(), service.name.clone());
    }
}

/// Returns the common prefix of the names, without a trailing number or dash.
fn base_name(names: &[&str]) -> String {
    let [first, rest @ ..] = names else { return String::new() };
    if rest.is_empty() {
        return (*first).to_owned();
    }
    let common = rest.iter().fold(first.len(), |length, name| {
        first.bytes().zip(name.bytes()).take(length).take_while(|(a, b)| a == b).count()
    });
    let base = first[..common].trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    if base.is_empty() { (*first).to_owned() } else { base.to_owned() }
}
