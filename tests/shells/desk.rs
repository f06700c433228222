//! The environment of a user: a rendered project, a kubeconfig, and a PATH with the program under its names.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::executable::write_executable;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-largescale");

/// A kubeconfig with names that contain special characters of shells.
const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
current-context: plain
contexts:
- {name: plain, context: {cluster: one, user: alice, namespace: web}}
- {name: "arn:aws:eks:eu-west-1:1:cluster/big", context: {cluster: one, user: alice, namespace: shop}}
- {name: "my context", context: {cluster: one, user: alice}}
clusters:
- {name: one, cluster: {server: "http://127.0.0.1:1"}}
users:
- {name: alice, user: {token: secret}}
"#;

pub(crate) struct Desk {
    directory: TempDir,
}

impl Desk {
    /// Creates it; returns `None` if a shell or kubectl is missing, which fails in CI.
    pub(crate) fn with(programs: &[&str]) -> Option<Self> {
        for program in programs {
            let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
            if !found.status.success() {
                assert!(std::env::var_os("CI").is_none(), "no {program}, which CI must have");
                // Bypass the capture of the test harness, so that the line is visible.
                writeln!(std::io::stderr(), "skipped: no {program}").unwrap();
                return None;
            }
        }
        Some(Self::new())
    }

    fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("desk-").tempdir().unwrap();
        let desk = Self { directory };
        fs::create_dir(desk.path().join("bin")).unwrap();
        symlink(PROGRAM, desk.path().join("bin/kubectl-largescale")).unwrap();
        desk.write("kubeconfig", KUBECONFIG);
        let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/shared");
        fs::create_dir(desk.path().join("app")).unwrap();
        for entry in fs::read_dir(shared).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, desk.path().join("app").join(path.file_name().unwrap())).unwrap();
        }
        let mut render = desk.command("kubectl-largescale");
        assert!(render.args(["render", "-f", "app"]).output().unwrap().status.success());
        let shim = desk.command("kubectl-largescale").args(["completion", "kubectl"]).output().unwrap();
        write_executable(&desk.path().join("bin/kubectl_complete-largescale"), &shim.stdout);
        desk
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// Returns a command in the directory, isolated from the developer's environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut search = OsString::from(self.path().join("bin"));
        search.push(":");
        search.push(std::env::var_os("PATH").unwrap());
        let mut command = Command::new(program);
        command.env_clear().env("PATH", search).env("HOME", self.path()).env("LC_ALL", "C.UTF-8");
        command.env("KUBECONFIG", self.path().join("kubeconfig")).env("TERM", "xterm");
        command.env("ZDOTDIR", self.path()).current_dir(self.path()).stdin(Stdio::null());
        command
    }
}
