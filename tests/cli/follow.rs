//! Follows every printed hint literally: in the state that prints it, from the directory where the user is. Afterwards the problem is
//! gone, no file of a Service is gone, and no lock lacks a pool.
//!
//! The states are those of `tests/cases`. Hints with the same words count as one, and are followed in two states.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::cases;
use crate::environment::{Environment, checkout};

mod fields;
mod hints;
mod labels;
mod state;

use crate::follow::hints::{Action, Problem, actions, kind, problems};
use crate::follow::state::State;

/// The number of states in which hints with the same words are followed.
const STATES: usize = 2;

/// A command line of a case, and the kinds of hints to follow after it.
type Chosen = BTreeMap<PathBuf, BTreeMap<usize, BTreeSet<String>>>;

/// A line that runs the program, and nothing else that a hint depends on.
#[derive(Clone, Debug)]
struct Line {
    /// `cd DIRECTORY && `, or nothing.
    place: String,
    /// The command, without a pipe behind it.
    command: String,
}

impl Line {
    fn of(line: &str) -> Option<Self> {
        let (place, rest) = match line.strip_prefix("cd ").and_then(|rest| rest.split_once(" && ")) {
            Some((directory, rest)) => (format!("cd {directory} && "), rest),
            None => (String::new(), line),
        };
        let command = rest.split(" | ").next().unwrap_or_default();
        let is_plain =
            command.starts_with("kubectl largescale ") && !command.contains(['>', '<', ';', '&', '$', '`']);
        is_plain.then(|| Self { place, command: command.to_owned() })
    }
}

/// Returns what each line of a case printed, by its transcript.
fn outputs(case: &Path, lines: &[String]) -> Vec<String> {
    let transcript = fs::read_to_string(case.join("transcript")).unwrap();
    let mut rest = transcript.as_str();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        rest =
            rest.strip_prefix(&format!("$ {line}\n")).unwrap_or_else(|| panic!("{}: {line}", case.display()));
        let next = lines.get(index + 1).and_then(|next| rest.find(&format!("$ {next}\n")));
        let (output, after) = rest.split_at(next.unwrap_or(rest.len()));
        found.push(output.to_owned());
        rest = after;
    }
    found
}

/// Chooses the hints to follow, and returns them with the kinds of those that only a person can follow.
fn choose() -> (Chosen, BTreeMap<String, String>) {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let mut prose = BTreeMap::new();
    let mut chosen = Chosen::new();
    for case in cases::all() {
        let lines = cases::lines(&case);
        for (index, output) in outputs(&case, &lines).iter().enumerate() {
            let Some(line) = Line::of(&lines[index]) else { continue };
            for problem in problems(output) {
                let kind = kind(&problem);
                if actions(&problem.hint, &line.command).is_empty() {
                    prose.entry(kind).or_insert(problem.hint);
                    continue;
                }
                let seen = count.entry(kind.clone()).or_default();
                *seen += 1;
                if *seen <= STATES {
                    chosen.entry(case.clone()).or_default().entry(index).or_default().insert(kind);
                }
            }
        }
    }
    prose.retain(|kind, _| !count.contains_key(kind));
    (chosen, prose)
}

#[test]
fn every_hint_improves_the_state_that_prints_it() {
    let (chosen, _) = choose();
    let next = Mutex::new(chosen.iter());
    let failures = Mutex::new(String::new());
    let followed = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((case, lines)) = next.lock().unwrap().next() else { return };
                    let found = follow_case(case, lines, &followed);
                    failures.lock().unwrap().push_str(&found);
                }
            });
        }
    });
    let (failures, followed) = (failures.into_inner().unwrap(), followed.into_inner().unwrap());
    assert!(failures.is_empty(), "\n{failures}");
    assert!(followed >= 100, "only {followed} were followed");
}

/// A hint that only a person can follow has words in `prose.txt`, so that a review sees each new one.
#[test]
fn hints_without_a_step_for_a_program_are_listed() {
    let (_, prose) = choose();
    let path = checkout().join("tests/cli/follow/prose.txt");
    let mut hints: Vec<&str> = prose.values().map(String::as_str).collect();
    hints.sort_unstable();
    let text = format!("{}\n", hints.join("\n"));
    if std::env::var_os("UPDATE_CASES").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    let known: BTreeSet<&str> = known.lines().collect();
    let new: Vec<&&str> = hints.iter().filter(|hint| !known.contains(**hint)).collect();
    assert!(
        new.is_empty() && known.len() == hints.iter().collect::<BTreeSet<_>>().len(),
        "new hints without a step that a program can follow: {new:#?}; name a command, a flag or a field with its value, or write them with UPDATE_CASES=1"
    );
}

