//! Pools from the objects that make nodes: NodePools of Karpenter and MachineDeployments of Cluster API. Such a pool is known before its
//! first node.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::kubernetes::names;
use crate::core::kubernetes::node::Node;
use crate::core::lock::Lock;
use crate::core::platform::Platform;
use crate::core::pools::backend::{EXCLUDE, excludes};
use crate::core::pools::discover::{Discovered, WithoutPools, discover, discover_pools};
use crate::core::pools::owner::{Owner, OwnerList};
use crate::core::pools::owner_clusters::of_one_cluster;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::plural::first_of;
use crate::core::spec::{OwnerKind, Spec};
use crate::core::yaml;

/// The label with the name of the NodePool: `NodePoolLabelKey` of Karpenter (pkg/apis/v1/labels.go).
const NODE_POOL: &str = "karpenter.sh/nodepool";

/// The annotation of a Node with the name of its MachineSet, which is the name of the MachineDeployment and a suffix.
const MACHINE_SET: &str = "cluster.x-k8s.io/owner-name";

/// The domains of the labels that Cluster API copies from a Machine to its Node: `GetManagedLabels` of Cluster API
/// (util/labels/helpers.go). The first one has no subdomains.
const COPIED: [&str; 3] =
    ["node-role.kubernetes.io", "node-restriction.kubernetes.io", "node.cluster.x-k8s.io"];

/// What decides which pool an object makes, and whether a pool that does not follow is worth a warning.
struct Facts<'a> {
    /// The pool label.
    label: &'a str,
    /// The nodes.
    nodes: &'a [Node],
    /// The platform.
    platform: &'a Platform,
    /// The pools that the spec or the lock names.
    known: &'a BTreeSet<&'a str>,
}

/// The value of the pool label that an object gives to its nodes.
#[derive(Debug, PartialEq, Eq)]
enum PoolValue {
    One(String),
    /// The nodes have the exclude label, so no load balancer uses them.
    Excluded,
    /// It does not follow.
    Unknown {
        why: String,
        hint: String,
        /// The values that are possible.
        possible: Vec<String>,
    },
}

/// Discovers the pools of nodes, and those of the objects that make nodes. `label` is the user's choice.
pub fn discover_owned_pools(
    (nodes, lists): (&[Node], &[OwnerList]),
    platform: &Platform,
    label: Option<&str>,
    spec: &Spec,
    lock: Option<&Lock>,
) -> Checked<Discovered> {
    // The lock of shards has no label.
    let locked = lock.map(|lock| lock.label.as_str()).filter(|label| !label.is_empty());
    if lists.is_empty() {
        return discover_pools(nodes, platform, label, locked);
    }
    let mut discovered = discover(nodes, platform, (label, locked), WithoutPools::Accept)?;
    let of_lock = lock.into_iter().flat_map(|lock| lock.pools.keys().map(String::as_str));
    let declared = spec.pools.declare.iter().map(|pool| pool.name.as_str());
    let facts = Facts {
        label: &discovered.label.clone(),
        nodes,
        platform,
        known: &declared.chain(of_lock).collect(),
    };
    add_owners(&mut discovered, lists, &facts)?;
    if discovered.pools.is_empty() && discovered.owners.is_empty() {
        return discover_pools(nodes, platform, label, locked);
    }
    Ok(discovered)
}

