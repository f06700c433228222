//! What only some platforms have: configurations of the cloud, settings, and a scheme.

use serde_json::json;

use super::*;

#[test]
fn an_existing_configuration_names_the_pools() {
    let config = r#"{"multipleStandardLoadBalancerConfigurations": [
        {"name": "Kubernetes", "primaryVMSet": "ONE-set", "allowServicePlacement": true},
        {"name": "team", "primaryVMSet": "two-set", "serviceLabelSelector": {"matchLabels": {"team": "x"}}}]}"#;
    let aks = r#"[{"name": "kubernetes", "primaryAgentPoolName": "one"}, {"name": "team", "primaryAgentPoolName": "two", "nodeSelector": {"matchExpressions": [], "matchLabels": {}}}]"#;
    for text in [config, aks] {
        let options = Options { cloud_config: Some(text), ..PLAIN };
        let import = |binding: &[(&str, &str)], rest: &str| {
            super::import("azure-multi-slb", &(service("web", binding, LIVE) + rest), &options)
        };
        let result = import(&[(CONFIGURATIONS, "team")], "").unwrap();
        assert_eq!(result.load_balancers["two"], "team");
        assert_eq!(shown(Ok(result)), TWO);
        let first = shown(import(&[(CONFIGURATIONS, "kubernetes")], ""));
        assert!(first.starts_with(r#"{"web":{"one":"web"}}"#), "{first}");
        let unknown = shown(import(&[(CONFIGURATIONS, "two")], ""));
        assert!(unknown.contains("is `two`, which does not match one pool"), "{unknown}");
    }
    let options = Options { cloud_config: Some(config), ..PLAIN };
    let labeled =
        service("web", &[("a", "b")], LIVE).replace("  annotations", "  labels: {team: x}\n  annotations");
    assert_eq!(shown(super::import("azure-multi-slb", &labeled, &options)), format!("{TWO} keeps -"));
    let stated = Options { pools: &["web=two"], ..PLAIN };
    let kubernetes = service("web", &[(CONFIGURATIONS, "kubernetes")], LIVE);
    let result = super::import("azure-multi-slb", &kubernetes, &stated).unwrap();
    assert_eq!(result.load_balancers["two"], "kubernetes");
    assert_eq!(shown(Ok(result)), TWO);
    for (platform, text, error) in [
        ("hetzner", config, "--cloud-config has no effect on platform hetzner"),
        ("azure-multi-slb", "{}", "the file has no configuration whose nodes are those of a pool"),
    ] {
        let options = Options { cloud_config: Some(text), ..PLAIN };
        let messages = shown(super::import(platform, &service("web", &[("a", "b")], ""), &options));
        assert!(messages.contains(error), "{messages}");
    }
}

#[test]
fn settings_of_the_platform_are_read_from_the_bindings() {
    let cluster = "service.beta.kubernetes.io/exoscale-loadbalancer-sks-cluster-name";
    let text = service("web-1", &[(EXOSCALE, "np-two"), (cluster, "c1")], "")
        + &service("web-2", &[(EXOSCALE, "np-one"), (cluster, "c1")], "");
    let result = import("exoscale", &text, &PLAIN).unwrap();
    assert_eq!(
        json!(result.settings),
        json!({"clusterName": "c1", "nodepoolName": {"one": "np-one", "two": "np-two"}})
    );
    assert_eq!(shown(Ok(result)), r#"{"web":{"one":"web-2","two":"web-1"}}"#);
}

#[test]
fn a_scheme_that_is_not_internal_is_kept() {
    let scheme = "service.beta.kubernetes.io/aws-load-balancer-scheme";
    for (value, internal) in [("internet-facing", false), ("internal", true)] {
        let text = service("web", &[(AWS, "pool=two"), (scheme, value)], "");
        let result = import("aws-lbc", &text, &PLAIN).unwrap();
        assert_eq!(result.internal, internal, "{value}");
        let kept = result.objects[0].pointer(&crate::core::pointer::join("/metadata/annotations", scheme));
        assert_eq!(kept.is_some(), !internal, "{value}");
    }
}
