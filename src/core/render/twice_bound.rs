//! Reports different pools that the cloud cannot tell apart: their Services would get the same nodes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::patch::placeholder;
use crate::core::platform::SettingOf;
use crate::core::pools::{Pool, VmSetEvidence};
use crate::core::render::draft::Input;
use crate::core::render::patches;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::shell_quote;
use crate::core::settings::{SettingOwner, Settings};

/// Reports pools that share a VM set, the name of a load balancer, or another value in the binding of the platform.
pub(super) fn problems(input: Input<'_>, settings: &Settings) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if uses_placeholder(input, "pool.vmSet") {
        problems.extend(shared(
            input,
            |pool| pool.vm_set.clone(),
            |set| format!("are in the same VM set, {set}"),
        ));
    }
    if uses_placeholder(input, "pool.loadBalancer") {
        let problem = shared(
            input,
            |pool| Some(pool.load_balancer.clone()),
            |name| format!("have the same load-balancer configuration, {name}"),
        );
        problems.extend(problem.into_iter().map(|problem| {
            problem.hint(
                "give each pool its own name (`spec.pools.loadBalancers: {POOL: NAME}`), or exclude one (`spec.pools.exclude`)",
            )
        }));
    }
    for setting in input.platform.spec.settings.iter().filter(|setting| setting.of != SettingOf::All) {
        let placeholder = format!("setting.{}", setting.name);
        if !names_in(&input.platform.spec.binding).any(|name| name == placeholder) {
            continue;
        }
        let value = |index: usize| {
            let values = patches::values(input, settings, Some(index), None, SettingOwner::Platform);
            placeholder::fill(&format!("${{{placeholder}}}"), &values).ok()
        };
        let found: Vec<Option<String>> = (0..input.pools.pools.len()).map(value).collect();
        let same = pairs(input, &found);
        problems.extend(same.into_iter().map(|(one, other, value)| {
            let (one, other) = (&one.value, &other.value);
            Diagnostic::error(format!(
                "the pools {one} and {other} have the same value of `spec.settings.{}`, {value}: their Services would get the same nodes",
                setting.name
            ))
            .at(input.document.location("/spec/settings"))
            .hint(format!("`spec.settings.{}` is {}: set a different value for each pool", setting.name, setting.title))
        }));
    }
    problems
}

/// Whether the binding of the platform, its objects or its cloud configuration use a placeholder.
fn uses_placeholder(input: Input<'_>, placeholder: &str) -> bool {
    let spec = &input.platform.spec;
    let of_cloud = spec.cloud_config.iter().flat_map(|config| {
        let command = config
            .command
            .iter()
            .flat_map(|command| command.split("${").skip(1).filter_map(|part| Some(part.split_once('}')?.0)));
        config.entry.iter().flat_map(placeholder::names).chain(command)
    });
    names_in(&spec.binding).chain(names_in(&spec.objects)).chain(of_cloud).any(|name| name == placeholder)
}

fn names_in(values: &[Value]) -> impl Iterator<Item = &str> {
    values.iter().flat_map(placeholder::names)
}

fn shared(
    input: Input<'_>,
    of: impl Fn(&Pool) -> Option<String>,
    what: impl Fn(&str) -> String,
) -> Vec<Diagnostic> {
    let found: Vec<Option<String>> = input.pools.pools.iter().map(of).collect();
    let label = &input.pools.label;
    pairs(input, &found)
        .into_iter()
        .map(|(one, other, value)| {
            let given = &input.spec.spec.pools.vm_sets;
            let is_given = |pool: &Pool| given.contains_key(&pool.value);
            let correct = if is_given(one) || is_given(other) {
                "correct `spec.pools.vmSets`, or "
            } else {
                ""
            };
            let (stays, goes) = by_risk(one, other);
            let relabel = format!(
                "kubectl label nodes -l {} {} --overwrite",
                shell_quote::word(&format!("{label}={}", goes.value)),
                shell_quote::word(&format!("{label}={}", stays.value))
            );
            let (one, other) = (&one.value, &other.value);
            Diagnostic::error(format!(
                "the pools {one} and {other} {}: their Services would get the same nodes",
                what(&value)
            ))
            .at(input.document.location("/spec/pools"))
            .hint(format!(
                "{correct}exclude one of them: `{}`; if they are one pool, set the same value of `{label}` on its nodes: `{relabel}`",
                input.spec.spec.excluding(&goes.value)
            ))
        })
        .collect()
}

/// Orders two pools: the one that keeps its load balancer, and the one that has less to lose. A pool that is not in the lock has no
/// address yet, and a pool without nodes has no traffic.
fn by_risk<'a>(one: &'a Pool, other: &'a Pool) -> (&'a Pool, &'a Pool) {
    let risk = |pool: &Pool| (pool.is_locked, pool.vm_set_evidence != VmSetEvidence::None);
    if risk(one) < risk(other) { (other, one) } else { (one, other) }
}

/// Returns pools with equal values, each with the first pool that has the value. Clouds compare names case-insensitively.
fn pairs<'a>(input: Input<'a>, found: &[Option<String>]) -> Vec<(&'a Pool, &'a Pool, String)> {
    let mut first: BTreeMap<String, &Pool> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (pool, value) in input.pools.pools.iter().zip(found) {
        let Some(value) = value else { continue };
        match first.get(&value.to_lowercase()) {
            Some(one) => pairs.push((*one, pool, value.clone())),
            None => {
                first.insert(value.to_lowercase(), pool);
            }
        }
    }
    pairs
}
