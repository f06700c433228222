//! The cluster shell with a real API server: what a fake server cannot prove.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use http::Request;
use largescale::cluster::{Cluster, ClusterFlags, Environment, Identity, Problem};
use serde_json::{Value, json};

use crate::control_plane::ApiServer;
use crate::setup::{connect, problem, shown};

const NODES: usize = 5_000;

/// Gets the server, or returns from the test if there is none.
macro_rules! server_or_skip {
    () => {
        match ApiServer::shared() {
            Some(server) => server,
            None => return,
        }
    };
}

fn cluster(flags: &ClusterFlags) -> Cluster {
    connect(flags, &Environment::default()).unwrap()
}

/// Does something as the administrator, through kube directly, so that it does not depend on the tested code.
pub(crate) fn as_administrator<T>(server: &ApiServer, what: impl AsyncFnOnce(kube::Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let kubeconfig = kube::config::Kubeconfig::read_from(&server.kubeconfig).unwrap();
        let client = kube::Client::try_from(kube::Config::try_from(kubeconfig).unwrap()).unwrap();
        what(client).await
    })
}

pub(crate) async fn create(client: &kube::Client, path: &str, object: Value) {
    let request =
        Request::post(path).header("Content-Type", "application/json").body(object.to_string().into_bytes());
    client.request::<Value>(request.unwrap()).await.unwrap();
}

/// Creates nodes in ten pools, once.
pub(crate) fn with_nodes(server: &ApiServer) {
    const WORKERS: usize = 16;
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        as_administrator(server, async |client| {
            let workers: Vec<_> = (0..WORKERS)
                .map(|worker| {
                    let client = client.clone();
                    tokio::spawn(async move {
                        for number in (worker..NODES).step_by(WORKERS) {
                            create(&client, "/api/v1/nodes", node(number)).await;
                        }
                    })
                })
                .collect();
            for worker in workers {
                worker.await.unwrap();
            }
        });
    });
}

fn node(number: usize) -> Value {
    let pool = number % 10;
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": format!("aks-pool{pool}-12345678-vmss{number:06}"),
            "labels": {"agentpool": format!("pool{pool}"), "kubernetes.io/os": "linux"},
        },
        "spec": {"providerID": format!("azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/pool{pool}/virtualMachines/{number}")},
        "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "Fake",
            "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
    })
}

/// Allows the group `readers` to list nodes and nothing else, once.
pub(crate) fn with_readers(server: &ApiServer) {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        as_administrator(server, async |client| {
            const API: &str = "rbac.authorization.k8s.io";
            let role = json!({"apiVersion": format!("{API}/v1"), "kind": "ClusterRole", "metadata": {"name": "list-nodes"},
                "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]});
            create(&client, &format!("/apis/{API}/v1/clusterroles"), role).await;
            let binding = json!({"apiVersion": format!("{API}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "readers"},
                "roleRef": {"apiGroup": API, "kind": "ClusterRole", "name": "list-nodes"},
                "subjects": [{"apiGroup": API, "kind": "Group", "name": "readers"}]});
            create(&client, &format!("/apis/{API}/v1/clusterrolebindings"), binding).await;
        });
        // The authorizer learns of a new role after a moment.
        let reader = cluster(&server.flags("reader-token"));
        let learned = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            reader.nodes().is_ok()
        });
        assert!(learned, "the role has no effect");
    });
}

#[test]
fn five_thousand_nodes() {
    let server = server_or_skip!();
    with_nodes(server);
    let nodes = cluster(&server.admin()).nodes().unwrap();
    assert_eq!(nodes.len(), NODES);
    let mut pools: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &nodes {
        assert!(node.ready && !node.being_deleted, "{node:?}");
        assert!(node.provider_id.starts_with("azure:///"), "{node:?}");
        *pools.entry(node.labels.get("agentpool").unwrap()).or_default() += 1;
    }
    assert_eq!(pools.len(), 10);
    assert!(pools.values().all(|count| *count == NODES / 10), "{pools:?}");
}

