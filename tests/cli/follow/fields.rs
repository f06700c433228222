//! Sets fields of a spec, as a user who copies them from a hint.

use std::fs;
use std::path::{Path, PathBuf};

use largescale::core::yaml;
use serde_json::{Map, Value};

use crate::follow::Line;

/// Returns the path of the spec that a command reads.
fn spec_of(directory: &Path, line: &Line) -> PathBuf {
    let here = match line.place.strip_prefix("cd ") {
        Some(rest) => directory.join(rest.trim_end_matches(" && ")),
        None => directory.to_owned(),
    };
    let named = line.command.split_once(" -f ").map(|(_, rest)| rest.split(' ').next().unwrap_or_default());
    let path = here.join(named.unwrap_or("."));
    if path.is_dir() { path.join("largescale.yaml") } else { path }
}

/// Returns the flag of the command that overrides a field, and the value of the field.
pub fn flag_of<'a>(field: &'a str, command: &str) -> Option<(&'static str, &'a str)> {
    let flags = [("spec.pools.label: ", "--label"), ("spec.platform: ", "--platform")];
    let (value, flag) = flags.iter().find_map(|(start, flag)| Some((field.strip_prefix(start)?, *flag)))?;
    command.contains(flag).then_some((flag, value))
}

/// Sets a field, such as `spec.pools.exclude: [a]` or `workload: {perPool: true}`. Maps are merged, other values replaced.
pub fn set(directory: &Path, line: &Line, field: &str) -> Result<(), String> {
    let (place, value) = field.split_once(": ").unwrap();
    let value = yaml::read_one("hint", &format!("value: {value}")).map_err(|why| format!("{why:?}"))?;
    let mut value = value.value["value"].clone();
    for part in place.strip_prefix("spec.").unwrap_or(place).rsplit('.') {
        value = Value::Object(Map::from_iter([(part.to_owned(), value)]));
    }
    change(&spec_of(directory, line), |spec| merge(spec, value))
}

/// Removes the overlay that a message names from `spec.overlays`.
pub fn remove_overlay(directory: &Path, line: &Line, message: &str) -> Result<(), String> {
    change(&spec_of(directory, line), |spec| {
        if let Some(overlays) = spec["overlays"].as_array_mut() {
            overlays.retain(|name| !name.as_str().is_some_and(|name| message.contains(name)));
        }
    })
}

fn change(path: &Path, change: impl FnOnce(&mut Value)) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let document = yaml::read_one("spec", &text).map_err(|why| format!("{why:?}"))?;
    let mut whole = document.value.clone();
    let root = whole.as_object_mut().ok_or("the spec has the wrong type, expected a map")?;
    change(root.entry("spec").or_insert_with(|| Value::Object(Map::new())));
    fs::write(path, whole.to_string()).map_err(|error| error.to_string())
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