/// Follows the chosen hints of a case. Returns what is wrong with them.
fn follow_case(case: &Path, chosen: &BTreeMap<usize, BTreeSet<String>>, followed: &Mutex<usize>) -> String {
    let environment = cases::prepare(case);
    let mut failures = String::new();
    let last = chosen.keys().max().map_or(0, |last| last + 1);
    for (index, line) in cases::lines(case).iter().take(last).enumerate() {
        let output = environment.line(line);
        let Some(kinds) = chosen.get(&index) else { continue };
        let line = Line::of(line).unwrap();
        // What the output was before it was piped.
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut done = BTreeSet::new();
        for problem in problems(&messages) {
            let kind = kind(&problem);
            if !kinds.contains(&kind) || !done.insert(kind) {
                continue;
            }
            for action in actions(&problem.hint, &line.command) {
                *followed.lock().unwrap() += 1;
                if let Err(why) = follow(&environment, &line, &problem, &action) {
                    let name = case.strip_prefix(checkout().join("tests/cases")).unwrap().display();
                    let _ = writeln!(
                        failures,
                        "== {name}: {}{}\n{}: {}\nhint: {}\n{action:?}: {why}",
                        line.place, line.command, problem.severity, problem.message, problem.hint
                    );
                }
            }
        }
    }
    failures
}

/// Follows one step of a hint in a copy of the directory, and runs the command again.
fn follow(original: &Environment, line: &Line, problem: &Problem, action: &Action) -> Result<(), String> {
    let environment = Environment::with(Path::new("/nonexistent"));
    let copied = Command::new("cp").arg("-a").arg(original.path().join(".")).arg(environment.path()).status();
    assert!(copied.unwrap().success());
    let (from, to) = (original.path().display().to_string(), environment.path().display().to_string());
    let here = |text: &str| text.replace(&from, &to);
    let run = |command: &str| environment.line(&here(&format!("{}{command}", line.place)));
    let before = State::of(environment.path());
    let mut again = line.command.clone();
    match action {
        Action::Command(command) => {
            let output = run(command);
            if !output.status.success() {
                return Err(format!("`{command}` fails:\n{}", String::from_utf8_lossy(&output.stderr)));
            }
        }
        Action::Show(command) => {
            let output = run(command);
            // A difference is what the user is to see.
            if !matches!(output.status.code(), Some(0 | 1)) {
                return Err(format!("`{command}` fails:\n{}", String::from_utf8_lossy(&output.stderr)));
            }
            return Ok(());
        }
        Action::Instead(command) => again.clone_from(command),
        Action::Label(command) => labels::follow(environment.path(), command)?,
        Action::Flag(flag) => again = hints::with(&again, flag),
        Action::WithoutFlag(flag) => again = hints::without(&again, flag),
        Action::Field(field) => match fields::flag_of(field, &again) {
            Some((flag, value)) if problem.hint.contains(flag) => {
                again = hints::with(&hints::without(&again, flag), &format!("{flag} {value}"));
            }
            _ => fields::set(environment.path(), line, field)?,
        },
        Action::WithoutOverlay(field) => {
            fields::remove_overlay(environment.path(), line, &problem.message)?;
            if let Some(field) = field {
                fields::set(environment.path(), line, field)?;
            }
        }
    }
    let output = run(&again);
    let messages = String::from_utf8_lossy(&output.stderr).replace(&to, &from);
    let text = || format!("{again}\n{messages}");
    let was_usage = problem.severity == "error" && problem.is_usage;
    if output.status.code() == Some(2) && !was_usage {
        return Err(format!("wrong usage: {}", text()));
    }
    if problems_and_others(&messages).contains(&problem.fact()) {
        return Err(format!("the same problem again: {}", text()));
    }
    before
        .lost(&State::of(environment.path()), problem)
        .map_or(Ok(()), |lost| Err(format!("{lost} is gone: {}", text())))
}

fn problems_and_others(messages: &str) -> BTreeSet<String> {
    hints::all(messages).iter().map(Problem::fact).collect()
}
