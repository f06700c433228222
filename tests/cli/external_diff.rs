//! An external diff program that a signal ends leaves no files behind.

#![cfg(unix)]

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::environment::{Environment, PROGRAM, checkout};
use crate::executable::write_executable;

/// A diff program that notes its arguments and then runs for a long time, or ignores the signals.
const SLOW: &str = "#!/bin/sh\nls \"$1\" \"$2\" > seen.tmp; mv seen.tmp seen\nexec sleep 60\n";
const STUBBORN: &str = "#!/bin/sh\ntrap '' TERM INT HUP\nls \"$1\" \"$2\" > seen.tmp; mv seen.tmp seen\nwhile :; do sleep 0.1; done\n";

/// Starts `diff` with a diff program, sends a signal once it runs, and returns the exit code.
fn ended_by(signal: &str, script: &str) -> Option<i32> {
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    let path = |name: &str| environment.path().join(name);
    write_executable(&path("slow"), script.as_bytes());
    fs::create_dir(path("tmp")).unwrap();
    let mut command = Command::new(PROGRAM);
    environment.prepare(&mut command);
    command
        .arg("diff")
        .env("KUBECTL_EXTERNAL_DIFF", path("slow"))
        .env("TMPDIR", path("tmp"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !path("seen").exists() {
        assert!(Instant::now() < deadline, "the diff program did not start");
        sleep(Duration::from_millis(10));
    }
    let seen = fs::read_to_string(path("seen")).unwrap();
    assert!(seen.contains("service-nginx-agentpool1.yaml") && seen.contains("MERGED-"), "{seen}");
    assert!(fs::read_dir(path("tmp")).unwrap().count() >= 2);
    let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let status = child.wait().unwrap();
    let left: Vec<_> = fs::read_dir(path("tmp")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{signal}: {left:?}");
    status.code()
}

#[test]
fn directories_of_an_external_diff_are_removed_after_a_signal() {
    for signal in ["TERM", "INT", "HUP"] {
        assert_eq!(ended_by(signal, SLOW), Some(130), "{signal}");
    }
    assert_eq!(ended_by("TERM", STUBBORN), Some(130));
}
