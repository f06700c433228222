//! A server that misbehaves. Each fault has a message of its own, and no wait is without end.

use std::io::Write;
use std::net::{Shutdown, TcpListener};
use std::time::{Duration, Instant};

use largescale::cluster::{Cluster, ClusterFlags, Environment, Limits, Problem};

use crate::fake_server::{FakeServer, Framing, Reply};
use crate::node_pages::page_of_nodes;
use crate::setup::{cluster, cluster_within, connect, flags_for, kept, problem, short, shown};

const A_NODE: &str = r#"{"kind":"NodeList","metadata":{},"items":[{"metadata":{"name":"node-1"}}]}"#;

/// The message and the hint of a server that always answers the same.
#[track_caller]
fn check(reply: Reply, message: &str, hint: &str) {
    let server = FakeServer::always(reply);
    let expected = format!("error: cannot list nodes at {}: {message}\nhint: {hint}", server.url());
    assert_eq!(shown(cluster(&server).nodes()), expected);
}

const NOT_THE_SERVER: &str = "is this the API server? Check its address and the proxies on the way";

#[test]
fn a_web_page() {
    check(Reply::html(200), "a web page came instead of JSON (status 200)", NOT_THE_SERVER);
    check(Reply::html(502), "a web page came instead of JSON (status 502)", NOT_THE_SERVER);
    check(Reply::html(404), "a web page came instead of JSON (status 404)", NOT_THE_SERVER);
}

#[test]
fn a_redirect_to_a_login_page() {
    let reply = Reply::html(302).with("Location", "https://login.example.com/authorize?secret=s3cret");
    check(reply, "it redirects to login.example.com", NOT_THE_SERVER);
}

#[test]
fn plain_text() {
    check(Reply::json(200, "ok"), "the answer is not JSON (status 200)", NOT_THE_SERVER);
    check(Reply::json(200, "{oops}"), "the answer is not JSON (status 200)", NOT_THE_SERVER);
    let reply = Reply { headers: vec![], ..Reply::json(404, "404 page not found\n") };
    check(reply, "the answer is not JSON (status 404: 404 page not found)", NOT_THE_SERVER);
    let reply =
        Reply { headers: vec![], ..Reply::json(400, "Client sent an HTTP request to an HTTPS server.\n") };
    check(
        reply,
        "the answer is not JSON (status 400: Client sent an HTTP request to an HTTPS server.)",
        "the server speaks TLS: write https:// in its address",
    );
}

#[test]
fn another_kind() {
    let pods = A_NODE.replace("NodeList", "PodList");
    check(Reply::json(200, pods), "the answer is a `PodList`, not a NodeList", NOT_THE_SERVER);
    check(Reply::json(200, "{}"), "the answer is JSON without a kind, not a NodeList", NOT_THE_SERVER);
    let status = r#"{"kind":"Status","metadata":{},"items":7}"#;
    check(Reply::json(200, status), "the answer is a `Status`, not a NodeList", NOT_THE_SERVER);
    let odd = r#"{"kind":"NodeList","items":[{"metadata":{"name":["s3cret"]}}]}"#;
    check(
        Reply::json(200, odd),
        "the answer is a `NodeList` of another form (line 1, column 48), not a NodeList",
        NOT_THE_SERVER,
    );
}

#[test]
fn nothing() {
    check(Reply::json(200, ""), "the answer is empty (status 200)", NOT_THE_SERVER);
    check(Reply::json(500, ""), "the answer is empty (status 500)", NOT_THE_SERVER);
}

#[test]
fn half_an_answer() {
    let hint = "try again; a proxy on the way may limit the size or duration of answers";
    let message = "the answer was cut off after 40 bytes";
    check(Reply::json(200, A_NODE).framed(Framing::CutAfter(40)), message, hint);
    check(Reply::json(200, A_NODE).framed(Framing::ChunkedCutAfter(40)), message, hint);
    check(Reply::json(200, &A_NODE[..40]), message, hint);
}

#[test]
fn bad_packing() {
    let message = "the answer cannot be unpacked: it is not the gzip that it says it is";
    let hint = "try --disable-compression";
    check(Reply::json(200, A_NODE).with("Content-Encoding", "gzip"), message, hint);
    check(Reply::json(200, crate::listing::gzip(A_NODE.as_bytes())), message, hint);
    let half = &crate::listing::gzip(A_NODE.as_bytes())[..50];
    check(Reply::json(200, half).with("Content-Encoding", "gzip"), message, hint);
}

#[test]
fn too_much() {
    let server = FakeServer::start(|_, request| page_of_nodes(500, request));
    let result = cluster_within(&server, Limits { answer_bytes: 1 << 20, ..short() }).nodes();
    assert_eq!(problem(result), Problem::TooLarge { limit: 1 << 20 });
}

