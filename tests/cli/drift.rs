//! Compares the docs with the program. `UPDATE_DOCS=1` updates the generated parts.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use largescale::cli::Cli;
use largescale::core::gateway::Implementation;
use largescale::core::overlay;
use largescale::core::overlay::Overlay;
use largescale::core::platform::{Platform, builtin_names, read_builtin};
use largescale::core::report::message::Message;
use largescale::core::schema::read;
use largescale::core::spec::LargeScale;
use largescale::exit::Exit;

use crate::environment::{Environment, PROGRAM, checkout};

#[test]
fn docs_and_help_list_the_exit_codes() {
    let rows: String =
        Exit::TABLE.iter().map(|(exit, meaning)| format!("| {} | {meaning} |\n", exit.code())).collect();
    separator("docs/commands.md", "exits", &table(&["exit code", "meaning"], &rows));
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
fn concepts_list_platforms_and_overlays() {
    let (binding, others): (Vec<&str>, Vec<&str>) =
        builtin_names().partition(|name| read_builtin(name).unwrap().unwrap().spec.refused.is_none());
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let text = format!("Built in: {}; without a way to choose nodes: {}.\n", list(&binding), list(&others));
    separator("docs/concepts.md", "platforms", &text);
    let overlays: Vec<&str> = overlay::builtin_names().collect();
    separator("docs/concepts.md", "overlays", &format!("Built in: {}.\n", list(&overlays)));
}

#[test]
fn the_schemas_are_current() {
    for (form, generated) in [
        ("spec", read::generate::<LargeScale>()),
        ("platform", Platform::generate_schema()),
        ("overlay", Overlay::generate_schema()),
        ("gateway", Implementation::generate_schema()),
        ("message", read::generate::<Message>()),
    ] {
        let generated = serde_json::to_string_pretty(&generated).unwrap() + "\n";
        let path = checkout().join(format!("docs/schema/{form}.json"));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &generated).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(
            written, generated,
            "docs/schema/{form}.json differs from the types: UPDATE_DOCS=1 updates it"
        );
        let environment = Environment::with(Path::new("/nonexistent"));
        let printed = String::from_utf8(environment.program(&["schema", form]).stdout).unwrap();
        assert_eq!(printed, written, "the program has an older docs/schema/{form}.json");
    }
}

#[test]
fn the_page_of_the_example_shows_its_output() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let script = checkout().join("examples/run.sh");
    let output = environment.line(&format!("sh '{}' '{PROGRAM}'", script.display()));
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{seen}");
    let page = fs::read_to_string(checkout().join("docs/example.md")).unwrap();
    assert!(
        page.contains(&format!("```console\n{}\n```", seen.trim())),
        "docs/example.md differs from the output of examples/run.sh:\n{seen}"
    );
}

#[test]
fn the_examples_pass_their_own_schema() {
    // An editor that uses the schema must not flag what the program accepts: both must know the same fields.
    let schema: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(checkout().join("docs/schema/spec.json")).unwrap()).unwrap();
    let spec =
        fs::read_to_string(checkout().join("tests/cases/render/names-and-pools/in/largescale.yaml")).unwrap();
    let value = largescale::core::yaml::read_one("spec", &spec).unwrap().value;
    for field in value["spec"].as_object().unwrap().keys() {
        assert!(schema["$defs"]["Spec"]["properties"].get(field).is_some(), "the schema lacks {field}");
    }
}

pub(crate) fn table(headings: &[&str], rows: &str) -> String {
    format!("| {} |\n|{}\n{rows}", headings.join(" | "), " --- |".repeat(headings.len()))
}

/// Compares the part of a page between `<!-- name -->` and `<!-- /name -->` with a text.
#[track_caller]
pub(crate) fn separator(page: &str, name: &str, expected: &str) {
    let path = checkout().join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = text.find(&start).unwrap_or_else(|| panic!("{page} has no {start}")) + start.len();
    let to = text.find(&end).unwrap_or_else(|| panic!("{page} has no {end}"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{}{expected}{}", &text[..from], &text[to..])).unwrap();
        return;
    }
    assert_eq!(&text[from..to], expected, "{page}, {name}: UPDATE_DOCS=1 updates it");
}

#[test]
fn every_command_is_in_its_page() {
    let mut rows = String::new();
    let mut text = String::new();
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        rows.push_str(&format!("| [`{name}`](#{name}) | {} |\n", command.get_about().unwrap()));
        text.push_str(&help(&[name]));
        for below in command.get_subcommands() {
            text.push_str(&help(&[name, below.get_name()]));
        }
    }
    separator("docs/commands.md", "commands", &table(&["command", "purpose"], &rows));
    separator("docs/commands.md", "help", &text);
}

