//! Nodes and identity from a server that behaves correctly.

use std::time::{Duration, Instant};

use largescale::cluster::{Cluster, ClusterFlags, Environment, Identity, Limits, Problem};

use crate::fake_server::{FakeServer, Framing, Reply};
use crate::node_pages::page_of_nodes;
use crate::setup::{cluster, cluster_within, flags_for, kept, problem, short, shown, silent};

#[test]
fn nodes_come_in_pages_of_500() {
    let server = FakeServer::start(|_, request| page_of_nodes(1001, request));
    let nodes = cluster(&server).nodes().unwrap();
    assert_eq!(nodes.len(), 1001);
    let last = &nodes[1000];
    assert_eq!(&*last.name, "aks-pool0-12345678-vmss001000");
    assert_eq!(last.labels.get("agentpool"), Some("pool0"));
    assert!(last.ready && last.provider_id.ends_with("/virtualMachines/1000"));

    let lines: Vec<_> = server.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0], "GET /api/v1/nodes?&limit=500");
    assert!(lines[1].contains("limit=500") && lines[1].contains("continue=a%2Bb"), "{lines:?}");
    assert!(server.seen().iter().all(|seen| seen.connection == 0), "the connection is reused");
}

#[test]
fn chunked_responses_are_read() {
    let server = FakeServer::start(|_, request| page_of_nodes(30, request).framed(Framing::Chunked));
    assert_eq!(cluster(&server).nodes().unwrap().len(), 30);
}

#[test]
fn a_cluster_without_nodes_is_not_an_error() {
    for items in ["[]", "null"] {
        let list = format!(r#"{{"kind":"NodeList","apiVersion":"v1","metadata":{{}},"items":{items}}}"#);
        assert_eq!(cluster(&FakeServer::always(Reply::json(200, list))).nodes().unwrap(), []);
    }
}

#[test]
fn twenty_thousand_nodes() {
    let server = FakeServer::start(|_, request| page_of_nodes(20_000, request));
    let nodes = cluster(&server).nodes().unwrap();
    assert_eq!(nodes.len(), 20_000);
    assert_eq!(server.seen().len(), 40);
    let of_pool_3 = nodes.iter().filter(|node| node.labels.get("agentpool") == Some("pool3")).count();
    assert_eq!(of_pool_3, 2_000);
}

#[test]
fn a_list_that_expires_is_read_again_from_the_beginning() {
    let server = FakeServer::start(|number, request| match number {
        1 => Reply::status(410, "Expired", "The provided continue parameter is too old"),
        _ => page_of_nodes(700, request),
    });
    let (notice, told) = kept();
    let cluster =
        Cluster::connect_within(&flags_for(&server), notice, &Environment::default(), short()).unwrap();
    let nodes = cluster.nodes().unwrap();
    assert_eq!(nodes.len(), 700, "each node once");
    let continued: Vec<_> = server.seen().iter().map(|seen| seen.parameter("continue").is_some()).collect();
    assert_eq!(continued, [false, true, false, true]);
    assert_eq!(*told.lock().unwrap(), ["the list of nodes expired during reading; reading it again"]);
}

#[test]
fn a_list_that_always_expires_is_given_up() {
    let server = FakeServer::start(|_, request| match request.parameter("continue") {
        Some(_) => Reply::status(410, "Expired", "The provided continue parameter is too old"),
        None => page_of_nodes(700, request),
    });
    let result = cluster(&server).nodes();
    assert_eq!(server.seen().len(), 8, "the first time and three more, two pages each");
    assert_eq!(
        shown(result),
        format!(
            "error: cannot list nodes at {}: the list expired during reading\nhint: try again later",
            server.url()
        )
    );
}

#[test]
fn a_list_that_does_not_end_is_given_up() {
    let list = r#"{"kind":"NodeList","metadata":{"continue":"again"},"items":[{"metadata":{"name":"a"}}]}"#;
    let server = FakeServer::always(Reply::json(200, list));
    assert_eq!(problem(cluster(&server).nodes()), Problem::Endless { items: 2 });

    let server = FakeServer::start(|number, _| Reply::json(200, list.replace("again", &number.to_string())));
    let limits = Limits { items: 10, ..short() };
    assert_eq!(problem(cluster_within(&server, limits).nodes()), Problem::Endless { items: 11 });
}

#[test]
fn pages_without_items_end() {
    for items in ["", r#","items":[]"#, r#","items":null"#] {
        let list = format!(r#"{{"kind":"NodeList","metadata":{{"continue":"again"}}{items}}}"#);
        let server =
            FakeServer::start(move |number, _| Reply::json(200, list.replace("again", &number.to_string())));
        assert_eq!(problem(cluster(&server).nodes()), Problem::Endless { items: 0 });
        assert_eq!(server.seen().len(), 101);
    }
}

#[test]
fn gzip_is_unpacked() {
    let server = FakeServer::start(|_, request| {
        assert_eq!(request.header("accept-encoding"), ["gzip"]);
        let page = page_of_nodes(3, request);
        Reply { body: gzip(&page.body), ..page }.with("Content-Encoding", "gzip")
    });
    assert_eq!(cluster(&server).nodes().unwrap().len(), 3);
}

#[test]
fn compression_can_be_switched_off() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request));
    let flags = ClusterFlags { disable_compression: Some(true), ..flags_for(&server) };
    crate::setup::connect(&flags, &Environment::default()).unwrap().nodes().unwrap();
    assert!(server.seen()[0].header("accept-encoding").is_empty());
}

