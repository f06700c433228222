//! Nodes whose label contradicts their VM set. They are left out if the other nodes, the lock or the spec decide to which pool
//! the VM set belongs, so that one bad label does not stop a render.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::lock::Lock;
use crate::core::pools::discover::{Observed, VmSetNodes};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::shell_quote;
use crate::core::spec::Spec;

/// The reason for a node that is left out here.
pub(super) const MISLABELED: &str = "mislabeled";

/// Nodes decide against others if they are at least this many times as many.
const MAJORITY: usize = 2;

/// What decides besides the nodes.
pub(super) struct Deciders<'a> {
    /// The pool label.
    pub label: &'a str,
    /// The spec.
    pub spec: &'a Spec,
    /// The lock.
    pub lock: Option<&'a Lock>,
    /// Whether a pool may be rendered: it is neither excluded nor forgotten.
    pub takes: &'a dyn Fn(&str) -> bool,
    /// Whether the user confirmed a pool, by the spec or a flag.
    pub confirmed: &'a dyn Fn(&str) -> bool,
}

/// The backends of a VM set, by pool.
#[derive(Default)]
struct Members<'a> {
    /// Those that do not contradict their label.
    consistent: BTreeMap<&'a str, usize>,
    /// The labels of the others, and their number.
    labels: BTreeMap<&'a str, usize>,
}

/// Takes the nodes with a wrong label out of the backends of their pools, and returns a warning for each group of them.
pub(super) fn leave_out(pools: &mut BTreeMap<String, Observed>, deciders: &Deciders<'_>) -> Vec<Diagnostic> {
    let found: Vec<Stray> = strays(pools, deciders);
    let mut warnings = Vec::new();
    for stray in found {
        let Some(pool) = pools.get_mut(&stray.pool) else { continue };
        let of = if stray.is_consistent { &mut pool.vm_sets } else { &mut pool.other_pools };
        let Some(nodes) = of.remove(&stray.set) else { continue };
        pool.backends -= nodes.count;
        pool.ready -= nodes.ready;
        pool.control_plane -= nodes.control_plane;
        *pool.left_out.entry(MISLABELED.to_owned()).or_default() += nodes.count;
        warnings.push(stray.warning(&nodes, deciders.label));
    }
    warnings
}

/// Whether all nodes of a pool are left out because of their label, so that there is no such pool.
pub(super) fn is_mislabeled(seen: &Observed) -> bool {
    seen.backends == 0 && seen.left_out.keys().all(|why| why == MISLABELED) && !seen.left_out.is_empty()
}

/// Nodes with the same label in a VM set of another pool.
struct Stray {
    pool: String,
    set: String,
    is_consistent: bool,
    belongs: Belongs,
}

/// To which pool the nodes belong.
enum Belongs {
    /// To this pool, whose VM set it is.
    To(String),
    /// To no other known pool; the pool of their label is in this VM set.
    NotIn(String),
}

impl Stray {
    fn warning(&self, nodes: &VmSetNodes, label: &str) -> Diagnostic {
        let (subject, is_one) = subject(nodes);
        let are = if is_one { "is" } else { "are" };
        let labeled = format!("{subject} {are} labeled {label}={}, but {are} in", self.pool);
        let effect = if is_one { "it is left out" } else { "they are left out" };
        match &self.belongs {
            Belongs::To(owner) => Diagnostic::warning(format!(
                "{labeled} the VM set of the pool {owner}, {}: {effect}",
                self.set
            ))
            .hint(format!("correct the label: `{}`", relabel(nodes, label, owner))),
            Belongs::NotIn(home) => {
                let message = format!(
                    "{labeled} {}, and the other nodes of this pool are in {home}: {effect}",
                    self.set
                );
                let of_own = relabel(nodes, label, nodes.named.as_deref().unwrap_or("POOL"));
                Diagnostic::warning(message)
                    .hint(format!("label the nodes of each VM set as a pool: `{of_own}`"))
            }
        }
    }
}

