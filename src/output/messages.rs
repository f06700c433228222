//! The format of errors, warnings and notes, and what the formats for programs need to know about the run. Prints nothing;
//! `terminal` does.

use std::collections::HashSet;
use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::core::report::command_flags;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::message::{Message, MessageScope};
use crate::core::report::repository_path::WorkingDirectory;
use crate::core::report::sarif::{self, Finished, RunEnd};
use crate::core::report::workflow_command::{log_line, workflow_command};
use crate::output::repeated::{Folded, OfObjects};

/// Format of errors, warnings and notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MessageFormat {
    /// Lines for people
    #[default]
    Human,
    /// One JSON object per line
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// One SARIF 2.1.0 log, at the end
    Sarif,
}

/// The outcome of one spec or cluster among several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetOutcome {
    /// The name of the workload, or else the path of the spec.
    pub name: String,
    /// The spec and the cluster.
    pub scope: MessageScope,
    /// The outcome in words.
    pub word: &'static str,
    /// The exit code; `None` if the command was not started.
    pub code: Option<u8>,
}

/// What the messages of a run depend on.
#[derive(Default)]
struct State {
    format: MessageFormat,
    directory: WorkingDirectory,
    scope: Option<MessageScope>,
    /// The flags that name the spec on a command line.
    flags: String,
    /// The flags of this render that another one needs too.
    repeated: Vec<String>,
    /// The problems that were shown; `None` if repeated problems are not folded.
    folded: Option<Folded>,
    /// What programs got, while repeated problems are folded.
    printed: HashSet<String>,
    /// The problems of objects.
    of_objects: OfObjects,
    /// The messages of the log, each once: some commands repeat their warnings for as long as they run.
    log: Vec<Message>,
    logged: HashSet<String>,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

fn with_state<T>(work: impl FnOnce(&mut State) -> T) -> T {
    let mut state: MutexGuard<'_, Option<State>> = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    work(state.get_or_insert_default())
}

/// Sets the format for the whole run. Paths are shown relative to the repository of the directory.
pub fn choose(format: MessageFormat, directory: WorkingDirectory) {
    with_state(|state| {
        state.format = format;
        state.directory = directory;
    });
}

/// Returns the format.
pub fn format() -> MessageFormat {
    with_state(|state| state.format)
}

/// Sets the spec and the cluster that the messages from now on are about.
pub fn set_scope(scope: Option<MessageScope>) {
    with_state(|state| state.scope = scope);
}

/// Sets the flags that name the spec, for the commands in hints from now on.
pub fn set_flags(flags: String) {
    with_state(|state| state.flags = flags);
}

/// Sets the flags of a render that the renders in its hints need too.
pub fn set_repeated(flags: Vec<String>) {
    with_state(|state| state.repeated = flags);
}

/// Returns a text whose commands name the spec.
pub(super) fn with_flags(text: &str) -> String {
    with_state(|state| command_flags::with_flags(text, &state.flags, &state.repeated).into_owned())
}

/// Shows equal problems once from now on.
pub(super) fn fold() {
    with_state(|state| state.folded = Some(Folded::default()));
}

/// Stops folding. Returns a line for each problem that was repeated.
pub(super) fn unfold() -> Vec<String> {
    let folded = with_state(|state| state.folded.take());
    folded.map(Folded::lines).unwrap_or_default()
}

/// Whether problems are folded.
pub(super) fn is_folding() -> bool {
    with_state(|state| state.folded.is_some())
}

/// Counts a problem. Returns whether it must be shown. Programs get every one that differs in any way, also in its spec or cluster.
pub(super) fn is_first(text: &str, diagnostic: &Diagnostic) -> bool {
    with_state(|state| {
        let Some(folded) = &mut state.folded else { return true };
        if state.format != MessageFormat::Human {
            return state.printed.insert(text.to_owned());
        }
        folded.is_new(text, diagnostic, state.scope.as_ref())
    })
}

/// Counts the problem of an object. Returns whether it must be shown: no other object has had it. Programs get every one.
pub(super) fn is_first_object(object: &str, diagnostic: &Diagnostic) -> bool {
    with_state(|state| state.format != MessageFormat::Human || state.of_objects.is_new(object, diagnostic))
}

/// Returns a line for each problem that several objects had, and forgets them.
pub(super) fn same_of_objects() -> Vec<String> {
    with_state(|state| take(&mut state.of_objects)).lines()
}

/// Returns a problem in a format for programs; empty if the log has it.
pub(super) fn problem(diagnostic: &Diagnostic) -> String {
    with_state(|state| {
        let message = Message::problem(diagnostic, state.scope.as_ref());
        state.shown(message)
    })
}

/// Returns a note in a format for programs; empty if the log has it.
pub(super) fn note(text: &str) -> String {
    with_state(|state| match state.format {
        MessageFormat::Github => log_line(text),
        // An empty line separates only what people read.
        _ if text.trim().is_empty() => String::new(),
        _ => state.shown(Message::note(text, state.scope.as_ref())),
    })
}

/// Returns the outcome of one of several specs and clusters; empty if the log has it.
pub(super) fn outcome(outcome: &TargetOutcome) -> String {
    with_state(|state| {
        let cluster = outcome.scope.cluster.as_ref().map(|cluster| format!(", cluster {cluster}"));
        let text = format!("{}{}: {}", outcome.name, cluster.unwrap_or_default(), outcome.word);
        let mut message = Message::note(&text, Some(&outcome.scope));
        message.exit_code = outcome.code;
        state.shown(message)
    })
}

/// Returns the log of the run, if the format has one. A run has one log.
pub(super) fn log(end: RunEnd) -> Option<String> {
    with_state(|state| state.take_log(end))
}

/// Returns the report of a panic, and the log of the run if the format has one.
pub(super) fn panicked(text: &str) -> Option<String> {
    // If the panic happened while the state was locked, waiting for the lock would never end.
    let mut state = STATE.try_lock().ok()?;
    Some(state.get_or_insert_default().panicked(text))
}

/// The exit code of a Rust program that panics. The released program aborts instead, and the shell reports its signal.
const PANIC_CODE: u8 = 101;

impl State {
    fn shown(&mut self, message: Message) -> String {
        match self.format {
            // People get their text from `terminal`, except about a panic.
            MessageFormat::Human => message.text(),
            MessageFormat::Json => message.json(),
            MessageFormat::Github => workflow_command(&message, &self.directory),
            MessageFormat::Sarif => {
                if self.logged.insert(format!("{message:?}")) {
                    self.log.push(message);
                }
                String::new()
            }
        }
    }

