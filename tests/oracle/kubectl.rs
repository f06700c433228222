//! kubectl as the oracle of the tests.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The kubectl program.
pub struct Kubectl(OsString);

impl Kubectl {
    /// Finds kubectl. Without it the tests are skipped, and fail in CI.
    pub fn find() -> Option<Self> {
        let program = std::env::var_os("KUBECTL").unwrap_or_else(|| "kubectl".into());
        let client = Command::new(&program).args(["version", "--client"]).stdin(Stdio::null()).output();
        if client.is_ok_and(|output| output.status.success()) {
            return Some(Self(program));
        }
        assert!(std::env::var("CI").as_deref() != Ok("true"), "skipped: no kubectl, which CI must have");
        // Bypass the capture of the test harness, so that the line is visible.
        writeln!(std::io::stderr(), "skipped: no kubectl").unwrap();
        None
    }

    /// Returns the objects that `kubectl kustomize` builds from a directory, or its error.
    pub fn kustomize(&self, directory: &Path) -> Result<Vec<Value>, String> {
        let output =
            Command::new(&self.0).arg("kustomize").arg(directory).stdin(Stdio::null()).output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        self.read(&String::from_utf8_lossy(&output.stdout))
    }

    /// Returns the objects that kubectl reads in the files of a directory. It leaves out the files that it refuses.
    pub fn read_all(&self, directory: &Path) -> Vec<Value> {
        let output = Command::new(&self.0)
            .args(["patch", "--local", "--type=merge", "-p", "{}", "-o", "json", "-f"])
            .arg(directory)
            .env("KUBECONFIG", directory.join("none"))
            .env("HOME", directory)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        serde_json::Deserializer::from_slice(&output.stdout).into_iter().map(Result::unwrap).collect()
    }

    /// Returns the objects that kubectl reads in a text, or its error.
    pub fn read(&self, text: &str) -> Result<Vec<Value>, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("objects.yaml");
        fs::write(&file, text).unwrap();
        let output = Command::new(&self.0)
            .args(["patch", "--local", "--type=merge", "-p", "{}", "-o", "json", "-f"])
            .arg(&file)
            .env("KUBECONFIG", directory.path().join("none"))
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        serde_json::Deserializer::from_slice(&output.stdout)
            .into_iter()
            .collect::<Result<_, _>>()
            .map_err(|error| format!("the output of kubectl is not valid JSON: {error}"))
    }
}
