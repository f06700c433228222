//! A complete control plane: `target/control-plane`, which `tests/go/control-plane/build.sh` builds.
//!
//! Tests that do not disturb its parts share one. A test that kills or pauses parts starts its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::{fs, io};

use serde_json::{Value, json};

use crate::child::{new_directory, said, shell, skip};
use crate::nodes;
use crate::upstream::Upstream;

/// The parts that run besides etcd and the API server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Parts {
    /// Controllers, a scheduler, a service controller whose cloud assigns addresses, and fake kubelets.
    All,
    /// Only nodes, without controllers: the fastest.
    Nodes,
}

/// A running control plane. It ends when it is dropped, or with this process.
pub(crate) struct ControlPlane {
    /// The kubeconfig of an administrator.
    pub(crate) kubeconfig: PathBuf,
    /// Its directory, with `logs` and `load-balancer-calls.jsonl`.
    pub(crate) directory: PathBuf,
    pub(crate) pools: usize,
    /// The URL of its etcd.
    pub(crate) etcd: String,
    pub(crate) upstream: Arc<Upstream>,
    line: Mutex<Line>,
}

/// The connection for orders and their results. The control plane ends when its standard input closes.
struct Line {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Line {
    fn read(&mut self) -> Result<Value, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(said)?;
        serde_json::from_str(&line).map_err(|_| format!("it said `{line}`"))
    }
}

impl ControlPlane {
    /// Returns the shared control plane, with all parts and 20 nodes in 4 pools; `None` after printing why there is
    /// none.
    pub(crate) fn shared() -> Option<&'static Self> {
        static PLANE: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
        let plane = PLANE.get_or_init(|| Self::launch(Parts::All, 20, 4));
        plane.as_ref().map_err(|why| skip(why)).ok()
    }

    /// Starts a control plane for one test, with nodes spread over the pools. For tests that disturb parts or
    /// change nodes; it takes seconds and half a gigabyte of memory.
    pub(crate) fn own(parts: Parts, nodes: usize, pools: usize) -> Option<Self> {
        Self::launch(parts, nodes, pools).map_err(|why| skip(&why)).ok()
    }

    /// Starts a control plane for one test, with these nodes.
    pub(crate) fn with_nodes(parts: Parts, items: &[Value]) -> Option<Self> {
        let write = |path: &Path| {
            fs::write(path, json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())
        };
        Self::launch_with(parts, 0, "", write).map_err(|why| skip(&why)).ok()
    }

    /// Starts a control plane for one test, whose load balancers have addresses in 127.0.0.0/8. No other test has the same ones.
    pub(crate) fn on_loopback(nodes: usize, pools: usize) -> Option<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        // 127.0.0.0/10 is for servers of other tests.
        let block = format!("127.{}.{}.0/24", 64 + number % 64, std::process::id() % 256);
        Self::with_addresses(nodes, pools, &block)
    }

    /// Starts a control plane for one test, whose load balancers have addresses of a block, in order from the first one.
    pub(crate) fn with_addresses(nodes: usize, pools: usize, block: &str) -> Option<Self> {
        let option = format!("--load-balancer-addresses {block}");
        let write = |path: &Path| nodes::write(path, nodes, pools);
        Self::launch_with(Parts::All, pools, &option, write).map_err(|why| skip(&why)).ok()
    }

    fn launch(parts: Parts, nodes: usize, pools: usize) -> Result<Self, String> {
        Self::launch_with(parts, pools, "", |path| nodes::write(path, nodes, pools))
    }

    fn launch_with(
        parts: Parts,
        pools: usize,
        options: &str,
        write_nodes: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<Self, String> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/control-plane");
        if !program.exists() {
            return Err("no control plane: tests/go/control-plane/build.sh has not been run".into());
        }
        let directory = new_directory("control-plane-")?;
        write_nodes(&directory.join("nodes.json")).map_err(said)?;
        let without = match parts {
            Parts::All => "",
            Parts::Nodes => "--without kube-controller-manager,kube-scheduler,service-lb",
        };
        let script = format!(
            r#""$1" up --dir "$2" --until-stdin-closes --nodes-from "$2/nodes.json" {without} {options}
            rm -rf "$2""#
        );
        let mut process = shell(&script, &program, &directory)?;
        let mut line = Line {
            orders: process.stdin.take().ok_or("it has no input")?,
            answers: BufReader::new(process.stdout.take().ok_or("it has no output")?),
        };
        let ready = line.read().map_err(|why| format!("target/control-plane: {why}"))?;
        let kubeconfig = PathBuf::from(ready["kubeconfig"].as_str().unwrap_or_default());
        Ok(Self {
            upstream: Arc::new(Upstream::connect(&kubeconfig)),
            kubeconfig,
            directory,
            pools,
            etcd: ready["etcd"].as_str().unwrap_or_default().to_owned(),
            line: Mutex::new(line),
        })
    }

    /// Kills a part until `start`. Parts have the names of the programs: `etcd`, `kube-apiserver`,
    /// `kube-controller-manager`, `kube-scheduler`, `service-lb`, `fake-kubelet`.
    pub(crate) fn stop(&self, part: &str) {
        self.order("stop", part);
    }

    /// Starts a part again with the same state, and returns when it is ready.
    pub(crate) fn start(&self, part: &str) {
        self.order("start", part);
    }

    /// Kills a part and starts it again.
    pub(crate) fn restart(&self, part: &str) {
        self.order("restart", part);
    }

    /// Suspends a part: it keeps its connections and does nothing.
    pub(crate) fn pause(&self, part: &str) {
        self.order("pause", part);
    }

    /// Resumes a part.
    pub(crate) fn resume(&self, part: &str) {
        self.order("resume", part);
    }

    /// Returns the calls of the service controller to the cloud about Services of a namespace, in order: `call`
    /// (ensure, update or delete), `service`, `annotations`, `nodes`.
    pub(crate) fn load_balancer_calls(&self, namespace: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.directory.join("load-balancer-calls.jsonl")).unwrap_or_default();
        let calls = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let prefix = format!("{namespace}/");
        calls.filter(|call| call["service"].as_str().is_some_and(|name| name.starts_with(&prefix))).collect()
    }

    fn order(&self, verb: &str, part: &str) {
        // A test that panicked while it held the lock must not fail the others.
        let mut line = self.line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        writeln!(line.orders, "{verb} {part}").unwrap();
        let answer = line.read().unwrap();
        assert!(answer["done"].is_string(), "{answer}");
    }
}
