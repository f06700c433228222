//! Runs a program to its end, with a time limit, because a program with faults might wait forever.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(3);

/// Exit code and output of a program.
#[derive(Debug)]
pub(crate) struct Run {
    /// `None` if it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Returns the output of a run that must succeed.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// Returns the output of a run that must succeed, as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let text = self.ok();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// Returns a command that handles Ctrl-C as in a terminal. A shell starts background jobs with SIGINT ignored, and every
/// process below inherits that. `env` of GNU coreutils 8.31 restores the signal and keeps the process id.
pub(crate) fn interruptible(program: &str) -> Command {
    static CAN_RESTORE: OnceLock<bool> = OnceLock::new();
    let restore = ["--default-signal=INT"];
    let test =
        || Command::new("env").args(restore).arg("true").output().is_ok_and(|output| output.status.success());
    if !*CAN_RESTORE.get_or_init(test) {
        return Command::new(program);
    }
    let mut command = Command::new("env");
    command.args(restore).arg(program);
    command
}

/// A running program.
pub(crate) struct Running {
    child: Child,
    out: JoinHandle<String>,
    err: JoinHandle<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, out: read(out), err: read(err) }
    }

    /// Kills the program.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Returns whether the program has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Interrupts the program like Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    }

    #[track_caller]
    pub(crate) fn wait(mut self) -> Run {
        let began = Instant::now();
        let mut give_up = false;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > PATIENCE && !give_up {
                give_up = true;
                self.kill();
            }
            thread::sleep(Duration::from_millis(10));
        };
        let run = Run { code: status.code(), out: self.out.join().unwrap(), err: self.err.join().unwrap() };
        assert!(!give_up, "it still ran after {} s: {run:?}", PATIENCE.as_secs());
        run
    }
}

fn read(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    })
}