#[test]
fn the_request_names_the_program_and_the_user() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request));
    cluster(&server).nodes().unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.header("authorization"), ["Bearer t0ken"]);
    let [agent] = seen.header("user-agent")[..] else { panic!("{seen:?}") };
    let expected = format!("kubectl-largescale/{} (", env!("CARGO_PKG_VERSION"));
    assert!(agent.starts_with(&expected) && agent.ends_with(')') && agent.contains('/'), "{agent}");
}

#[test]
fn impersonation_is_sent() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request));
    let flags = ClusterFlags {
        impersonate: Some("system:serviceaccount:a:b".into()),
        impersonate_groups: vec!["g1".into(), "g2".into()],
        impersonate_uid: Some("u".into()),
        ..flags_for(&server)
    };
    crate::setup::connect(&flags, &Environment::default()).unwrap().nodes().unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.header("impersonate-user"), ["system:serviceaccount:a:b"]);
    assert_eq!(seen.header("impersonate-group"), ["g1", "g2"]);
    assert_eq!(seen.header("impersonate-uid"), ["u"]);
}

#[test]
fn a_path_in_the_server_address_stays() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request));
    let flags =
        ClusterFlags { server: Some(format!("{}/k8s/clusters/c-1/", server.url())), ..flags_for(&server) };
    let cluster = crate::setup::connect(&flags, &Environment::default()).unwrap();
    cluster.nodes().unwrap();
    assert_eq!(server.seen()[0].line, "GET /k8s/clusters/c-1/api/v1/nodes?&limit=500");
    assert_eq!(cluster.server(), format!("{}/k8s/clusters/c-1", server.url()));
}

#[test]
fn the_identity_is_the_uid_of_kube_system() {
    let namespace =
        r#"{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"kube-system","uid":"u-1"},"status":{}}"#;
    let server = FakeServer::always(Reply::json(200, namespace));
    assert_eq!(cluster(&server).identity().unwrap(), Identity::Known("u-1".into()));
    assert_eq!(server.seen()[0].line, "GET /api/v1/namespaces/kube-system");
}

#[test]
fn a_hidden_identity_is_not_an_error() {
    let message = r#"namespaces "kube-system" is forbidden: User "reader" cannot get resource "namespaces" in API group "" in the namespace "kube-system""#;
    let server = FakeServer::always(Reply::status(403, "Forbidden", message));
    let why = "forbidden: user `reader` cannot get namespaces in namespace `kube-system`";
    assert_eq!(cluster(&server).identity().unwrap(), Identity::Hidden(why.into()));
}

#[test]
fn a_server_without_kube_system_is_not_a_cluster() {
    let server = FakeServer::always(Reply::status(404, "NotFound", r#"namespaces "kube-system" not found"#));
    let expected = format!(
        "error: cannot get namespace kube-system at {}: not found, so this is not a Kubernetes cluster\n\
         hint: check that this is the address of the API server",
        server.url()
    );
    assert_eq!(shown(cluster(&server).identity()), expected);
}

#[test]
fn slow_requests_report_progress() {
    let server =
        FakeServer::start(|_, request| page_of_nodes(1500, request).after(Duration::from_millis(60)));
    let (notice, told) = kept();
    let limits = Limits { notice_after: Duration::from_millis(50), ..short() };
    let cluster =
        Cluster::connect_within(&flags_for(&server), notice, &Environment::default(), limits).unwrap();
    cluster.nodes().unwrap();
    let told = told.lock().unwrap();
    assert!(told.contains(&format!("waiting for a response from {}", server.url())), "{told:?}");
    assert!(told.contains(&"reading nodes: 500, about 1000 to come".to_owned()), "{told:?}");
}

#[test]
fn a_request_timeout_of_zero_means_no_timeout() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request).after(Duration::from_millis(200)));
    let limits = Limits { read: Some(Duration::from_millis(50)), ..short() };
    let flags = ClusterFlags { request_timeout: Some(Duration::ZERO), ..flags_for(&server) };
    let cluster = Cluster::connect_within(&flags, silent(), &Environment::default(), limits).unwrap();
    let began = Instant::now();
    assert_eq!(cluster.nodes().unwrap().len(), 1);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

/// Encodes gzip without compression: one stored block for each 65,535 bytes (RFC 1951, 1952).
pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = data.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap();
        packed.push(u8::from(blocks.peek().is_none()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(block);
    }
    let checksum = data.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    });
    packed.extend((!checksum).to_le_bytes());
    packed.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    packed
}
