//! Flux's kustomize-controller on a control plane, and a source for it.
//!
//! Source-controller is not built: its part is an HTTP server that has an archive of each commit, and the status of a
//! `GitRepository` that names one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::child::{new_directory, shell, skip};
use crate::control_plane::ControlPlane;
use crate::fake_server::{FakeServer, Reply};
use crate::objects::Patch;
use crate::wait::until;

/// How long a synchronization may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

const SOURCES: &str = "source.toolkit.fluxcd.io";
const KUSTOMIZATIONS: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations";
const REPOSITORIES: &str = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories";

/// A running controller. It ends when it is dropped, or with this process.
pub(crate) struct Flux<'a> {
    plane: &'a ControlPlane,
    source: FakeServer,
    archives: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    _process: Child,
}

impl<'a> Flux<'a> {
    /// Starts the controller; `None` after printing why that is not possible.
    #[track_caller]
    pub(crate) fn start(plane: &'a ControlPlane) -> Option<Self> {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/flux-controller");
        let program = built.join("kustomize-controller");
        if !program.exists() {
            skip("no target/flux-controller: tests/go/flux-controller/build.sh has not been run");
            return None;
        }
        plane.create_namespace("flux-system");
        define(plane, &built.join("kustomize.toolkit.fluxcd.io_kustomizations.yaml"));
        let archives: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
        let shared = Arc::clone(&archives);
        let source = FakeServer::start(move |_, seen| {
            let name = seen.line.rsplit('/').next().unwrap_or_default();
            match shared.lock().unwrap().get(name) {
                Some(archive) => Reply { headers: Vec::new(), ..Reply::json(200, archive.clone()) },
                None => Reply::json(404, "{}"),
            }
        });
        Some(Self { plane, source, archives, _process: launch(plane, &program) })
    }

    /// Creates or changes the objects of a file of `init --gitops flux`.
    #[track_caller]
    pub(crate) fn configure(&self, file: &Path) {
        let applied = kubectl(self.plane, &["apply", "--server-side", "--force-conflicts", "-f"], file);
        assert!(applied.status.success(), "{applied:?}");
    }

    /// Publishes the commit at HEAD of a repository as the source of an app, and returns its revision.
    #[track_caller]
    pub(crate) fn publish(&self, repository: &Path, app: &str) -> String {
        let git = |arguments: &[&str]| {
            let output = Command::new("git").args(arguments).current_dir(repository).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            output.stdout
        };
        let commit = String::from_utf8(git(&["rev-parse", "HEAD"])).unwrap().trim().to_owned();
        let archive = git(&["archive", "--format=tar.gz", "HEAD"]);
        let digest: String = Sha256::digest(&archive).iter().map(|byte| format!("{byte:02x}")).collect();
        let (name, size) = (format!("{commit}.tar.gz"), archive.len());
        self.archives.lock().unwrap().insert(name.clone(), archive);
        let revision = format!("main@sha1:{commit}");
        let now = "2026-01-01T00:00:00Z";
        let status = json!({"status": {
            "observedGeneration": 1,
            "artifact": {
                "path": name, "url": format!("{}/{name}", self.source.url()), "revision": revision,
                "digest": format!("sha256:{digest}"), "lastUpdateTime": now, "size": size,
            },
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored", "lastTransitionTime": now,
            }],
        }});
        self.plane.patch(&format!("{REPOSITORIES}/{app}/status"), Patch::Merge, &status);
        revision
    }

    /// Waits until a Kustomization has applied a revision, and all of its objects are ready.
    pub(crate) fn wait(&self, app: &str, revision: &str) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let object = self.plane.get(&format!("{KUSTOMIZATIONS}/{app}")).ok_or("no Kustomization")?;
            let status = &object["status"];
            let is_current = status["lastAppliedRevision"] == revision
                && status["observedGeneration"] == object["metadata"]["generation"];
            let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
            let is_ready = conditions
                .iter()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            if is_current && is_ready {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("Flux has not synced {revision}: {status}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Deletes the objects of an app; its Services stay.
    #[track_caller]
    pub(crate) fn forget(&self, app: &str) {
        self.plane.delete(&format!("{KUSTOMIZATIONS}/{app}"));
        self.plane.delete(&format!("{REPOSITORIES}/{app}"));
    }

    /// Suspends or resumes a Kustomization.
    #[track_caller]
    pub(crate) fn suspend(&self, app: &str, is_suspended: bool) {
        let path = format!("{KUSTOMIZATIONS}/{app}");
        self.plane.patch(&path, Patch::Merge, &json!({"spec": {"suspend": is_suspended}}));
    }
}

/// Creates the kinds of Flux: its own kind of Kustomization, and sources of any content.
#[track_caller]
fn define(plane: &ControlPlane, kustomizations: &Path) {
    let created = kubectl(plane, &["create", "-f"], kustomizations);
    assert!(created.status.success(), "{created:?}");
    let kinds = [
        ("GitRepository", "gitrepositories"),
        ("OCIRepository", "ocirepositories"),
        ("Bucket", "buckets"),
        ("ExternalArtifact", "externalartifacts"),
    ];
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for (kind, plural) in kinds {
        let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{SOURCES}")},
            "spec": {
                "group": SOURCES, "scope": "Namespaced",
                "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": any}, "subresources": {"status": {}},
                }],
            },
        });
        plane.create(definitions, &definition);
    }
    until("the kinds of Flux are served", || {
        let is_established = |definition: &Value| {
            let conditions = definition["status"]["conditions"].as_array();
            conditions.into_iter().flatten().any(|it| it["type"] == "Established" && it["status"] == "True")
        };
        let group = |definition: &Value| definition["spec"]["group"].as_str().unwrap_or_default().to_owned();
        let all = plane.list(definitions);
        let ours: Vec<_> = all.iter().filter(|it| group(it).ends_with("toolkit.fluxcd.io")).collect();
        (ours.len() == kinds.len() + 1 && ours.into_iter().all(is_established)).then_some(())
    });
}

/// Starts the controller. Its log is in the directory of the control plane.
#[track_caller]
fn launch(plane: &ControlPlane, program: &Path) -> Child {
    let directory = new_directory("flux-").unwrap();
    let log = plane.directory.join("logs/kustomize-controller.log");
    // The controller takes TMPDIR for the archives that it unpacks.
    let script = format!(
        r#"TMPDIR="$2" KUBECONFIG='{}' RUNTIME_NAMESPACE=flux-system "$1" --enable-leader-election=false \
        --metrics-addr=0 --health-addr=0 >'{}' 2>&1 </dev/null &
        cat >/dev/null; kill -9 $!; rm -rf "$2""#,
        plane.kubeconfig.display(),
        log.display()
    );
    shell(&script, program, &directory).unwrap()
}

fn kubectl(plane: &ControlPlane, arguments: &[&str], file: &Path) -> std::process::Output {
    let mut command = Command::new("kubectl");
    command.args(arguments).arg(file).env("KUBECONFIG", &plane.kubeconfig).env("HOME", &plane.directory);
    command.output().unwrap()
}
