//! Imports Services whose bindings have every form that a controller reads, and compares the nodes before and after.

mod of_platform;

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::core::kubernetes::node::Node;
use crate::core::node_list;
use crate::core::platform::{Platform, builtin_names, read_builtin};
use crate::core::pools::{MergeOptions, discover_pools, merge};
use crate::core::spec::Spec;
use crate::core::yaml;

static PLATFORMS: LazyLock<Vec<Platform>> =
    LazyLock::new(|| builtin_names().filter_map(|name| read_builtin(name)?.ok()).collect());

const HETZNER: &str = "load-balancer.hetzner.cloud/node-selector";
const AZURE: &str = "service.beta.kubernetes.io/azure-load-balancer-mode";
const CONFIGURATIONS: &str = "service.beta.kubernetes.io/azure-load-balancer-configurations";
const AWS: &str = "service.beta.kubernetes.io/aws-load-balancer-target-node-labels";
const OCI: &str = "oci.oraclecloud.com/node-label-selector";
const EXOSCALE: &str = "service.beta.kubernetes.io/exoscale-loadbalancer-service-sks-nodepool-name";
const UPCLOUD: &str = "service.beta.kubernetes.io/upcloud-load-balancer-node-selector";

/// Returns the name of the label that identifies the pools in these tests.
fn label(platform: &Platform) -> &str {
    platform.spec.pool_labels.first().map_or("pool", String::as_str)
}

/// Returns nodes of the pools `one` (2 nodes) and `two` (3 nodes), all amd64.
fn nodes(platform: &Platform) -> Vec<Node> {
    let prefix = platform.spec.recognize.provider_ids.first().map_or("", String::as_str);
    let node = |pool: &str, index: usize| {
        let id = if prefix == "azure://" {
            format!(
                "azure:///subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/virtualMachineScaleSets/{pool}-set/virtualMachines/{index}"
            )
        } else if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}{pool}{index}")
        };
        json!({"kind": "Node", "metadata": {"name": format!("{pool}-{index}"), "labels": {
            label(platform): pool, "kubernetes.io/arch": "amd64", "pool": pool, "index": index.to_string(),
            "node.exoscale.net/nodepool-name": format!("np-{pool}")}},
            "spec": {"providerID": id}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    };
    let items = [node("one", 0), node("one", 1), node("two", 0), node("two", 1), node("two", 2)];
    let list = json!({"kind": "NodeList", "apiVersion": "v1", "items": items});
    node_list::read_nodes("nodes.json", list.to_string().as_bytes()).unwrap()
}

struct Options<'a> {
    pools: &'a [&'a str],
    cloud_config: Option<&'a str>,
    without_service: PoolsWithoutService,
}

const PLAIN: Options<'_> =
    Options { pools: &[], cloud_config: None, without_service: PoolsWithoutService::Exclude };

fn import(platform: &str, text: &str, options: &Options<'_>) -> Checked<Imported> {
    let platform = PLATFORMS.iter().find(|known| known.name == platform).unwrap();
    let nodes = nodes(platform);
    let discovered = discover_pools(&nodes, platform, Some(label(platform)), None).unwrap();
    let merged = merge(&Spec::new(&platform.name), &discovered, None, &MergeOptions::default()).unwrap();
    let choices: Vec<PoolChoice> =
        options.pools.iter().map(|text| PoolChoice::of_flag(text).unwrap()).collect();
    let cloud_config = options.cloud_config.map(|text| yaml::read_one("azure.json", text).unwrap());
    let input = ImportInput {
        platform,
        platforms: &PLATFORMS,
        pools: &merged.set,
        nodes: &nodes,
        selecting: &[],
        choices: &choices,
        classes: &BTreeMap::new(),
        cloud_config: cloud_config.as_ref(),
        without_service: options.without_service,
        options: ImportOptions::default(),
    };
    import_documents(yaml::read("in.yaml", text).unwrap(), input)
}

