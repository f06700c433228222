//! The commands that the program prints reach other programs with the user's paths unchanged.

use std::fs;
use std::process::Command;

use crate::environment::{Environment, checkout};

/// Directories that a shell or a program could take for something else.
const NAMES: &[&str] = &[
    "plain",
    "with space",
    "it's",
    "\"$(touch x)\"",
    "; touch x #",
    "$HOME",
    "~",
    "*",
    "-dash",
    "--flag=1",
    "two\nlines",
    "tab\t\u{1b}[31m",
    "日本語",
];

/// The commands that hints name in backticks, or after `next: `.
fn commands(stderr: &str) -> Vec<String> {
    let mut found: Vec<String> = stderr.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let next = stderr.lines().filter_map(|line| Some(line.split_once("next: ")?.1));
    found.extend(next.map(|text| text.split_once(", then ").map_or(text, |(_, last)| last).to_owned()));
    found.retain(|command| {
        ["kubectl ", "git ", "mv ", "rm "].iter().any(|program| command.starts_with(program))
    });
    found
}

/// Runs a printed command in a shell, with stubs instead of the programs, and returns the arguments that they got.
fn arguments(environment: &Environment, command: &str) -> Vec<String> {
    assert!(!command.contains('\n'), "a command is one line: {command:?}");
    let checked = environment.run({
        let mut shell = Command::new("sh");
        shell.args(["-n", "-c", command]);
        shell
    });
    assert!(checked.status.success(), "{command}: {checked:?}");
    let stub = r#"show() { for word; do printf '%s\0' "$word"; done; }; kubectl() { show "$@"; }; git() { show "$@"; }; mv() { show "$@"; }; rm() { show "$@"; }; "#;
    let output = environment.run({
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{stub}{command}")]);
        shell
    });
    assert!(output.status.success() && output.stderr.is_empty(), "{command}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// Checks that the commands in a message reach programs with these paths, in this order.
#[track_caller]
fn check(environment: &Environment, stderr: &str, paths: &[&str]) {
    let commands = commands(stderr);
    assert_eq!(commands.len(), paths.len(), "{stderr}");
    for (command, path) in commands.iter().zip(paths) {
        let arguments = arguments(environment, command);
        let is_path =
            |argument: &String| argument.trim_start_matches("./") == *path && !argument.starts_with('-');
        assert!(arguments.iter().any(is_path), "{path:?}: {command}: {arguments:?}");
    }
}

#[test]
fn printed_commands_have_the_paths_of_the_user() {
    for name in NAMES {
        let environment = Environment::with(&checkout().join("tests/cases/shared"));
        let directory = format!("./{name}");
        let lock = format!("{name}/largescale.lock");
        let at = |path: &str| environment.path().join(name).join(path);
        let run = |arguments: &[&str]| String::from_utf8(environment.program(arguments).stderr).unwrap();
        // The next step of `init`.
        let init = run(&["init", &directory, "--nodes", "nodes.json", "--platform", "azure-basic"]);
        check(&environment, &init, &[name]);
        for file in ["largescale.yaml", "nginx.yaml", "nodes.json"] {
            fs::copy(environment.path().join(file), at(file)).unwrap();
        }
        // A repository for a commit.
        check(&environment, &run(&["render", "-f", &directory, "--commit"]), &[name]);
        assert!(environment.program(&["render", "-f", &directory]).status.success());
        // A lock whose spec has another name now.
        fs::rename(at("largescale.yaml"), at("site.yaml")).unwrap();
        let service = fs::read_to_string(at("rendered/service-nginx-agentpool1.yaml")).unwrap();
        fs::write(at("rendered/configmap-old.yaml"), service.replace("nginx-agentpool1", "nginx-old"))
            .unwrap();
        let text = fs::read_to_string(at("largescale.lock")).unwrap();
        fs::write(at("largescale.lock"), text.replace("files:\n", "files:\n  configmap-old.yaml: ab\n"))
            .unwrap();
        check(&environment, &run(&["render", "-f", &format!("{directory}/site.yaml")]), &[&lock]);
        fs::rename(at("site.yaml"), at("largescale.yaml")).unwrap();
        // A file that only the lock of a commit lists.
        let listing = text.replace("files:\n", "files:\n  configmap-old.yaml: ab\n");
        fs::write(at("largescale.lock"), listing).unwrap();
        assert!(environment.line("git init -q . && git add -A && git commit -qm all").status.success());
        // A lock that this program did not write: the commit has one that can be read.
        fs::write(at("largescale.lock"), text.replace("service-nginx-agentpool1", "../x")).unwrap();
        check(&environment, &run(&["render", "-f", &directory]), &[&lock]);
        fs::write(at("largescale.lock"), &text).unwrap();
        let left = format!("{name}/rendered/configmap-old.yaml");
        check(&environment, &run(&["render", "-f", &directory]), &[&left]);
        for ran in [environment.path().join("x"), at("x")] {
            assert!(!ran.exists(), "{name:?} ran a command");
        }
    }
}
