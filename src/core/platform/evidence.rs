//! Chooses the platform from the nodes and from the Services that exist.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::kubernetes::node::Node;
use crate::core::patch::placeholder;
use crate::core::platform::choose::{Choice, choose};
use crate::core::platform::{Platform, is_set};
use crate::core::pointer;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml::Document;

/// A Service that may show its platform.
#[derive(Clone, Debug)]
pub struct Witness<'a> {
    /// The Service.
    pub service: &'a Value,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: Location,
}

impl<'a> Witness<'a> {
    /// Returns the Services of type LoadBalancer among documents and the items of lists.
    pub fn all(documents: &'a [Document]) -> Vec<Self> {
        documents.iter().flat_map(Self::of).collect()
    }

    fn of(document: &'a Document) -> Vec<Self> {
        let items = document.value["items"].as_array().filter(|_| document.is_list());
        let nested = items.into_iter().flatten().enumerate();
        let nested = nested.map(|(index, item)| (item, format!("/items/{index}")));
        let all = std::iter::once((&document.value, String::new())).chain(nested);
        let is_service =
            |value: &Value| value["kind"] == "Service" && value["spec"]["type"] == "LoadBalancer";
        let witness = |(service, at): (&'a Value, String)| Self {
            service,
            name: service["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            location: document.location(&format!("{at}/metadata/name")),
        };
        all.filter(|(value, _)| is_service(value)).map(witness).collect()
    }
}

/// The platforms that a Service shows: their indexes, and the field that shows the first of them.
struct Shown<'a> {
    witness: &'a Witness<'a>,
    platforms: Vec<usize>,
    field: String,
}

/// Chooses among platforms. The Services decide among the platforms that fit the nodes. If no node has a provider ID, they decide
/// alone. Refuses if the nodes and the Services, or two Services, show different platforms.
pub fn choose_with_services<'a>(
    platforms: &'a [Platform],
    nodes: &[Node],
    witnesses: &[Witness<'_>],
) -> Result<Option<Choice<'a>>, Diagnostic> {
    let all: Vec<Shown<'_>> = witnesses.iter().filter_map(|witness| shown(platforms, witness)).collect();
    let by_nodes =
        if all.is_empty() { choose(platforms, nodes)? } else { choose(platforms, nodes).unwrap_or_default() };
    if all.is_empty() {
        return Ok(by_nodes);
    }
    let is_named = |name: &str| {
        by_nodes.as_ref().is_some_and(|choice| {
            choice.platform.name == name || choice.others.iter().any(|other| other.name == name)
        })
    };
    let tell_nothing = by_nodes.is_none() && nodes.iter().all(|node| node.provider_id.is_empty());
    let fits: Vec<usize> = (0..platforms.len())
        .filter(|index| {
            let platform = &platforms[*index];
            // A label that the nodes lack does not exclude the platform, if the Services show it.
            let ids = platform.spec.recognize.provider_ids();
            let has_nodes = || nodes.iter().any(|node| ids.has(&node.provider_id));
            tell_nothing || is_named(&platform.name) || ids.is_unknown() || has_nodes()
        })
        .collect();
    // A Service of another platform decides nothing; the import refuses it.
    let relevant: Vec<&Shown<'_>> =
        all.iter().filter(|shown| shown.platforms.iter().any(|index| fits.contains(index))).collect();
    let certain = by_nodes.as_ref().filter(|choice| choice.is_certain);
    let shows =
        |shown: &&Shown<'_>, name: &str| shown.platforms.iter().any(|index| platforms[*index].name == name);
    if certain.is_some_and(|choice| relevant.iter().any(|shown| shows(shown, &choice.platform.name))) {
        return Ok(by_nodes);
    }
    let is_agreed = |index: &usize| relevant.iter().all(|shown| shown.platforms.contains(index));
    let agreed: Vec<usize> =
        fits.iter().copied().filter(|index| !relevant.is_empty() && is_agreed(index)).collect();
    let is_against_nodes =
        certain.is_some() && !agreed.iter().any(|index| is_unrecognized(&platforms[*index]));
    if agreed.is_empty() || is_against_nodes {
        return Err(contradiction(platforms, &all, &relevant, by_nodes.as_ref()));
    }
    let preferred = |index: &usize| {
        let is_of_nodes =
            by_nodes.as_ref().is_some_and(|choice| choice.platform.name == platforms[*index].name);
        (!is_of_nodes, platforms[*index].spec.refused.is_some())
    };
    let first = agreed.iter().copied().min_by_key(preferred).unwrap_or_default();
    let others: Vec<&Platform> =
        agreed.iter().filter(|index| **index != first).map(|index| &platforms[*index]).collect();
    Ok(Some(Choice { platform: &platforms[first], is_certain: others.is_empty(), others }))
}

