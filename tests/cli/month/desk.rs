//! The place where the user types: it runs commands, and remembers them for the report of a failure.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::environment::{self, Environment};
use crate::month::hints::hinted;
use crate::random::Random;

/// A problem ends the month.
pub type Outcome<T = ()> = Result<T, String>;

/// The answer of a command.
#[derive(Clone, Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn is_ok(&self) -> bool {
        self.code == Some(0)
    }
}

/// Returns the program that the user runs: the one of these tests, or that of `make months`, which is optimized.
fn program() -> String {
    std::env::var("PROGRAM").unwrap_or_else(|_| environment::PROGRAM.to_owned())
}

/// Returns the PATH with the directory of git in front: every start of a program tries the directories in order.
fn path() -> &'static OsStr {
    static FOUND: OnceLock<OsString> = OnceLock::new();
    FOUND.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let first = all.iter().find(|directory| directory.join("git").is_file()).cloned();
        std::env::join_paths(first.into_iter().chain(all)).unwrap_or(path)
    })
}

/// A directory, a generator of numbers, and what was done.
pub struct Desk {
    environment: Environment,
    /// Variables that all commands get, such as the kubeconfig of a cluster.
    variables: Vec<(&'static str, PathBuf)>,
    random: Random,
    log: Vec<String>,
    last: Vec<String>,
    /// The time of the last run of the program.
    pub took: Duration,
    pub counts: BTreeMap<String, u64>,
}

impl Desk {
    pub fn new(seed: u64, variables: Vec<(&'static str, PathBuf)>) -> Self {
        Self {
            environment: Environment::with(Path::new("/nonexistent")),
            variables,
            random: Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            log: Vec::new(),
            last: Vec::new(),
            took: Duration::ZERO,
            counts: BTreeMap::new(),
        }
    }

    pub fn root(&self) -> PathBuf {
        self.environment.path().to_owned()
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.random.below(end as u64)).unwrap()
    }

    /// Returns one of the values.
    pub fn pick<T: Clone>(&mut self, values: &[T]) -> Option<T> {
        if values.is_empty() { None } else { Some(values[self.below(values.len())].clone()) }
    }

    /// Whether one of `end` cases happens.
    pub fn one_in(&mut self, end: usize) -> bool {
        self.below(end) == 0
    }

    pub fn count(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Writes a line of the report.
    pub fn note(&mut self, line: String) {
        self.log.push(line);
    }

    /// Runs the program in a directory.
    pub fn program(&mut self, directory: &str, arguments: &str) -> Said {
        let mut command = Command::new(program());
        command.args(arguments.split_whitespace());
        let begin = Instant::now();
        let said = self.run(directory, command, &format!("kubectl largescale {arguments}"));
        self.took = begin.elapsed();
        said
    }

    /// Runs a line of a shell in a directory.
    pub fn shell(&mut self, directory: &str, line: &str) -> Said {
        let words: Vec<&str> = line.split_whitespace().collect();
        let command = if words[0] == "git" && !line.contains(['\'', '"', '|', '&', ';', '*', '\\', '>', '$'])
        {
            let mut command = Command::new("git");
            command.args(&words[1..]);
            command
        } else {
            let mut command = Command::new("sh");
            command.arg("-c").arg(line.replace("kubectl largescale", &program()));
            command
        };
        self.run(directory, command, line)
    }

    fn run(&mut self, directory: &str, mut command: Command, shown: &str) -> Said {
        self.environment.prepare(&mut command);
        command.current_dir(self.environment.path().join(directory)).env("GIT_EDITOR", "true");
        // A month is short: git need not pack it.
        command
            .env("PATH", path())
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "maintenance.auto")
            .env("GIT_CONFIG_VALUE_0", "false");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut output = command.output().unwrap();
        // A program that a killed run was starting holds its lock for a moment.
        for _ in 0..1000 {
            if !text(&output.stderr).contains("another run of kubectl largescale is writing this directory") {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
            output = command.output().unwrap();
        }
        let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        let place = if directory.is_empty() { String::new() } else { format!("{directory}: ") };
        let code = said.code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
        self.log.push(format!("    {place}{shown} -> {code}"));
        self.last.push(format!("$ {shown}\n{}{}", said.out, said.err));
        if self.last.len() > 2 {
            self.last.remove(0);
        }
        said
    }

    /// Runs a line at the root that must succeed, and returns what it prints.
    pub fn must(&mut self, line: &str) -> Outcome<String> {
        let said = self.shell("", line);
        if said.is_ok() { Ok(said.out) } else { Err(format!("`{line}` failed")) }
    }

    /// Starts the program, and kills it after a moment.
    pub fn kill(&mut self, arguments: &str, after: Duration) {
        let mut command = Command::new(program());
        command.args(arguments.split_whitespace());
        self.environment.prepare(&mut command);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(after);
        let _ = child.kill();
        let is_killed = child.wait().unwrap().code().is_none();
        self.count(if is_killed { "killed: during a run" } else { "killed: after a run" }.to_owned());
        self.log.push(format!("    {arguments}, killed after {after:?}; the last run took {:?}", self.took));
    }

    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.environment.path().join(path)).ok()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.environment.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn exists(&self, path: &str) -> bool {
        self.environment.path().join(path).exists()
    }

    /// Copies the repository to another directory.
    pub fn copy_to(&self, directory: &str) -> std::io::Result<()> {
        Command::new("cp").arg("-a").arg(self.environment.path()).arg(directory).status().map(drop)
    }

    /// Whether the last command printed this text.
    pub fn last_said(&self, text: &str) -> bool {
        self.last.last().is_some_and(|said| said.contains(text))
    }

    /// Returns the command in the hint of the last command.
    pub fn last_hint(&self) -> Option<String> {
        let err = self.last.last()?.clone();
        hinted(&Said { code: None, out: String::new(), err })
    }

    /// Returns what was done, and what the last commands said.
    pub fn report(&self) -> String {
        format!("{}\n\n{}", self.log.join("\n"), self.last.join("\n"))
    }
}
