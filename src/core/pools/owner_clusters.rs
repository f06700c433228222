//! Chooses the objects of `spec.pools.from` that make nodes of this cluster: a management cluster has MachineDeployments of many clusters.

use std::collections::BTreeSet;

use crate::core::kubernetes::node::Node;
use crate::core::pools::owner::{Owner, OwnerList};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::escape::in_comment;
use crate::core::report::plural::first_of;
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::OwnerKind;

/// The annotation of a Node with the name of its cluster in Cluster API.
const CLUSTER_NAME: &str = "cluster.x-k8s.io/cluster-name";

/// Returns the objects of one cluster that are not being deleted. Refuses to choose between clusters.
pub(super) fn of_one_cluster<'a>(list: &'a OwnerList, nodes: &[Node]) -> Result<Vec<&'a Owner>, Diagnostic> {
    let kind = list.from.kind;
    for owner in &list.owners {
        if owner.name().is_empty() {
            return Err(owner.at(Diagnostic::error(format!("a {} has no `metadata.name`", kind.name()))));
        }
        // A file may have any name. It is shown in tables and messages.
        if let Some(name) = [owner.name(), owner.namespace()].into_iter().find(|name| !is_plain(name)) {
            let message =
                format!("a {} has the invalid name or namespace `{}`", kind.name(), in_comment(name));
            return Err(owner.at(Diagnostic::error(message)));
        }
        if !kind.versions().contains(&owner.version()) {
            return Err(owner.at(Diagnostic::error(format!(
                "{owner} has the version `{}`, expected {} of {}",
                owner.version(),
                kind.versions().join(" or "),
                kind.group()
            ))));
        }
    }
    let living = list.owners.iter().filter(|owner| !owner.is_being_deleted());
    if kind == OwnerKind::NodePool {
        return Ok(living.collect());
    }
    let index = list.index;
    let is_in = |owner: &&Owner| list.from.namespace.as_ref().is_none_or(|name| name == owner.namespace());
    let here: Vec<&Owner> = living.filter(is_in).collect();
    if let Some(owner) = here.iter().find(|owner| cluster_of(owner).is_empty()) {
        return Err(owner.at(Diagnostic::error(format!("{owner}: `spec.clusterName` is required"))));
    }
    let names: BTreeSet<&str> = here.iter().map(|owner| cluster_of(owner)).collect();
    let wanted = list.from.cluster.as_deref();
    if let Some(wanted) = wanted.filter(|wanted| !names.is_empty() && !names.contains(wanted)) {
        let near = did_you_mean(wanted, names.iter().copied());
        let names: Vec<&str> = names.into_iter().collect();
        return Err(Diagnostic::error(format!(
            "`spec.pools.from[{index}].cluster`: no MachineDeployment of the cluster `{wanted}` found{near}"
        ))
        .hint(format!("there are MachineDeployments of: {}", first_of(&names))));
    }
    let is_wanted = |owner: &&Owner| wanted.is_none_or(|wanted| wanted == cluster_of(owner));
    let chosen: Vec<&Owner> = here.into_iter().filter(is_wanted).collect();
    let clusters: BTreeSet<(&str, &str)> =
        chosen.iter().map(|owner| (owner.namespace(), cluster_of(owner))).collect();
    if clusters.len() > 1 {
        let shown: Vec<String> =
            clusters.iter().map(|(namespace, name)| format!("{namespace}/{name}")).collect();
        let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
        let field =
            if names.len() > 1 && wanted.is_none() { "cluster: NAME" } else { "namespace: NAMESPACE" };
        return Err(Diagnostic::refusal(format!(
            "`spec.pools.from[{index}]`: there are MachineDeployments of several clusters ({})",
            first_of(&shown)
        ))
        .hint(format!("name the cluster of the nodes: set `{field}` in `spec.pools.from[{index}]`")));
    }
    // Machines of other tools in the same cluster have no such annotation.
    let shown: BTreeSet<&str> = nodes.iter().filter_map(|node| node.annotations.get(CLUSTER_NAME)).collect();
    if let Some((_, cluster)) = clusters.first().filter(|_| shown.is_empty() && wanted.is_none()) {
        return Err(Diagnostic::refusal(format!(
            "`spec.pools.from[{index}]`: the MachineDeployments are of the cluster {cluster}, and no node has the annotation `{CLUSTER_NAME}`, which would show that it is theirs"
        ))
        .hint(format!("if the nodes are of this cluster, set `cluster: {cluster}` in `spec.pools.from[{index}]`")));
    }
    if let Some((_, cluster)) =
        clusters.first().filter(|(_, cluster)| !shown.is_empty() && !shown.contains(cluster))
    {
        let shown: Vec<&str> = shown.into_iter().collect();
        return Err(Diagnostic::refusal(format!(
            "`spec.pools.from[{index}]`: the MachineDeployments are of the cluster {cluster}, but the nodes are of {}",
            first_of(&shown)
        ))
        .hint(format!("set `cluster` in `spec.pools.from[{index}]`, or check where the objects are read")));
    }
    Ok(chosen)
}

/// Whether a name has only the characters of the names of such objects.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

fn cluster_of(owner: &Owner) -> &str {
    owner.text("/spec/clusterName")
}
