//! An API server that does not answer at the start of a command: commands that change a cluster wait for it, and Ctrl-C says that
//! nothing was changed.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::environment::{Environment, PROGRAM, checkout};

fn rendered() -> Environment {
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    let spec = environment.path().join("largescale.yaml");
    let text = std::fs::read_to_string(&spec).unwrap();
    std::fs::write(&spec, text.replace("name: nginx\n", "name: nginx\n  namespace: web\n")).unwrap();
    assert!(environment.program(&["render"]).status.success());
    environment
}

/// Starts the program in its own way of a terminal: `env` restores SIGINT, which a shell in the background ignores.
fn start(environment: &Environment, port: u16, arguments: &[&str]) -> Child {
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", PROGRAM]).args(arguments);
    command.args(["--server", &format!("http://127.0.0.1:{port}")]);
    environment.prepare(&mut command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
}

fn end(mut child: Child) -> (Option<i32>, String) {
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    (child.wait().unwrap().code(), text)
}

#[test]
fn an_interrupt_before_the_first_answer_says_so() {
    let nothing_changed = "interrupted before anything was changed\n";
    let nothing_read = "interrupted before the API server answered; nothing was changed\n";
    let no_nodes = "interrupted before the nodes were read; nothing was written\n";
    let cases: &[(&[&str], &str)] = &[
        (&["apply"], nothing_changed),
        (&["prune"], nothing_changed),
        (&["inventory", "adopt"], nothing_changed),
        (&["diff", "--live"], nothing_read),
        (&["status"], nothing_read),
        (&["status", "--watch"], nothing_read),
        (&["pools", "--nodes", "cluster"], no_nodes),
        (&["render", "--nodes", "cluster"], no_nodes),
    ];
    for (arguments, words) in cases {
        let environment = rendered();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let child = start(&environment, listener.local_addr().unwrap().port(), arguments);
        // The request has arrived, and gets no answer.
        let (stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        assert!(line.starts_with("GET "), "{line}");
        interrupt(&child);
        let (code, text) = end(child);
        assert_eq!(code, Some(130), "{arguments:?}: {text}");
        assert!(text.ends_with(words), "{arguments:?}: {text}");
    }
}

#[test]
fn commands_that_change_a_cluster_wait_for_the_server_at_the_start() {
    for arguments in [&["apply"][..], &["apply", "--wait", "ready"], &["status", "--watch"]] {
        let environment = rendered();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let child = start(&environment, address.port(), arguments);
        // One-shot commands have given up by then.
        thread::sleep(Duration::from_secs(4));
        let listener = TcpListener::bind(address).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        assert!(line.starts_with("GET /api/v1/namespaces/kube-system"), "{arguments:?}: {line}");
        interrupt(&child);
        let (code, text) = end(child);
        assert_eq!(code, Some(130), "{arguments:?}: {text}");
        assert!(text.contains("waiting "), "{arguments:?}: {text}");
    }
}

#[test]
fn commands_that_only_read_do_not_wait() {
    for arguments in [&["diff", "--live"][..], &["status"], &["pools", "--nodes", "cluster"]] {
        let environment = rendered();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let (code, text) = end(start(&environment, address.port(), arguments));
        assert_eq!(code, Some(4), "{arguments:?}: {text}");
        assert!(text.contains("connection refused"), "{arguments:?}: {text}");
    }
}
