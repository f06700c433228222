//! What the docs say of the program is what the program says. `UPDATE_DOCS=1` writes the generated parts anew.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use largescale::cli::Cli;
use largescale::core::overlay;
use largescale::core::platform::{builtin_names, read_builtin};
use largescale::exit::Exit;

use crate::environment::{Environment, PROGRAM, checkout};

#[test]
fn readme_lists_the_commands() {
    let rows: String = Cli::command()
        .get_subcommands()
        .map(|command| format!("| `{}` | {} |\n", command.get_name(), command.get_about().unwrap()))
        .collect();
    between("README.md", "commands", &table(&["command", "what it is for"], &rows));
}

#[test]
fn readme_and_help_list_the_exit_codes() {
    let rows: String =
        Exit::TABLE.iter().map(|(exit, meaning)| format!("| {} | {meaning} |\n", exit.code())).collect();
    between("README.md", "exits", &table(&["exit code", "meaning"], &rows));
    let help = Cli::command().render_help().to_string();
    for (exit, meaning) in Exit::TABLE {
        assert!(
            help.contains(&format!("  {}  {meaning}\n", exit.code()))
                || help.ends_with(&format!("  {}  {meaning}", exit.code())),
            "--help lacks {meaning}\n{help}"
        );
    }
}

#[test]
fn readme_lists_platforms_and_overlays() {
    let (binding, others): (Vec<&str>, Vec<&str>) =
        builtin_names().partition(|name| read_builtin(name).unwrap().unwrap().spec.refused.is_none());
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let text = format!("Built in: {}; without a way to choose nodes: {}.\n", list(&binding), list(&others));
    between("README.md", "platforms", &text);
    let overlays: Vec<&str> = overlay::builtin_names().collect();
    between("README.md", "overlays", &format!("Built in: {}.\n", list(&overlays)));
}

#[test]
fn the_schemas_are_committed() {
    for form in ["spec", "platform", "overlay"] {
        let environment = Environment::with(Path::new("/nonexistent"));
        let seen = String::from_utf8(environment.program(&["schema", form]).stdout).unwrap();
        let path = checkout().join(format!("docs/schema/{form}.json"));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &seen).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            seen,
            "docs/schema/{form}.json is not what `schema {form}` prints"
        );
    }
}

#[test]
fn the_example_in_readme_is_what_it_prints() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let script = checkout().join("examples/run.sh");
    let output = environment.line(&format!("sh '{}' '{PROGRAM}'", script.display()));
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{seen}");
    let readme = fs::read_to_string(checkout().join("README.md")).unwrap();
    assert!(
        readme.contains(&format!("```console\n{}\n```", seen.trim())),
        "README.md shows another output than:\n{seen}"
    );
}

#[test]
fn the_examples_pass_their_own_schema() {
    // An editor that follows the schema must not mark what the program takes: both read the same fields.
    let schema: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(checkout().join("docs/schema/spec.json")).unwrap()).unwrap();
    let spec =
        fs::read_to_string(checkout().join("tests/cases/render/names-and-pools/in/largescale.yaml")).unwrap();
    let value = largescale::core::yaml::read_one("spec", &spec).unwrap().value;
    for field in value["spec"].as_object().unwrap().keys() {
        assert!(
            schema["$defs"]["Spec"]["properties"].get(field).is_some(),
            "the schema does not know {field}"
        );
    }
}

pub(crate) fn table(headings: &[&str], rows: &str) -> String {
    format!("| {} |\n|{}\n{rows}", headings.join(" | "), " --- |".repeat(headings.len()))
}

/// Holds the part of a page between `<!-- name -->` and `<!-- /name -->` to a text.
#[track_caller]
pub(crate) fn between(page: &str, name: &str, expected: &str) {
    let path = checkout().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = text.find(&start).unwrap_or_else(|| panic!("{page} has no {start}")) + start.len();
    let to = text.find(&end).unwrap_or_else(|| panic!("{page} has no {end}"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{}{expected}{}", &text[..from], &text[to..])).unwrap();
        return;
    }
    assert_eq!(&text[from..to], expected, "{page}, {name}: UPDATE_DOCS=1 writes it anew");
}
