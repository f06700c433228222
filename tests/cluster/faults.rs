//! A server that misbehaves. Each fault has its own message, and every wait ends.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::time::{Duration, Instant};

use largescale::cluster::{
    ApiCall, Cluster, ClusterFlags, DryRun, Environment, Force, Limits, ObjectRef, Problem,
};
use largescale::core::live::Resource;
use serde_json::json;

use crate::fake_server::{FakeServer, Framing, Reply};
use crate::node_pages::page_of_nodes;
use crate::setup::{cluster, cluster_within, connect, flags_for, kept, problem, short, shown, silent};

const A_NODE: &str = r#"{"kind":"NodeList","metadata":{},"items":[{"metadata":{"name":"node-1"}}]}"#;

/// Checks the message and the hint for a server that always returns the same response.
#[track_caller]
fn check(reply: Reply, message: &str, hint: &str) {
    let server = FakeServer::always(reply);
    let expected = format!("error: cannot list nodes at {}: {message}\nhint: {hint}", server.url());
    assert_eq!(shown(cluster(&server).nodes()), expected);
}

const NOT_THE_SERVER: &str =
    "check that this is the address of the API server, and check proxies between you and the server";

#[test]
fn a_web_page() {
    check(Reply::html(200), "received a web page instead of JSON (status 200)", NOT_THE_SERVER);
    check(Reply::html(502), "received a web page instead of JSON (status 502)", NOT_THE_SERVER);
    check(Reply::html(404), "received a web page instead of JSON (status 404)", NOT_THE_SERVER);
}

#[test]
fn a_redirect_to_a_login_page() {
    let reply = Reply::html(302).with("Location", "https://login.example.com/authorize?secret=s3cret");
    check(reply, "the server redirects to login.example.com", NOT_THE_SERVER);
}

#[test]
fn plain_text() {
    check(Reply::json(200, "ok"), "the response is not JSON (status 200)", NOT_THE_SERVER);
    check(Reply::json(200, "{oops}"), "the response is not JSON (status 200)", NOT_THE_SERVER);
    let reply = Reply { headers: vec![], ..Reply::json(404, "404 page not found\n") };
    check(reply, "the response is not JSON (status 404: 404 page not found)", NOT_THE_SERVER);
    let reply =
        Reply { headers: vec![], ..Reply::json(400, "Client sent an HTTP request to an HTTPS server.\n") };
    check(
        reply,
        "the response is not JSON (status 400: Client sent an HTTP request to an HTTPS server.)",
        "the server uses TLS: write https:// in its address",
    );
}

#[test]
fn another_kind() {
    let pods = A_NODE.replace("NodeList", "PodList");
    check(Reply::json(200, pods), "the response is a `PodList`, expected a NodeList", NOT_THE_SERVER);
    check(Reply::json(200, "{}"), "the response is JSON without a kind, expected a NodeList", NOT_THE_SERVER);
    let status = r#"{"kind":"Status","metadata":{},"items":7}"#;
    check(Reply::json(200, status), "the response is a `Status`, expected a NodeList", NOT_THE_SERVER);
    let odd = r#"{"kind":"NodeList","items":[{"metadata":{"name":["s3cret"]}}]}"#;
    check(
        Reply::json(200, odd),
        "the response is a `NodeList` with unexpected fields (line 1, column 48), expected a NodeList",
        NOT_THE_SERVER,
    );
}

#[test]
fn an_empty_response() {
    check(Reply::json(200, ""), "the response is empty (status 200)", NOT_THE_SERVER);
    check(Reply::json(500, ""), "the response is empty (status 500)", NOT_THE_SERVER);
}

#[test]
fn a_truncated_response() {
    let hint = "try again; a proxy may limit the size or duration of responses";
    let message = "the response was truncated after 40 bytes";
    check(Reply::json(200, A_NODE).framed(Framing::CutAfter(40)), message, hint);
    check(Reply::json(200, A_NODE).framed(Framing::ChunkedCutAfter(40)), message, hint);
    check(Reply::json(200, &A_NODE[..40]), message, hint);
}

#[test]
fn invalid_compression() {
    let message = "cannot decompress the response: it is not valid gzip";
    let hint = "try --disable-compression";
    check(Reply::json(200, A_NODE).with("Content-Encoding", "gzip"), message, hint);
    check(Reply::json(200, crate::listing::gzip(A_NODE.as_bytes())), message, hint);
    let half = &crate::listing::gzip(A_NODE.as_bytes())[..50];
    check(Reply::json(200, half).with("Content-Encoding", "gzip"), message, hint);
}

