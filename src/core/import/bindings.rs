//! How a hand-written Service names its pool: by a `largescale.dev/pool` label, or by a binding that selects one pool. Other
//! bindings are refused.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::import::hand_written::HandWritten;
use crate::core::patch::{Patch, placeholder};
use crate::core::platform::{Platform, is_set};
use crate::core::pools::{Pool, PoolSet};
use crate::core::report::diagnostic::Location;
use crate::core::yaml::Document;

/// A value at a path of a platform's binding that does not name one pool.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    pub(crate) pointer: String,
    pub(crate) value: String,
    pub(crate) location: Location,
    /// The platforms that use this path, if the chosen one does not.
    pub(crate) platforms: Vec<String>,
}

/// Fields that are set only on a Service in a cluster.
const LIVE_FIELDS: &[&str] = &[
    "/status/loadBalancer/ingress/0",
    "/spec/clusterIP",
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
];

/// Returns the pool whose binding has exactly the values of the Service. `None` if no pool or several pools match, or if the
/// binding is the same for every pool.
pub(crate) fn bound_pool<'a>(service: &HandWritten, binding: &Patch, pools: &'a PoolSet) -> Option<&'a Pool> {
    let mut selected = pools.pools.iter().filter(|pool| is_bound(service, binding, pools, pool));
    let pool = selected.next()?;
    selected.next().is_none().then_some(pool)
}

fn is_bound(service: &HandWritten, binding: &Patch, pools: &PoolSet, pool: &Pool) -> bool {
    let values = pools.values(pool);
    let mut tells_pools_apart = false;
    let all = binding.added_values().zip(&service.bound).all(|(template, found)| {
        let wanted = placeholder::fill_value(template, &values).ok();
        let (Some(wanted), Some(found)) =
            (wanted.as_ref().and_then(Value::as_str), found.as_ref().and_then(Value::as_str))
        else {
            return false;
        };
        let names = placeholder::names(template);
        tells_pools_apart |= names.iter().any(|name| name.starts_with("pool."));
        // Azure compares resource names without case; label values differ by case.
        let of_labels = ["pool.label", "pool.value", "pool.name"];
        let by_label = names.iter().any(|name| of_labels.contains(name));
        if by_label { wanted == found.trim() } else { wanted.eq_ignore_ascii_case(found.trim()) }
    });
    all && tells_pools_apart
}

/// Returns the bindings that an object has of any platform, its own platform first. Skips fields that every Service of the
/// platform has, such as `spec.loadBalancerClass`, because they do not name a pool.
pub(crate) fn unread(document: &Document, platform: &Platform, platforms: &[Platform]) -> Vec<Unread> {
    let found = |pointer: &str| {
        let value = document.value.pointer(pointer).filter(|value| is_set(value))?;
        let value = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
        (!value.is_empty()).then_some(value)
    };
    let unread = |pointer: &str, value: String, platforms: Vec<String>| Unread {
        pointer: pointer.to_owned(),
        value,
        location: document.location(pointer),
        platforms,
    };
    let mut all = Vec::new();
    for (pointer, template) in writes(platform) {
        let Some(value) = found(pointer) else { continue };
        if names_a_pool(template) {
            all.push(unread(pointer, value, Vec::new()));
        } else if *template != *value {
            let is_theirs =
                |other: &&Platform| writes(other).any(|(at, other)| at == pointer && *other == *value);
            let theirs = platforms.iter().filter(is_theirs).map(|other| other.name.clone()).collect();
            all.push(unread(pointer, value, theirs));
        }
    }
    let mut of_others: BTreeMap<&str, (String, Vec<String>)> = BTreeMap::new();
    for other in platforms {
        for (pointer, template) in writes(other) {
            let is_own = writes(platform).any(|(own, _)| own == pointer);
            let Some(value) = found(pointer).filter(|_| !is_own) else { continue };
            if names_a_pool(template) || *template == *value {
                of_others.entry(pointer).or_insert((value, Vec::new())).1.push(other.name.clone());
            }
        }
    }
    all.extend(of_others.into_iter().map(|(pointer, (value, theirs))| unread(pointer, value, theirs)));
    all
}

/// Returns the paths and templates of a binding.
fn writes(platform: &Platform) -> impl Iterator<Item = (&str, &Value)> {
    platform.binding.added_paths().zip(platform.binding.added_values())
}

fn names_a_pool(template: &Value) -> bool {
    !placeholder::names(template).is_empty()
}

