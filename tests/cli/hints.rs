//! The commands in hints: each is one that the program accepts, and works in the directory where the user is.

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use largescale::cli::Cli;

use crate::environment::{Environment, checkout};

/// Returns the Rust files below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// Returns the commands between backquotes in the texts of a source file, with values for the placeholders.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", "");
    let code = joined.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = Vec::new();
    for line in code {
        for part in line.split('`').skip(1).step_by(2) {
            let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
            if !part.starts_with("kubectl largescale ") {
                continue;
            }
            let mut command = String::new();
            let mut rest = part.as_str();
            while let Some((before, after)) = rest.split_once('{') {
                let (name, after) = after.split_once('}').unwrap_or((after, ""));
                command.push_str(before);
                // Flags and empty placeholders directly after a word are flags that name the spec.
                if name != "flags" && before.ends_with(' ') {
                    command.push('x');
                }
                rest = after;
            }
            found.push(command + rest);
        }
    }
    found
}

/// A hint may name a command without its value, such as `kubectl largescale init --from`. A command that does not exist, or
/// that only has subcommands, never works.
#[test]
fn every_command_in_a_hint_exists() {
    let mut checked = 0;
    for file in sources(&checkout().join("src")) {
        for command in commands(&fs::read_to_string(&file).unwrap()) {
            let words = command.split(' ').skip(1).map(std::ffi::OsString::from).collect();
            let Err(error) = Cli::parse_arguments(words) else {
                checked += 1;
                continue;
            };
            let is_whole = matches!(
                error.kind(),
                ErrorKind::InvalidSubcommand
                    | ErrorKind::MissingSubcommand
                    | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                    | ErrorKind::UnknownArgument
                    | ErrorKind::ArgumentConflict
            );
            assert!(!is_whole, "{}: `{command}`: {error}", file.display());
        }
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn a_group_of_commands_is_no_hint() {
    let words = ["largescale", "inventory"].map(std::ffi::OsString::from).to_vec();
    let kind = Cli::parse_arguments(words).unwrap_err().kind();
    assert_eq!(kind, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
}

/// Returns the first command in the hints.
fn hinted(messages: &str) -> Option<&str> {
    let hint = messages.lines().find_map(|line| line.trim_start().strip_prefix("hint: "))?;
    hint.split('`').find(|part| part.starts_with("kubectl "))
}

#[test]
fn a_hint_works_in_the_directory_where_the_user_is() {
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    let web = environment.path().join("apps/web");
    fs::create_dir_all(&web).unwrap();
    for file in ["largescale.yaml", "nginx.yaml", "nodes.json"] {
        fs::rename(environment.path().join(file), web.join(file)).unwrap();
    }
    let spoil = |text: &str| {
        let file = web.join("rendered/deployment-nginx.yaml");
        if text.is_empty() { fs::remove_file(file) } else { fs::write(file, text) }.unwrap();
    };
    let scenes: [(&str, &dyn Fn()); 2] = [
        ("kubectl largescale status -f apps/web", &|| ()),
        ("kubectl largescale render -f apps/web --check --message-format json", &|| spoil("")),
    ];
    for (command, before) in scenes {
        before();
        let output = environment.line(command);
        let text = String::from_utf8(output.stderr).unwrap();
        let followed = match hinted(&text) {
            Some(followed) => followed.to_owned(),
            None => text
                .split('`')
                .find(|part| part.starts_with("kubectl "))
                .unwrap_or_else(|| panic!("{text}"))
                .to_owned(),
        };
        assert!(followed.contains(" -f apps/web"), "{command}: {text}");
        let output = environment.line(&followed);
        assert!(output.status.success(), "{followed}: {output:?}");
        let after = String::from_utf8(environment.line(command).stderr).unwrap();
        assert!(!after.contains(&followed), "{command}: {after}");
    }
}

#[test]
fn the_hint_about_an_excluded_node_selects_it() {
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    let nodes = environment.path().join("nodes.json");
    let label =
        r#""agentpool": "agentpool1", "node.kubernetes.io/exclude-from-external-load-balancers": "false","#;
    let text = fs::read_to_string(&nodes).unwrap().replacen(r#""agentpool": "agentpool1","#, label, 1);
    fs::write(&nodes, text).unwrap();
    let output = environment.program(&["render"]);
    let text = String::from_utf8(output.stderr).unwrap();
    let key = "node.kubernetes.io/exclude-from-external-load-balancers";
    assert_eq!(
        hinted(&text),
        Some(format!("kubectl label nodes -l '{key} in (false)' {key}-").as_str()),
        "{text}"
    );
}
