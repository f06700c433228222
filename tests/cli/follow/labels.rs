//! `kubectl label nodes`, on the files of nodes of a directory.

use std::fs;
use std::path::{Path, PathBuf};

use largescale::core::kubernetes::selector::Selector;
use largescale::core::yaml;
use serde_json::{Map, Value};

use crate::environment::walk;

/// What a command says.
struct Command {
    names: Vec<String>,
    selector: Option<Selector>,
    /// Keys and their values; `None` removes the label.
    labels: Vec<(String, Option<String>)>,
    overwrites: bool,
}

/// Splits a command as a shell does; quotes are single ones.
fn words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 0 {
            words.extend(part.split_whitespace().map(str::to_owned));
        } else {
            words.push(part.to_owned());
        }
    }
    words
}

fn parse(command: &str) -> Result<Command, String> {
    let mut parsed = Command { names: Vec::new(), selector: None, labels: Vec::new(), overwrites: false };
    let words = words(command);
    let mut words = words.iter().skip(3);
    while let Some(word) = words.next() {
        if word == "-l" {
            let text = words.next().ok_or("a selector without a value")?;
            parsed.selector = Some(Selector::read(text).map_err(|why| format!("{text}: {why}"))?);
        } else if word == "--overwrite" {
            parsed.overwrites = true;
        } else if word.starts_with('-') {
            return Err(format!("unknown flag {word}"));
        } else if let Some((key, value)) = word.split_once('=') {
            parsed.labels.push((key.to_owned(), Some(value.to_owned())));
        } else if let Some(key) = word.strip_suffix('-') {
            parsed.labels.push((key.to_owned(), None));
        } else {
            parsed.names.push(word.clone());
        }
    }
    if parsed.labels.is_empty() || parsed.names.is_empty() == parsed.selector.is_none() {
        return Err("expected names or a selector, and labels".to_owned());
    }
    Ok(parsed)
}

/// Changes the labels in every file with nodes. Fails if the command names a node that does not exist, or changes nothing.
pub fn follow(directory: &Path, command: &str) -> Result<(), String> {
    let parsed = parse(command)?;
    let mut paths: Vec<PathBuf> = Vec::new();
    walk(directory, &mut |path| {
        let is_text = path.extension().is_some_and(|ending| ending == "json" || ending == "yaml");
        if is_text && path.is_file() && !path.is_symlink() {
            paths.push(path.to_owned());
        }
    });
    let mut found: Vec<String> = Vec::new();
    for path in paths {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let Ok(document) = yaml::read_one("nodes", &text) else { continue };
        let mut value = document.value.clone();
        let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) else { continue };
        let before = found.len();
        for node in items {
            label(node, &parsed, &mut found)?;
        }
        if found.len() > before {
            fs::write(&path, value.to_string()).unwrap();
        }
    }
    let missing = parsed.names.iter().find(|name| !found.contains(name));
    match missing {
        Some(name) => Err(format!("node {name} does not exist")),
        None if found.is_empty() => Err("no node is selected".to_owned()),
        None => Ok(()),
    }
}

/// Changes the labels of a node, if the command names or selects it.
fn label(node: &mut Value, command: &Command, found: &mut Vec<String>) -> Result<(), String> {
    let Some(metadata) = node.get_mut("metadata").and_then(Value::as_object_mut) else { return Ok(()) };
    let name = metadata.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let labels = metadata.entry("labels").or_insert_with(|| Value::Object(Map::new()));
    let is_selected = command.selector.as_ref().is_some_and(|selector| selector.matches(labels));
    let Some(labels) = labels.as_object_mut() else { return Ok(()) };
    if !is_selected && !command.names.contains(&name) {
        return Ok(());
    }
    for (key, value) in &command.labels {
        let Some(value) = value else {
            if labels.remove(key).is_none() {
                return Err(format!("node {name} has no label {key}"));
            }
            continue;
        };
        let before = labels.insert(key.clone(), Value::from(value.as_str()));
        if before.is_some_and(|before| before != value.as_str()) && !command.overwrites {
            return Err(format!("node {name} already has the label {key}, and --overwrite is missing"));
        }
    }
    found.push(name);
    Ok(())
}
