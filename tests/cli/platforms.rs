//! Compares docs/platforms.md with the platform files. A platform is called tested only if the tests run the provider's own
//! code on rendered Services. `UPDATE_DOCS=1` updates the generated parts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use largescale::core::platform::{
    Grade, Platform, Relief, ShardsGive, builtin_names, distributions, facts, read_builtin,
};
use largescale::core::{node_list, yaml};
use serde::Deserialize;
use serde_json::json;

use crate::drift::{separator, table};
use crate::environment::{Environment, checkout};

const PAGE: &str = "docs/platforms.md";

/// What the tests run for a platform: module with version, and functions.
#[derive(Deserialize)]
struct Proof {
    platform: String,
    module: String,
    functions: Vec<String>,
    by: String,
}

fn proofs() -> BTreeMap<String, Proof> {
    let text = fs::read_to_string(checkout().join("tests/proofs.json")).unwrap();
    let list: Vec<Proof> = serde_json::from_str(&text).unwrap();
    list.into_iter().map(|proof| (proof.platform.clone(), proof)).collect()
}

fn platforms() -> Vec<Platform> {
    builtin_names().map(|name| read_builtin(name).unwrap().unwrap()).collect()
}

/// The page and the command must show the same proofs as the tests that run the providers' code.
#[test]
fn tested_platforms_are_the_proofs_of_the_tests() {
    let proofs = proofs();
    for platform in platforms() {
        let name = &platform.name;
        let said = platform.spec.proof.unwrap_or_else(|| panic!("{name} has no proof"));
        let Some(proof) = proofs.get(name) else {
            assert_ne!(said.grade, Grade::Tested, "{name} is not in tests/proofs.json");
            continue;
        };
        assert_eq!(said.grade, Grade::Tested, "{name}");
        assert_eq!(said.source, proof.module, "{name}");
        assert_eq!(said.functions, proof.functions, "{name}");
        assert_eq!(said.by.as_ref(), Some(&proof.by), "{name}");
    }
    for name in proofs.keys() {
        assert!(builtin_names().any(|known| known == name), "tests/proofs.json names {name}");
    }
}

/// Each proof names a version: a tag, a commit or a day.
#[test]
fn each_proof_names_a_version() {
    for platform in platforms() {
        let source = platform.spec.proof.unwrap().source;
        let is_commit = |word: &str| word.len() >= 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_tag = |word: &str| {
            word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_digit()))
        };
        let mut words = source.split([' ', ',', '(', ')', ':', ';']);
        let is_page = source.starts_with("IBM Cloud documentation, ");
        assert!(
            is_page
                || source.contains("2026-")
                || source.contains("2024-")
                || words.any(|word| is_commit(word) || is_tag(word)),
            "{}: {source}",
            platform.name
        );
    }
}

#[test]
fn the_table_of_platforms() {
    let rows: String = platforms()
        .iter()
        .map(|platform| {
            let name = &platform.name;
            let how = match (&platform.spec.refused, added(platform)) {
                (Some(_), _) if platform.spec.shards_give() == ShardsGive::Nothing => {
                    "it cannot: only `workload.perPool`".to_owned()
                }
                (Some(_), _) => "it cannot: `workload.perPool` or `spec.shards`".to_owned(),
                (None, fields) => fields.join(", "),
            };
            let proof = platform.spec.proof.as_ref().unwrap();
            let proven = match (proof.grade, &proof.date) {
                (Grade::Executed, Some(date)) => format!("executed on {date}: {}", proof.source),
                (grade, _) => format!("{}: {}", grade.word(), proof.source),
            };
            format!("| [`{name}`](#{name}) | {} | {how} | {proven} |\n", platform.spec.title)
        })
        .collect();
    let headings = ["platform", "what it is", "how a Service chooses its nodes", "proof"];
    separator(PAGE, "table", &table(&headings, &rows));
}

/// A load balancer that is in no platform file, because no Service can select its nodes.
#[derive(Deserialize)]
struct CannotSelect {
    name: String,
    because: String,
    source: String,
}

#[test]
fn the_table_of_what_cannot_select_nodes() {
    let mut rows = String::new();
    for platform in platforms() {
        let Some(refused) = &platform.spec.refused else { continue };
        let relief = match platform.spec.per_pool.as_ref().map(|per_pool| per_pool.relieves) {
            Some(Relief::Full) => "relieves the limit",
            Some(Relief::None) | None => "does not relieve the limit",
        };
        let name = &platform.name;
        let source = &platform.spec.proof.as_ref().unwrap().source;
        let _ = writeln!(rows, "| [`{name}`](#{name}) | {} | {relief} | {source} |", refused.because);
    }
    let text = fs::read_to_string(checkout().join("tests/cannot-select.json")).unwrap();
    let others: Vec<CannotSelect> = serde_json::from_str(&text).unwrap();
    for other in others {
        let _ = writeln!(
            rows,
            "| {} (not built in) | {} | unknown | {} |",
            other.name, other.because, other.source
        );
    }
    let headings = ["load balancer", "why a Service cannot select its nodes", "`workload.perPool`", "source"];
    separator(PAGE, "cannot", &table(&headings, &rows));
}