    fn panicked(&mut self, text: &str) -> String {
        let problem = Diagnostic::error(format!("internal error: {text}"))
            .hint("report this as a bug, with the command and its input");
        let shown = self.shown(Message::problem(&problem, self.scope.as_ref()));
        let end = RunEnd { code: PANIC_CODE, meaning: "internal error", finished: Finished::No };
        self.take_log(end).unwrap_or(shown + "\n")
    }

    fn take_log(&mut self, end: RunEnd) -> Option<String> {
        if self.format != MessageFormat::Sarif {
            return None;
        }
        // Whatever follows, for example after a panic, must not begin a second log.
        self.format = MessageFormat::Human;
        Some(sarif::log(&take(&mut self.log), &self.directory, end))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn state(format: MessageFormat) -> State {
        State { format, ..State::default() }
    }

    #[test]
    fn a_panic_is_a_message_and_ends_the_log() {
        let text = "panicked at src/a.rs:1:2:\nindex out of bounds";
        let json: Value = serde_json::from_str(&state(MessageFormat::Json).panicked(text)).unwrap();
        assert_eq!(json["message"], format!("internal error: {text}"));
        assert_eq!(
            state(MessageFormat::Github).panicked(text).lines().next().unwrap().split("%0A").next(),
            Some("::error title=kubectl largescale::internal error: panicked at src/a.rs:1:2:")
        );
        let mut state = state(MessageFormat::Sarif);
        assert_eq!(state.shown(Message::problem(&Diagnostic::warning("before"), None)), "");
        let log: Value = serde_json::from_str(&state.panicked(text)).unwrap();
        let invocation = &log["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(invocation["toolExecutionNotifications"].as_array().unwrap().len(), 2);
        let end = RunEnd { code: 0, meaning: "", finished: Finished::Yes };
        assert_eq!(state.take_log(end), None, "a run has one log");
    }

    #[test]
    fn a_repeated_warning_is_in_the_log_once() {
        let mut state = state(MessageFormat::Sarif);
        for _ in 0..3 {
            state.shown(Message::problem(&Diagnostic::warning("again"), None));
        }
        assert_eq!(state.log.len(), 1);
    }
}
