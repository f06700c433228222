//! A project on disk with its own namespace in the cluster, and the programs that the tests run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use crate::control_plane::ControlPlane;
use crate::proxy::Proxy;
use crate::run::{Run, Running, interruptible};

/// A project with a Service for each pool, a Deployment and a `ConfigMap`. The names of the Services begin with
/// `web-`.
pub(crate) struct App<'a> {
    plane: &'a ControlPlane,
    /// The program looks at directories beside that of the project, so no other test may have one there.
    outer: Arc<TempDir>,
    directory: PathBuf,
    pub(crate) namespace: String,
}

impl<'a> App<'a> {
    /// Creates a project without rendering it. The name is also that of its namespace, so no two tests may share
    /// one.
    #[track_caller]
    pub(crate) fn new(plane: &'a ControlPlane, name: &str) -> Self {
        plane.create_namespace(name);
        let app = Self::in_directory(plane, name);
        app.write("largescale.yaml", &SPEC.replace("NAME", name));
        app.write("web.yaml", MANIFESTS);
        app
    }

    /// Creates a namespace and an empty directory.
    #[track_caller]
    pub(crate) fn empty(plane: &'a ControlPlane, name: &str) -> Self {
        plane.create_namespace(name);
        Self::in_directory(plane, name)
    }

    /// Copies a rendered directory.
    #[track_caller]
    pub(crate) fn copied(plane: &'a ControlPlane, namespace: &str, from: &Path) -> Self {
        plane.create_namespace(namespace);
        let app = Self::in_directory(plane, namespace);
        let copied = Command::new("cp").arg("-R").arg(from.join(".")).arg(app.directory()).status().unwrap();
        assert!(copied.success());
        app
    }

    /// Creates a project and renders it from the nodes of the cluster.
    #[track_caller]
    pub(crate) fn rendered(plane: &'a ControlPlane, name: &str) -> Self {
        let app = Self::new(plane, name);
        app.run(&["render"]).ok();
        app
    }

    /// Makes an empty directory in one that nothing else is in.
    fn in_directory(plane: &'a ControlPlane, name: &str) -> Self {
        let outer = tempfile::Builder::new().prefix(name).tempdir().unwrap();
        let directory = outer.path().join(name);
        fs::create_dir(&directory).unwrap();
        Self { plane, outer: Arc::new(outer), directory, namespace: name.to_owned() }
    }

    /// Creates another directory with the same name and namespace, not rendered.
    pub(crate) fn with_same_name(&self) -> Self {
        let directory =
            tempfile::Builder::new().prefix(&self.namespace).tempdir_in(self.outer.path()).unwrap().keep();
        let outer = Arc::clone(&self.outer);
        let same_cluster = Self { plane: self.plane, outer, directory, namespace: self.namespace.clone() };
        same_cluster.write("largescale.yaml", &SPEC.replace("NAME", &self.namespace));
        same_cluster.write("web.yaml", MANIFESTS);
        same_cluster
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.directory().join(path), text).unwrap();
    }

    /// Replaces text in a file of the project; the text must exist.
    #[track_caller]
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.directory().join(path)).unwrap();
        assert!(text.contains(from), "{path} does not contain `{from}`:\n{text}");
        self.write(path, &text.replace(from, to));
    }

    /// Runs the program as the administrator.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.start(&self.plane.kubeconfig, arguments).wait()
    }

    /// Runs the program through a proxy.
    pub(crate) fn run_through(&self, proxy: &Proxy, arguments: &[&str]) -> Run {
        self.start(&proxy.kubeconfig(self.directory()), arguments).wait()
    }

    /// Starts the program, for tests that act while it runs.
    pub(crate) fn start(&self, kubeconfig: &Path, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(env!("CARGO_BIN_EXE_kubectl-largescale"), kubeconfig, arguments))
    }

    /// Runs kubectl as the administrator, in the namespace of the app.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Run {
        let arguments = [&["--namespace", &self.namespace], arguments].concat();
        Running::start(&mut self.command("kubectl", &self.plane.kubeconfig, &arguments)).wait()
    }

    /// Runs a script of the project.
    pub(crate) fn shell(&self, script: &str) -> Run {
        Running::start(&mut self.command("sh", &self.plane.kubeconfig, &[script])).wait()
    }

    /// Runs a line of a shell in the directory of the project.
    pub(crate) fn shell_line(&self, line: &str) -> Run {
        Running::start(&mut self.command("sh", &self.plane.kubeconfig, &["-c", line])).wait()
    }

    pub(crate) fn command(&self, program: &str, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut command = interruptible(program);
        command
            .args(arguments)
            .current_dir(self.directory())
            // Isolate the program from the machine: no proxy, no other cluster, no settings.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            // kubectl caches the discovery of the server there.
            .env("HOME", &self.plane.directory)
            .env("KUBECONFIG", kubeconfig)
            // kubectl's ApplySets need a feature gate.
            .env("KUBECTL_APPLYSET", "true")
            .stdin(Stdio::null());
        command
    }

    /// Returns the API path of an object of the app, or of a list: `path("v1", "services/web-pool00")`.
    pub(crate) fn path(&self, api_version: &str, below: &str) -> String {
        let root = if api_version.contains('/') { "apis" } else { "api" };
        format!("/{root}/{api_version}/namespaces/{}/{below}", self.namespace)
    }
}

const SPEC: &str = "apiVersion: largescale.dev/v1alpha1
kind: LargeScale
metadata: {name: NAME, namespace: NAME}
spec:
  manifests: [web.yaml]
  platform: azure-basic
";

const MANIFESTS: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: LoadBalancer
  ports:
  - port: 80
    targetPort: http
  selector:
    app: web
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: web
        image: nginx
        ports:
        - name: http
          containerPort: 80
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  greeting: hello
";
