//! The configuration that a binding needs in the cloud, outside Kubernetes.

use serde_json::Value;

use crate::core::patch::placeholder;
use crate::core::patch::placeholder::PlaceholderError;
use crate::core::pattern;
use crate::core::platform::{CloudConfig, Platform};
use crate::core::pools::{Pool, PoolSet, VmSetEvidence};
use crate::core::report::diagnostic::{Checked, Diagnostic};

/// Configuration for the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudConfigText {
    /// Where the configuration goes.
    pub title: String,
    /// A JSON document, or commands, one per line.
    pub text: String,
    /// What the user should know about the configuration.
    pub warnings: Vec<Diagnostic>,
}

impl CloudConfigText {
    /// Whether `old` is an older version of this text: commands of the same kind, or a JSON object with no
    /// field that is missing in this one.
    pub fn may_replace(&self, old: &str) -> bool {
        match (serde_json::from_str::<Value>(&self.text), serde_json::from_str::<Value>(old)) {
            (Ok(Value::Object(new)), Ok(Value::Object(old))) => old.keys().all(|key| new.contains_key(key)),
            (Err(_), Err(_)) => {
                let first_word = |line: &str| line.split_whitespace().next().map(str::to_owned);
                let command = self.text.lines().next().and_then(first_word);
                old.lines().all(|line| line.is_empty() || first_word(line) == command)
            }
            _ => false,
        }
    }
}

/// Returns the configuration for these pools; `None` if the platform needs none.
pub fn cloud_config(platform: &Platform, pools: &PoolSet) -> Checked<Option<CloudConfigText>> {
    let Some(config) = platform.spec.cloud_config.iter().find(|config| applies(config, pools)) else {
        return Ok(None);
    };
    let text = match (&config.command, &config.document) {
        (Some(command), _) => commands(command, pools)?,
        (None, Some(document)) => filled_document(config, document, pools)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(CloudConfigText { title: config.title.clone(), text, warnings: missing(config, pools) }))
}

fn applies(config: &CloudConfig, pools: &PoolSet) -> bool {
    if config.when_pool_label.as_ref() == Some(&pools.label) {
        return true;
    }
    let Some(pattern) = config.when_vm_sets_match.as_ref().and_then(|p| pattern::compile(p).ok()) else {
        return config.when_pool_label.is_none();
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

fn filled_document(config: &CloudConfig, document: &Value, pools: &PoolSet) -> Checked<String> {
    let entry = config.entry.clone().unwrap_or_default();
    let at = config.entries_at.clone().unwrap_or_default();
    let mut document = document.clone();
    let Some(list) = document.pointer_mut(&at).and_then(Value::as_array_mut) else {
        return Err(Diagnostic::error(format!(
            "`entriesAt` of the platform, {at}, is not a list in its `document`"
        ))
        .into());
    };
    let mut problems = Vec::new();
    for pool in &pools.pools {
        match filled_entry(config, &entry, pool, pools) {
            Ok(filled) => list.push(filled),
            Err(error) => problems.push(unfilled(&error, pool)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(serde_json::to_string_pretty(&document).unwrap_or_default() + "\n")
}

/// Returns the entry of a pool. Without a known VM set, it selects the nodes by the pool label.
fn filled_entry(
    config: &CloudConfig,
    entry: &Value,
    pool: &Pool,
    pools: &PoolSet,
) -> Result<Value, PlaceholderError> {
    let is_unknown = pool.vm_set_evidence == VmSetEvidence::None;
    let Some(by_label) = config.entry_by_label.as_ref().filter(|_| is_unknown) else {
        return placeholder::fill_value(entry, &pools.values(pool));
    };
    let vm_set = match &pool.vm_set {
        Some(given) => given.clone(),
        None => placeholder::fill(&by_label.no_vm_set, &pools.values(pool))?,
    };
    let pool = Pool { vm_set: Some(vm_set), ..pool.clone() };
    placeholder::fill_value(&by_label.entry, &pools.values(&pool))
}

fn unfilled(error: &PlaceholderError, pool: &Pool) -> Diagnostic {
    let mut problem =
        Diagnostic::error(format!("the cloud configuration for the pool {}: {error}", pool.value));
    problem.hint =
        error.hint().or_else(|| Some(format!("set it under `spec.pools.vmSets`: `{}: NAME`", pool.value)));
    problem
}

fn missing(config: &CloudConfig, pools: &PoolSet) -> Vec<Diagnostic> {
    let Some(name) = &config.needs else { return Vec::new() };
    if pools.pools.iter().any(|pool| pool.load_balancer.eq_ignore_ascii_case(name)) {
        return Vec::new();
    }
    vec![
        Diagnostic::warning(format!("no configuration is named `{name}`; the cloud rejects all of them until one has this name"))
            .hint(format!("it may already exist for a pool that is excluded here; otherwise name one after it: `spec.pools.loadBalancers: {{POOL: {name}}}`")),
    ]
}
