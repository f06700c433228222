//! Patches as in kustomize: a string or a file with JSON 6902 operations.

use serde_json::Value;

use crate::core::patch::Patch;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::mask::hides;
use crate::core::yaml::Document;
use crate::core::{patch, pointer, yaml};

/// Reads a patch that is a string in an overlay. `overlay` is the text of the overlay; it shows whether the string is a block,
/// so that the lines in messages are right.
pub(super) fn in_string(
    text: &str,
    location: &Location,
    overlay: &str,
    problems: &mut Vec<Diagnostic>,
) -> Patch {
    let first = usize::try_from(location.line).unwrap_or_default();
    let is_block = overlay.lines().nth(first.saturating_sub(1)).is_some_and(|line| {
        let end = line.trim_end().trim_end_matches(['-', '+', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        end.ends_with(": |") || end.ends_with(": >")
    });
    let within = |line: u32| Location {
        line: if is_block { location.line + line } else { location.line },
        ..location.clone()
    };
    match yaml::read_own(&location.file, text) {
        Ok(documents) => operations(&documents, location, |inner| within(inner.line), problems),
        Err(problem) => {
            let line = problem.location.as_ref().map_or(0, |inner| inner.line);
            problems.push(problem.at(within(line)));
            Patch::default()
        }
    }
}

/// Reads a patch from a separate file.
pub(super) fn in_file(file: &str, text: &str, problems: &mut Vec<Diagnostic>) -> Patch {
    match yaml::read_own(file, text) {
        Ok(documents) => operations(&documents, &Location::file(file), |location| location, problems),
        Err(problem) => {
            problems.push(problem);
            Patch::default()
        }
    }
}

fn operations(
    documents: &[Document],
    location: &Location,
    within: impl Fn(Location) -> Location,
    problems: &mut Vec<Diagnostic>,
) -> Patch {
    let [document] = documents else {
        let message =
            if documents.is_empty() { "the patch is empty" } else { "the patch has more than one document" };
        problems.push(
            Diagnostic::error(message).at(location.clone()).hint("write one list of JSON 6902 operations"),
        );
        return Patch::default();
    };
    match &document.value {
        Value::Array(list) => {
            patch::read_operations(list, |index| within(document.location(&format!("/{index}"))), problems)
        }
        Value::Object(_) => {
            let mut problem = Diagnostic::error(
                "strategic merge patches are not supported, because their meaning depends on the schema of the object",
            )
            .at(within(document.location("")));
            let mut path = String::new();
            if let Some(value) = first_change(&document.value, &mut path) {
                // The kind may be in the target instead.
                let mut object = document.value.clone();
                if let Some(fields) = object.as_object_mut() {
                    fields.entry("kind").or_insert_with(|| "Secret".into());
                }
                let value = if hides(&object, &path) { "VALUE".to_owned() } else { value.to_string() };
                problem = problem.hint(format!(
                    "write each change as a JSON 6902 operation, such as `- {{op: add, path: {path}, value: {value}}}`"
                ));
            }
            problems.push(problem);
            Patch::default()
        }
        other => {
            problems.push(
                Diagnostic::error(format!("the patch is {}, expected a list of operations", kind_of(other)))
                    .at(location.clone()),
            );
            Patch::default()
        }
    }
}

/// Returns the first value that a merge patch changes, and appends its location to `path`. Fields that only name the object
/// are skipped.
fn first_change<'a>(value: &'a Value, path: &mut String) -> Option<&'a Value> {
    const NAMES: &[&str] = &["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];
    let mut below = |key: &str, value: &'a Value| {
        let length = path.len();
        pointer::push(path, key);
        let is_name = NAMES.contains(&path.as_str()) || key == "name";
        let found = if is_name { None } else { first_change(value, path) };
        if found.is_none() {
            path.truncate(length);
        }
        found
    };
    match value {
        Value::Object(map) => map.iter().find_map(|(key, value)| below(key, value)),
        Value::Array(list) => list.iter().find_map(|item| {
            let name = item["name"].as_str()?;
            below(&format!("name={name}"), item)
        }),
        plain => Some(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn problem(overlay: &str, text: &str) -> Diagnostic {
        let mut problems = Vec::new();
        in_string(text, &Location { file: "o.yaml".to_owned(), line: 1 }, overlay, &mut problems);
        problems.pop().unwrap()
    }

    #[test]
    fn problems_in_a_block_have_the_lines_of_the_overlay() {
        let bad = "- {op: add, path: /a, value: 1}\n- {op: put}\n";
        assert_eq!(problem("  patch: |-\n", bad).location.unwrap().line, 3);
        assert_eq!(problem("- patch: '...'\n", bad).location.unwrap().line, 1);
        assert_eq!(problem("  patch: |2+\n", "- a: [\n").location.unwrap().line, 2);
    }

    #[test]
    fn merge_patches_are_refused_with_the_equivalent_operation() {
        let merge = "kind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: app, image: b}]}}}\n";
        let problem = problem("patch: |-\n", merge);
        assert!(problem.message.starts_with("strategic merge patches are not supported"));
        assert_eq!(
            problem.hint.unwrap(),
            "write each change as a JSON 6902 operation, such as `- {op: add, path: /spec/template/spec/containers/name=app/image, value: \"b\"}`"
        );
    }

    #[test]
    fn the_equivalent_operation_shows_no_value_of_a_secret() {
        for merge in [
            "kind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2}\n",
            "kind: secret\ndata: hunter2\n",
            "stringData: {password: hunter2}\n",
        ] {
            let hint = problem("patch: |-\n", merge).hint.unwrap();
            assert!(hint.contains("value: VALUE}") && !hint.contains("hunter2"), "{hint}");
        }
    }

    #[test]
    fn empty_and_scalar_patches_are_refused() {
        assert_eq!(problem("patch: |-\n", "").message, "the patch is empty");
        assert!(problem("patch: x\n", "x").message.contains("expected a list of operations"));
    }
}
