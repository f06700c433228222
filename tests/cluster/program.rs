//! Cluster access through the program: output, exit code, and no written files on failure.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use largescale::core::lock::Lock;
use tempfile::TempDir;

use crate::control_plane::ApiServer;
use crate::fake_server::{FakeServer, Framing, Reply};
use crate::real_server::{with_nodes, with_readers};

const SPEC: &str = "apiVersion: largescale.dev/v1alpha1
kind: LargeScale
metadata: {name: web}
spec:
  manifests: [web.yml]
  platform: azure-basic
";

const MANIFEST: &str = "apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: LoadBalancer
  ports: [{port: 80}]
  selector: {app: web}
";

/// A directory to render with the program.
pub(crate) struct Project(TempDir);

/// Exit code and output of a run.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Project {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("largescale.yaml"), SPEC).unwrap();
        fs::write(directory.path().join("web.yml"), MANIFEST).unwrap();
        Self(directory)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-largescale"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .env("HOME", self.0.path())
            .env("KUBECONFIG", "")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for directory in [self.0.path().to_owned(), self.0.path().join("rendered")] {
            for entry in fs::read_dir(directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        files
    }

    /// Runs a command that must fail: checks the exit code, that there is one error with this beginning, and that
    /// no file was written.
    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32, error: &str) {
        let before = self.files();
        let run = self.run(arguments);
        assert_eq!(run.code, Some(code), "{}", run.err);
        // Progress messages may precede it.
        let errors: Vec<&str> = run.err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(
            errors.len() == 1 && errors[0].starts_with(&format!("error: {error}")),
            "expected one error:\n{}",
            run.err
        );
        assert_eq!(run.out, "");
        assert!(self.files() == before, "something was written");
    }
}

#[test]
fn from_the_nodes_of_a_cluster_to_a_directory() {
    let Some(server) = ApiServer::shared() else { return };
    with_nodes(server);
    let project = Project::new();
    let kubeconfig = server.kubeconfig.to_str().unwrap();
    let pools = project.run(&["pools", "--kubeconfig", kubeconfig]);
    assert_eq!(pools.code, Some(0), "{}", pools.err);
    assert!(pools.out.contains("\npool7   present   500     500     500        -200\n"), "{}", pools.out);

    let render = project.run(&["render", "--kubeconfig", kubeconfig]);
    assert_eq!(render.code, Some(0), "{}", render.err);
    assert!(
        render.out.ends_with("10 created, 0 changed, 0 removed, 0 unchanged, 0 kept\n"),
        "{}",
        render.out
    );
    let service = fs::read_to_string(project.0.path().join("rendered/service-web-pool3.yaml")).unwrap();
    assert!(
        service.contains("    service.beta.kubernetes.io/azure-load-balancer-mode: pool3\n"),
        "{service}"
    );

    let again = project.run(&["diff", "--kubeconfig", kubeconfig]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""), "{}", again.err);
}

#[test]
fn the_wrong_cluster_is_refused() {
    let Some(server) = ApiServer::shared() else { return };
    with_nodes(server);
    let project = Project::new();
    let kubeconfig = server.kubeconfig.to_str().unwrap();
    assert_eq!(project.run(&["render", "--kubeconfig", kubeconfig]).code, Some(0));
    let path = project.0.path().join("largescale.lock");
    let mut lock = Lock::read("lock", &fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(lock.cluster.as_deref().map(str::len), Some(36), "the lock holds the UID of kube-system");
    lock.cluster = Some("00000000-0000-0000-0000-000000000000".to_owned());
    fs::write(&path, lock.write()).unwrap();
    for command in ["render", "diff", "pools"] {
        project.fails(
            &[command, "--kubeconfig", kubeconfig],
            5,
            "wrong cluster: the lock belongs to 00000000-",
        );
    }
    // Rendering from the lock still works.
    assert_eq!(project.run(&["render", "--locked"]).code, Some(0));
}

#[test]
fn users_with_few_rights() {
    let Some(server) = ApiServer::shared() else { return };
    with_nodes(server);
    with_readers(server);
    let authority = server.authority.to_str().unwrap();
    let user = |command: &'static str, token: &'static str| {
        vec![command, "--server", &server.url, "--certificate-authority", authority, "--token", token]
    };
    let project = Project::new();
    let before = project.files();
    let nobody = project.run(&user("render", "nobody-token"));
    assert_eq!(nobody.code, Some(4), "{}", nobody.err);
    assert!(nobody.err.contains("forbidden: user `nobody` cannot list nodes\n  hint: "), "{}", nobody.err);
    assert!(project.files() == before, "something was written");

    // Without the right to read kube-system, a first render works with a warning; a lock that names a cluster is
    // refused.
    let reader = project.run(&user("render", "reader-token"));
    assert_eq!(reader.code, Some(0), "{}", reader.err);
    assert!(
        reader.err.starts_with(
            "warning: cannot record the cluster identity in the lock file: forbidden: user `reader` cannot get"
        ),
        "{}",
        reader.err
    );
    let path = project.0.path().join("largescale.lock");
    let mut lock = Lock::read("lock", &fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(lock.cluster, None);
    lock.cluster = Some("00000000-0000-0000-0000-000000000000".to_owned());
    fs::write(&path, lock.write()).unwrap();
    project.fails(
        &user("render", "reader-token"),
        5,
        "cannot check that this is the cluster of the lock (00000000-",
    );
}

#[test]
fn servers_that_misbehave() {
    let project = Project::new();
    let cases: [Reply; 6] = [
        Reply::html(200),
        Reply::status(403, "Forbidden", "no"),
        Reply::status(410, "Expired", "too old"),
        Reply::status(503, "ServiceUnavailable", "busy"),
        Reply::status(429, "TooManyRequests", "slow down").with("Retry-After", "1"),
        Reply::json(200, r#"{"kind":"NodeList","items":[{"metadata":{"name":"a"}}]}"#)
            .framed(Framing::CutAfter(20)),
    ];
    for reply in cases {
        let server = FakeServer::start(move |_, seen| {
            if seen.line.contains("/namespaces/") {
                return Reply::json(
                    200,
                    r#"{"kind":"Namespace","metadata":{"name":"kube-system","uid":"u"}}"#,
                );
            }
            reply.clone()
        });
        let url = server.url();
        project.fails(
            &["render", "--server", &url, "--token", "t0ken", "--request-timeout", "2s"],
            4,
            "cannot list nodes at http://",
        );
    }
    project.fails(&["render", "--server", "http://127.0.0.1:1", "--request-timeout", "1s"], 4, "cannot ");
}
