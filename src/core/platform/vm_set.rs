//! Derives the name of a node's VM set with the rules of the platform.

use std::cell::OnceCell;

use regex_lite::{Captures, Regex};

use crate::core::kubernetes::node::Node;
use crate::core::pattern;
use crate::core::platform::{Platform, VmSetRule};

/// The compiled rules of a platform.
pub struct VmSetFinder<'a> {
    rules: Vec<Rule>,
    nodes: &'a [Node],
    suffix_patterns: Vec<Regex>,
    /// Derived when a rule needs it for the first time; few do.
    suffix: OnceCell<Option<&'a str>>,
}

struct Rule {
    form: VmSetRule,
    provider_id: Option<Regex>,
    node_name: Option<Regex>,
    annotations: Vec<(String, Regex)>,
}

/// The result of the rules for one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Derived {
    /// The VM set.
    Set {
        /// Its name.
        name: String,
        /// The index of the rule that named it.
        rule: usize,
        /// The title of the rule if it has not been verified.
        unverified: Option<String>,
    },
    /// The node's name contains another pool than its label.
    OtherPool {
        /// The pool in the name.
        named: String,
        /// The VM set of that pool; the pool in the name if the rule cannot tell it.
        set: String,
        /// The index of the rule.
        rule: usize,
    },
    /// No rule matches.
    Unknown,
}

impl<'a> VmSetFinder<'a> {
    /// Compiles the rules; `nodes` are all nodes of the cluster, whose names tell its suffix.
    pub fn new(platform: &Platform, nodes: &'a [Node]) -> Self {
        let sets = &platform.spec.vm_sets;
        // Patterns were checked when the platform was read.
        let compile = |pattern: &Option<String>| pattern.as_ref().and_then(|p| pattern::compile(p).ok());
        let rules = sets
            .rules
            .iter()
            .map(|rule| Rule {
                provider_id: compile(&rule.matches.provider_id),
                node_name: compile(&rule.matches.node_name),
                annotations: rule
                    .matches
                    .annotations
                    .iter()
                    .filter_map(|(key, pattern)| Some((key.clone(), pattern::compile(pattern).ok()?)))
                    .collect(),
                form: rule.clone(),
            })
            .collect();
        let suffix_patterns = sets.suffix.iter().filter_map(|p| pattern::compile(p).ok()).collect();
        Self { rules, nodes, suffix_patterns, suffix: OnceCell::new() }
    }

    /// Returns the VM set of a node with this value of the pool label.
    pub fn find(&self, node: &Node, pool: &str) -> Derived {
        for (at, rule) in self.rules.iter().enumerate() {
            match self.apply(at, rule, node, pool) {
                Derived::Unknown => {}
                found => return found,
            }
        }
        Derived::Unknown
    }

    fn apply(&self, at: usize, rule: &Rule, node: &Node, pool: &str) -> Derived {
        let mut groups = Groups::default();
        let texts = [(&rule.provider_id, &*node.provider_id), (&rule.node_name, &*node.name)];
        for (pattern, text) in texts {
            let Some(pattern) = pattern else { continue };
            let Some(captures) = pattern.captures(text) else { return Derived::Unknown };
            groups.take(pattern, &captures);
        }
        for (key, pattern) in &rule.annotations {
            let Some(captures) = node.annotations.get(key).and_then(|text| pattern.captures(text)) else {
                return Derived::Unknown;
            };
            groups.take(pattern, &captures);
        }
        if let Some(named) = groups.get("pool").filter(|named| !named.eq_ignore_ascii_case(pool)) {
            let set = self.name(rule, &groups, named).unwrap_or_else(|| named.to_owned());
            return Derived::OtherPool { named: named.to_owned(), set, rule: at };
        }
        if let Some(start) = groups.get("suffixStart")
            && !self.suffix().is_some_and(|suffix| suffix.starts_with(start))
        {
            return Derived::Unknown;
        }
        let Some(name) = self.name(rule, &groups, pool) else { return Derived::Unknown };
        Derived::Set { name, rule: at, unverified: rule.form.unverified.then(|| rule.form.title.clone()) }
    }

    /// Fills the rule's template for a node of this pool.
    fn name(&self, rule: &Rule, groups: &Groups, pool: &str) -> Option<String> {
        fill(&rule.form.name, |placeholder| match placeholder {
            "pool.value" => Some(pool),
            "cluster.suffix" => self.suffix(),
            group => groups.get(group),
        })
    }

    /// Returns the suffix that the names of all nodes share. If names have different suffixes, there is none.
    fn suffix(&self) -> Option<&'a str> {
        *self.suffix.get_or_init(|| {
            let of = |name: &'a str| {
                self.suffix_patterns.iter().find_map(|p| Some(p.captures(name)?.name("suffix")?.as_str()))
            };
            let mut found = self.nodes.iter().filter_map(|node| of(&node.name));
            let first = found.next()?;
            found.all(|other| other == first).then_some(first)
        })
    }
}