#[test]
fn a_response_that_is_too_large() {
    let server = FakeServer::start(|_, request| page_of_nodes(500, request));
    let result = cluster_within(&server, Limits { response_bytes: 1 << 20, ..short() }).nodes();
    assert_eq!(problem(result), Problem::TooLarge { limit: 1 << 20 });
}

#[test]
fn a_response_that_is_too_large_when_decompressed() {
    let server = FakeServer::start(|_, request| {
        let page = page_of_nodes(500, request);
        Reply { body: crate::listing::gzip(&page.body), ..page }.with("Content-Encoding", "gzip")
    });
    let result = cluster_within(&server, Limits { response_bytes: 1 << 20, ..short() }).nodes();
    assert_eq!(problem(result), Problem::TooLarge { limit: 1 << 20 });
}

#[test]
fn unauthorized() {
    check(
        Reply::status(401, "Unauthorized", "Unauthorized"),
        "unauthorized: the server rejected the credentials",
        "they may have expired: log in again, or get a new kubeconfig",
    );
}

#[test]
fn forbidden() {
    let said = r#"nodes is forbidden: User "nobody" cannot list resource "nodes" in API group "" at the cluster scope"#;
    let hint = "ask for a role that allows it; check with `kubectl auth can-i list nodes`";
    check(Reply::status(403, "Forbidden", said), "forbidden: user `nobody` cannot list nodes", hint);
    let azure = format!("{said}: User does not have access to the resource in Azure.");
    check(
        Reply::status(403, "Forbidden", &azure),
        "forbidden: user `nobody` cannot list nodes: User does not have access to the resource in Azure.",
        hint,
    );
    check(Reply::status(403, "Forbidden", "no way"), "forbidden: this user cannot list nodes: no way", hint);
    let said = r#"users "x" is forbidden: User "nobody" cannot impersonate resource "users" in API group "" at the cluster scope"#;
    check(
        Reply::status(403, "Forbidden", said),
        "forbidden: user `nobody` cannot impersonate users",
        "ask for a role that allows it; check with `kubectl auth can-i impersonate users`",
    );
    check(Reply::html(403), "received a web page instead of JSON (status 403)", NOT_THE_SERVER);
}

#[test]
fn messages_about_a_secret_do_not_show_its_values() {
    let said = r#"Invalid value: "hunter2": a webhook saw aHVudGVyMg== and "pw", and not public"#;
    let warning = r#"299 - "hunter2 is weak, public is not""#;
    for (kind, plural, expected, warned) in [
        (
            "Secret",
            "secrets",
            r#"Invalid value: "<not shown>": a webhook saw <not shown> and <not shown>, and not public"#,
            "<not shown> is weak, public is not",
        ),
        ("Widget", "widgets", said, "hunter2 is weak, public is not"),
    ] {
        for (code, reason) in
            [(422, "Invalid"), (403, "Forbidden"), (409, "Conflict"), (503, "ServiceUnavailable")]
        {
            let server = FakeServer::always(Reply::status(code, reason, said).with("Warning", warning));
            let cluster = cluster(&server);
            let at = ObjectRef {
                resource: Resource::core(kind, plural),
                namespace: "web".to_owned(),
                name: "s".to_owned(),
            };
            let body = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "s"},
                "stringData": {"a": "hunter2", "b": "pw"}});
            let call =
                ApiCall::Apply { at, body, manager: "test", force: Force::Never, dry_run: DryRun::None };
            let message = problem(cluster.call(&call)).to_string();
            assert!(message.contains(expected), "{code} {kind}: {message}");
            assert_eq!(cluster.warnings(), [warned]);
        }
    }
}