impl Platform {
    /// Returns the JSON pointers of the fields of a Service that only Services of this platform, and of platforms with the same
    /// marks, have: the fields of the binding, and the marks of the platform. Empty if the controller ignores the Service.
    pub fn marks(&self, service: &Value) -> Vec<String> {
        if self.spec.ignores(service) {
            return Vec::new();
        }
        let templates = self.binding.added_paths().zip(self.binding.added_values());
        let is_written = |(path, template): &(&str, &Value)| {
            let found = service.pointer(path).filter(|found| is_set(found));
            found.is_some_and(|found| !placeholder::names(template).is_empty() || found == *template)
        };
        let written = templates.filter(is_written).map(|(path, _)| path.to_owned());
        let mut marks: Vec<String> = written.collect();
        marks.extend(self.spec.recognize.services.iter().filter_map(|mark| mark.found_in(service)));
        marks.sort_unstable();
        marks.dedup();
        marks
    }
}

/// Whether no node can show the platform, as with `MetalLB`.
fn is_unrecognized(platform: &Platform) -> bool {
    platform.spec.recognize.provider_ids().is_unknown()
}

/// Returns the platforms that have all marks of a Service. If its marks are of different platforms, as those of a chart for several
/// clouds, each of these platforms may be meant.
fn shown<'a>(platforms: &[Platform], witness: &'a Witness<'a>) -> Option<Shown<'a>> {
    let mut by_mark: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, platform) in platforms.iter().enumerate() {
        for mark in platform.marks(witness.service) {
            by_mark.entry(mark).or_default().push(index);
        }
    }
    let mut any: Vec<usize> = by_mark.values().flatten().copied().collect();
    any.sort_unstable();
    any.dedup();
    let every: Vec<usize> =
        any.iter().copied().filter(|index| by_mark.values().all(|of| of.contains(index))).collect();
    let chosen = if every.is_empty() { any } else { every };
    let first = chosen.first()?;
    let field = by_mark.iter().find(|(_, of)| of.contains(first)).map(|(mark, _)| pointer::field(mark))?;
    Some(Shown { witness, platforms: chosen, field })
}

