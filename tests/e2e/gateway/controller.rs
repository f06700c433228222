//! Envoy Gateway on a control plane, as a process of this machine.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use serde_json::Value;

use crate::child::{new_directory, shell, skip};
use crate::control_plane::ControlPlane;
use crate::wait::until;

/// The namespace of the controller, its proxies and their Services.
pub(crate) const NAMESPACE: &str = "envoy-gateway-system";

/// The controller reads its certificate from this directory only.
const CERTIFICATES: &str = "/certs";

/// The port 19000 is that of the proxies too, and 19001 that of their metrics.
const CONFIGURATION: &str = "apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
provider:
  type: Kubernetes
  kubernetes:
    leaderElection: {disable: true}
    proxyTopologyInjector: {disabled: true}
gateway: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
admin: {address: {host: 127.0.0.1, port: 19900}}
telemetry: {metrics: {prometheus: {disable: true}}}
";

/// A running controller. It ends when it is dropped, or with this process.
pub(crate) struct EnvoyGateway {
    pub(crate) log: PathBuf,
    _process: Child,
}

/// Returns the directory that `tests/go/envoy-gateway/build.sh` writes; `None` after printing that a part of it is missing.
pub(crate) fn built(part: &str) -> Option<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/envoy-gateway");
    if directory.join(part).exists() {
        return Some(directory);
    }
    skip(&format!("no target/envoy-gateway/{part}: tests/go/envoy-gateway/build.sh has not been run"));
    None
}

impl EnvoyGateway {
    /// Starts the controller; `None` after printing why that is not possible.
    #[track_caller]
    pub(crate) fn start(plane: &ControlPlane) -> Option<Self> {
        let built = built("envoy-gateway")?;
        let program = built.join("envoy-gateway");
        for channel in ["experimental", "generated"] {
            define(plane, &built.join(channel));
        }
        plane.create_namespace(NAMESPACE);
        let directory = new_directory("envoy-gateway-").unwrap();
        let made = Command::new(&program)
            .args(["certgen", "--disable-topology-injector"])
            .env("KUBECONFIG", &plane.kubeconfig)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let certificates = directory.join("certificates");
        write_secret(plane, "envoy-gateway", &certificates);
        if let Err(why) = link(&certificates) {
            skip(&why);
            return None;
        }
        fs::write(directory.join("config.yaml"), CONFIGURATION).unwrap();
        let log = plane.directory.join("logs/envoy-gateway.log");
        let script = format!(
            r#"KUBECONFIG='{}' "$1" server -c "$2/config.yaml" >'{}' 2>&1 </dev/null &
            cat >/dev/null; kill -9 $!; rm -rf "$2" {CERTIFICATES}"#,
            plane.kubeconfig.display(),
            log.display()
        );
        let process = shell(&script, &program, &directory).unwrap();
        let this = Self { log, _process: process };
        until("the controller runs", || this.log().contains("Starting EventSource").then_some(()));
        Some(this)
    }

    /// Returns what the controller has written.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Creates the kinds of the Gateway API and of Envoy Gateway, and waits until they are served.
#[track_caller]
pub(crate) fn define(plane: &ControlPlane, crds: &Path) {
    let file = crds.display().to_string();
    // A client-side apply would write an annotation that is too large.
    let applied = kubectl(plane, &["apply", "--server-side", "-f", &file]);
    assert!(applied.status.success(), "{applied:?}");
    until("the kinds are served", || {
        let is_established = |definition: &Value| {
            let conditions = definition["status"]["conditions"].as_array();
            conditions.into_iter().flatten().any(|it| it["type"] == "Established" && it["status"] == "True")
        };
        let all = plane.list("/apis/apiextensions.k8s.io/v1/customresourcedefinitions");
        (!all.is_empty() && all.iter().all(is_established)).then_some(())
    });
}

/// Writes a Secret of certificates as files.
#[track_caller]
pub(crate) fn write_secret(plane: &ControlPlane, secret: &str, directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    for key in ["ca.crt", "tls.crt", "tls.key"] {
        let template = format!("go-template={{{{index .data \"{key}\" | base64decode}}}}");
        let read = kubectl(plane, &["get", "secret", "-n", NAMESPACE, secret, "-o", &template]);
        assert!(read.status.success(), "{read:?}");
        fs::write(directory.join(key), read.stdout).unwrap();
    }
}

/// Lets the directory that the controller reads point to this one. A link that an earlier run left is replaced.
fn link(certificates: &Path) -> Result<(), String> {
    let path = Path::new(CERTIFICATES);
    if path.is_symlink() {
        fs::remove_file(path).map_err(|error| format!("cannot replace {CERTIFICATES}: {error}"))?;
    }
    symlink(certificates, path).map_err(|error| {
        format!("cannot create {CERTIFICATES}, where Envoy Gateway reads its certificate: {error}")
    })
}

/// Runs kubectl as the administrator.
pub(crate) fn kubectl(plane: &ControlPlane, arguments: &[&str]) -> Output {
    let mut command = Command::new("kubectl");
    command.args(arguments).env("KUBECONFIG", &plane.kubeconfig).env("HOME", &plane.directory);
    command.output().unwrap()
}
