//! Credential plugins, as shell scripts.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use largescale::cluster::{Cluster, ClusterError, ClusterFlags, Environment, Limits};
use tempfile::TempDir;

use crate::executable::write_executable;
use crate::fake_server::FakeServer;
use crate::node_pages::page_of_nodes;
use crate::setup::{kept, short, shown, silent};

/// A kubeconfig whose user has a shell script as credential plugin.
struct Plugin {
    directory: TempDir,
    flags: ClusterFlags,
}

impl Plugin {
    fn new(script: &str, server: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log-in");
        let script = format!("#!/bin/sh\ncd {}\n{script}\n", directory.path().display());
        write_executable(&path, script.as_bytes());
        Self::with_command(directory, "./log-in", server)
    }

    fn with_command(directory: TempDir, command: &str, server: &str) -> Self {
        let config = directory.path().join("config");
        let text = format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: \"{server}\", extensions: [{{name: client.authentication.k8s.io/exec, \
             extension: {{audience: x}}}}]}}}}]\n\
             users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {command}, \
             args: [one, two words], env: [{{name: GREETING, value: hello}}], interactiveMode: IfAvailable, \
             installHint: brew install log-in, provideClusterInfo: true}}}}}}]\n"
        );
        fs::write(&config, text).unwrap();
        Self { flags: ClusterFlags { kubeconfig: Some(config), ..ClusterFlags::default() }, directory }
    }

    fn connect(&self) -> Result<Cluster, ClusterError> {
        self.connect_within(short())
    }

    fn connect_within(&self, limits: Limits) -> Result<Cluster, ClusterError> {
        Cluster::connect_within(&self.flags, silent(), &Environment::default(), limits)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Returns the message about the plugin `./log-in`, with its path relative to the kubeconfig's directory.
    fn message(&self, rest: &str) -> String {
        format!("error: credential plugin `{}` of user `u` {rest}", self.path("./log-in").display())
    }
}

const TOKEN: &str = r#"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t-1","expirationTimestamp":"2000-01-01T00:00:00Z"}}'"#;

#[test]
fn it_runs_once() {
    let server = FakeServer::start(|_, request| page_of_nodes(600, request));
    let plugin = Plugin::new(&format!("echo run >> count\n{TOKEN}"), &server.url());
    let cluster = plugin.connect().unwrap();
    assert_eq!(cluster.nodes().unwrap().len(), 600);
    assert_eq!(plugin.read("count"), "run\n");
    for seen in server.seen() {
        assert_eq!(seen.header("authorization"), ["Bearer t-1"]);
    }
}

#[test]
fn it_gets_arguments_variables_and_the_cluster() {
    let script = format!(
        "printf '%s|' \"$@\" \"$GREETING\" > given\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" > info\n{TOKEN}"
    );
    let plugin = Plugin::new(&script, "https://a:6443");
    plugin.connect().unwrap();
    assert_eq!(plugin.read("given"), "one|two words|hello|");
    let info: serde_json::Value = serde_json::from_str(&plugin.read("info")).unwrap();
    assert_eq!(info["kind"], "ExecCredential");
    assert_eq!(info["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(info["spec"]["cluster"]["server"], "https://a:6443");
    assert_eq!(info["spec"]["cluster"]["config"]["audience"], "x");
}

#[test]
fn yaml_is_accepted() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request));
    let plugin = Plugin::new("echo 'kind: ExecCredential'; echo 'status: {token: from-yaml}'", &server.url());
    plugin.connect().unwrap().nodes().unwrap();
    assert_eq!(server.seen()[0].header("authorization"), ["Bearer from-yaml"]);
}

#[test]
fn a_token_flag_replaces_it() {
    let mut plugin = Plugin::new("echo run >> count; exit 1", "https://a");
    plugin.flags.token = Some("t".into());
    plugin.connect().unwrap();
    assert!(!plugin.path("count").exists());
}

#[test]
fn it_fails() {
    let plugin =
        Plugin::new("echo trying >&2; echo 'token expired: log in again' >&2; echo >&2; exit 3", "https://a");
    let expected = plugin.message("failed with exit status: 3: token expired: log in again");
    let text = shown(plugin.connect());
    assert!(text.starts_with(&format!("{expected}\nhint: run `")), "{text}");
}

#[test]
fn it_is_missing() {
    let plugin = Plugin::with_command(tempfile::tempdir().unwrap(), "no-such-plugin-anywhere", "https://a");
    let expected = "error: credential plugin `no-such-plugin-anywhere` of user `u` was not found\nhint: brew install log-in";
    assert_eq!(shown(plugin.connect()), expected);
}

#[test]
fn it_hangs() {
    let plugin = Plugin::new("echo 'open https://login.example.com' >&2\nsleep 30", "https://a");
    let began = Instant::now();
    let text = shown(plugin.connect_within(Limits { plugin: Duration::from_millis(300), ..short() }));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let expected = plugin.message("did not finish within 0.3 s: open https://login.example.com");
    assert!(text.starts_with(&expected), "{text}");
}

#[test]
fn waiting_for_it_is_reported() {
    let plugin = Plugin::new(&format!("sleep 0.3\n{TOKEN}"), "https://a");
    let (notice, told) = kept();
    let limits = Limits { notice_after: Duration::from_millis(50), ..short() };
    Cluster::connect_within(&plugin.flags, notice, &Environment::default(), limits).unwrap();
    let told = told.lock().unwrap();
    assert!(told.len() == 1 && told[0].starts_with("waiting for credential plugin `"), "{told:?}");
}

#[test]
fn it_writes_something_else() {
    for (script, what) in [
        (":", "nothing"),
        ("echo s3cret", "something else"),
        ("echo '{'", "something else"),
        ("echo '{}'", "an `ExecCredential` without a token or certificate"),
        ("echo '{\"status\":{\"token\":[\"s3cret\"]}}'", "something else"),
    ] {
        let plugin = Plugin::new(script, "https://a");
        let text = shown(plugin.connect());
        assert!(
            text.starts_with(&plugin.message(&format!("wrote {what} instead of credentials"))),
            "{script}: {text}"
        );
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn much_output_does_not_block_it() {
    let server = FakeServer::start(|_, request| page_of_nodes(1, request));
    let noise = "i=0; while [ $i -lt 20000 ]; do echo 'a line of noise that is long enough to fill a pipe' >&2; i=$((i+1)); done";
    let plugin = Plugin::new(&format!("{noise}\n{TOKEN}"), &server.url());
    plugin.connect().unwrap().nodes().unwrap();
}
