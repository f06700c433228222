//! The other half of a binding: what has to be said to the cloud, outside Kubernetes.

use serde_json::Value;

use crate::core::patch::placeholder;
use crate::core::patch::placeholder::PlaceholderError;
use crate::core::platform::{CloudConfig, Platform};
use crate::core::pools::{Pool, PoolSet};
use crate::core::report::diagnostic::{Checked, Diagnostic};

/// What to give to the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudConfigText {
    /// Where it goes.
    pub title: String,
    /// A JSON document, or commands, one a line.
    pub text: String,
    /// What the user should know about it.
    pub warnings: Vec<Diagnostic>,
}

impl CloudConfigText {
    /// Whether another text is an older version of this one: commands of the same kind, or a JSON object with no
    /// field that this one lacks.
    pub fn may_replace(&self, old: &str) -> bool {
        match (serde_json::from_str::<Value>(&self.text), serde_json::from_str::<Value>(old)) {
            (Ok(Value::Object(new)), Ok(Value::Object(old))) => old.keys().all(|key| new.contains_key(key)),
            (Err(_), Err(_)) => {
                let first_word = |line: &str| line.split_whitespace().next().map(str::to_owned);
                let ours = self.text.lines().next().and_then(first_word);
                old.lines().all(|line| line.is_empty() || first_word(line) == ours)
            }
            _ => false,
        }
    }
}

/// The other half for these pools; `None` where the platform needs none.
pub fn cloud_config(platform: &Platform, pools: &PoolSet) -> Checked<Option<CloudConfigText>> {
    let Some(half) = platform.spec.cloud_config.iter().find(|half| applies(half, pools)) else {
        return Ok(None);
    };
    let text = match (&half.command, &half.document) {
        (Some(command), _) => commands(command, pools)?,
        (None, Some(document)) => filled_document(half, document, pools)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(CloudConfigText { title: half.title.clone(), text, warnings: missing(half, pools) }))
}

fn applies(half: &CloudConfig, pools: &PoolSet) -> bool {
    let Some(pattern) = half.when_vm_sets_match.as_ref().and_then(|p| regex_lite::Regex::new(p).ok()) else {
        return true;
    };
    pools.pools.iter().all(|pool| pool.vm_set.as_ref().is_some_and(|set| pattern.is_match(set)))
}

fn commands(command: &str, pools: &PoolSet) -> Checked<String> {
    let mut out = String::new();
    for pool in &pools.pools {
        out.push_str(
            &placeholder::fill(command, &pools.values(pool)).map_err(|error| unfilled(&error, pool))?,
        );
        out.push('\n');
    }
    Ok(out)
}

fn filled_document(half: &CloudConfig, document: &Value, pools: &PoolSet) -> Checked<String> {
    let entry = half.entry.clone().unwrap_or_default();
    let at = half.entries_at.clone().unwrap_or_default();
    let mut document = document.clone();
    let Some(list) = document.pointer_mut(&at).and_then(Value::as_array_mut) else {
        return Err(
            Diagnostic::error(format!("the platform's `entriesAt` {at} is no list of its document")).into()
        );
    };
    let mut problems = Vec::new();
    for pool in &pools.pools {
        match placeholder::fill_value(&entry, &pools.values(pool)) {
            Ok(filled) => list.push(filled),
            Err(error) => problems.push(unfilled(&error, pool)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(serde_json::to_string_pretty(&document).unwrap_or_default() + "\n")
}

fn unfilled(error: &PlaceholderError, pool: &Pool) -> Diagnostic {
    let mut problem = Diagnostic::error(format!("the cloud's half for pool {}: {error}", pool.value));
    problem.hint =
        error.hint().or_else(|| Some(format!("write it under `spec.pools.vmSets`: `{}: NAME`", pool.value)));
    problem
}

fn missing(half: &CloudConfig, pools: &PoolSet) -> Vec<Diagnostic> {
    let Some(name) = &half.needs else { return Vec::new() };
    if pools.pools.iter().any(|pool| pool.load_balancer.eq_ignore_ascii_case(name)) {
        return Vec::new();
    }
    vec![
        Diagnostic::warning(format!("none of these configurations is called `{name}`, and the cloud refuses them all until one is"))
            .hint(format!("it may exist already for a pool that is left out here; else give it to one pool: `spec.pools.loadBalancers: {{POOL: {name}}}`")),
    ]
}