/// Returns the subject of a sentence, and whether it is one node.
fn subject(nodes: &VmSetNodes) -> (String, bool) {
    let names = nodes.names.join(", ");
    match nodes.count.saturating_sub(nodes.names.len()) {
        0 if nodes.count == 1 => (format!("node {names}"), true),
        0 => (format!("{} nodes ({names})", nodes.count), false),
        more => (format!("{} nodes ({names} and {more} more)", nodes.count), false),
    }
}

/// Returns the command that sets the label of these nodes; of very many nodes, it names the first.
pub(super) fn relabel(nodes: &VmSetNodes, label: &str, pool: &str) -> String {
    let names: Vec<String> = nodes.names.iter().map(|name| shell_quote::word(name)).collect();
    format!(
        "kubectl label node {} {} --overwrite",
        names.join(" "),
        shell_quote::word(&format!("{label}={pool}"))
    )
}

fn strays(pools: &BTreeMap<String, Observed>, deciders: &Deciders<'_>) -> Vec<Stray> {
    let mut members: BTreeMap<String, Members<'_>> = BTreeMap::new();
    for (value, seen) in pools.iter().filter(|(value, _)| (deciders.takes)(value)) {
        for (set, nodes) in &seen.vm_sets {
            *members.entry(set.to_lowercase()).or_default().consistent.entry(value).or_default() +=
                nodes.count;
        }
        for (set, nodes) in &seen.other_pools {
            *members.entry(set.to_lowercase()).or_default().labels.entry(value).or_default() += nodes.count;
        }
    }
    let by_spec = by_set(&deciders.spec.pools.vm_sets, |set| Some(set), deciders);
    let empty = BTreeMap::new();
    let locked = deciders.lock.map_or(&empty, |lock| &lock.pools);
    let by_lock = by_set(locked, |pool| pool.vm_set.as_deref(), deciders);
    let owners: BTreeMap<&str, &str> = members
        .iter()
        .filter_map(|(set, members)| {
            let spec = by_spec.get(set).map(BTreeSet::iter);
            let owner = match spec {
                Some(mut pools) if pools.len() == 1 => members.owner_of_spec(pools.next()?),
                Some(_) => None,
                None => members.owner(by_lock.get(set), deciders),
            };
            Some((set.as_str(), owner?))
        })
        .collect();
    let mut strays = Vec::new();
    for (value, seen) in pools {
        if !(deciders.takes)(value) || deciders.spec.pools.vm_sets.contains_key(value) {
            continue;
        }
        let home = home(seen, locked.get(value).and_then(|pool| pool.vm_set.as_deref()), &|set| {
            owners.get(set.to_lowercase().as_str()).is_none_or(|owner| owner == value)
        });
        let sets = seen.vm_sets.keys().map(|set| (set, true));
        for (set, is_consistent) in sets.chain(seen.other_pools.keys().map(|set| (set, false))) {
            let owner = owners.get(set.to_lowercase().as_str()).copied();
            let belongs = match (owner, home) {
                (Some(owner), _) if owner != value => Belongs::To(owner.to_owned()),
                (_, Some(home)) if !home.eq_ignore_ascii_case(set) => Belongs::NotIn(home.to_owned()),
                _ => continue,
            };
            strays.push(Stray { pool: value.clone(), set: set.clone(), is_consistent, belongs });
        }
    }
    strays
}

/// Returns the pools that may be rendered by the VM set that the spec or the lock gives them.
fn by_set<'a, T>(
    pools: &'a BTreeMap<String, T>,
    set: impl Fn(&'a T) -> Option<&'a str>,
    deciders: &Deciders<'_>,
) -> BTreeMap<String, BTreeSet<&'a str>>
where
    T: 'a,
{
    let mut by_set: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (value, pool) in pools.iter().filter(|(value, _)| (deciders.takes)(value)) {
        if let Some(set) = set(pool) {
            by_set.entry(set.to_lowercase()).or_default().insert(value);
        }
    }
    by_set
}

