//! Detects load balancers that get other nodes although their pools did not change: a new version of this program, another
//! platform file, a setting or an overlay changed the binding.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::lock::Lock;
use crate::core::manifest::Key;
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::render::{POOL_LABEL, RenderedFile, pool_of};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::tree::plan::{Action, Plan, Step};
use crate::core::{pointer, yaml};

/// The number of Services in the message; further ones are counted.
const NAMED: usize = 5;

/// Returns one warning for all Services whose load balancers will have other nodes although their pools are in the lock and
/// did not change. It ignores pools whose VM set changes, and all pools if the pool label or the platform changes: the user
/// or the cloud caused these changes. `known` holds the current files of the rendered directory.
pub fn rebound(
    plan: &Plan,
    rendered: &[RenderedFile],
    known: &BTreeMap<String, Vec<u8>>,
    platform: &Platform,
    lock: Option<&Lock>,
    pools: &PoolSet,
) -> Option<Diagnostic> {
    let lock = lock.filter(|lock| lock.label == pools.label && lock.platform == platform.name)?;
    let stays: BTreeMap<&str, bool> = pools
        .pools
        .iter()
        .map(|pool| {
            let locked = lock.pools.get(&pool.value);
            (pool.name.as_str(), locked.is_some_and(|locked| locked.vm_set == pool.vm_set))
        })
        .collect();
    let stays = |pool: Option<&str>| pool.is_some_and(|pool| stays.get(pool) == Some(&true));
    let may_change = |step: &&Step| {
        // Objects that select nodes for a Service may change without the Service's own file.
        let is_read = step.key.as_ref().is_some_and(|key| is_read(platform, key));
        is_read || step.action == Action::Changed && stays(step.pool.as_deref())
    };
    let steps: Vec<&Step> =
        plan.steps.iter().filter(|step| step.action != Action::Unchanged).filter(may_change).collect();
    let sides = Sides::read(platform, &steps, rendered, known)?;
    let mut changed = Vec::new();
    for (path, new) in &sides.new {
        let pool = pool_of(new);
        let Some(old) = sides.old.get(path) else { continue };
        if stays(pool) && [old, new].into_iter().all(is_load_balancer) {
            let change = change(platform, &sides, old, new);
            changed.extend(change.map(|change| (Key::of(new).to_string(), change)));
        }
    }
    let (first, change) = changed.first()?;
    let mut names: Vec<&str> = changed.iter().take(NAMED).map(|(name, _)| name.as_str()).collect();
    let more = format!("{} more", changed.len() - names.len());
    if changed.len() > names.len() {
        names.push(&more);
    }
    Some(
        Diagnostic::warning(format!(
            "the nodes of {} will change with the next apply ({}): {first} {change}",
            plural(changed.len(), "load balancer"),
            names.join(", "),
        ))
        .hint("compare the members of one load balancer before and after the apply; docs/troubleshooting.md explains why bindings change"),
    )
}

/// Whether the controller reads objects of this kind to find the nodes of a Service.
fn is_read(platform: &Platform, key: &Key) -> bool {
    let objects = platform.spec.selection.as_ref().and_then(|selection| selection.objects.as_ref());
    objects.is_some_and(|objects| objects.kind == key.kind)
}

fn is_load_balancer(object: &Value) -> bool {
    object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer"
}

/// Describes the old and the new nodes of a load balancer, if they differ. They are compared as the controller reads them if
/// the platform file describes this, and as text otherwise.
fn change(platform: &Platform, sides: &Sides, old: &Value, new: &Value) -> Option<String> {
    let old_side = platform.spec.selected(old, sides.old.values());
    if let (Some(before), Some(after)) = (old_side, platform.spec.selected(new, sides.new.values())) {
        return (before != after).then(|| format!("had {before}, and will have {after}"));
    }
    let differs = |path: &&str| old.pointer(path) != new.pointer(path);
    let path = platform.binding.added_paths().find(differs)?;
    let shown = |object: &Value| object.pointer(path).map_or_else(|| "absent".to_owned(), Value::to_string);
    Some(format!("had `{}` {}, and will have {}", pointer::field(path), shown(old), shown(new)))
}

/// The old and the new objects that select nodes, by the path of their file.
struct Sides {
    old: BTreeMap<String, Value>,
    new: BTreeMap<String, Value>,
}

