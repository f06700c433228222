//! Completion of namespaces: from the cluster if it responds, otherwise from the contexts of the kubeconfig. Never
//! prints an error.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::fake_server::{FakeServer, Framing, Reply};

/// Returns the candidates that a shell receives.
#[track_caller]
fn completed(server: &FakeServer, words: &[&str]) -> String {
    completed_with(&format!("server: '{}'", server.url()), "token: t0ken", words)
}

#[track_caller]
fn completed_with(cluster: &str, user: &str, words: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = format!(
        "contexts:\n- {{name: here, context: {{cluster: c, user: u, namespace: shop}}}}\nclusters:\n- name: c\n  cluster: {{{cluster}}}\nusers:\n- name: u\n  user: {{{user}}}\ncurrent-context: here\n"
    );
    let file = directory.path().join("config");
    fs::write(&file, kubeconfig).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-largescale"))
        .arg("__complete")
        .args(words)
        .current_dir(directory.path())
        .env("HOME", directory.path())
        .env("KUBECONFIG", file)
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "completion must not print to standard error");
    String::from_utf8(output.stdout).unwrap()
}

fn namespaces() -> Reply {
    let items: Vec<_> = ["default", "web", "web-test"]
        .iter()
        .map(|name| serde_json::json!({"metadata": {"name": name}}))
        .collect();
    let list =
        serde_json::json!({"kind": "NamespaceList", "apiVersion": "v1", "metadata": {}, "items": items});
    Reply::json(200, list.to_string())
}

#[test]
fn namespaces_of_the_cluster() {
    let server = FakeServer::always(namespaces());
    assert_eq!(completed(&server, &["pools", "-n", ""]), "default\nweb\nweb-test\n:4\n");
    assert_eq!(
        completed(&server, &["pools", "--namespace=w"]),
        "--namespace=web\n--namespace=web-test\n:4\n"
    );
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.line == "GET /api/v1/namespaces?&limit=500"), "{seen:?}");
}

#[test]
fn namespaces_of_the_contexts() {
    let fallback = "shop\tof context here\n:4\n";
    let forbidden = FakeServer::always(Reply::status(403, "Forbidden", "no"));
    assert_eq!(completed(&forbidden, &["pools", "-n", ""]), fallback);
    let garbage = FakeServer::always(Reply::html(200));
    assert_eq!(completed(&garbage, &["pools", "-n", ""]), fallback);
    let busy =
        FakeServer::always(Reply::status(503, "ServiceUnavailable", "later").with("Retry-After", "60"));
    assert_eq!(completed(&busy, &["pools", "-n", ""]), fallback);
    let silent = FakeServer::always(namespaces().after(Duration::from_mins(10)));
    assert_eq!(completed(&silent, &["pools", "-n", ""]), fallback);
    let cut_off = FakeServer::always(namespaces().framed(Framing::CutAfter(20)));
    assert_eq!(completed(&cut_off, &["pools", "-n", ""]), fallback);
    let plugin = "exec: {apiVersion: client.authentication.k8s.io/v1, command: sleep, args: ['600'], interactiveMode: Never}";
    assert_eq!(completed_with("server: 'http://127.0.0.1:1'", plugin, &["pools", "-n", ""]), fallback);
    assert_eq!(completed_with("server: '::'", "token: x", &["pools", "-n", ""]), fallback);
}

#[test]
fn names_of_the_kubeconfig_without_a_request() {
    let server = FakeServer::always(namespaces());
    assert_eq!(completed(&server, &["pools", "--context", ""]), "here\tcluster c\n:4\n");
    assert_eq!(completed(&server, &["pools", "--user", ""]), "u\n:4\n");
    assert!(completed(&server, &["pools", "--cluster", ""]).starts_with("c\thttp://127.0.0.1:"));
    assert!(server.seen().is_empty());
}
