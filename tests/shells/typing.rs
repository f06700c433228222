//! A shell in a terminal, with simulated typing. Nothing is timed: the test waits for the output of the shell.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::desk::Desk;

/// The prompt of the shells.
pub(crate) const PROMPT: &str = "READY> ";

/// Time limit for a shell that does not print the expected text.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    /// Starts a shell by its command line.
    pub(crate) fn start(desk: &Desk, shell: &str) -> Self {
        let mut command: Command = desk.command("script");
        command.args(["-q", "-e", "-c", shell, "/dev/null"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let (sender, screen) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = child.stdin.take().unwrap();
        let mut terminal = Self { child, keys, screen, seen: String::new() };
        terminal.until(PROMPT);
        terminal
    }

    /// Types the beginning of a command and TAB, and returns the output of the shell.
    pub(crate) fn offered(&mut self, typed: &str) -> String {
        // The shell reads keys in order: the output of the next command comes after that of TAB.
        self.keys(&format!("{typed}\t\u{15}echo do''ne\r"));
        let shown = self.until("done\r");
        self.until(PROMPT);
        shown
    }

    /// Types the beginning of a command and TAB, and returns the words of the completed command: `[a][b c]`.
    pub(crate) fn inserted(&mut self, typed: &str) -> String {
        self.keys(&format!("{typed}\t\u{1}words \u{5}\recho do''ne\r"));
        let shown = self.until("done\r");
        self.until(PROMPT);
        let line = shown.lines().rfind(|line| line.starts_with('['));
        line.unwrap_or_else(|| panic!("{shown}")).to_owned()
    }

    fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Returns the screen up to a text, without escape sequences.
    #[track_caller]
    fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(end) = self.seen.find(text) {
                let rest = self.seen.split_off(end + text.len());
                return plain(&std::mem::replace(&mut self.seen, rest));
            }
            let Ok(more) = self.screen.recv_timeout(PATIENCE) else {
                panic!("`{text}` did not appear: {}", plain(&self.seen));
            };
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The shell may already have exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Removes escape sequences and carriage returns.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' if characters.peek() == Some(&'[') => {
                characters.next();
                while characters.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
            }
            '\u{1b}' => drop(characters.next()),
            '\r' | '\u{7}' => {}
            other => out.push(other),
        }
    }
    out
}
