//! Checks the workflows with actionlint; they must pin actions by commit and declare minimal permissions. The
//! release must build every platform of the krew manifest.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::Command;

use largescale::core::yaml;
use serde_json::Value;

use crate::environment::checkout;

const WORKFLOWS: [&str; 2] = ["ci", "release"];
const EXAMPLES: [&str; 2] = ["review", "refresh"];

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
    let examples = EXAMPLES.map(|name| format!("examples/ci/github-{name}.yaml"));
    for file in ours.iter().chain(&examples) {
        let file = checkout().join(file);
        // actionlint passes scripts to shellcheck if it is installed.
        let output = Command::new(&program).args(["-no-color", "-pyflakes="]).arg(file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn actions_are_pinned_by_commit_and_jobs_declare_permissions() {
    let ours = WORKFLOWS.map(|name| format!(".github/workflows/{name}.yml"));
    let examples = EXAMPLES.map(|name| format!("examples/ci/github-{name}.yaml"));
    for file in ours.iter().chain(&examples) {
        let workflow = read(file);
        let at_the_top = &workflow["permissions"];
        assert!(at_the_top.is_object(), "{file} declares no permissions");
        for (job, content) in workflow["jobs"].as_object().unwrap() {
            assert!(
                content["permissions"].is_object() || *at_the_top == serde_json::json!({"contents": "read"}),
                "{file}: {job} declares no permissions"
            );
            let steps = content["steps"].as_array().into_iter().flatten();
            for uses in steps.chain([content]).filter_map(|part| part["uses"].as_str()) {
                assert!(is_pinned(uses), "{file}: {uses} is not pinned by commit");
            }
        }
        // The comment names the version, so that a person sees what the commit is.
        let text = fs::read_to_string(checkout().join(file)).unwrap();
        for line in text.lines().filter(|line| line.contains("uses: ") && !line.contains("uses: ./")) {
            let version = line.split_once(" # v").map(|(_, version)| version.split('.'));
            let is_full = version.is_some_and(|version| {
                let parts: Vec<&str> = version.collect();
                parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
            });
            assert!(is_full, "{file}: no version in {line}");
        }
    }
}

fn is_pinned(uses: &str) -> bool {
    let commit = uses.rsplit_once('@').map(|(_, commit)| commit);
    let is_commit = |commit: &str| commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    uses.starts_with("./") || commit.is_some_and(is_commit)
}

#[test]
fn tags_and_branches_are_not_pins() {
    for uses in ["actions/checkout@v6.0.2", "actions/checkout@main", "actions/checkout", "a/b@de0fac2e"] {
        assert!(!is_pinned(uses), "{uses}");
    }
    assert!(is_pinned("actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd"));
}

/// Users copy the image of the `CronJob`, so it has the form that cannot be moved.
#[test]
fn the_image_of_the_cronjob_has_a_digest() {
    let text = fs::read_to_string(checkout().join("examples/cronjob/cronjob.yaml")).unwrap();
    let images: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
    assert_eq!(images.len(), 1);
    let digest = images[0].rsplit_once("@sha256:").map(|(_, digest)| digest);
    assert!(digest.is_some_and(|digest| digest.len() == 64), "{images:?}");
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