#[test]
fn a_user_without_rights() {
    let server = server_or_skip!();
    let expected = format!(
        "error: cannot list nodes at {}: forbidden: user `nobody` cannot list nodes\n\
         hint: ask for a role that allows it; check with `kubectl auth can-i list nodes`",
        server.url
    );
    assert_eq!(shown(cluster(&server.flags("nobody-token")).nodes()), expected);
}

#[test]
fn a_user_who_may_list_nodes_and_nothing_else() {
    let server = server_or_skip!();
    with_readers(server);
    let cluster = cluster(&server.flags("reader-token"));
    cluster.nodes().unwrap();
    let why = "forbidden: user `reader` cannot get namespaces in namespace `kube-system`";
    assert_eq!(cluster.identity().unwrap(), Identity::Hidden(why.into()));
}

#[test]
fn an_unknown_user() {
    let server = server_or_skip!();
    let problem = problem(cluster(&server.flags("wrong-token")).nodes());
    assert_eq!(problem, Problem::Unauthorized { user: String::new(), plugin: None });
}

#[test]
fn the_identity_is_that_of_kube_system() {
    let server = server_or_skip!();
    let namespace: Value = as_administrator(server, async |client| {
        client.request(Request::get("/api/v1/namespaces/kube-system").body(vec![]).unwrap()).await.unwrap()
    });
    let uid = namespace["metadata"]["uid"].as_str().unwrap();
    assert_eq!(uid.len(), 36);
    assert_eq!(cluster(&server.admin()).identity().unwrap(), Identity::Known(uid.into()));
}

#[test]
fn impersonation() {
    let server = server_or_skip!();
    with_readers(server);
    let other = ClusterFlags { impersonate: Some("other".into()), ..server.admin() };
    let Problem::Forbidden { user, .. } = problem(cluster(&other).nodes()) else {
        panic!("listing nodes must be forbidden")
    };
    assert_eq!(user.as_deref(), Some("other"));
    let reader = ClusterFlags { impersonate_groups: vec!["readers".into()], ..other };
    cluster(&reader).nodes().unwrap();
    let not_allowed = ClusterFlags { impersonate: Some("admin".into()), ..server.flags("nobody-token") };
    let Problem::Forbidden { user, verb, .. } = problem(cluster(&not_allowed).nodes()) else {
        panic!("impersonation must be forbidden")
    };
    assert_eq!(user.as_deref(), Some("nobody"));
    // `impersonate`, or since Kubernetes 1.36 `impersonate-on:user-info:list`.
    assert!(verb.starts_with("impersonate"), "{verb}");
}

#[test]
fn a_certificate_of_an_unknown_authority() {
    let server = server_or_skip!();
    let unknown = ClusterFlags { certificate_authority: None, ..server.flags("nobody-token") };
    let expected = format!(
        "error: cannot list nodes at {}: the server's certificate is not trusted (UnknownIssuer)\nhint: name its certificate \
         authority with --certificate-authority, or the name in the certificate with --tls-server-name",
        server.url
    );
    assert_eq!(shown(cluster(&unknown).nodes()), expected);
    // Without verification, the server is reached and rejects the request itself.
    let unchecked = ClusterFlags { insecure_skip_tls_verify: Some(true), ..unknown };
    assert!(matches!(problem(cluster(&unchecked).nodes()), Problem::Forbidden { .. }));
}

#[test]
fn the_name_in_the_certificate() {
    let server = server_or_skip!();
    let named =
        |name: &str| ClusterFlags { tls_server_name: Some(name.into()), ..server.flags("nobody-token") };
    let right = problem(cluster(&named("kubernetes.default.svc")).nodes());
    assert!(matches!(right, Problem::Forbidden { .. }), "{right:?}");
    let wrong = problem(cluster(&named("another.example.com")).nodes());
    assert!(matches!(wrong, Problem::Certificate(_)), "{wrong:?}");
}

#[test]
fn http_to_a_tls_port() {
    let server = server_or_skip!();
    let plain =
        ClusterFlags { server: Some(server.url.replace("https:", "http:")), ..server.flags("nobody-token") };
    let text = shown(cluster(&plain).nodes());
    assert!(text.ends_with("hint: the server uses TLS: write https:// in its address"), "{text}");
}