/// Returns `spec.names` and the values that the overlay keeps, or the errors.
fn shown(result: Checked<Imported>) -> String {
    match result {
        Ok(imported) => {
            let names = serde_json::to_string(&imported.names).unwrap();
            let patches =
                imported.overlays.bindings.iter().filter_map(|overlay| overlay["spec"]["patches"].as_array());
            let operations = patches.flatten().filter_map(|patch| patch["patch"].as_array()).flatten();
            let kept: Vec<String> = operations
                .map(|operation| match operation["op"].as_str() {
                    Some("remove") => "-".to_owned(),
                    _ => operation["value"].as_str().unwrap_or_default().to_owned(),
                })
                .collect();
            if kept.is_empty() { names } else { format!("{names} keeps {}", kept.join(" | ")) }
        }
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

fn imported(platform: &str, text: &str) -> String {
    shown(import(platform, text, &PLAIN))
}

/// Returns a Service with annotations and additional lines.
fn service(name: &str, annotations: &[(&str, &str)], spec: &str) -> String {
    let annotations: serde_json::Map<String, Value> =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  annotations: {}\nspec:\n  type: LoadBalancer\n  selector: {{app: web}}\n  ports: [{{port: 80}}]\n{spec}",
        Value::Object(annotations)
    )
}

const LIVE: &str = "  clusterIP: 10.0.0.1\nstatus: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n";
const TWO: &str = r#"{"web":{"two":"web"}}"#;

#[test]
fn bindings_in_any_form_are_read_as_the_controller_reads_them() {
    let aws_class = "  loadBalancerClass: service.k8s.aws/nlb\n";
    let target = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type";
    for (platform, annotations, spec, kept) in [
        ("hetzner", &[(HETZNER, "hcloud/node-group=two")][..], "", ""),
        ("hetzner", &[(HETZNER, " hcloud/node-group = two ")], "", " hcloud/node-group = two "),
        ("hetzner", &[(HETZNER, "hcloud/node-group==two")], "", "hcloud/node-group==two"),
        ("hetzner", &[(HETZNER, "hcloud/node-group in (two)")], "", "hcloud/node-group in (two)"),
        ("hetzner", &[(HETZNER, "hcloud/node-group in (two, gone)")], "", "hcloud/node-group in (two, gone)"),
        ("hetzner", &[(HETZNER, "hcloud/node-group!=one")], "", "hcloud/node-group!=one"),
        ("hetzner", &[(HETZNER, "hcloud/node-group notin (one)")], "", "hcloud/node-group notin (one)"),
        (
            "hetzner",
            &[(HETZNER, "pool=two,kubernetes.io/arch=amd64")],
            "",
            "pool=two,kubernetes.io/arch=amd64",
        ),
        ("hetzner", &[(HETZNER, "pool,pool!=one,!gone")], "", "pool,pool!=one,!gone"),
        ("azure-basic", &[(AZURE, "two-set")], "", ""),
        ("azure-basic", &[(AZURE, "TWO-SET")], "", "TWO-SET"),
        ("azure-basic", &[(AZURE, "two-set,Two-Set")], "", "two-set,Two-Set"),
        ("azure-multi-slb", &[(CONFIGURATIONS, "two")], "", ""),
        ("azure-multi-slb", &[(CONFIGURATIONS, "lb-two")], "", ""),
        ("azure-multi-slb", &[(CONFIGURATIONS, " LB-two, lb-two")], "", " LB-two, lb-two"),
        ("aws-ccm", &[(AWS, "eks.amazonaws.com/nodegroup=two")], "", ""),
        ("aws-ccm", &[(AWS, "pool=two, kubernetes.io/arch")], "", "pool=two, kubernetes.io/arch"),
        ("aws-lbc", &[(AWS, "eks.amazonaws.com/nodegroup=two")], aws_class, "-"),
        ("aws-lbc", &[(AWS, "eks.amazonaws.com/nodegroup=two"), (target, "instance")], aws_class, ""),
        ("aws-lbc", &[(AWS, "pool=two"), (target, "instance")], "", "- | pool=two"),
        ("oci-lb", &[(OCI, "name=two")], "", "-"),
        ("oci-lb", &[(OCI, "name=two"), ("oci.oraclecloud.com/load-balancer-type", "LB")], "", "LB"),
        ("ovh", &[("loadbalancer.openstack.org/node-selector", "nodepool=two")], "", "-"),
        ("exoscale", &[(EXOSCALE, "np-two")], "", "-"),
        (
            "exoscale",
            &[
                (EXOSCALE, "NP-Two"),
                ("service.beta.kubernetes.io/exoscale-loadbalancer-sks-cluster-name", "c1"),
            ],
            "",
            "",
        ),
        (
            "upcloud",
            &[(UPCLOUD, r#"{"matchlabels":{"pool":"two"}}"#)],
            "",
            r#"{"matchlabels":{"pool":"two"}}"#,
        ),
        (
            "tencent",
            &[(
                "service.kubernetes.io/qcloud-loadbalancer-backends-label",
                "tke.cloud.tencent.com/nodepool-id in (two)",
            )],
            "",
            "",
        ),
    ] {
        let expected = if kept.is_empty() { TWO.to_owned() } else { format!("{TWO} keeps {kept}") };
        for live in ["", LIVE] {
            let text = service("web", annotations, &format!("{spec}{live}"));
            assert_eq!(imported(platform, &text), expected, "{platform} {annotations:?} {live}");
        }
    }
}

/// A value that a Service of a cluster has is real, so it stays as it is.
#[test]
fn only_the_placeholder_of_a_file_is_replaced() {
    let stated = Options { pools: &["web=two"], ..PLAIN };
    let of =
        |spec: &str| shown(import("azure-basic", &service("web", &[(AZURE, "{VM set}")], spec), &stated));
    assert_eq!(of(""), TWO);
    assert_eq!(of(LIVE), format!("{TWO} keeps {{VM set}}"));
}

#[test]
fn a_pool_without_nodes_is_known_if_the_binding_names_it() {
    let burst = |value: &str, vm_set: Option<&str>| {
        vec![EmptyPool { value: value.to_owned(), vm_set: vm_set.map(str::to_owned) }]
    };
    for (platform, annotations, choice, expected) in [
        ("hetzner", &[(HETZNER, "hcloud/node-group==burst")][..], "web=burst", burst("burst", None)),
        ("hetzner", &[(HETZNER, "hcloud/node-group==burst")], "shop/web=burst", burst("burst", None)),
        ("hetzner", &[(HETZNER, "hcloud/node-group==burst")], "blog/web=burst", vec![]),
        ("hetzner", &[(HETZNER, "hcloud/node-group==burst")], "api=burst", vec![]),
        ("hetzner", &[(HETZNER, "hcloud/node-group==burst")], "web=brst", vec![]),
        ("hetzner", &[(HETZNER, "hcloud/node-group==two")], "web=two", vec![]),
        ("hetzner", &[], "web=burst", vec![]),
        (
            "azure-basic",
            &[(AZURE, "burst-availabilitySet-1")],
            "web=burst",
            burst("burst", Some("burst-availabilitySet-1")),
        ),
        ("azure-multi-slb", &[(CONFIGURATIONS, "lb-burst")], "web=burst", burst("burst", None)),
        ("aws-lbc", &[(AWS, "eks.amazonaws.com/nodegroup=burst")], "web=burst", burst("burst", None)),
        ("oci-lb", &[(OCI, "name=burst")], "web=burst", burst("burst", None)),
    ] {
        let platform = PLATFORMS.iter().find(|known| known.name == platform).unwrap();
        let discovered = discover_pools(&nodes(platform), platform, Some(label(platform)), None).unwrap();
        let merged = merge(&Spec::new(&platform.name), &discovered, None, &MergeOptions::default()).unwrap();
        let choices = [PoolChoice::of_flag(choice).unwrap()];
        let documents = yaml::read("in.yaml", &service("web", annotations, LIVE)).unwrap();
        let found = empty_pools(&documents, &choices, platform, &merged.set, Some("shop"));
        assert_eq!(found, expected, "{} {annotations:?} {choice}", platform.name);
    }
}

#[test]
fn bindings_that_do_not_select_the_nodes_of_one_pool_are_refused() {
    let all = "the 2 nodes of pool one and the 3 nodes of pool two";
    let lbc = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type";
    for (platform, annotations, does) in [
        ("hetzner", &[(HETZNER, "pool in (one, two)")][..], format!("selects {all}")),
        ("hetzner", &[(HETZNER, "kubernetes.io/arch=amd64")], format!("selects {all}")),
        ("hetzner", &[(HETZNER, "pool=two,index!=0")], "selects 2 of 3 nodes of pool two".to_owned()),
        ("hetzner", &[(HETZNER, "index=0")], "selects 1 of 2 nodes of pool one and 1 of 3 nodes of pool two".to_owned()),
        ("hetzner", &[(HETZNER, "pool=three")], "selects no node".to_owned()),
        ("hetzner", &[(HETZNER, "pool=Two")], "selects no node".to_owned()),
        ("hetzner", &[(HETZNER, "pool two")], "selects no node: the controller cannot read it".to_owned()),
        ("azure-basic", &[(AZURE, "one-set,two-set")], "names several, of which the controller uses one: one-set (the 2 nodes of pool one), two-set (the 3 nodes of pool two)".to_owned()),
        ("azure-basic", &[(AZURE, "two-set,")], "contains ``, which does not match one pool".to_owned()),
        ("azure-basic", &[(AZURE, "__auto__")], "lets the cloud choose the nodes".to_owned()),
        ("azure-basic", &[(AZURE, "three-set")], "does not match one pool".to_owned()),
        ("azure-multi-slb", &[(CONFIGURATIONS, "kubernetes")], "does not match one pool".to_owned()),
        ("azure-multi-slb", &[(CONFIGURATIONS, "one,two")], "names several".to_owned()),
        // The controller ignores the keys in camel case.
        ("upcloud", &[(UPCLOUD, r#"{"matchLabels":{"pool":"two"}}"#)], format!("selects {all}")),
        ("oci-lb", &[(OCI, "name=two"), ("oci.oraclecloud.com/load-balancer-type", "NLB")], "selects no node: the controller ignores a Service".to_owned()),
        ("oci-nlb", &[("oci-network-load-balancer.oraclecloud.com/node-label-selector", "name=two")], "selects no node: the controller requires".to_owned()),
        ("aws-lbc", &[(AWS, "pool=two"), (lbc, "ip")], "selects no node: the controller ignores a Service".to_owned()),
        ("exoscale", &[(EXOSCALE, "gone")], "does not match one pool".to_owned()),
        ("metallb-l2", &[("metallb.io/address-pool", "web-two")], "selects no node: no L2Advertisement applies".to_owned()),
    ] {
        for live in ["", LIVE] {
            let messages = imported(platform, &service("web", annotations, live));
            let expected = format!("which {does}");
            assert!(
                messages.contains("cannot decide the pool of Service web")
                    && messages.contains(&expected)
                    && messages.lines().count() == 1,
                "{platform} {annotations:?}: {messages}"
            );
            let options = Options { pools: &["web=two"], ..PLAIN };
            let stated = shown(import(platform, &service("web", annotations, live), &options));
            assert!(stated.starts_with(TWO), "{platform}: {stated}");
            let kept = annotations.iter().all(|(_, value)| stated.contains(value));
            // `render` writes these values: from `spec.settings`, from `spec.pools.loadBalancers`, or those of every Service.
            let is_written = ["exoscale", "oci-lb", "oci-nlb"].contains(&platform) || stated == TWO;
            assert!(kept || is_written, "{platform}: {stated}");
        }
    }
}

#[test]
fn bindings_of_other_platforms_are_refused() {
    let of_hetzner = imported("azure-basic", &service("web", &[(HETZNER, "pool=two")], ""));
    assert!(of_hetzner.contains("is `pool=two`, which does not name one pool"), "{of_hetzner}");
    let class = |class: &str| service("web", &[("a", "b")], &format!("  loadBalancerClass: {class}\n"));
    for (platform, found) in [("hetzner", "service.k8s.aws/nlb"), ("aws-lbc", "eks.amazonaws.com/nlb")] {
        assert!(imported(platform, &class(found)).contains(&format!("is `{found}`")), "{platform}");
    }
}

#[test]
fn objects_that_select_nodes_are_read() {
    let advertisement = "---\napiVersion: metallb.io/v1beta1\nkind: L2Advertisement\nmetadata: {name: a}\nspec: {ipAddressPools: [blue], nodeSelectors: [{matchLabels: {pool: two}}]}\n";
    let text = service("web", &[("metallb.io/address-pool", "blue")], "") + advertisement;
    assert_eq!(imported("metallb-l2", &text), format!("{TWO} keeps blue"));
    let old = service("web", &[("metallb.universe.tf/address-pool", "blue")], "") + advertisement;
    assert_eq!(imported("metallb-l2", &old), format!("{TWO} keeps - | blue"));
}

#[test]
fn a_single_service_for_everything() {
    let web = |spec: &str| service("web", &[("load-balancer.hetzner.cloud/location", "fsn1")], spec);
    assert!(imported("hetzner", &web(LIVE)).contains("is in use (`status.loadBalancer.ingress[0]` is set) but has no binding and selects the 2 nodes of pool one and the 3 nodes of pool two"));
    // A file from which all pools are copied.
    assert_eq!(imported("hetzner", &web("")), "{}");
    let stated = Options { pools: &["web=one"], ..PLAIN };
    let result = import("hetzner", &web(LIVE), &stated).unwrap();
    assert!(
        result.changes.iter().any(|change| change.contains(
            "keeps 5 nodes behind its load balancer for now; as the Service of pool one it will have 2 nodes"
        )),
        "{:?}",
        result.changes
    );
    assert_eq!(result.exclude, ["two"]);
    assert_eq!(shown(Ok(result)), r#"{"web":{"one":"web"}} keeps -"#);
    let all = Options { without_service: PoolsWithoutService::Include, ..stated };
    assert!(import("hetzner", &web(LIVE), &all).unwrap().exclude.is_empty());
}

#[test]
fn placeholders_are_decided_by_numbers_or_refused() {
    let two = |binding: &[(&str, &str)], names: [&str; 2], spec: &str| {
        names.map(|name| service(name, binding, spec)).concat()
    };
    for binding in [&[(AZURE, "{可用性セット名}")][..], &[(AZURE, "<name of the VM set>")], &[("a", "b")]]
    {
        let refused = imported("azure-basic", &two(binding, ["web-1", "web-2"], ""));
        assert_eq!(refused.matches("cannot decide the pool of Service web-").count(), 2, "{refused}");
        let in_use = imported("azure-basic", &two(binding, ["web-1", "web-2"], LIVE));
        assert_eq!(in_use.matches("is in use").count(), 2, "{in_use}");
    }
    let options = Options { pools: &["web-1=one", "web-2=two"], ..PLAIN };
    let text = two(&[(AZURE, "{name}")], ["web-1", "web-2"], "");
    let names = r#"{"web":{"one":"web-1","two":"web-2"}}"#;
    assert_eq!(shown(import("azure-basic", &text, &options)), names, "no placeholder is kept");
    let single = imported("azure-basic", &service("web", &[(AZURE, "{name}")], ""));
    assert!(single.contains("its binding is the placeholder `{name}`"), "{single}");
    // JSON, as in the binding of upcloud, is not a placeholder.
    for text in [r#"{"matchLabels":{"a":"b"}}"#, "{}", "{a=b}"] {
        assert!(!bindings::is_placeholder(text), "{text}");
    }
}

#[test]
fn labels_and_flags_state_the_pool() {
    let labeled = |pool: &str, value: &str| {
        service("web", &[(HETZNER, value)], "")
            .replace("  annotations", &format!("  labels: {{largescale.dev/pool: {pool}}}\n  annotations"))
    };
    assert_eq!(imported("hetzner", &labeled("two", "pool in (two)")), format!("{TWO} keeps pool in (two)"));
    for (pool, value, error) in [
        ("too", "x", "is `too`, but this pool does not exist, did you mean `two`?"),
        ("one", "pool=two", "is `one`, but its binding selects two"),
    ] {
        let messages = imported("hetzner", &labeled(pool, value));
        assert!(messages.ends_with(error), "{messages}");
    }
    let both = service("web", &[(HETZNER, "x")], "").replace("  name: web", "  name: web\n  namespace: shop")
        + &service("web", &[(HETZNER, "y")], "").replace("  name: web", "  name: web\n  namespace: blog");
    for (text, flags, error) in [
        (
            labeled("two", "x"),
            &["web=one"][..],
            "--pool says that Service web is of pool one, but its label names two",
        ),
        (service("web", &[(HETZNER, "pool=two")], ""), &["web=one"], "but its binding selects two"),
        (
            service("web", &[(HETZNER, "x")], ""),
            &["wbe=one"],
            "--pool names Service wbe, which does not exist, did you mean `web`?",
        ),
        (
            service("web", &[(HETZNER, "x")], ""),
            &["web=onne"],
            "names pool `onne`, which does not exist, did you mean `one`?",
        ),
        (
            service("web", &[(HETZNER, "x")], ""),
            &["web=one", "web=two"],
            "--pool states the pool of Service web twice",
        ),
        (both.clone(), &["web=one"], "--pool web=one fits 2 Services"),
        (both.clone(), &["shop/web=one", "x/web=two"], "--pool names Service x/web, which does not exist"),
    ] {
        let messages = shown(import("hetzner", &text, &Options { pools: flags, ..PLAIN }));
        assert!(messages.contains(error), "{flags:?}: {messages}");
    }
    let options = Options { pools: &["shop/web=one", "blog/web=two"], ..PLAIN };
    assert_eq!(
        shown(import("hetzner", &both, &options)),
        r#"{"blog/web":{"two":"web"},"shop/web":{"one":"web"}} keeps x | y"#
    );
}

#[test]
fn namespaces_are_in_the_keys_if_their_services_differ() {
    let web = |namespace: &str, value: &str| {
        service("web", &[(HETZNER, value)], "")
            .replace("  name: web", &format!("  name: web\n  namespace: {namespace}"))
    };
    let result = import(
        "hetzner",
        &(web("shop", "hcloud/node-group=one") + &web("blog", "hcloud/node-group=two")),
        &PLAIN,
    )
    .unwrap();
    assert_eq!(
        serde_json::to_string(&(&result.names, &result.exclude, &result.exclude_for)).unwrap(),
        r#"[{"blog/web":{"two":"web"},"shop/web":{"one":"web"}},[],{"blog/web":["one"],"shop/web":["two"]}]"#
    );
    assert_eq!(result.namespace, None);
    let same = web("shop", "hcloud/node-group=one") + &web("blog", "hcloud/node-group=one");
    assert_eq!(imported("hetzner", &same), r#"{"web":{"one":"web"}}"#);
    assert_eq!(
        import("hetzner", &web("shop", "pool=one"), &PLAIN).unwrap().namespace.as_deref(),
        Some("shop")
    );
}

#[test]
fn pools_without_a_service_are_excluded() {
    let (one, two) = ([(HETZNER, "pool=one")], [(HETZNER, "pool=two")]);
    let api = |binding: &[(&str, &str)]| service("api", binding, "").replace("port: 80", "port: 81");
    let shown = |text: &str| {
        let result = import("hetzner", text, &PLAIN).unwrap();
        serde_json::to_string(&(&result.names, &result.exclude, &result.exclude_for)).unwrap()
    };
    let web = service("web-1", &one, "") + &service("web-2", &two, "");
    assert_eq!(shown(&web), r#"[{"web":{"one":"web-1","two":"web-2"}},[],{}]"#);
    assert_eq!(shown(&service("web", &one, "")), r#"[{"web":{"one":"web"}},["two"],{}]"#);
    assert_eq!(
        shown(&(web.clone() + &api(&two))),
        r#"[{"api":{"two":"api"},"web":{"one":"web-1","two":"web-2"}},[],{"api":["one"]}]"#
    );
    // A template is copied for all pools.
    let template = service("new", &[("a", "b")], "").replace("port: 80", "port: 82");
    assert_eq!(
        shown(&(service("web", &one, "") + &template)),
        r#"[{"web":{"one":"web"}},[],{"web":["two"]}]"#
    );
    // Two equal Services of one pool.
    assert_eq!(
        shown(&(service("web-a", &one, "") + &service("web-b", &one, "") + &service("web-c", &two, ""))),
        r#"[{"web":{"one":"web-a","two":"web-c"},"web-b":{"one":"web-b"}},[],{"web-b":["two"]}]"#
    );
}
