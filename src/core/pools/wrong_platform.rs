//! Reports a platform that does not fit the nodes: their provider IDs belong to another one.

use crate::core::kubernetes::node::Node;
use crate::core::platform::choose::{Choice, choose};
use crate::core::platform::{Platform, builtin_names, read_builtin};
use crate::core::pools::backend::is_unfit;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;

/// Returns an error if no node belongs to the platform, and most nodes belong to another one. A node without a provider ID, or
/// with one that the platform takes, shows nothing. `locked` is the platform of the last render.
pub fn wrong_platform(nodes: &[Node], platform: &Platform, locked: Option<&str>) -> Option<Diagnostic> {
    let known = platform.spec.recognize.provider_ids();
    if known.is_unknown() || nodes.iter().any(|node| known.has(&node.provider_id)) {
        return None;
    }
    // If the platform refuses such a node, its controller takes it all the same.
    let is_foreign = |node: &&Node| !node.provider_id.is_empty() && !is_unfit(node, platform);
    let foreign: Vec<&Node> = nodes.iter().filter(is_foreign).collect();
    if foreign.len() * 2 <= nodes.len() {
        return None;
    }
    let was = locked.filter(|locked| *locked != platform.name);
    let of_lock = was.map(|locked| format!("; the lock file is of platform {locked}")).unwrap_or_default();
    // The part of the provider ID that shows the cloud; the rest is long.
    let first = foreign.first()?;
    let cloud = first.provider_id.split_once("://").map_or(&*first.provider_id, |(cloud, _)| cloud);
    let message = format!(
        "{} of {} are of another platform than {}: node {} has a provider ID of {cloud}://, not of {known}{of_lock}",
        foreign.len(),
        plural(nodes.len(), "node"),
        platform.name,
        first.name,
    );
    Some(Diagnostic::error(message).hint(correction(nodes, was)))
}

/// Returns which platform to set: that of the last render if it fits the nodes, otherwise one that the nodes show.
fn correction(nodes: &[Node], locked: Option<&str>) -> String {
    let platforms: Vec<Platform> = builtin_names().filter_map(|name| read_builtin(name)?.ok()).collect();
    let fits: Vec<&str> = match choose(&platforms, nodes) {
        Ok(Some(Choice { platform, others, .. })) => std::iter::once(platform)
            .chain(others)
            .filter(|fit| has_nodes(fit, nodes))
            .map(|fit| fit.name.as_str())
            .collect(),
        Ok(None) | Err(_) => Vec::new(),
    };
    // Nothing is known about a platform of the user.
    let is_own = |name: &str| !platforms.iter().any(|platform| platform.name == name);
    match (locked.filter(|locked| fits.contains(locked) || is_own(locked)), fits.as_slice()) {
        (Some(locked), _) => format!("set it back: `spec.platform: {locked}`"),
        (None, [one]) => format!("set the platform of the nodes: `spec.platform: {one}`"),
        (None, []) => {
            "set `spec.platform` to the platform of these nodes, or read other nodes (--nodes, --context)"
                .to_owned()
        }
        (None, several) => {
            format!("set `spec.platform` to the platform of the nodes: {}", several.join(", "))
        }
    }
}

/// Whether nodes have provider IDs of a platform; their names do not suffice.
fn has_nodes(platform: &Platform, nodes: &[Node]) -> bool {
    let ids = platform.spec.recognize.provider_ids();
    nodes.iter().any(|node| ids.has(&node.provider_id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::node_list;

    fn reported(platform: &str, ids: &[&str], locked: Option<&str>) -> Option<(String, String)> {
        let node = |(index, id): (usize, &&str)| json!({"metadata": {"name": format!("k8s-a1-42344502-{index}")}, "spec": {"providerID": id}});
        let list = json!({"kind": "List", "items": ids.iter().enumerate().map(node).collect::<Vec<_>>()});
        let nodes = node_list::read_nodes("nodes.json", list.to_string().as_bytes()).unwrap();
        let problem = wrong_platform(&nodes, &read_builtin(platform).unwrap().unwrap(), locked)?;
        Some((problem.message, problem.hint.unwrap_or_default()))
    }

    #[test]
    fn the_platform_of_the_lock_is_named_if_it_fits() {
        let (message, hint) = reported("hetzner", &["azure://a", "azure://b"], Some("azure-basic")).unwrap();
        assert_eq!(
            message,
            "2 of 2 nodes are of another platform than hetzner: node k8s-a1-42344502-0 has a provider ID of azure://, not of hcloud://, hrobot://; the lock file is of platform azure-basic"
        );
        assert_eq!(hint, "set it back: `spec.platform: azure-basic`");
        let (_, hint) = reported("hetzner", &["azure://a"], Some("./own.yaml")).unwrap();
        assert_eq!(hint, "set it back: `spec.platform: ./own.yaml`");
        let (_, hint) = reported("gke", &["hcloud://1"], Some("azure-basic")).unwrap();
        assert_eq!(hint, "set the platform of the nodes: `spec.platform: hetzner`");
        let (_, hint) = reported("hetzner", &["foo://1"], None).unwrap();
        assert!(hint.starts_with("set `spec.platform` to the platform of these nodes"), "{hint}");
    }

    #[test]
    fn nodes_that_may_be_of_the_platform_are_no_evidence() {
        for (platform, ids) in [
            ("hetzner", &["hcloud://1", "azure://a", "azure://b"][..]),
            ("hetzner", &["", "azure://a"]),
            ("hetzner", &["", ""]),
            ("hetzner", &[]),
            ("metallb-bgp", &["aws:///a", "aws:///b"]),
        ] {
            assert_eq!(reported(platform, ids, None), None, "{platform} {ids:?}");
        }
    }
}
