//! Which server, as which user: kubeconfig files, flags and the environment. No test here sends a request.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use largescale::cluster::{Cluster, ClusterError, ClusterFlags, Environment};
use tempfile::TempDir;

use crate::fake_server::FakeServer;
use crate::node_pages::page_of_nodes;
use crate::setup::{connect, shown};

/// A directory with kubeconfigs.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Returns an environment whose KUBECONFIG lists these files.
    fn list(&self, names: &[&str]) -> Environment {
        let list: OsString = std::env::join_paths(names.iter().map(|name| self.path(name))).unwrap();
        Environment { kubeconfig: Some(list), home: Some(self.path("home")), ..Environment::default() }
    }
}

/// Returns a kubeconfig with one context, cluster and user, all with the same name.
fn one(name: &str, server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {name}\n\
         contexts:\n- name: {name}\n  context: {{cluster: {name}, user: {name}, namespace: ns-{name}}}\n\
         clusters:\n- name: {name}\n  cluster: {{server: \"{server}\"}}\n\
         users:\n- name: {name}\n  user: {{token: token-of-{name}}}\n"
    )
}

fn flags(change: impl FnOnce(&mut ClusterFlags)) -> ClusterFlags {
    let mut flags = ClusterFlags::default();
    change(&mut flags);
    flags
}

fn where_to(result: Result<Cluster, ClusterError>) -> (String, String, String, String) {
    let cluster = result.unwrap();
    let own = str::to_owned;
    (own(cluster.context()), own(cluster.server()), own(cluster.namespace()), own(cluster.user()))
}

fn four(context: &str, server: &str, namespace: &str, user: &str) -> (String, String, String, String) {
    (context.into(), server.into(), namespace.into(), user.into())
}

#[test]
fn files_are_merged_and_missing_ones_skipped() {
    let files = Files::new();
    files.write("a", &one("a", "https://a:6443"));
    files.write("b", &(one("b", "https://b:6443") + "- name: a\n  user: {token: not-this-one}\n"));
    let environment = files.list(&["missing", "a", "b"]);
    let none = ClusterFlags::default();
    assert_eq!(
        where_to(connect(&none, &environment)),
        four("a", "https://a:6443", "ns-a", "a"),
        "the first current context"
    );
    let b = flags(|flags| flags.context = Some("b".into()));
    assert_eq!(where_to(connect(&b, &environment)), four("b", "https://b:6443", "ns-b", "b"));
}

#[test]
fn an_empty_current_context_is_none() {
    let files = Files::new();
    files.write("a", &one("a", "https://a:6443").replace("current-context: a", "current-context: \"\""));
    files.write("b", &one("b", "https://b:6443"));
    assert_eq!(
        where_to(connect(&ClusterFlags::default(), &files.list(&["a", "b"]))),
        four("b", "https://b:6443", "ns-b", "b")
    );
}

#[test]
fn files_in_utf_16() {
    let files = Files::new();
    let path = files.write("a", "");
    let text = format!("\u{feff}{}", one("a", "https://a:6443"));
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
        fs::write(&path, &bytes).unwrap();
        let none = ClusterFlags::default();
        assert_eq!(where_to(connect(&none, &files.list(&["a"]))), four("a", "https://a:6443", "ns-a", "a"));
        bytes.push(0);
        fs::write(&path, &bytes).unwrap();
        let text = shown(connect(&none, &files.list(&["a"])));
        assert!(text.contains("not valid UTF-16"), "{text}");
    }
}

#[test]
fn the_file_in_the_home_directory() {
    let files = Files::new();
    files.write("home/.kube/config", &one("home", "https://home"));
    let empty = Environment { kubeconfig: Some("".into()), ..files.list(&[]) };
    for environment in [files.list(&[]), empty] {
        let found = where_to(connect(&ClusterFlags::default(), &environment));
        assert_eq!(found, four("home", "https://home", "ns-home", "home"));
    }
}

#[test]
fn the_flag_comes_first() {
    let files = Files::new();
    files.write("list", &one("list", "https://list"));
    let named = files.write("named", &one("named", "https://named"));
    let flags = flags(|flags| flags.kubeconfig = Some(named));
    assert_eq!(
        where_to(connect(&flags, &files.list(&["list"]))),
        four("named", "https://named", "ns-named", "named")
    );
}

#[test]
fn a_file_that_is_named_must_exist() {
    let files = Files::new();
    let flags = flags(|flags| flags.kubeconfig = Some(files.path("none")));
    let text = shown(connect(&flags, &Environment::default()));
    assert!(text.contains(&format!("cannot read kubeconfig {}", files.path("none").display())), "{text}");
}