#[test]
fn too_much_when_unpacked() {
    let server = FakeServer::start(|_, request| {
        let page = page_of_nodes(500, request);
        Reply { body: crate::listing::gzip(&page.body), ..page }.with("Content-Encoding", "gzip")
    });
    let result = cluster_within(&server, Limits { answer_bytes: 1 << 20, ..short() }).nodes();
    assert_eq!(problem(result), Problem::TooLarge { limit: 1 << 20 });
}

#[test]
fn unauthorized() {
    check(
        Reply::status(401, "Unauthorized", "Unauthorized"),
        "the credentials were not accepted",
        "they may have expired: log in again, or fetch a new kubeconfig",
    );
}

#[test]
fn forbidden() {
    let said = r#"nodes is forbidden: User "nobody" cannot list resource "nodes" in API group "" at the cluster scope"#;
    let hint = "ask for a role that allows it; `kubectl auth can-i list nodes` tells";
    check(Reply::status(403, "Forbidden", said), "user `nobody` may not list nodes", hint);
    let azure = format!("{said}: User does not have access to the resource in Azure.");
    check(
        Reply::status(403, "Forbidden", &azure),
        "user `nobody` may not list nodes: User does not have access to the resource in Azure.",
        hint,
    );
    check(Reply::status(403, "Forbidden", "no way"), "this user may not list nodes: no way", hint);
    let said = r#"users "x" is forbidden: User "nobody" cannot impersonate resource "users" in API group "" at the cluster scope"#;
    check(
        Reply::status(403, "Forbidden", said),
        "user `nobody` may not impersonate users",
        "ask for a role that allows it; `kubectl auth can-i impersonate users` tells",
    );
    check(Reply::html(403), "a web page came instead of JSON (status 403)", NOT_THE_SERVER);
}

#[test]
fn an_internal_error_is_not_tried_again() {
    let server =
        FakeServer::always(Reply::status(500, "InternalError", "etcdserver:\nleader\u{1b}[31m changed"));
    let expected = format!(
        "error: cannot list nodes at {}: the server answered with status 500: etcdserver: leader [31m changed",
        server.url()
    );
    assert_eq!(shown(cluster(&server).nodes()), expected, "control characters do not reach the terminal");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    let server = FakeServer::start(|number, request| match number {
        0 => Reply::status(429, "TooManyRequests", "slow down").with("Retry-After", "1"),
        _ => page_of_nodes(2, request),
    });
    let began = Instant::now();
    let limits = Limits { give_up: Duration::from_secs(5), ..short() };
    assert_eq!(cluster_within(&server, limits).nodes().unwrap().len(), 2);
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_server_that_wants_a_long_pause_is_given_up_at_once() {
    let reply = Reply::status(429, "TooManyRequests", "slow down").with("Retry-After", "60");
    check(reply, "the server is busy (status 429: slow down)", "the server asks to try again in 60 s");
}

#[test]
fn a_server_that_is_busy_for_a_moment_is_waited_for() {
    let server = FakeServer::start(|number, request| match number {
        0 => Reply::status(503, "ServiceUnavailable", "starting"),
        1 => Reply::html(504),
        _ => page_of_nodes(2, request),
    });
    assert_eq!(cluster(&server).nodes().unwrap().len(), 2);
}

#[test]
fn a_server_that_is_busy_for_ever_is_given_up() {
    let server = FakeServer::always(Reply::status(503, "ServiceUnavailable", "starting"));
    let (notice, told) = kept();
    let limits = Limits { notice_after: Duration::from_millis(100), ..short() };
    let cluster =
        Cluster::connect_within(&flags_for(&server), notice, &Environment::default(), limits).unwrap();
    let began = Instant::now();
    let Problem::GaveUp { tries, last, .. } = problem(cluster.nodes()) else { panic!("it did not give up") };
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(usize::try_from(tries).unwrap(), server.seen().len());
    // 5, 10, 20 and then 40 ms, until 300 ms are over.
    assert!((4..=10).contains(&tries), "{tries}");
    assert_eq!(last.to_string(), "the server is busy (status 503: starting)");
    let told = told.lock().unwrap();
    assert!(
        told.iter().all(|text| text.starts_with(&format!("waiting for {} (503, try ", server.url()))),
        "{told:?}"
    );
    assert!(!told.is_empty());
}

#[test]
fn giving_up_says_for_how_long_it_tried() {
    let gave_up =
        Problem::GaveUp { tries: 9, after: Duration::from_secs(15), last: Box::new(Problem::Closed) };
    let expected = "the connection ended before an answer came; gave up after 9 tries in 15 s";
    assert_eq!(gave_up.to_string(), expected);
}

#[test]
fn a_connection_that_ends_before_the_answer_is_made_anew() {
    let server = FakeServer::start(|number, request| match number {
        0 => Reply::json(200, "").framed(Framing::Silence),
        _ => page_of_nodes(2, request),
    });
    assert_eq!(cluster(&server).nodes().unwrap().len(), 2);
    let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 1]);
}

