//! Decides which pool an existing Service belongs to: by what the user states, or by the nodes that its binding selects. It never
//! guesses the pool of a Service that may have an address.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::import::bindings;
use crate::core::import::hand_written::HandWritten;
use crate::core::import::input::{ImportInput, PoolChoice};
use crate::core::import::node_sets::{NodeSets, Reading};
use crate::core::import::undecided;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::suggest::did_you_mean;

/// The pool of a Service.
#[derive(Clone, Debug)]
pub(crate) enum Decision {
    /// The Service is that of a pool.
    Pool {
        /// The index of the pool.
        pool: usize,
        /// Its binding before the import, which must not change. `None` if it has only a placeholder, in a file.
        keeps: Option<Reading>,
    },
    /// The Service has a placeholder instead of a binding, or no binding, and was not read from a cluster.
    Open,
}

/// Decides the pool of each Service, in order.
pub(crate) fn decide(
    services: &[HandWritten],
    input: ImportInput<'_>,
    sets: &NodeSets<'_>,
    objects: &[Value],
) -> Vec<Result<Decision, Diagnostic>> {
    services.iter().map(|service| one(service, input, sets, objects)).collect()
}

fn one(
    service: &HandWritten,
    input: ImportInput<'_>,
    sets: &NodeSets<'_>,
    objects: &[Value],
) -> Result<Decision, Diagnostic> {
    let reading = sets.read(&service.original, objects);
    let real = || service.unread.iter().filter(|unread| !bindings::is_placeholder(&unread.value));
    let own = || real().rfind(|unread| unread.platforms.is_empty());
    let has_placeholder = real().count() < service.unread.len();
    // Without a field of its binding, a file says nothing about the nodes, but a Service of a cluster does.
    let is_read = own().is_some() || service.live.is_some();
    let bound = reading.as_ref().and_then(|reading| reading.pool).filter(|_| is_read);
    // A value that a Service of a cluster has is real, even if it looks like a placeholder.
    let is_kept = !has_placeholder || service.live.is_some();
    let keeps = || is_kept.then(|| reading.clone().unwrap_or_default());
    if let Some(pool) = stated(service, bound, input)? {
        return Ok(Decision::Pool { pool, keeps: keeps() });
    }
    if let Some(pool) = bound {
        return Ok(Decision::Pool { pool, keeps: keeps() });
    }
    if let Some(unread) = own().or_else(|| real().next()) {
        return Err(undecided::unread(service, unread, reading.as_ref(), input.pools));
    }
    match &service.live {
        Some((field, location)) => {
            Err(undecided::live(service, field, location, reading.as_ref(), input.pools))
        }
        None => Ok(Decision::Open),
    }
}

/// Returns the pool that the user states, with `--pool` or with a label.
fn stated(
    service: &HandWritten,
    bound: Option<usize>,
    input: ImportInput<'_>,
) -> Result<Option<usize>, Diagnostic> {
    let choice = input.choices.iter().find(|choice| choice.is_for(namespace(service, input), &service.name));
    let by_label = undecided::labeled_pool(service, bound, input.pools)?;
    let Some(choice) = choice else { return Ok(by_label) };
    let Some(pool) = undecided::pool_named(&choice.pool, input.pools) else {
        // `choices` reports it.
        return Ok(by_label);
    };
    for (other, what) in [(bound, "its binding selects"), (by_label, "its label names")] {
        if let Some(other) = other.filter(|other| *other != pool) {
            return Err(Diagnostic::refusal(format!(
                "--pool says that {} {} is of pool {}, but {what} {}",
                service.kind(),
                service.name, input.pools.pools[pool].value, input.pools.pools[other].value
            ))
            .at(service.location.clone())
            .hint("remove the flag; to move a Service to another pool, adopt it first, and change `spec.names` then"));
        }
    }
    Ok(Some(pool))
}

/// Returns the namespace of a Service: the one that it states, or the one that all objects without a namespace get.
fn namespace<'s>(service: &'s HandWritten, input: ImportInput<'s>) -> &'s str {
    if service.namespace.is_empty() {
        input.options.namespace.unwrap_or_default()
    } else {
        &service.namespace
    }
}