impl Sides {
    /// Reads the objects that may differ; `None` if none does. If 10,000 Services change but not their bindings, no YAML is
    /// parsed.
    fn read(
        platform: &Platform,
        steps: &[&Step],
        rendered: &[RenderedFile],
        known: &BTreeMap<String, Vec<u8>>,
    ) -> Option<Self> {
        let by_objects =
            platform.spec.selection.as_ref().is_some_and(|selection| selection.objects.is_some());
        let keys = keys(platform);
        let changed: BTreeSet<&str> = steps.iter().map(|step| step.path.as_str()).collect();
        let text_of = |path: &str| known.get(path).map(|bytes| String::from_utf8_lossy(bytes));
        let differs = |file: &&RenderedFile| {
            changed.contains(file.path.as_str())
                && text_of(&file.path)
                    .is_none_or(|old| lines_with(&old, &keys) != lines_with(&file.text, &keys))
        };
        let differing: BTreeSet<&str> = if by_objects {
            rendered.iter().map(|file| file.path.as_str()).chain(known.keys().map(String::as_str)).collect()
        } else {
            rendered.iter().filter(differs).map(|file| file.path.as_str()).collect()
        };
        if changed.is_empty() || differing.is_empty() {
            return None;
        }
        // Only objects of pools select nodes, and they have the label of their pool.
        let object = |path: &str, text: &str| {
            let is_meant = differing.contains(path) && text.contains(POOL_LABEL);
            Some((path.to_owned(), is_meant.then(|| yaml::read_one(path, text).ok()).flatten()?.value))
        };
        let old = known.keys().filter_map(|path| object(path, &text_of(path)?));
        let new = rendered.iter().filter_map(|file| object(&file.path, &file.text));
        Some(Self { old: old.collect(), new: new.collect() })
    }
}

/// Returns the last keys of the fields that select nodes.
fn keys(platform: &Platform) -> Vec<String> {
    let selection = platform.spec.selection.iter();
    let read = selection.flat_map(|it| it.path.iter().chain(it.only_if.iter().map(|only| &only.path)));
    let paths = read.map(String::as_str).chain(platform.binding.added_paths());
    paths.filter_map(|path| pointer::keys(path).last().map(Cow::into_owned)).collect()
}

/// Returns the lines of a file that contain one of these keys, and the following lines if the value continues.
fn lines_with<'a>(text: &'a str, keys: &[String]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let names = keys.iter().any(|key| line.contains(key.as_str()));
        if names || goes_on {
            found.push(line);
        }
        // The text of a block scalar is in the next lines; reading more of them does no harm.
        goes_on = goes_on || names && line.trim_end().ends_with(['|', '>', '-', '+', '\'', ':']);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::lock::LockedPool;
    use crate::core::platform::read_builtin;
    use crate::core::pools::Pool;
    use crate::core::tree::plan::{Overwrite, plan};

    const KEY: &str = "service.beta.kubernetes.io/upcloud-load-balancer-node-selector";

    fn service(binding: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: web-a\n  labels: {{largescale.dev/pool: a}}\n  annotations:\n    {KEY}: '{binding}'\nspec: {{type: LoadBalancer}}\n"
        )
    }

    #[track_caller]
    fn warning(before: &str, after: &str, label: &str, locked: bool) -> Option<String> {
        let path = "service-web-a.yaml".to_owned();
        let platform = read_builtin("upcloud").unwrap().unwrap();
        let key = Key {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: String::new(),
            name: "web-a".to_owned(),
        };
        let rendered =
            [RenderedFile { path: path.clone(), key, pool: Some("a".to_owned()), text: service(after) }];
        let known = BTreeMap::from([(path, service(before).into_bytes())]);
        let plan = plan(&rendered, None, &known, "out", Overwrite::Allowed).unwrap();
        let name = if locked { "a" } else { "b" };
        let pools = BTreeMap::from([(
            name.to_owned(),
            LockedPool { name: name.to_owned(), ..LockedPool::default() },
        )]);
        let lock =
            Lock { platform: "upcloud".to_owned(), label: "pool".to_owned(), pools, ..Lock::default() };
        let pool = Pool { value: "a".to_owned(), name: "a".to_owned(), ..Pool::default() };
        let set = PoolSet { label: label.to_owned(), pools: vec![pool], ..PoolSet::default() };
        rebound(&plan, &rendered, &known, &platform, Some(&lock), &set).map(|warning| warning.message)
    }

    #[test]
    fn other_nodes_are_reported_and_another_spelling_is_not() {
        let old = r#"{"matchLabels":{"pool":"a"}}"#;
        let new = r#"{"matchLabels":{"pool":"a"},"matchlabels":{"pool":"a"}}"#;
        assert_eq!(
            warning(old, new, "pool", true).unwrap(),
            "the nodes of 1 load balancer will change with the next apply (service/web-a): service/web-a had every node of the cluster, and will have the nodes with `pool=a`"
        );
        assert_eq!(warning(r#"{"matchlabels":{"pool":"a"}}"#, new, "pool", true), None);
        assert_eq!(warning(new, new, "pool", true), None);
        // Another label or a new pool: the user requested this change.
        assert_eq!(warning(old, new, "other", true), None);
        assert_eq!(warning(old, new, "pool", false), None);
    }
}