fn contradiction(
    platforms: &[Platform],
    all: &[Shown<'_>],
    relevant: &[&Shown<'_>],
    by_nodes: Option<&Choice<'_>>,
) -> Diagnostic {
    let names = |shown: &Shown<'_>| {
        let names: Vec<&str> = shown.platforms.iter().map(|index| platforms[*index].name.as_str()).collect();
        names.join(" or ")
    };
    let says = |shown: &Shown<'_>| {
        format!("`{}` of Service {} shows platform {}", shown.field, shown.witness.name, names(shown))
    };
    let is_other = |one: &Shown<'_>, other: &Shown<'_>| {
        !other.platforms.iter().any(|index| one.platforms.contains(index))
    };
    let pair = relevant
        .iter()
        .find_map(|one| relevant.iter().find(|other| is_other(one, other)).map(|other| (one, other)));
    let (message, shown) = match (pair, by_nodes) {
        (Some((one, other)), _) => {
            (format!("the Services are of different platforms: {}, and {}", says(one), says(other)), *other)
        }
        (None, Some(choice)) => {
            (format!("the nodes show platform {}, but {}", choice.platform.name, says(&all[0])), &all[0])
        }
        (None, None) => (format!("the nodes show no platform, but {}", says(&all[0])), &all[0]),
    };
    Diagnostic::error(message).at(shown.witness.location.clone()).hint(
        "choose the platform of the load balancers with --platform; init refuses Services of other platforms",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::node_list;
    use crate::core::platform::{builtin_names, read_builtin};

    /// Returns the chosen platform, and a question mark if others fit as well, or the error.
    fn chosen(nodes: &[(&str, &str)], services: &[Value]) -> String {
        let platforms: Vec<Platform> = builtin_names().filter_map(|name| read_builtin(name)?.ok()).collect();
        let node =
            |(name, id): &(&str, &str)| json!({"metadata": {"name": name}, "spec": {"providerID": id}});
        let list = json!({"kind": "List", "items": nodes.iter().map(node).collect::<Vec<_>>()});
        let nodes = node_list::read_nodes("nodes.json", list.to_string().as_bytes()).unwrap();
        let witness = |(index, service)| Witness {
            service,
            name: format!("s{index}"),
            location: Location::file("in.yaml"),
        };
        let witnesses: Vec<Witness<'_>> = services.iter().enumerate().map(witness).collect();
        match choose_with_services(&platforms, &nodes, &witnesses) {
            Ok(None) => "none".to_owned(),
            Ok(Some(choice)) => {
                format!("{}{}", choice.platform.name, if choice.is_certain { "" } else { "?" })
            }
            Err(problem) => problem.message,
        }
    }

    #[test]
    fn services_show_the_platform() {
        let of = |annotations: &[(&str, &str)], class: Option<&str>| {
            let annotations: serde_json::Map<String, Value> =
                annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
            json!({"metadata": {"annotations": annotations}, "spec": {"loadBalancerClass": class}})
        };
        let aws = "service.beta.kubernetes.io/aws-load-balancer-";
        let key = |name: &str| format!("{aws}{name}");
        let azure = "service.beta.kubernetes.io/azure-load-balancer-";
        let (aks, node_aws, none) = (
            (
                "aks-a-12345678-vmss000000",
                "azure:///subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachineScaleSets/aks-a-12345678-vmss/virtualMachines/0",
            ),
            ("ip-1", "aws:///eu-west-1a/i-0abc"),
            ("n", ""),
        );
        let configurations = of(&[(&format!("{azure}configurations"), "a")], None);
        let mode = of(&[(&format!("{azure}mode"), "a")], None);
        let hetzner = of(&[("load-balancer.hetzner.cloud/location", "fsn1")], None);
        let labels = |more: &[(&str, &str)], class| {
            of(&[&[(key("target-node-labels").as_str(), "a=b")], more].concat(), class)
        };
        let metallb = of(&[("metallb.io/address-pool", "a")], None);
        let plain = of(&[("a", "b")], None);
        for (node, services, expected) in [
            (aks, vec![plain.clone()], "azure-standard?"),
            (aks, vec![configurations.clone()], "azure-multi-slb"),
            (aks, vec![plain.clone(), configurations.clone()], "azure-multi-slb"),
            (aks, vec![mode.clone()], "azure-basic"),
            (("k8s-agentpool1-42344502-0", ""), vec![mode.clone(), hetzner.clone()], "azure-basic"),
            (node_aws, vec![labels(&[], None)], "aws-ccm?"),
            (node_aws, vec![labels(&[], Some("service.k8s.aws/nlb"))], "aws-lbc"),
            (node_aws, vec![of(&[], Some("eks.amazonaws.com/nlb"))], "eks-auto-mode"),
            (node_aws, vec![labels(&[(&key("type"), "external")], None)], "aws-lbc"),
            (node_aws, vec![labels(&[(&key("type"), "nlb")], None)], "aws-ccm"),
            (
                ("n", "oci://a"),
                vec![of(&[("oci.oraclecloud.com/load-balancer-type", "nlb")], None)],
                "oci-nlb",
            ),
            (("n", "oci://a"), vec![of(&[("oci.oraclecloud.com/load-balancer-type", "lb")], None)], "oci-lb"),
            (
                ("n", "oci://a"),
                vec![of(&[("oci.oraclecloud.com/node-label-selector", "a=b")], None)],
                "oci-lb",
            ),
            (("n", "hcloud://1"), vec![hetzner.clone()], "hetzner"),
            (("n", "hcloud://1"), vec![metallb.clone()], "metallb-bgp?"),
            (none, vec![metallb], "metallb-bgp?"),
            (none, vec![hetzner.clone()], "hetzner"),
            (none, vec![plain], "none"),
            // A chart for several clouds.
            (
                aks,
                vec![of(
                    &[
                        ("load-balancer.hetzner.cloud/location", "fsn1"),
                        (&format!("{azure}configurations"), "a"),
                    ],
                    None,
                )],
                "azure-multi-slb",
            ),
        ] {
            assert_eq!(chosen(&[node], &services), expected, "{node:?} {services:?}");
        }
        for (node, services, expected) in [
            (
                ("n", "hcloud://1"),
                vec![configurations.clone()],
                "the nodes show platform hetzner, but `metadata.annotations[service.beta.kubernetes.io/azure-load-balancer-configurations]` of Service s0 shows platform azure-multi-slb",
            ),
            (
                ("k8s-agentpool1-42344502-0", aks.1),
                vec![configurations.clone()],
                "the nodes show platform azure-basic, but",
            ),
            (
                aks,
                vec![mode, configurations],
                "the Services are of different platforms: `metadata.annotations[service.beta.kubernetes.io/azure-load-balancer-mode]` of Service s0 shows platform azure-basic, and",
            ),
            (
                node_aws,
                vec![hetzner],
                "but `metadata.annotations[load-balancer.hetzner.cloud/location]` of Service s0 shows platform hetzner",
            ),
        ] {
            let message = chosen(&[node], &services);
            assert!(message.contains(expected), "{message}");
        }
    }
}