/// Returns the problems of `--pool`: unknown Services and pools, and Services that are stated twice or exist several times.
pub(crate) fn choices(services: &[HandWritten], input: ImportInput<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (index, choice) in input.choices.iter().enumerate() {
        let shown = choice.shown();
        let found: Vec<&HandWritten> = services
            .iter()
            .filter(|service| choice.is_for(namespace(service, input), &service.name))
            .collect();
        if found.is_empty() {
            let near = did_you_mean(&choice.service, services.iter().map(|service| service.name.as_str()));
            let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
            let hint = if names.is_empty() {
                "the files have no Service of type LoadBalancer and no Gateway".to_owned()
            } else {
                format!("Services of type LoadBalancer: {}", undecided::shortened(&names))
            };
            let message = format!("--pool names Service {shown}, which does not exist{near}");
            problems.push(Diagnostic::error(message).hint(hint));
        } else if found.len() > 1 {
            let all: Vec<String> = found
                .iter()
                .map(|service| {
                    format!("--pool {}/{}={}", namespace(service, input), service.name, choice.pool)
                })
                .collect();
            let message = format!("--pool {shown}={} fits {} Services", choice.pool, found.len());
            problems
                .push(Diagnostic::error(message).hint(format!("state the namespace: {}", all.join(" or "))));
        }
        if undecided::pool_named(&choice.pool, input.pools).is_none() {
            let known = || input.pools.pools.iter().map(|pool| pool.value.as_str());
            let near = did_you_mean(&choice.pool, known());
            let message = format!("--pool {shown} names pool `{}`, which does not exist{near}", choice.pool);
            problems.push(Diagnostic::error(message).hint(format!(
                "known pools: {}; a pool that has no nodes now must be named by the binding of the Service",
                undecided::list(input.pools)
            )));
        }
        let is_same = |other: &&PoolChoice| {
            found.iter().any(|service| other.is_for(namespace(service, input), &service.name))
        };
        if input.choices[..index].iter().any(|other| is_same(&other)) {
            let message = format!("--pool states the pool of Service {shown} twice");
            problems.push(Diagnostic::error(message).hint("state it once"));
        }
    }
    problems
}

/// Returns the pools of a group of Services by the numbers at the end of their names, as in `web-1` and `pool1`: only if there are as
/// many Services as pools, each number is there once, and it agrees with the pools that are known.
pub(crate) fn by_numbers(names: &[(&str, Option<usize>)], pools: &[&str]) -> Option<Vec<usize>> {
    if let ([_], [_]) = (names, pools) {
        return Some(vec![0]);
    }
    if names.len() != pools.len() {
        return None;
    }
    let mut by_number: BTreeMap<u64, usize> = BTreeMap::new();
    for (index, pool) in pools.iter().enumerate() {
        if by_number.insert(trailing_number(pool)?, index).is_some() {
            return None;
        }
    }
    let mut taken = Vec::with_capacity(names.len());
    for (name, known) in names {
        let pool = *by_number.get(&trailing_number(name)?)?;
        if taken.contains(&pool) || known.is_some_and(|known| known != pool) {
            return None;
        }
        taken.push(pool);
    }
    Some(taken)
}

fn trailing_number(name: &str) -> Option<u64> {
    let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    name[name.len() - digits..].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_decide_only_if_they_all_agree() {
        let open = |names: &[&'static str]| -> Vec<(&'static str, Option<usize>)> {
            names.iter().map(|name| (*name, None)).collect()
        };
        for (names, pools, expected) in [
            (&["nginx-service1", "nginx-service2"][..], &["agentpool1", "agentpool2"][..], Some(vec![0, 1])),
            (&["web-2", "web-1"], &["pool01", "pool02"], Some(vec![1, 0])),
            (&["web-1", "web-2"], &["pool0", "pool1"], None),
            (&["web-1", "web-2"], &["a1", "a2", "a3"], None),
            (&["web-a", "web-b"], &["a", "b"], None),
            (&["web-1", "web-01"], &["a1", "a2"], None),
            (&["web"], &["users"], Some(vec![0])),
            (&["web"], &["users", "gpu"], None),
        ] {
            assert_eq!(by_numbers(&open(names), pools), expected, "{names:?} {pools:?}");
        }
        assert_eq!(by_numbers(&[("w1", Some(1)), ("w2", None)], &["a1", "a2"]), None);
        assert_eq!(by_numbers(&[("w1", Some(0)), ("w2", None)], &["a1", "a2"]), Some(vec![0, 1]));
    }
}