impl<'a> Members<'a> {
    /// Returns the pool that the spec gives the VM set, unless nodes of another pool are in it.
    fn owner_of_spec(&self, pool: &'a str) -> Option<&'a str> {
        self.consistent.keys().all(|other| *other == pool).then_some(pool)
    }

    /// Returns the pool to which the VM set belongs; `None` if that is not decided.
    fn owner(&self, locked: Option<&BTreeSet<&'a str>>, deciders: &Deciders<'_>) -> Option<&'a str> {
        if let Some(locked) = locked {
            let [one] = locked.iter().copied().collect::<Vec<_>>()[..] else { return None };
            return (self.consistent.contains_key(one) || self.is_one_new_node(deciders)).then_some(one);
        }
        let all: usize = self.consistent.values().sum();
        let (most, count) = self.consistent.iter().max_by_key(|(_, count)| **count)?;
        (*count >= (all - count) * MAJORITY).then_some(*most)
    }

    /// Whether the set has a single node, whose label names a pool that does not exist yet. The lock then decides that the label is
    /// wrong. A pool of several nodes may have been renamed.
    fn is_one_new_node(&self, deciders: &Deciders<'_>) -> bool {
        let mut labels = self.consistent.iter().chain(&self.labels);
        let (Some((label, 1)), None) = (labels.next(), labels.next()) else { return false };
        let is_locked = deciders.lock.is_some_and(|lock| lock.pools.contains_key(*label));
        !is_locked && !(deciders.confirmed)(label)
    }
}

