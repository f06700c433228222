//! The objects in the test data of `k8s.io/api`: every field of every kind has a value.
//!
//! The values are synthetic, such as `nameValue`, so the server refuses most objects. But it reads them, so the types of all
//! fields are right: the program must know each field and its type. And it must accept what the server accepts.

use std::path::PathBuf;
use std::process::Command;

use largescale::core::manifest::validate;
use largescale::core::report::diagnostic::Location;
use largescale::core::yaml;
use serde_json::{Map, Value};

use crate::child::skip;
use crate::control_plane::ApiServer;
use crate::mutations::{Verdict, collection, post, resources};
use crate::real_server::as_administrator;

/// The version in `tests/go/control-plane/go.mod`.
const VERSION: &str = "v0.36.4";

/// Errors about the type or the name of a field, which the server finds when it reads an object.
const WHEN_READ: &[&str] = &[
    "unknown field",
    "expected a string",
    "expected a whole number",
    "expected a list",
    "expected an object",
    "expected true or false",
    "is not base64",
];

#[test]
fn no_object_of_the_test_data_is_refused_by_the_program_only() {
    let Some(server) = ApiServer::shared() else { return };
    let Some(directory) = directory() else {
        skip(&format!("k8s.io/api@{VERSION} is not in the module cache"));
        return;
    };
    let mut checked = 0;
    let (mut accepted, mut wrong) = (0, Vec::new());
    as_administrator(server, async |client| {
        let resources = resources(&client).await;
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        {
            let text = std::fs::read_to_string(path).unwrap();
            for document in yaml::read(&path.display().to_string(), &text).unwrap() {
                let mut object = document.value;
                // A write has none of these, and one namespace that exists.
                for field in ["status", "resourceVersion"] {
                    object.as_object_mut().map(|map| map.remove(field));
                    object["metadata"].as_object_mut().map(|map| map.remove(field));
                }
                let Some(metadata) = object["metadata"].as_object_mut() else { continue };
                reduce(metadata);
                let Some(target) = collection(&resources, &object) else { continue };
                checked += 1;
                let verdict = post(&client, &target, &object).await;
                let problems = validate(&object, |at| Location::file(at));
                let is_read = !matches!(&verdict, Verdict::Refused(why) if why.contains("cannot be handled as a") || why.contains("strict decoding error"));
                accepted += usize::from(verdict == Verdict::Accepted);
                for problem in problems {
                    let when_read = WHEN_READ.iter().any(|error| problem.message.contains(error));
                    if verdict == Verdict::Accepted || is_read && when_read {
                        wrong.push(format!("{}: {problem}", path.display()));
                    }
                }
            }
        }
    });
    assert!(checked > 40 && accepted > 3, "{checked} objects, {accepted} accepted");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Leaves what a request may set.
fn reduce(metadata: &mut Map<String, Value>) {
    metadata.retain(|field, _| matches!(field.as_str(), "name" | "annotations" | "labels"));
    metadata.insert("name".to_owned(), "name".into());
    metadata.insert("namespace".to_owned(), "default".into());
}

fn directory() -> Option<PathBuf> {
    let output = Command::new("go").args(["env", "GOMODCACHE"]).output().ok()?;
    let cache = String::from_utf8(output.stdout).ok()?;
    let directory = PathBuf::from(cache.trim()).join(format!("k8s.io/api@{VERSION}/testdata/HEAD"));
    directory.is_dir().then_some(directory)
}