/// Returns the first field that shows that a Service was read from a cluster.
pub(crate) fn live(document: &Document) -> Option<(&'static str, Location)> {
    let is_live =
        |pointer: &&&str| document.value.pointer(pointer).is_some_and(|value| is_set(value) && *value != "");
    LIVE_FIELDS.iter().find(is_live).map(|pointer| (*pointer, document.location(pointer)))
}

/// Returns whether a value is a placeholder of an example: a word in braces or angle brackets. No selector and no cloud
/// resource name has this form.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let inner = [('{', '}'), ('<', '>')]
        .into_iter()
        .find_map(|(open, close)| value.strip_prefix(open)?.strip_suffix(close));
    inner.is_some_and(|inner| {
        !inner.trim().is_empty()
            && !inner.contains(['{', '}', '<', '>', '"', '\'', ':', ',', '=', '(', ')', '!'])
    })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::core::import::{ImportOptions, import_documents};
    use crate::core::platform::{builtin_names, read_builtin};
    use crate::core::yaml;

    fn pools() -> PoolSet {
        let pool = |value: &str| Pool {
            value: value.to_owned(),
            name: value.to_lowercase(),
            vm_set: Some(format!("{value}-set")),
            load_balancer: value.to_owned(),
            ..Pool::default()
        };
        PoolSet { label: "pool".to_owned(), pools: vec![pool("one"), pool("two")] }
    }

    /// Returns `spec.names` of the imported Services, or the errors.
    fn imported(platform: &str, text: &str) -> String {
        static PLATFORMS: LazyLock<Vec<Platform>> =
            LazyLock::new(|| builtin_names().filter_map(|name| read_builtin(name)?.ok()).collect());
        let platforms = &PLATFORMS;
        let platform = platforms.iter().find(|known| known.name == platform).unwrap();
        match import_documents(
            yaml::read("in.yaml", text).unwrap(),
            platform,
            platforms,
            &pools(),
            ImportOptions::default(),
        ) {
            Ok(imported) => serde_json::to_string(&imported.names).unwrap(),
            Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        }
    }

    /// Returns a Service with annotations and additional lines in the spec.
    fn service(name: &str, annotations: &[(&str, &str)], spec: &str) -> String {
        let annotations: String =
            annotations.iter().map(|(key, value)| format!("    {key}: {value:?}\n")).collect();
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  annotations:\n{annotations}spec:\n  type: LoadBalancer\n  selector: {{app: web}}\n  ports: [{{port: 80}}]\n{spec}"
        )
    }

    const HETZNER: &str = "load-balancer.hetzner.cloud/node-selector";
    const AZURE: &str = "service.beta.kubernetes.io/azure-load-balancer-mode";
    const AWS: &str = "service.beta.kubernetes.io/aws-load-balancer-target-node-labels";
    const OCI: &str = "oci.oraclecloud.com/node-label-selector";

    #[test]
    fn bindings_that_name_one_pool_are_read() {
        for (platform, key, value) in [
            ("hetzner", HETZNER, "pool=two"),
            ("azure-basic", AZURE, "TWO-SET"),
            ("tencent", "service.kubernetes.io/qcloud-loadbalancer-backends-label", "pool in (two)"),
            ("aws-ccm", AWS, "pool=two"),
        ] {
            let text = service("web", &[(key, value)], "");
            assert_eq!(imported(platform, &text), r#"{"web":{"two":"web"}}"#, "{platform}");
        }
    }

    #[test]
    fn other_bindings_are_refused() {
        let refused = |platform: &str, text: &str, value: &str| {
            let messages = imported(platform, text);
            let expected = format!("of Service web is `{value}`, which does not name one pool");
            assert!(
                messages.contains(&expected) && messages.lines().count() == 1,
                "{platform} {value}: {messages}"
            );
        };
        for value in [
            "pool==two",
            "pool in (two)",
            "pool in (one, two)",
            "pool=two,kubernetes.io/arch=amd64",
            "pool!=one",
            "!pool",
            "pool=TWO",
            "pool=three",
            "kubernetes.io/hostname=a",
            "pool={two}",
        ] {
            for (platform, key) in [
                ("hetzner", HETZNER),
                ("aws-ccm", AWS),
                ("oci-lb", OCI),
                ("openstack", "loadbalancer.openstack.org/node-selector"),
            ] {
                refused(platform, &service("web", &[(key, value)], ""), value);
            }
        }
        for value in ["one-set,two-set", "two-set,", "__auto__", "three-set", "*"] {
            refused("azure-basic", &service("web", &[(AZURE, value)], ""), value);
        }
        // A part of the binding is missing or has another value.
        refused("oci-lb", &service("web", &[(OCI, "pool=two")], ""), "pool=two");
        let nlb = [("oci.oraclecloud.com/load-balancer-type", "nlb")];
        refused("oci-lb", &service("web", &nlb, ""), "nlb");
        refused("metallb-l2", &service("web", &[("metallb.io/address-pool", "web-two")], ""), "web-two");
        // The binding is of another platform.
        refused("azure-basic", &service("web", &[(HETZNER, "pool=two")], ""), "pool=two");
        let class = |class: &str| service("web", &[("a", "b")], &format!("  loadBalancerClass: {class}\n"));
        refused("hetzner", &class("service.k8s.aws/nlb"), "service.k8s.aws/nlb");
        refused("aws-lbc", &class("eks.amazonaws.com/nlb"), "eks.amazonaws.com/nlb");
    }

    #[test]
    fn values_that_are_equal_for_all_pools_are_not_a_binding() {
        let class = "  loadBalancerClass: eks.amazonaws.com/nlb\n";
        assert_eq!(imported("eks-auto-mode", &service("web", &[("a", "b")], class)), "{}");
        assert_eq!(imported("hetzner", &service("web", &[(HETZNER, "")], "")), "{}");
        assert_eq!(
            imported("hetzner", &service("web", &[("a", "b")], "  loadBalancerClass: mine.example.com/lb\n")),
            "{}"
        );
    }

    #[test]
    fn unbound_services_that_are_not_in_use_get_the_next_pool() {
        let two = |annotations: &[(&str, &str)], spec: &str| {
            [service("web-1", annotations, spec), service("web-2", annotations, spec)].concat()
        };
        let in_order = r#"{"web":{"one":"web-1","two":"web-2"}}"#;
        assert_eq!(imported("azure-basic", &two(&[(AZURE, "{可用性セット名}")], "")), in_order);
        assert_eq!(imported("azure-basic", &two(&[(AZURE, "<name of the VM set>")], "")), in_order);
        assert_eq!(imported("hetzner", &two(&[("a", "b")], "")), in_order);
        for spec in ["  clusterIP: 10.0.0.1\n", "status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n"] {
            for annotations in [&[("a", "b")], &[(HETZNER, "{name}")]] {
                let messages = imported("hetzner", &two(annotations, spec));
                assert!(
                    messages
                        .lines()
                        .all(|line| line.contains("is in use") && line.contains("does not name its pool")),
                    "{messages}"
                );
                assert_eq!(messages.lines().count(), 2, "{messages}");
            }
        }
        // JSON, as in the binding of upcloud, is not a placeholder.
        assert!(
            !is_placeholder(r#"{"matchLabels":{"a":"b"}}"#)
                && !is_placeholder("{}")
                && !is_placeholder("{a=b}")
        );
    }

    #[test]
    fn a_label_sets_the_pool() {
        let labeled = |pool: &str, value: &str| {
            service("web", &[(HETZNER, value)], "").replace(
                "  annotations",
                &format!("  labels: {{largescale.dev/pool: {pool}}}\n  annotations"),
            )
        };
        assert_eq!(imported("hetzner", &labeled("two", "pool in (two)")), r#"{"web":{"two":"web"}}"#);
        assert!(
            imported("hetzner", &labeled("too", "x"))
                .ends_with("is `too`, but this pool does not exist, did you mean `two`?")
        );
        assert!(
            imported("hetzner", &labeled("one", "pool=two"))
                .ends_with("is `one`, but its binding selects two")
        );
    }

    #[test]
    fn services_of_one_name_in_two_namespaces() {
        let web = |namespace: &str, annotations: &[(&str, &str)]| {
            service("web", annotations, "")
                .replace("  name: web\n", &format!("  name: web\n  namespace: {namespace}\n"))
        };
        let both = |one: &[(&str, &str)], two: &[(&str, &str)]| {
            imported("hetzner", &(web("shop", one) + &web("blog", two)))
        };
        let (one, two) = ([(HETZNER, "pool=one")], [(HETZNER, "pool=two")]);
        for (first, second) in [(&one, &two), (&one, &[("a", "b")]), (&[("a", "b")], &two)] {
            let messages = both(first, second);
            assert_eq!(messages.matches("is in several namespaces").count(), 2, "{messages}");
        }
        // One entry is right for both.
        assert_eq!(both(&one, &one), r#"{"web":{"one":"web"}}"#);
        assert_eq!(both(&[("a", "b")], &[("a", "b")]), "{}");
    }
}