#[test]
fn connections_that_always_end_are_given_up() {
    let server = FakeServer::always(Reply::json(200, "").framed(Framing::Silence));
    let Problem::GaveUp { last, .. } = problem(cluster(&server).nodes()) else {
        panic!("it did not give up")
    };
    assert_eq!(*last, Problem::Closed);
}

#[test]
fn nobody_listens() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let flags = ClusterFlags { server: Some(format!("http://{free}")), ..ClusterFlags::default() };
    let result = connect(&flags, &Environment::default()).unwrap().nodes();
    let Problem::GaveUp { ref last, .. } = problem(result) else {
        panic!("a restarted server is waited for")
    };
    assert_eq!(**last, Problem::Refused);
    let hint = "is the server running, and is this its address? A tunnel or VPN may be down";
    assert_eq!(last.hint().as_deref(), Some(hint));
}

#[test]
fn no_such_host() {
    let flags =
        ClusterFlags { server: Some("https://no-such-host.invalid".into()), ..ClusterFlags::default() };
    let expected = "error: cannot list nodes at https://no-such-host.invalid: the host name cannot be resolved\n\
                    hint: check the server's address; a VPN may be down";
    assert_eq!(shown(connect(&flags, &Environment::default()).unwrap().nodes()), expected);
}

#[test]
fn a_slow_server() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request).after(Duration::from_millis(900)));
    let limits = Limits { read: Some(Duration::from_millis(200)), ..short() };
    let began = Instant::now();
    let expected = format!(
        "error: cannot list nodes at {}: waiting for the server took longer than 0.2 s\n\
         hint: give it more time with --request-timeout",
        server.url()
    );
    assert_eq!(shown(cluster_within(&server, limits).nodes()), expected);
    assert!(began.elapsed() < Duration::from_millis(800));
}

#[test]
fn a_request_timeout() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request).after(Duration::from_millis(900)));
    let flags = ClusterFlags { request_timeout: Some(Duration::from_millis(200)), ..flags_for(&server) };
    let result = connect(&flags, &Environment::default()).unwrap().nodes();
    assert_eq!(problem(result), Problem::TimedOut { what: "the answer", limit: Duration::from_millis(200) });
}

/// The problem with a server that says one thing to everyone and hangs up.
fn problem_with(scheme: &str, words: &'static str) -> Problem {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream?;
            stream.write_all(words.as_bytes())?;
            // Closing with something unread would take back what was written.
            stream.shutdown(Shutdown::Write)?;
            std::io::copy(&mut stream, &mut std::io::sink())?;
        }
        std::io::Result::Ok(())
    });
    let flags = ClusterFlags { server: Some(format!("{scheme}://{address}")), ..ClusterFlags::default() };
    problem(connect(&flags, &Environment::default()).unwrap().nodes())
}

#[test]
fn tls_where_there_is_none() {
    for words in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let problem = problem_with("https", words);
        assert!(matches!(&problem, Problem::Tls(_)), "{words}: {problem:?}");
        assert_eq!(
            problem.hint().as_deref(),
            Some("the server may not speak TLS: try http:// in its address")
        );
    }
}

#[test]
fn not_http_at_all() {
    let problem = problem_with("http", "SSH-2.0-OpenSSH_9.9\r\n");
    assert!(matches!(&problem, Problem::Unreachable(_)), "{problem:?}");
}

#[test]
fn a_proxy_that_refuses() {
    let proxy = FakeServer::always(Reply::html(403));
    let target = FakeServer::always(Reply::json(200, A_NODE));
    let with_password = proxy.url().replace("http://", "http://user:s3cret@");
    let flags = ClusterFlags { proxy_url: Some(with_password), ..flags_for(&target) };
    let text = shown(connect(&flags, &Environment::default()).unwrap().nodes());
    assert!(
        text.contains(&format!("the proxy {} failed: ", proxy.url())) && !text.contains("s3cret"),
        "{text}"
    );
    let seen = &proxy.seen()[0];
    assert!(seen.line.starts_with(&target.url().replace("http://", "CONNECT ")), "{seen:?}");
    assert_eq!(seen.header("proxy-authorization").len(), 1);
    assert!(target.seen().is_empty());
}

#[test]
fn a_proxy_that_is_not_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let environment = Environment { http_proxy: Some(format!("http://{free}")), ..Environment::default() };
    let flags = ClusterFlags { server: Some("http://api.example.com".into()), ..ClusterFlags::default() };
    let text = shown(connect(&flags, &environment).unwrap().nodes());
    assert!(
        text.contains(&format!("the proxy http://{free} failed: ")) && text.contains("HTTPS_PROXY"),
        "{text}"
    );
}
