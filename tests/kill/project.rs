//! A directory in two versions that differ in every file, and the program that renders it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

/// Number of pools in both versions, and in each version alone.
const POOLS: u32 = 24;
const MORE: u32 = 6;

/// The version of the inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    A,
    B,
}

impl Version {
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// Each version has pools, and so files, that the other lacks.
    fn pools(self) -> impl Iterator<Item = u32> {
        let own = match self {
            Self::A => POOLS..POOLS + MORE,
            Self::B => POOLS + MORE..POOLS + 2 * MORE,
        };
        (0..POOLS).chain(own)
    }
}

/// The start of the delay before a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Start,
    FirstUnfinishedFile,
}

/// The state after a run: the tree, the lock, and leftovers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub tree: BTreeMap<String, Vec<u8>>,
    pub lock: Option<String>,
    pub unfinished: Vec<String>,
    pub foreign: Vec<String>,
}

impl Snapshot {
    /// Returns the id of the lock, which the first render draws at random and later ones keep.
    pub fn lock_id(&self) -> Option<&str> {
        self.lock.as_ref()?.lines().find(|line| line.starts_with("id: "))
    }

    /// Returns the lines of the lock that follow from the input.
    pub fn lock_without_id(&self) -> Option<Vec<&str>> {
        Some(self.lock.as_ref()?.lines().filter(|line| !line.starts_with("id: ")).collect())
    }

    /// Returns whether the lock is pending.
    pub fn lock_is_pending(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.contains("\npending:\n"))
    }
}

pub struct Project {
    directory: TempDir,
}

impl Project {
    pub fn new() -> Self {
        let project = Self { directory: tempfile::Builder::new().prefix("kill-").tempdir().unwrap() };
        let spec = "apiVersion: largescale.dev/v1alpha1
kind: LargeScale
metadata:
  name: nginx
  namespace: web
spec:
  manifests: [nginx.yaml]
  platform: azure-basic
  nodes: nodes.json
  pools:
    whenEmpty: remove
";
        fs::write(project.path().join("largescale.yaml"), spec).unwrap();
        project
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes the inputs of a version.
    pub fn set(&self, version: Version) {
        let (replicas, label) = match version {
            Version::A => (30, "a"),
            Version::B => (60, "b"),
        };
        let manifest = format!(
            "apiVersion: v1
kind: Service
metadata:
  name: nginx
  annotations:
    example.com/version: {label}
spec:
  type: LoadBalancer
  ports:
  - port: 80
  selector:
    app: nginx
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app: nginx
  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
      - name: nginx
        image: nginx
"
        );
        fs::write(self.path().join("nginx.yaml"), manifest).unwrap();
        let mut nodes = String::new();
        for (pool, index) in version.pools().flat_map(|pool| (0..3).map(move |index| (pool, index))) {
            let comma = if nodes.is_empty() { "" } else { "," };
            let _ = write!(
                nodes,
                r#"{comma}{{"kind":"Node","metadata":{{"name":"k8s-pool{pool}-12345678-{index}","labels":{{"agentpool":"pool{pool}"}}}},"spec":{{"providerID":"azure:///subscriptions/0/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/k8s-pool{pool}-12345678-{index}"}},"status":{{"conditions":[{{"type":"Ready","status":"True"}}]}}}}"#
            );
        }
        fs::write(
            self.path().join("nodes.json"),
            format!(r#"{{"apiVersion":"v1","kind":"List","items":[{nodes}]}}"#),
        )
        .unwrap();
    }

    /// Returns the state after a clean run of a version in a new directory.
    pub fn clean(&self, version: Version) -> Snapshot {
        let _ = fs::remove_dir_all(self.path().join("rendered"));
        let _ = fs::remove_file(self.path().join("largescale.lock"));
        self.set(version);
        render_is_ok(self);
        let snapshot = self.snapshot();
        assert_eq!(snapshot.tree.len(), version.pools().count() + 1);
        assert!(snapshot.unfinished.is_empty() && snapshot.foreign.is_empty());
        snapshot
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-largescale"));
        command.arg("render").current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn render(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs the program and kills it; returns true if it had already ended.
    pub fn render_killed(&self, from: From, after: Duration) -> bool {
        let start = Instant::now();
        let mut child = self.spawn();
        let counted_from = match from {
            From::Start => Some(start),
            From::FirstUnfinishedFile => self.wait_for_writing(&mut child),
        };
        wait_until(counted_from.unwrap_or(start) + after);
        child.kill().unwrap();
        child.wait().unwrap().success()
    }

    /// Runs the program to its end; returns the time before it wrote, and from then on.
    pub fn render_timed(&self) -> (Duration, Duration) {
        let start = Instant::now();
        let mut child = self.spawn();
        let seen = self.wait_for_writing(&mut child).unwrap_or_else(Instant::now);
        assert!(child.wait().unwrap().success());
        (seen - start, seen.elapsed())
    }

    fn spawn(&self) -> Child {
        self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Returns the time at which the first temporary file appeared; `None` if the run ended before.
    fn wait_for_writing(&self, child: &mut Child) -> Option<Instant> {
        let rendered = self.path().join("rendered");
        let left: Vec<OsString> = names(&rendered);
        while child.try_wait().unwrap().is_none() {
            // Leftovers of a killed run do not count.
            if names(&rendered).iter().any(|name| is_unfinished(name) && !left.contains(name)) {
                return Some(Instant::now());
            }
        }
        None
    }

    /// Returns the state of everything in the directory that is not an input.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for directory in ["", "rendered"] {
            let Ok(entries) = fs::read_dir(self.path().join(directory)) else { continue };
            for entry in entries {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                match (directory, name.as_str()) {
                    ("", "largescale.yaml" | "nginx.yaml" | "nodes.json" | "rendered") => {}
                    ("", "largescale.lock") => snapshot.lock = Some(fs::read_to_string(path).unwrap()),
                    (_, name) if is_unfinished(name.as_ref()) => snapshot.unfinished.push(name.to_owned()),
                    ("rendered", name) if name.ends_with(".yaml") => {
                        snapshot.tree.insert(name.to_owned(), fs::read(path).unwrap());
                    }
                    _ => snapshot.foreign.push(path.display().to_string()),
                }
            }
        }
        snapshot.unfinished.sort();
        snapshot.foreign.sort();
        snapshot
    }
}

/// Runs the program to its end; it must succeed.
#[track_caller]
pub fn render_is_ok(project: &Project) {
    let output = project.render(&[]);
    assert!(output.status.success(), "{output:?}");
}

fn names(directory: &Path) -> Vec<OsString> {
    fs::read_dir(directory)
        .map_or_else(|_| Vec::new(), |entries| entries.flatten().map(|entry| entry.file_name()).collect())
}

fn is_unfinished(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    bytes.starts_with(b".largescale-") && bytes.ends_with(b".tmp")
}

/// Waits for a moment. Spins at the end, because sleeping is too coarse.
fn wait_until(moment: Instant) {
    while let Some(left) = moment.checked_duration_since(Instant::now()) {
        match left.checked_sub(Duration::from_millis(2)) {
            Some(long) => thread::sleep(long),
            None => std::hint::spin_loop(),
        }
    }
}