/// Adds the pools of objects to those of the nodes. Warns about an object whose pool does not follow, unless a node shows its pool.
fn add_owners(discovered: &mut Discovered, lists: &[OwnerList], facts: &Facts<'_>) -> Checked<()> {
    let mut problems = Vec::new();
    for list in lists {
        match of_one_cluster(list, facts.nodes) {
            Ok(owners) => {
                if owners.is_empty() {
                    discovered.warnings.push(none_found(list));
                }
                for owner in owners {
                    if let Err(problem) = add(discovered, owner, list.from.kind, facts) {
                        problems.push(problem);
                    }
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn none_found(list: &OwnerList) -> Diagnostic {
    let (kind, index) = (list.from.kind, list.index);
    let location =
        list.from.file.as_ref().map_or_else(|| "the cluster".to_owned(), |file| format!("`{file}`"));
    Diagnostic::warning(format!("`spec.pools.from[{index}]`: {location} has no {}", kind.name()))
        .hint(format!("check it with `kubectl get {} -A`, or remove the entry", kind.resource()))
}

fn add(
    discovered: &mut Discovered,
    owner: &Owner,
    kind: OwnerKind,
    facts: &Facts<'_>,
) -> Result<(), Diagnostic> {
    let value = match kind {
        OwnerKind::NodePool => of_node_pool(owner, facts),
        OwnerKind::MachineDeployment => of_machine_deployment(owner, facts.label),
    };
    match value.map_err(|message| owner.at(Diagnostic::error(message)))? {
        PoolValue::One(value) => {
            names::check_label_value(&format!("{owner}: the label `{}`", facts.label), &value)
                .map_err(|message| owner.at(Diagnostic::error(message)))?;
            discovered.owners.entry(value).or_default().insert(owner.to_string());
        }
        PoolValue::Excluded => {}
        PoolValue::Unknown { why, hint, possible } => {
            let is_known = |value: &str| discovered.pools.contains_key(value) || facts.known.contains(value);
            let is_shown = possible.iter().any(|value| is_known(value))
                || is_known(owner.name())
                || has_node(owner, kind, facts);
            if !is_shown {
                let message = format!("{owner} adds no pool: {why}");
                discovered.warnings.push(owner.at(Diagnostic::warning(message)).hint(hint));
            }
        }
    }
    Ok(())
}

/// Whether a node of this object has the pool label.
fn has_node(owner: &Owner, kind: OwnerKind, facts: &Facts<'_>) -> bool {
    let is_of_owner = |node: &Node| match kind {
        OwnerKind::NodePool => node.labels.get(NODE_POOL) == Some(owner.name()),
        OwnerKind::MachineDeployment => {
            let set = node.annotations.get(MACHINE_SET).and_then(|set| set.rsplit_once('-'));
            set.is_some_and(|(deployment, _)| deployment == owner.name())
        }
    };
    let is_labeled = |node: &&Node| node.labels.get(facts.label).is_some_and(|value| !value.is_empty());
    facts.nodes.iter().filter(is_labeled).any(is_of_owner)
}

/// Returns the pool of a NodePool. Its nodes have its name, the labels of its template, and one value of each requirement (`Labels` in
/// pkg/scheduling/requirements.go of Karpenter).
fn of_node_pool(owner: &Owner, facts: &Facts<'_>) -> Result<PoolValue, String> {
    let labels = owner.labels()?;
    let label = facts.label;
    if labels.text(EXCLUDE)?.is_some_and(|value| excludes(value, facts.platform)) {
        return Ok(PoolValue::Excluded);
    }
    if label == NODE_POOL {
        return Ok(PoolValue::One(owner.name().to_owned()));
    }
    if let Some(value) = labels.text(label)?.filter(|value| !value.is_empty()) {
        return Ok(PoolValue::One(value.to_owned()));
    }
    let (values, is_required) = required_values(owner, label)?;
    let declare = "or declare its pool in `spec.pools.declare`";
    let hint = format!("set the label in `spec.template.metadata.labels` of the NodePool, {declare}");
    match (values.len(), is_required) {
        (1, _) => Ok(PoolValue::One(values.into_iter().collect())),
        (0, false) => {
            let why = format!("its nodes get no label `{label}`");
            Ok(PoolValue::Unknown { why, hint, possible: Vec::new() })
        }
        (0, true) => {
            let why = format!("its requirements do not set one value of the label `{label}`");
            Ok(PoolValue::Unknown { why, hint, possible: Vec::new() })
        }
        _ => {
            let possible: Vec<String> = values.into_iter().collect();
            let shown: Vec<&str> = possible.iter().map(String::as_str).collect();
            let why = format!(
                "its requirements allow several values of the label `{label}` ({})",
                first_of(&shown)
            );
            let hint = format!("write one NodePool for each value, {declare}");
            Ok(PoolValue::Unknown { why, hint, possible })
        }
    }
}

/// Returns the values that the requirements with the operator `In` allow, and whether there is any requirement for the label.
fn required_values(owner: &Owner, label: &str) -> Result<(BTreeSet<String>, bool), String> {
    let at = "spec.template.spec.requirements";
    let list = match owner.value.pointer("/spec/template/spec/requirements") {
        None | Some(Value::Null) => return Ok((BTreeSet::new(), false)),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(owner.has_type(at, other, "a list")),
    };
    let mut allowed: Option<BTreeSet<String>> = None;
    let mut is_required = false;
    for (index, requirement) in list.iter().enumerate() {
        let text = |field: &str| requirement.get(field).and_then(Value::as_str);
        let Some(key) = text("key") else {
            return Err(format!("{owner}: `{at}[{index}].key` is required"));
        };
        if key != label {
            continue;
        }
        is_required = true;
        if text("operator") != Some("In") {
            continue;
        }
        let field = format!("{at}[{index}].values");
        let values = match requirement.get("values") {
            Some(Value::Array(values)) => values,
            other => return Err(owner.has_type(&field, other.unwrap_or(&Value::Null), "a list of strings")),
        };
        let texts = values.iter().map(|value| match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(owner.has_type(&field, other, "a list of strings")),
        });
        let texts: BTreeSet<String> = texts.collect::<Result<_, _>>()?;
        // All requirements must be met.
        allowed = Some(match allowed {
            None => texts,
            Some(known) => known.intersection(&texts).cloned().collect(),
        });
    }
    let mut allowed = allowed.unwrap_or_default();
    allowed.remove("");
    Ok((allowed, is_required))
}

/// Returns the pool of a MachineDeployment: the label of its Machines, if Cluster API copies it to the nodes.
fn of_machine_deployment(owner: &Owner, label: &str) -> Result<PoolValue, String> {
    let labels = owner.labels()?;
    let value = labels.text(label)?.filter(|value| !value.is_empty());
    let declare = "if the bootstrap configuration sets the label, declare the pool in `spec.pools.declare`";
    Ok(match value {
        Some(value) if is_copied(label) => PoolValue::One(value.to_owned()),
        Some(value) => PoolValue::Unknown {
            why: format!("Cluster API does not copy the label `{label}` from Machines to nodes by default"),
            hint: format!(
                "declare the pool if its nodes get the label: `spec.pools.declare: [{{name: {}}}]`",
                yaml::write_scalar(value)
            ),
            possible: vec![value.to_owned()],
        },
        None => PoolValue::Unknown {
            why: format!("`spec.template.metadata.labels` has no label `{label}`"),
            hint: if is_copied(label) {
                format!("set the label there; {declare}")
            } else {
                declare.to_owned()
            },
            possible: Vec::new(),
        },
    })
}

/// Whether Cluster API copies a label from a Machine to its Node.
fn is_copied(label: &str) -> bool {
    let domain = label.split('/').next().unwrap_or_default();
    let is_below = |parent: &&str| domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    COPIED.contains(&domain) || COPIED[1..].iter().any(is_below)
}

/// Returns the objects of a pool as text; empty if it has none.
pub(super) fn owners_of(owners: &BTreeMap<String, BTreeSet<String>>, value: &str) -> Vec<String> {
    owners.get(value).into_iter().flatten().cloned().collect()
}