#[test]
fn the_table_of_distributions() {
    let rows: String = distributions()
        .iter()
        .map(|distribution| {
            let labels: Vec<String> =
                distribution.pool_labels.iter().map(|label| format!("`{label}`")).collect();
            let notes: Vec<&str> =
                distribution.late.iter().chain(&distribution.note).map(String::as_str).collect();
            format!(
                "| {} | {} | {} | {} |\n",
                distribution.title,
                labels.join(", "),
                notes.join("; "),
                distribution.sources.join("; ")
            )
        })
        .collect();
    separator(
        PAGE,
        "distributions",
        &table(&["distribution", "pool label", "what to know", "source"], &rows),
    );
}

#[test]
fn every_platform_in_full() {
    let text: String = platforms().iter().map(section).collect();
    separator(PAGE, "details", &text);
}

/// Returns the fields that a binding adds, and the kinds of its additional objects.
fn added(platform: &Platform) -> Vec<String> {
    let fields = platform.binding.added_paths().map(|path| {
        let key = path.rsplit('/').next().unwrap().replace("~1", "/");
        if path.starts_with("/metadata/labels/") { format!("label `{key}`") } else { format!("`{key}`") }
    });
    let kinds = platform
        .spec
        .objects
        .iter()
        .map(|object| format!("{} of each pool", object["kind"].as_str().unwrap()));
    fields.chain(kinds).collect()
}

fn section(platform: &Platform) -> String {
    let mut out = format!("### {}\n\n{}\n\n", platform.name, platform.spec.title);
    for fact in facts(platform) {
        let _ = writeln!(out, "- {}: {}", fact.about, fact.text);
    }
    out.push('\n');
    out
}

/// The example files in docs/platforms are valid, and render Services whose controller selects the nodes of each pool.
#[test]
fn the_example_platforms_render() {
    let mut seen = 0;
    for entry in fs::read_dir(checkout().join("docs/platforms")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let platform = Platform::read(&file, &text).unwrap();
        assert_eq!(format!("{}.yaml", platform.name), file);
        assert_eq!(platform.spec.proof.as_ref().unwrap().grade, Grade::Documented, "{file}");
        let environment = Environment::with(&checkout().join("tests/cases/shared"));
        let at = environment.path();
        fs::write(at.join(&file), &text).unwrap();
        let label = platform.spec.pool_labels.first().map_or("pool", String::as_str);
        let prefix = platform.spec.recognize.provider_ids.first().map_or("", String::as_str);
        let node = |name: &str, pool: &str| {
            json!({"metadata": {"name": name, "labels": {label: pool}}, "spec": {"providerID": format!("{prefix}{name}")},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
        };
        let nodes = json!({"kind": "NodeList", "apiVersion": "v1", "items": [node("a-0", "a"), node("a-1", "a"), node("b-0", "b")]});
        fs::write(at.join("nodes.json"), nodes.to_string()).unwrap();
        let spec = json!({"apiVersion": "largescale.dev/v1alpha1", "kind": "LargeScale", "metadata": {"name": "web"},
            "spec": {"manifests": ["nginx.yaml"], "platform": format!("./{file}"), "nodes": "nodes.json", "internal": true,
                "pools": {"label": label}}});
        fs::write(at.join("largescale.yaml"), spec.to_string()).unwrap();
        let output = environment.program(&["render", "--no-git"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{file}: {said}");
        assert!(said.contains("is only documented"), "{file}: {said}");
        for (pool, count) in [("a", 2), ("b", 1)] {
            let rendered =
                fs::read_to_string(at.join(format!("rendered/service-nginx-{pool}.yaml"))).unwrap();
            let service = yaml::read_one("service", &rendered).unwrap().value;
            let selected = platform.spec.selected(&service, []).unwrap();
            let nodes = node_list::read_nodes("nodes.json", nodes.to_string().as_bytes()).unwrap();
            assert_eq!(
                nodes.iter().filter(|node| selected.takes(node, None)).count(),
                count,
                "{file} {pool}"
            );
        }
        let output = environment.program(&["platforms", &format!("./{file}")]);
        assert!(output.status.success(), "{file}");
        seen += 1;
    }
    assert!(seen >= 2, "only {seen} example platforms");
}