#[test]
fn an_internal_error_is_not_tried_again() {
    let server =
        FakeServer::always(Reply::status(500, "InternalError", "etcdserver:\nleader\u{1b}[31m changed"));
    let expected = format!(
        "error: cannot list nodes at {}: the server returned status 500: etcdserver: leader [31m changed",
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
fn a_server_that_wants_a_long_pause_is_given_up_immediately() {
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
fn a_server_that_stays_busy_is_given_up() {
    let server = FakeServer::always(Reply::status(503, "ServiceUnavailable", "starting"));
    let (notice, told) = kept();
    let limits = Limits { notice_after: Duration::from_millis(100), ..short() };
    let cluster =
        Cluster::connect_within(&flags_for(&server), notice, &Environment::default(), limits).unwrap();
    let began = Instant::now();
    let Problem::GaveUp { tries, last, .. } = problem(cluster.nodes()) else { panic!("it did not give up") };
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(usize::try_from(tries).unwrap(), server.seen().len());
    // Pauses of 5, 10, 20 and then 40 ms, until 300 ms have passed.
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
fn giving_up_reports_the_time_and_the_tries() {
    let gave_up =
        Problem::GaveUp { tries: 9, after: Duration::from_secs(15), last: Box::new(Problem::Closed) };
    let expected = "the connection was closed before the response; gave up after 9 tries in 15 s";
    assert_eq!(gave_up.to_string(), expected);
}

#[test]
fn a_connection_that_ends_before_the_response_is_retried() {
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
fn connection_refused() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let flags = ClusterFlags { server: Some(format!("http://{free}")), ..ClusterFlags::default() };
    let result = connect(&flags, &Environment::default()).unwrap().nodes();
    let Problem::GaveUp { ref last, .. } = problem(result) else {
        panic!("a restarted server is waited for")
    };
    assert_eq!(**last, Problem::Refused);
    let hint = "check that the server is running and that this is its address; a tunnel or VPN may be down";
    assert_eq!(last.hint().as_deref(), Some(hint));
}

/// Several apps in one run: only the first one waits.
#[test]
fn a_server_that_is_away_is_waited_for_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = listener.local_addr().unwrap();
    drop(listener);
    let flags = ClusterFlags { server: Some(format!("http://{free}")), ..ClusterFlags::default() };
    let within = |refused: Duration| {
        let limits = Limits { refused, ..short() };
        Cluster::connect_within(&flags, silent(), &Environment::default(), limits).unwrap()
    };
    let first = within(Duration::from_millis(50));
    let gave_up = problem(first.nodes());
    assert!(matches!(gave_up, Problem::GaveUp { .. }), "{gave_up:?}");
    // With another wait, this would take an hour.
    let second = within(Duration::from_hours(1));
    assert_eq!(problem(second.nodes()), gave_up);
    assert_eq!(problem(second.nodes()), gave_up);
    // When the server is back, the same connection uses it, and waits for it again.
    let listener = TcpListener::bind(free).unwrap();
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).unwrap();
        let body = r#"{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[]}"#;
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ";
        stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    });
    assert_eq!(second.nodes().unwrap(), []);
    answers.join().unwrap();
    let third = within(Duration::from_millis(50));
    assert!(matches!(problem(third.nodes()), Problem::GaveUp { .. }));
}

#[test]
fn no_such_host() {
    let flags =
        ClusterFlags { server: Some("https://no-such-host.invalid".into()), ..ClusterFlags::default() };
    let expected = "error: cannot list nodes at https://no-such-host.invalid: cannot resolve the host name\n\
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
         hint: use a longer --request-timeout",
        server.url()
    );
    assert_eq!(shown(cluster_within(&server, limits).nodes()), expected);
    assert!(began.elapsed() < Duration::from_millis(800));
}

#[test]
fn a_server_that_sends_a_byte_now_and_then() {
    let list = r#"{"kind":"NodeList","items":[{"metadata":{"name":"a"}}]}"#;
    let server =
        FakeServer::always(Reply::json(200, list).framed(Framing::Trickle(Duration::from_millis(20))));
    let limit = Duration::from_millis(200);
    // Each byte is in time, but the whole response is not.
    let limits = Limits { response: Some(limit), ..short() };
    let problem_seen = problem(cluster_within(&server, limits).nodes());
    assert_eq!(problem_seen, Problem::TimedOut { what: "the response", limit });
    let limits = Limits { response: None, ..short() };
    assert_eq!(cluster_within(&server, limits).nodes().unwrap().len(), 1);
}

#[test]
fn a_request_timeout() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request).after(Duration::from_millis(900)));
    let flags = ClusterFlags { request_timeout: Some(Duration::from_millis(200)), ..flags_for(&server) };
    let result = connect(&flags, &Environment::default()).unwrap().nodes();
    assert_eq!(
        problem(result),
        Problem::TimedOut { what: "the response", limit: Duration::from_millis(200) }
    );
}

/// Returns the problem with a server that sends the same text to every client and closes the connection.
fn problem_with(scheme: &str, words: &'static str) -> Problem {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream?;
            stream.write_all(words.as_bytes())?;
            // Closing a socket with unread data would discard what was written.
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
        assert_eq!(problem.hint().as_deref(), Some("the server may not use TLS: try http:// in its address"));
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
