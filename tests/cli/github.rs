//! Checks the workflows with actionlint; they must use full versions of actions and minimal permissions. The
//! release must build every platform of the krew manifest.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::Command;

use largescale::core::yaml;
use serde_json::Value;

use crate::environment::checkout;

const WORKFLOWS: [&str; 2] = ["ci", "release"];

fn read(file: &str) -> Value {
    let text = fs::read_to_string(checkout().join(file)).unwrap();
    yaml::read_one(file, &text).unwrap_or_else(|problem| panic!("{problem:?}")).value
}

#[test]
fn actionlint_accepts_them() {
    let program = checkout().join("target/actionlint");
    if !program.exists() {
        assert!(std::env::var_os("CI").is_none(), "no actionlint: run `make actionlint` first");
        // Bypass the capture of the test harness, so that the line is visible.
        writeln!(std::io::stderr(), "skipped: no actionlint (make actionlint builds it, with Go)").unwrap();
        return;
    }
    let ours = WORKFLOWS.map(|name| format!(".github/workflows/{name}.yml"));
    let examples = ["review", "refresh"].map(|name| format!("examples/ci/github-{name}.yaml"));
    for file in ours.iter().chain(&examples) {
        let file = checkout().join(file);
        // actionlint passes scripts to shellcheck if it is installed.
        let output = Command::new(&program).args(["-no-color", "-pyflakes="]).arg(file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn actions_have_a_full_version_and_jobs_declare_permissions() {
    for name in WORKFLOWS {
        let workflow = read(&format!(".github/workflows/{name}.yml"));
        let at_the_top = &workflow["permissions"];
        assert!(at_the_top.is_object(), "{name} declares no permissions");
        for (job, content) in workflow["jobs"].as_object().unwrap() {
            assert!(
                content["permissions"].is_object() || *at_the_top == serde_json::json!({"contents": "read"}),
                "{name}: {job} declares no permissions"
            );
            let steps = content["steps"].as_array().into_iter().flatten();
            for uses in steps.chain([content]).filter_map(|part| part["uses"].as_str()) {
                let version = uses.split_once("@v").map(|(_, version)| version);
                let is_full = version.is_some_and(|version| {
                    let parts: Vec<&str> = version.split('.').collect();
                    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
                });
                assert!(is_full || uses.starts_with("./"), "{name}: {uses}");
            }
        }
    }
}

#[test]
fn the_release_builds_every_platform_of_the_manifest() {
    let workflow = read(".github/workflows/release.yml");
    let matrix = workflow["jobs"]["build"]["strategy"]["matrix"]["include"].as_array().unwrap();
    let built: BTreeSet<String> =
        matrix.iter().map(|entry| platform(entry["target"].as_str().unwrap())).collect();
    let manifest = read("krew-manifest.yaml");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut wanted = BTreeSet::new();
    for entry in manifest["spec"]["platforms"].as_array().unwrap() {
        let labels = &entry["selector"]["matchLabels"];
        let name = format!("{}_{}", text(&labels["os"]), text(&labels["arch"]));
        assert!(
            text(&entry["uri"]).ends_with(&format!("/v0.0.0/kubectl-largescale_v0.0.0_{name}.tar.gz")),
            "{name}"
        );
        assert_eq!(text(&entry["bin"]).ends_with(".exe"), name.starts_with("windows"), "{name}");
        wanted.insert(name);
    }
    assert_eq!(built, wanted);
    assert_eq!(wanted.len(), 6);
}

/// Returns krew's name for a Rust target.
fn platform(target: &str) -> String {
    let system = ["linux", "darwin", "windows"].into_iter().find(|system| target.contains(system)).unwrap();
    let processor = if target.starts_with("x86_64") { "amd64" } else { "arm64" };
    format!("{system}_{processor}")
}