/// Returns the VM set in which most nodes of a pool are: the locked one, or another one that no other pool owns.
fn home<'s>(seen: &'s Observed, locked: Option<&str>, may_own: &dyn Fn(&str) -> bool) -> Option<&'s str> {
    let all: usize = seen.vm_sets.values().chain(seen.other_pools.values()).map(|set| set.count).sum();
    let own = || seen.vm_sets.iter().filter(|(set, _)| may_own(set));
    let is_locked = |set: &str| locked.is_some_and(|locked| locked.eq_ignore_ascii_case(set));
    let (set, nodes) =
        own().find(|(set, _)| is_locked(set)).or_else(|| own().max_by_key(|(_, nodes)| nodes.count))?;
    (nodes.count >= (all - nodes.count) * MAJORITY).then_some(set.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::core::lock::LockedPool;
    use crate::core::node_list;
    use crate::core::platform::read_builtin;
    use crate::core::pools::{MergeOptions, merge};

    const SET: &str = "availabilitySet-42344502";

    /// A node of an availability set, whose name contains its pool.
    fn vm(pool: &str, index: usize, label: &str) -> Value {
        json!({"metadata": {"name": format!("k8s-{pool}-42344502-{index}"), "labels": {"agentpool": label}},
            "spec": {"providerID": "azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/x"}})
    }

    /// A node of a scale set, whose provider ID contains the name of the set.
    fn vmss(set: &str, index: usize, label: &str) -> Value {
        json!({"metadata": {"name": format!("{set}-{index}"), "labels": {"agentpool": label}},
            "spec": {"providerID": format!("azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/{set}/virtualMachines/{index}")}})
    }

    struct Scene {
        nodes: Vec<Value>,
        locked: Vec<(&'static str, String)>,
        options: MergeOptions,
        spec: Value,
    }

    fn scene(nodes: Vec<Value>, locked: &[(&'static str, &str)]) -> Scene {
        let locked = locked.iter().map(|(pool, set)| (*pool, (*set).to_owned())).collect();
        Scene { nodes, locked, options: MergeOptions::default(), spec: json!({}) }
    }

    impl Scene {
        /// Returns the rendered pools with their VM sets and backends, and the commands of the warnings.
        fn merged(&self) -> (Vec<String>, Vec<String>) {
            let list = json!({"kind": "List", "items": self.nodes}).to_string();
            let nodes = node_list::read_nodes("nodes.json", list.as_bytes()).unwrap();
            let platform = read_builtin("azure-basic").unwrap().unwrap();
            let found =
                crate::core::pools::discover_pools(&nodes, &platform, Some("agentpool"), None).unwrap();
            let mut lock = Lock { label: "agentpool".to_owned(), ..Lock::default() };
            for (pool, set) in &self.locked {
                let vm_set = (!set.is_empty()).then(|| set.clone());
                lock.pools.insert(
                    (*pool).to_owned(),
                    LockedPool { name: (*pool).to_owned(), vm_set, ..LockedPool::default() },
                );
            }
            let mut spec = Spec::new("azure-basic");
            spec.pools = serde_json::from_value(self.spec.clone()).unwrap();
            let lock = (!self.locked.is_empty()).then_some(&lock);
            let merged = merge(&spec, &found, lock, &self.options).unwrap();
            let row = |report: &crate::core::pools::PoolReport| {
                let backends = report.observed.as_ref().map_or(0, |seen| seen.backends);
                let set =
                    report.pool.vm_set.as_deref().unwrap_or("?").trim_end_matches(SET).trim_end_matches('-');
                format!("{} {set} {backends}", report.pool.value)
            };
            let rows = merged.reports.iter().map(row).collect();
            let hints = merged.warnings.iter().filter_map(|warning| warning.hint.clone());
            let commands =
                hints.filter_map(|hint| Some(hint.split_once('`')?.1.split_once('`')?.0.to_owned()));
            (rows, commands.collect())
        }
    }

    fn a1_and(label: &str, locked: &[(&'static str, &str)]) -> Scene {
        scene(vec![vm("a1", 0, label), vm("a1", 1, "a1"), vm("a1", 2, "a1"), vm("a2", 0, "a2")], locked)
    }

    #[test]
    fn the_other_nodes_decide() {
        let a1 = format!("a1-{SET}");
        let a2 = format!("a2-{SET}");
        let command = ["kubectl label node k8s-a1-42344502-0 agentpool=a1 --overwrite"];
        for label in ["al", "a2", "prod"] {
            for locked in [&[][..], &[("a1", a1.as_str()), ("a2", a2.as_str())]] {
                let (pools, commands) = a1_and(label, locked).merged();
                assert_eq!(pools, ["a1 a1 2", "a2 a2 1"], "{label} {locked:?}");
                assert_eq!(commands, command, "{label} {locked:?}");
            }
        }
    }

    #[test]
    fn nodes_of_a_scale_set_decide_by_number() {
        let set = "aks-web-41422890-vmss";
        let nodes =
            |labels: &[&str]| labels.iter().enumerate().map(|(i, label)| vmss(set, i, label)).collect();
        let (pools, commands) = scene(nodes(&["web", "web", "weh"]), &[]).merged();
        assert_eq!(pools, [format!("web {set} 2")]);
        assert_eq!(commands, [format!("kubectl label node {set}-2 agentpool=web --overwrite")]);
        let (pools, _) = scene(nodes(&["web", "weh", "weh"]), &[("web", set)]).merged();
        assert_eq!(pools, [format!("web {set} 1")], "the lock decides against the majority");
        let (pools, commands) = scene(nodes(&["web", "weh"]), &[]).merged();
        assert_eq!(pools, [format!("web {set} 1"), format!("weh {set} 1")], "nothing decides");
        assert_eq!(commands, [""; 0]);
    }

    #[test]
    fn the_lock_decides_about_one_node_only() {
        let a1 = format!("a1-{SET}");
        let (pools, _) =
            scene(vec![vm("a1", 0, "al"), vm("a2", 0, "a2")], &[("a1", &a1), ("a2", "")]).merged();
        assert_eq!(pools, ["a1 a1 0", "a2 a2 1"]);
        let mut renamed = scene(vec![vm("a1", 0, "b1"), vm("a2", 0, "a2")], &[("a1", &a1), ("a2", "")]);
        renamed.options.new_pools = vec!["b1".to_owned()];
        assert_eq!(renamed.merged().0, ["a1 a1 0", "a2 a2 1", "b1 ? 1"], "the user confirmed it");
        let two = vec![vm("a1", 0, "b1"), vm("a1", 1, "b1"), vm("a2", 0, "a2")];
        assert_eq!(scene(two, &[("a1", &a1), ("a2", "")]).merged().0, ["a1 a1 0", "a2 a2 1", "b1 ? 2"]);
    }

    #[test]
    fn the_spec_decides() {
        let mut renamed = a1_and("a1", &[]);
        renamed
            .nodes
            .iter_mut()
            .take(3)
            .for_each(|node| node["metadata"]["labels"]["agentpool"] = "web".into());
        assert_eq!(renamed.merged().0, ["a2 a2 1", "web ? 3"]);
        renamed.spec = json!({"vmSets": {"web": format!("a1-{SET}")}});
        assert_eq!(renamed.merged().0, ["a2 a2 1", "web a1 3"]);
        renamed.nodes[0]["metadata"]["labels"]["agentpool"] = "al".into();
        let (pools, commands) = renamed.merged();
        assert_eq!(pools, ["a2 a2 1", "web a1 2"]);
        assert_eq!(commands, ["kubectl label node k8s-a1-42344502-0 agentpool=web --overwrite"]);
        // The hint of an earlier version, followed: both pools have the set, which the render refuses.
        let mut followed = a1_and("al", &[("a1", &format!("a1-{SET}"))]);
        followed.spec = json!({"vmSets": {"al": format!("a1-{SET}")}});
        followed.options.new_pools = vec!["al".to_owned()];
        assert_eq!(followed.merged().0, ["a1 a1 2", "a2 a2 1", "al a1 1"]);
    }

    #[test]
    fn excluded_and_forgotten_pools_decide_nothing() {
        let mut scene = a1_and("al", &[]);
        scene.spec = json!({"exclude": ["al"]});
        assert_eq!(scene.merged(), (vec!["a1 a1 2".to_owned(), "a2 a2 1".to_owned()], vec![]));
        scene.spec = json!({"exclude": ["a1"]});
        scene.options.new_pools = vec!["al".to_owned()];
        assert_eq!(scene.merged().0, ["a2 a2 1", "al ? 1"]);
    }

    #[test]
    fn a_node_of_a_set_that_is_in_no_pool() {
        let nodes = |strays: usize| {
            let own = (0..4).map(|index| vm("a1", index, "a1"));
            own.chain((0..strays).map(|index| vm("b1", index, "a1"))).collect()
        };
        let (pools, commands) = scene(nodes(1), &[]).merged();
        assert_eq!(pools, ["a1 a1 4"]);
        assert_eq!(commands, ["kubectl label node k8s-b1-42344502-0 agentpool=b1 --overwrite"]);
        assert_eq!(scene(nodes(2), &[]).merged().0, ["a1 a1 4"]);
        assert_eq!(scene(nodes(3), &[]).merged().0, ["a1 ? 7"], "too many to be a mistake");
    }

    /// Whatever one label is changed to, every other pool keeps its VM set and its other nodes.
    #[test]
    fn one_wrong_label_changes_nothing_else() {
        let labels = ["a1", "a2", "a3", "al", "A1", "web", "b.c"];
        let sets: Vec<String> = (1..=3).map(|pool| format!("a{pool}-{SET}")).collect();
        let locked = [("a1", sets[0].as_str()), ("a2", sets[1].as_str()), ("a3", sets[2].as_str())];
        for locked in [&[][..], &locked] {
            for wrong in 0..9 {
                for label in labels {
                    let mut nodes: Vec<Value> = (0..9)
                        .map(|index| {
                            let pool = format!("a{}", index / 3 + 1);
                            vm(&pool, index % 3, &pool)
                        })
                        .collect();
                    nodes[wrong]["metadata"]["labels"]["agentpool"] = label.into();
                    // The cloud compares names of VM sets without case, so `A1` is a pool of the same VM set.
                    let is_own = label.eq_ignore_ascii_case(&format!("a{}", wrong / 3 + 1));
                    if is_own && label == "A1" {
                        continue;
                    }
                    let (pools, commands) = scene(nodes, locked).merged();
                    let rows: Vec<String> = (0..3)
                        .map(|pool| {
                            format!(
                                "a{0} a{0} {1}",
                                pool + 1,
                                if pool == wrong / 3 && !is_own { 2 } else { 3 }
                            )
                        })
                        .collect();
                    assert_eq!(pools, rows, "node {wrong} labeled {label}");
                    assert_eq!(commands.len(), usize::from(!is_own));
                }
            }
        }
    }
}
