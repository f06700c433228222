//! Checks the documentation: runs every command, follows every link, and compares the table of contents.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::{Environment, PROGRAM, checkout, walk};
use crate::pages::{Page, in_turn};

/// Blocks that cannot run here, with the reason.
const NOT_RUN: [&str; 0] = [];

#[test]
fn pages_show_the_real_output() {
    let mut failures = String::new();
    let mut not_run = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).unwrap();
        // tests/e2e runs the pages that need a cluster.
        if text.contains("\n<!-- cluster: ") || !text.contains("```console") && !text.contains("```sh") {
            continue;
        }
        if !has_kubectl() {
            assert!(std::env::var_os("CI").is_none(), "CI must have kubectl");
            writeln!(std::io::stderr(), "skipped: no kubectl for {}", path.display()).unwrap();
            return;
        }
        let location = Environment::with(Path::new("/nonexistent"));
        let state = Environment::with(Path::new("/nonexistent"));
        let state = state.path().join("directory");
        fs::write(&state, location.path().display().to_string()).unwrap();
        let shell = |script: &str| {
            let mut command = Command::new("bash");
            command.args(["-c", &in_turn(&state, script)]);
            location.prepare(&mut command);
            let path = format!(
                "{}:{}",
                Path::new(PROGRAM).parent().unwrap().display(),
                std::env::var("PATH").unwrap()
            );
            command.env("PATH", path).env("CHECKOUT", checkout());
            command
        };
        let write = |name: &str, text: &str| {
            let path = location.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let played = Page::read(&path).play(&shell, &write, &|text| without_ids(text));
        if !played.differences.is_empty() && std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, played.text).unwrap();
        } else if !played.differences.is_empty() {
            failures.push_str(&format!("== {}\n{}\n", path.display(), played.differences));
        }
        not_run.extend(played.not_run);
    }
    assert!(
        failures.is_empty(),
        "\n{failures}\nUPDATE_DOCS=1 updates the pages; read them before you commit them"
    );
    assert_eq!(not_run, NOT_RUN);
}

/// Replaces commit ids, which differ between runs.
fn without_ids(text: &str) -> String {
    regex_lite::Regex::new(r"\b[0-9a-f]{7,40}\b").unwrap().replace_all(text, "COMMIT").into_owned()
}

fn has_kubectl() -> bool {
    Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|output| output.status.success())
}

/// Returns the pages with commands: all of docs, and a few others.
fn pages() -> Vec<PathBuf> {
    markdown().into_iter().filter(|path| path.starts_with(checkout().join("docs"))).collect()
}

pub(crate) fn markdown() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "STYLE.md"] {
        found.push(checkout().join(name));
    }
    for directory in ["docs", "overlays", "examples", "tests", "platforms"] {
        walk(&checkout().join(directory), &mut |path| {
            let is_case = path.starts_with(checkout().join("tests/cases"));
            if path.extension().is_some_and(|ending| ending == "md") && !is_case {
                found.push(path.to_owned());
            }
        });
    }
    found
}

#[test]
fn every_link_leads_somewhere() {
    let link = regex_lite::Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut broken = Vec::new();
    let mut count = 0;
    for path in markdown() {
        let text = fs::read_to_string(&path).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") || target.contains("${") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let anchors = || headings(&fs::read_to_string(&file).unwrap_or_default());
            if !file.exists() || !anchor.is_empty() && !anchors().contains(&anchor.to_owned()) {
                broken.push(format!("{}: {target}", path.strip_prefix(checkout()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(count > 30, "{count} links are too few: the search misses some");
}

#[test]
fn every_yaml_block_is_yaml() {
    let mut wrong = String::new();
    let mut count = 0;
    for path in markdown() {
        let text = fs::read_to_string(&path).unwrap();
        for block in text.split("\n```yaml\n").skip(1) {
            let block = block.split("\n```").next().unwrap();
            count += 1;
            if let Err(problem) = largescale::core::yaml::read(&path.display().to_string(), block) {
                wrong.push_str(&format!("{problem}\n{block}\n"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 8, "{count} blocks are too few: the search misses some");
}

/// Returns the anchors of headings, as GitHub generates them.
fn headings(text: &str) -> Vec<String> {
    let heading =
        |line: &str| line.starts_with('#').then(|| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |text: String| -> String {
        text.chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
            .collect::<String>()
            .replace(' ', "-")
    };
    text.lines().filter_map(heading).map(kept).collect()
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let contents = fs::read_to_string(checkout().join("docs/README.md")).unwrap();
    for path in pages() {
        let name = path.strip_prefix(checkout().join("docs")).unwrap().display().to_string();
        let is_listed =
            name == "README.md" || name.starts_with("adr/") || contents.contains(&format!("({name})"));
        assert!(is_listed, "docs/README.md does not list {name}");
    }
}