#[derive(Default)]
struct Groups(Vec<(String, String)>);

impl Groups {
    fn take(&mut self, pattern: &Regex, captures: &Captures<'_>) {
        for name in pattern.capture_names().flatten() {
            if let Some(found) = captures.name(name) {
                self.0.push((name.to_owned(), found.as_str().to_owned()));
            }
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Fills a template; `None` if a placeholder has no value, so that the rule does not apply.
fn fill<'v>(template: &str, value: impl Fn(&str) -> Option<&'v str>) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let end = start + rest[start..].find('}')?;
        out.push_str(value(&rest[start + 2..end])?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::kubernetes::node::{RawNode, Strings};
    use crate::core::platform::read_builtin;

    fn node(json: &str) -> Node {
        serde_json::from_str::<RawNode>(json).unwrap().keep(&mut Strings::default())
    }

    fn named(name: &str, provider_id: &str) -> Node {
        node(&format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"providerID":"{provider_id}"}}}}"#))
    }

    #[track_caller]
    fn check(nodes: &[Node], pool: &str, expected: &str) {
        let platform = read_builtin("azure-basic").unwrap().unwrap();
        let found = match VmSetFinder::new(&platform, nodes).find(&nodes[0], pool) {
            Derived::Set { name, unverified: None, .. } => name,
            Derived::Set { name, unverified: Some(_), .. } => format!("{name}, unverified"),
            Derived::OtherPool { named, set, .. } => format!("other pool {named}: {set}"),
            Derived::Unknown => "unknown".to_owned(),
        };
        assert_eq!(found, expected);
    }

    const VM: &str =
        "azure:///subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/x";

    #[test]
    fn name_from_the_provider_id_of_a_scale_set() {
        let id = "azure:///subscriptions/s/resourceGroups/mc_rg/providers/Microsoft.Compute/virtualMachineScaleSets/aks-nodepool1-41422890-vmss/virtualMachines/0";
        check(&[named("aks-nodepool1-41422890-vmss000000", id)], "nodepool1", "aks-nodepool1-41422890-vmss");
        let upper_case = id
            .replace("virtualMachineScaleSets", "VirtualMachineScaleSets")
            .replace("/virtualMachines/0", "/VirtualMachines/0");
        check(&[named("any", &upper_case)], "nodepool1", "aks-nodepool1-41422890-vmss");
    }

    #[test]
    fn name_from_the_names_of_acs_engine_and_aks_engine() {
        check(&[named("k8s-agentpool1-42344502-0", "")], "agentpool1", "agentpool1-availabilitySet-42344502");
        check(&[named("k8s-agentpool1-42344502-0", VM)], "agentpool1", "agentpool1-availabilitySet-42344502");
        check(
            &[named("k8s-agentpool1-42344502-0", VM)],
            "other",
            "other pool agentpool1: agentpool1-availabilitySet-42344502",
        );
        check(&[named("k8s-linuxpool-42344502-vmss000000", "")], "linuxpool", "k8s-linuxpool-42344502-vmss");
    }

    #[test]
    fn windows_names_need_the_suffix_of_the_cluster() {
        let master = named("k8s-master-42344502-0", "");
        check(&[named("42344k8s9000", VM), master.clone()], "winpool", "winpool-availabilitySet-42344502");
        check(&[named("4234k8s010", VM), master.clone()], "winpool", "winpool-availabilitySet-42344502");
        check(&[named("42344k8s9000", VM)], "winpool", "unknown");
        check(&[named("99999k8s9000", VM), master.clone()], "winpool", "unknown");
        check(&[named("42344k8s9000", VM), master, named("k8s-a-11111111-0", "")], "winpool", "unknown");
    }

    #[test]
    fn name_from_the_names_of_aks() {
        check(
            &[named("aks-nodepool1-27053986-0", VM)],
            "nodepool1",
            "nodepool1-availabilitySet-27053986, unverified",
        );
        check(&[named("aks-nodepool1-41422890-vmss00000a", "")], "nodepool1", "aks-nodepool1-41422890-vmss");
        check(&[named("akswin1000000", "")], "win1", "akswin1");
        check(&[named("akswin1000000", "")], "other", "other pool win1: akswin1");
    }

    #[test]
    fn name_from_the_annotations_of_cluster_api() {
        let json = r#"{"metadata":{"name":"md-0-abcde","annotations":{
            "cluster.x-k8s.io/cluster-name":"prod","cluster.x-k8s.io/owner-name":"prod-md-0-5b8c7d"}}}"#;
        check(&[node(json)], "edge", "prod_prod-md-0-as, unverified");
    }

    #[test]
    fn names_without_a_rule_are_unknown() {
        check(&[named("worker-1", VM)], "a", "unknown");
        check(&[named("d84a1c30", "azure://d84a1c30-0c9f-11e8-8a34-000d3a919531")], "a", "unknown");
    }
}
