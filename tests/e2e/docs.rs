//! Runs the documentation pages that need a cluster. A comment below the title of such a page describes the cluster:
//! `<!-- cluster: 6 nodes in 3 pools -->`. With `, on loopback` before the end, the load balancers have addresses from 127.0.99.1 on,
//! and the page may start servers there, and the name server `$CHECKOUT/target/coredns`.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use regex_lite::Regex;

use crate::child::skip;
use crate::control_plane::{ControlPlane, Parts};
use crate::pages::{Page, in_turn};

#[test]
fn readme() {
    plays("README.md");
}

#[test]
fn tutorial() {
    plays("docs/tutorial.md");
}

#[test]
fn howto_adopt_services() {
    plays("docs/howto/adopt-services.md");
}

#[test]
fn howto_take_over() {
    plays("docs/howto/take-over.md");
}

#[test]
fn howto_split_one_service() {
    plays("docs/howto/split-one-service.md");
}

#[test]
fn howto_move_a_pool() {
    plays("docs/howto/move-a-pool.md");
}

#[test]
fn howto_drain_a_pool() {
    plays("docs/howto/drain-a-pool.md");
}

#[test]
fn howto_verify_round_robin() {
    plays("docs/howto/verify-round-robin.md");
}

#[test]
fn howto_rename_and_move() {
    plays("docs/howto/rename-and-move.md");
}

#[test]
fn howto_retire_a_cluster() {
    plays("docs/howto/retire-a-cluster.md");
}

#[test]
fn from_the_directory_into_the_cluster() {
    plays("docs/cluster.md");
}

#[test]
fn who_may_do_what() {
    plays("docs/rbac/README.md");
}

/// Checks that every such page has a test.
#[test]
fn every_page_with_a_cluster_is_played() {
    let source = include_str!("docs.rs");
    let mut count = 0;
    for path in pages(&checkout().join("docs")).into_iter().chain([checkout().join("README.md")]) {
        if fs::read_to_string(&path).unwrap().contains("\n<!-- cluster: ") {
            count += 1;
            let name = path.strip_prefix(checkout()).unwrap().display().to_string();
            assert!(source.contains(&format!("plays({name:?})")), "no test plays {name}");
        }
    }
    assert_eq!(source.matches("    plays(\"").count(), count);
}

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
    found
}

#[track_caller]
fn plays(name: &str) {
    let path = checkout().join(name);
    let text = fs::read_to_string(&path).unwrap();
    let comment = Regex::new(r"(?m)^<!-- cluster: (\d+) nodes in (\d+) pools(, on loopback)? -->").unwrap();
    let wanted =
        comment.captures(&text).unwrap_or_else(|| panic!("{name} does not name the cluster that it needs"));
    let number = |index: usize| wanted[index].parse::<usize>().unwrap();
    let on_loopback = wanted.get(3).is_some().then(Loopback::reserve);
    let plane = match &on_loopback {
        None => ControlPlane::own(Parts::All, number(1), number(2)),
        Some(None) => return,
        Some(Some(_)) => ControlPlane::with_addresses(number(1), number(2), Loopback::BLOCK),
    };
    let Some(plane) = plane else { return };
    // Ends also what a page left running, if this function panics.
    let processes = ProcessGroup::start();
    let directory = tempfile::Builder::new().prefix("page-").tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("directory");
    fs::write(&state, directory.path().display().to_string()).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_kubectl-largescale")).parent().unwrap();
    let search = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let shell = |script: &str| {
        let mut command = Command::new("bash");
        command
            .args(["-c", &in_turn(&state, script)])
            .current_dir(directory.path())
            .env_clear()
            .env("PATH", &search)
            .env("HOME", home.path())
            .env("KUBECONFIG", &plane.kubeconfig)
            .env("CHECKOUT", checkout())
            .env("LC_ALL", "C.UTF-8")
            .env("GIT_AUTHOR_NAME", "you")
            .env("GIT_AUTHOR_EMAIL", "you@example.com")
            .env("GIT_COMMITTER_NAME", "you")
            .env("GIT_COMMITTER_EMAIL", "you@example.com")
            .stdin(Stdio::null())
            .process_group(processes.id());
        command
    };
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let played = Page::read(&path).play(&shell, &write, &essence);
    if !played.differences.is_empty() && std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &played.text).unwrap();
        return;
    }
    assert!(played.differences.is_empty(), "{name}\n{}\nUPDATE_DOCS=1 updates it", played.differences);
    assert_eq!(played.not_run, [""; 0], "{name}");
}

/// The addresses of this machine for load balancers of a page, which prints them. One page at a time has them, also among several
/// runs of the tests.
struct Loopback {
    _lock: File,
}

impl Loopback {
    const BLOCK: &str = "127.0.99.0/24";

    /// Waits for the addresses; `None` after printing which program of such pages is not there.
    fn reserve() -> Option<Self> {
        if !checkout().join("target/coredns").exists() {
            skip("target/coredns was not built: run make coredns");
            return None;
        }
        if Command::new("python3").arg("--version").output().is_err() {
            skip("no python3");
            return None;
        }
        let lock = File::create(std::env::temp_dir().join("largescale-loopback-addresses.lock")).unwrap();
        lock.lock().unwrap();
        Some(Self { _lock: lock })
    }
}

/// The group of all processes that a page starts. They are killed when it is dropped.
struct ProcessGroup {
    leader: Child,
}

impl ProcessGroup {
    fn start() -> Self {
        // A group exists as long as its leader.
        let leader = Command::new("sleep").arg("3600").process_group(0).spawn().unwrap();
        Self { leader }
    }

    fn id(&self) -> i32 {
        self.leader.id().try_into().unwrap()
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let group = format!("-{}", self.leader.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.leader.wait();
    }
}

/// Replaces what differs between runs: addresses, ages, latencies, commit ids, server names, progress messages, column widths,
/// and the order of concurrent results.
fn essence(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, mask) in [
        (r"198\.18\.\d+\.\d+", "ADDRESS"),
        (r"(<|\b)\d+ms\b", "LATENCY"),
        (r"\b\d+(m\d*)?s\b", "AGE"),
        (r"\b[0-9a-f]{7,40}\b", "COMMIT"),
        (r"https://127\.0\.0\.1:\d+", "SERVER"),
        (r":3\d\d\d\d/TCP", ":NODEPORT/TCP"),
        (r"nodePort: \d+", "nodePort: NUMBER"),
        // Printed by kubectl 1.34 and later.
        (r"deleted from \w+ namespace", "deleted"),
        (r"(?m)^waiting: .*\n", ""),
        (r" +", " "),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, mask).into_owned();
    }
    // Objects are applied concurrently, so their order varies.
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}