#[test]
fn no_file_at_all() {
    let files = Files::new();
    let none = ClusterFlags::default();
    let default = files.path("home/.kube/config");
    assert_eq!(
        shown(connect(&none, &files.list(&[]))),
        format!(
            "error: no kubeconfig found: {} does not exist\n\
             hint: use --kubeconfig FILE, or --server and --token",
            default.display()
        )
    );
    let text = shown(connect(&none, &files.list(&["x", "y"])));
    let expected = format!("none of {}, {} exists", files.path("x").display(), files.path("y").display());
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn a_server_without_a_kubeconfig() {
    let flags = flags(|flags| {
        flags.server = Some("https://10.0.0.1:6443".into());
        flags.token = Some("t".into());
        flags.namespace = Some("web".into());
    });
    assert_eq!(
        where_to(connect(&flags, &Environment::default())),
        four("", "https://10.0.0.1:6443", "web", "")
    );
}

#[test]
fn flags_override_single_fields() {
    let files = Files::new();
    files.write("a", &one("a", "https://a"));
    files.write("b", &one("b", "https://b"));
    let environment = files.list(&["a", "b"]);
    let mixed = flags(|flags| {
        flags.cluster = Some("b".into());
        flags.namespace = Some("mine".into());
    });
    assert_eq!(where_to(connect(&mixed, &environment)), four("a", "https://b", "mine", "a"));
    let other_user = flags(|flags| flags.user = Some("b".into()));
    assert_eq!(where_to(connect(&other_user, &environment)), four("a", "https://a", "ns-a", "b"));
}

#[test]
fn unknown_names_list_the_known_ones() {
    let files = Files::new();
    files.write("a", &one("production", "https://a"));
    files.write("b", &one("staging", "https://b"));
    let environment = files.list(&["a", "b"]);
    let check = |flags: ClusterFlags, message: &str| {
        let expected = format!("error: {message}\nhint: use one of: `production`, `staging`");
        assert_eq!(shown(connect(&flags, &environment)), expected);
    };
    check(
        flags(|flags| flags.context = Some("prodcution".into())), // typos:ignore
        "the kubeconfig has no context `prodcution`, did you mean `production`?", // typos:ignore
    );
    check(flags(|flags| flags.cluster = Some("xyz".into())), "the kubeconfig has no cluster `xyz`");
    check(flags(|flags| flags.user = Some("xyz".into())), "the kubeconfig has no user `xyz`");
}

#[test]
fn no_current_context() {
    let files = Files::new();
    files.write("a", &one("a", "https://a").replace("current-context: a", "current-context: \"\""));
    let expected = "error: the kubeconfig has no current context\nhint: choose one with --context: `a`";
    assert_eq!(shown(connect(&ClusterFlags::default(), &files.list(&["a"]))), expected);
}

#[test]
fn an_empty_file_has_no_contexts() {
    let files = Files::new();
    files.write("a", "");
    let expected = "error: the kubeconfig has no current context\n\
                    hint: the kubeconfig has no contexts; use --server";
    assert_eq!(shown(connect(&ClusterFlags::default(), &files.list(&["a"]))), expected);
}

#[test]
fn an_invalid_file_is_reported_with_the_line_and_without_secrets() {
    let secret = "s3cret-t0ken";
    let good = one("a", "https://a").replace("token-of-a", secret);
    for (name, broken) in [
        ("unclosed", format!("{good}  [\n")),
        ("no list", good.replace("users:\n- name: a\n  user: {token: s3cret-t0ken}", "users: s3cret-t0ken")),
        ("text for a user", good.replace("user: {token: s3cret-t0ken}", "user: s3cret-t0ken")),
        ("list for a token", good.replace("token: s3cret-t0ken", "token: [s3cret-t0ken]")),
        ("bad switch", good.replace("server:", "insecure-skip-tls-verify: s3cret-t0ken, server:")),
        ("quoted", good.replace("user: {token: s3cret-t0ken}", "user: 's3cret-t0ken \" s3cret-t0ken'")),
        ("unknown alias", good.replace("token: s3cret-t0ken", "token: *s3cret-t0ken")),
        ("unknown tag", good.replace("{token: s3cret-t0ken}", "!s3cret-t0ken [a]")),
        ("twice", good.replace("token: s3cret-t0ken", "token: s3cret-t0ken, token: s3cret-t0ken")),
        ("tabs", good.replace("- name: a\n  user:", "- name: a\n\tuser: s3cret-t0ken")),
        ("bad escape", good.replace("s3cret-t0ken", "\"s3cret-t0ken\\q\"")),
    ] {
        let files = Files::new();
        let path = files.write("config", &broken);
        let result = connect(&ClusterFlags::default(), &files.list(&["config"]));
        assert!(!format!("{result:?}").contains(secret), "{name}: {result:?}");
        let text = shown(result);
        assert!(
            text.starts_with(&format!("error: invalid kubeconfig {}:", path.display())),
            "{name}: {text}"
        );
        assert!(!text.contains(secret), "{name}: {text}");
        assert_eq!(text.lines().count(), 2, "{name}: {text}");
    }
}

#[test]
fn relative_paths_start_at_the_file() {
    let files = Files::new();
    let text = one("a", "https://a").replace("{server:", "{certificate-authority: ca.crt, server:");
    files.write("deep/config", &text);
    let text = shown(connect(&ClusterFlags::default(), &files.list(&["deep/config"])));
    let expected = format!(
        "error: cannot use the certificate authority of cluster `a`: {}: No such file",
        files.path("deep/ca.crt").display()
    );
    assert!(text.starts_with(&expected), "{text}");
}

#[test]
fn unusable_certificates_are_named() {
    let files = Files::new();
    let check = |user: &str, cluster: &str, expected: &str| {
        let text = one("a", "https://a")
            .replace("token: token-of-a", user)
            .replace("{server:", &format!("{{{cluster}server:"));
        files.write("config", &text);
        assert_eq!(
            shown(connect(&ClusterFlags::default(), &files.list(&["config"]))),
            format!(
                "error: cannot use {expected}\nhint: correct the kubeconfig; `kubectl config view --minify` shows the entries in use"
            )
        );
    };
    let authority = "the certificate authority of cluster `a`";
    check("token: t", "certificate-authority-data: '*', ", &format!("{authority}: invalid base64"));
    check(
        "token: t",
        "certificate-authority-data: aGVsbG8=, ",
        &format!("{authority}: it contains no certificates"),
    );
    let certificate = "the client certificate of user `a`";
    check("client-key-data: '*'", "", &format!("{certificate}: invalid base64"));
    let alone = format!("{certificate}: both a certificate and a key are required");
    check("client-key-data: aGVsbG8=", "", &alone);
}

#[test]
fn auth_providers_that_kubernetes_removed() {
    let files = Files::new();
    files.write("config", &one("a", "https://a").replace("token: token-of-a", "auth-provider: {name: gcp}"));
    assert_eq!(
        shown(connect(&ClusterFlags::default(), &files.list(&["config"]))),
        "error: cannot use auth provider `gcp` of user `a`: Kubernetes removed it; use gke-gcloud-auth-plugin"
    );
}

#[test]
fn impersonating_a_group_requires_a_user() {
    let flags = flags(|flags| {
        flags.server = Some("https://a".into());
        flags.impersonate_groups = vec!["g".into()];
    });
    let expected = "error: --as-group and --as-uid require --as\nhint: add --as USER";
    assert_eq!(shown(connect(&flags, &Environment::default())), expected);
}

/// Returns the Authorization headers that the server received for a user with this kubeconfig entry.
fn authorization(user: &str, change: impl FnOnce(&mut ClusterFlags)) -> Vec<String> {
    let files = Files::new();
    fs::write(files.path("token"), "from-a-file").unwrap();
    let server = FakeServer::start(|_, request| page_of_nodes(1, request));
    files.write("config", &one("a", &server.url()).replace("token: token-of-a", user));
    connect(&flags(change), &files.list(&["config"])).unwrap().nodes().unwrap();
    server.seen()[0].header("authorization").into_iter().map(str::to_owned).collect()
}

#[test]
fn credentials_of_the_kubeconfig_and_of_flags() {
    assert_eq!(authorization("token: of-the-file", |_| {}), ["Bearer of-the-file"]);
    assert_eq!(authorization("tokenFile: token", |_| {}), ["Bearer from-a-file"]);
    assert_eq!(authorization("username: u, password: p", |_| {}), ["Basic dTpw"]);
    assert_eq!(
        authorization("token: of-the-file", |flags| flags.token = Some("of-the-flag".into())),
        ["Bearer of-the-flag"]
    );
    let basic =
        |flags: &mut ClusterFlags| (flags.username, flags.password) = (Some("u".into()), Some("p".into()));
    assert_eq!(authorization("token: of-the-file", basic), ["Basic dTpw"]);
    assert!(authorization("token: ''", |_| {}).is_empty());
}

#[test]
fn a_token_file_that_is_missing() {
    let files = Files::new();
    files.write("config", &one("a", "https://a").replace("token: token-of-a", "tokenFile: gone"));
    let text = shown(connect(&ClusterFlags::default(), &files.list(&["config"])));
    assert!(
        text.starts_with("error: cannot use the credentials of user `a`: ") && text.contains("gone"),
        "{text}"
    );
}