/// Returns the printed help of a command.
fn help(words: &[&str]) -> String {
    let environment = Environment::with(Path::new("/nonexistent"));
    let output = environment.program(&[words, &["--help"]].concat());
    let printed = String::from_utf8(output.stdout).unwrap();
    let own = printed.trim_end();
    let level = "#".repeat(words.len() + 1);
    format!("{level} {}\n\n```text\n{own}\n```\n\n", words.join(" "))
}

#[test]
fn every_global_flag_is_in_the_page_of_commands() {
    let environment = Environment::with(Path::new("/nonexistent"));
    let printed = String::from_utf8(environment.program(&["options"]).stdout).unwrap();
    let printed = printed.trim_end();
    separator("docs/commands.md", "global-flags", &format!("```text\n{printed}\n```\n"));
}

#[test]
fn every_field_is_in_its_page() {
    let mut text = String::new();
    for (form, title) in [("spec", "The spec"), ("overlay", "An overlay"), ("platform", "A platform")] {
        let schema = fs::read_to_string(checkout().join(format!("docs/schema/{form}.json"))).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        text.push_str(&format!("## {title}\n\n"));
        text.push_str(&fields_of(form, &schema, &schema));
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            text.push_str(&fields_of(name, definition, &schema));
        }
    }
    separator("docs/spec.md", "fields", &text);
}

#[test]
fn every_field_of_a_message_is_in_the_page_of_commands() {
    let schema = fs::read_to_string(checkout().join("docs/schema/message.json")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let mut text = fields_of("message", &schema, &schema);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        text.push_str(&fields_of(name, definition, &schema));
    }
    separator("docs/commands.md", "message-fields", &text);
}

/// Returns a table of the fields of a type, or of its values.
fn fields_of(name: &str, definition: &serde_json::Value, schema: &serde_json::Value) -> String {
    let line =
        |value: &serde_json::Value| value.as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
    let about = line(&definition["description"]);
    if let Some(words) = definition["oneOf"].as_array() {
        let rows: String = words
            .iter()
            .map(|word| format!("| `{}` | {} |\n", line(&word["const"]), line(&word["description"])))
            .collect();
        return format!("### {name}\n\n{about}\n\n{}\n", table(&["word", "meaning"], &rows));
    }
    let Some(fields) = definition["properties"].as_object() else { return String::new() };
    let required: Vec<&str> = definition["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str)
        .collect();
    let rows: String = fields
        .iter()
        .map(|(field, shape)| {
            let default = match &shape["default"] {
                serde_json::Value::Null if required.contains(&field.as_str()) => "*required*".to_owned(),
                serde_json::Value::String(text) => format!("`{text}`"),
                serde_json::Value::Bool(flag) => format!("`{flag}`"),
                serde_json::Value::Number(number) => format!("`{number}`"),
                // The default of an object or a list consists of the defaults of its fields.
                _ => String::new(),
            };
            format!("| `{field}` | {} | {default} | {} |\n", type_of(shape), line(&shape["description"]))
        })
        .collect();
    let title =
        if schema == definition { format!("`{}`", line(&definition["title"])) } else { name.to_owned() };
    format!("### {title}\n\n{about}\n\n{}\n", table(&["field", "type", "default", "what it does"], &rows))
}

fn type_of(shape: &serde_json::Value) -> String {
    if let Some(name) = shape["$ref"].as_str() {
        return name.trim_start_matches("#/$defs/").to_owned();
    }
    if let Some(options) = shape["anyOf"].as_array() {
        let known: Vec<String> = options.iter().filter(|one| one["type"] != "null").map(type_of).collect();
        return known.join(" or ");
    }
    let name = match &shape["type"] {
        serde_json::Value::Array(names) => names[0].as_str().unwrap_or_default(),
        name => name.as_str().unwrap_or("anything"),
    };
    match name {
        "array" => format!("list of {}", type_of(&shape["items"])),
        "object" if shape["additionalProperties"].is_object() => {
            format!("map to {}", type_of(&shape["additionalProperties"]))
        }
        name => name.to_owned(),
    }
}
