//! Each case is a folder: `cmd` contains the commands, `in/` the input files, `transcript` the output.
//! `UPDATE_CASES=1` updates the transcripts; read them like code before you commit them.
//!
//! In every case, a command that exits with 2 or more must not have written anything.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use largescale::core::report::text_diff::unified;

use crate::environment::{Environment, checkout};

#[test]
fn render() {
    run_area("render");
}

#[test]
fn pools() {
    run_area("pools");
}

#[test]
fn diff() {
    run_area("diff");
}

#[test]
fn init() {
    run_area("init");
}

#[test]
fn platforms() {
    run_area("platforms");
}

#[test]
fn overlays() {
    run_area("overlays");
}

#[test]
fn capacity() {
    run_area("capacity");
}

#[test]
fn gateways() {
    run_area("gateways");
}

#[test]
fn clusters() {
    run_area("clusters");
}

#[test]
fn compat() {
    run_area("compat");
}

#[test]
fn git() {
    run_area("git");
}

#[test]
fn review() {
    run_area("review");
}

#[test]
fn bad_input() {
    run_area("bad-input");
}

#[test]
fn other_commands() {
    run_area("other");
}

#[test]
fn every_folder_is_run() {
    let areas: Vec<String> = folders(&checkout().join("tests/cases")).iter().map(|path| name(path)).collect();
    assert_eq!(
        areas,
        [
            "bad-input",
            "capacity",
            "clusters",
            "compat",
            "diff",
            "gateways",
            "git",
            "init",
            "other",
            "overlays",
            "platforms",
            "pools",
            "render",
            "review"
        ]
    );
}

fn run_area(area: &str) {
    let cases = folders(&checkout().join("tests/cases").join(area));
    assert!(!cases.is_empty(), "no cases in {area}");
    let failures = Mutex::new(String::new());
    let next = Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(case) = next.lock().unwrap().next() else { return };
                    if let Err(why) = run_case(case) {
                        let _ = writeln!(failures.lock().unwrap(), "== {area}/{}\n{why}", name(case));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "\n{failures}\nUPDATE_CASES=1 updates the transcripts");
}

/// Returns the folders of all cases.
pub fn all() -> Vec<PathBuf> {
    folders(&checkout().join("tests/cases")).iter().flat_map(|area| folders(area)).collect()
}

/// Returns the directory in which a case begins.
pub fn prepare(case: &Path) -> Environment {
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    let input = Environment::with(&case.join("in"));
    // Copy `in/` over the files that all cases share.
    for (path, content) in input.files() {
        let target = environment.path().join(&path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, content).unwrap();
    }
    environment
}

/// Returns the command lines of a case.
pub fn lines(case: &Path) -> Vec<String> {
    let text = fs::read_to_string(case.join("cmd")).unwrap();
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

fn run_case(case: &Path) -> Result<(), String> {
    let environment = prepare(case);
    let mut transcript = String::new();
    for line in &lines(case) {
        let before = environment.files();
        let output = environment.line(line);
        let code = output.status.code().unwrap_or(-1);
        let _ = writeln!(transcript, "$ {line}");
        transcript.push_str(&normalized(&output.stdout, &environment));
        if !output.stderr.is_empty() {
            let _ = write!(transcript, "--- stderr\n{}", normalized(&output.stderr, &environment));
        }
        if code != 0 {
            let _ = writeln!(transcript, "--- exit {code}");
        }
        // With several specs, those that can be rendered are.
        let is_one = !String::from_utf8_lossy(&output.stderr).contains("\nAPP ");
        if code >= 2
            && code != 6
            && is_one
            && line.contains("kubectl largescale")
            && environment.files() != before
        {
            return Err(format!("`{line}` exited with {code}, but wrote files"));
        }
    }
    let expected = case.join("transcript");
    let known = fs::read_to_string(&expected).unwrap_or_default();
    if known == transcript {
        return Ok(());
    }
    if std::env::var_os("UPDATE_CASES").is_some() {
        fs::write(expected, transcript).map_err(|error| error.to_string())?;
        return Ok(());
    }
    let lines = unified(&known, &transcript, "expected", "seen");
    Err(lines
        .iter()
        .map(|line| {
            format!(
                "{}{}\n",
                line.sign(),
                line.parts.iter().map(|(_, text)| text.as_str()).collect::<String>()
            )
        })
        .collect())
}

/// Replaces what differs between runs: the directory, and the random ids of locks.
fn normalized(output: &[u8], environment: &Environment) -> String {
    let mut text =
        String::from_utf8_lossy(output).replace(&environment.path().display().to_string(), "DIRECTORY");
    text = without_lock_ids(&text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str("\n(no newline)\n");
    }
    text
}

/// Replaces the ids of locks.
fn without_lock_ids(text: &str) -> String {
    let is_id = |line: &str| line.strip_prefix("id: ").is_some_and(|id| id.len() == 32);
    let lines = text.split_inclusive('\n').map(|line| {
        let is_id = is_id(line.trim_end());
        if is_id { "id: LOCK-ID\n" } else { line }
    });
    lines.collect()
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && name(path) != "shared")
        .collect();
    folders.sort();
    folders
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}
