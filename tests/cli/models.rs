//! The example models of ACS-Engine and AKS-Engine: each can be parsed, and those for Kubernetes grow to 2,500
//! agents or are refused by a rule of their installer.
//!
//! This repository does not contain the examples: `make models` extracts them from the published modules into
//! target/models.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use largescale::core::cluster_model::{Growth, grow, read_model};

use crate::environment::checkout;

#[test]
fn every_example() {
    let folder = checkout().join("target/models");
    let folder = std::env::var_os("LARGESCALE_MODELS").map_or(folder, Into::into);
    if !folder.exists() {
        assert!(std::env::var_os("CI").is_none(), "no example models: run `make models` first");
        // Bypass the capture of the test harness, so that the line is visible.
        writeln!(std::io::stderr(), "skipped: no example models (make models fetches them, with Go)")
            .unwrap();
        return;
    }
    for (installer, expected) in EXPECTED {
        let found = outcomes(&folder.join(installer).join("examples"));
        let found: Vec<_> = found.iter().map(|(outcome, count)| (outcome.as_str(), *count)).collect();
        assert_eq!(found, *expected, "{installer}");
    }
}

/// Counts of each outcome: grown, refused by a rule, not for Kubernetes, not a model.
type Outcomes = &'static [(&'static str, usize)];

const EXPECTED: &[(&str, Outcomes)] = &[
    (
        "acs-engine",
        &[
            ("grown, ACS-Engine", 108),
            ("grown, AKS", 1),
            ("not a cluster model but an Azure template", 3),
            ("the model describes a DCOS cluster, expected Kubernetes", 26),
            ("the model describes a DockerCE cluster, expected Kubernetes", 1),
            ("the model describes a OpenShift cluster, expected Kubernetes", 3),
            ("the model describes a Swarm cluster, expected Kubernetes", 10),
            ("the model describes a SwarmMode cluster, expected Kubernetes", 14),
        ],
    ),
    (
        "aks-engine",
        &[
            ("grown, ACS-Engine", 1),
            ("grown, AKS", 1),
            ("grown, AKS-Engine", 121),
            ("grown, AKS-Engine for Azure Stack Hub", 2),
            ("not a cluster model", 1),
            ("not a cluster model but an Azure template", 1),
        ],
    ),
];

fn outcomes(folder: &Path) -> Vec<(String, usize)> {
    let mut outcomes = BTreeMap::new();
    for path in models(folder) {
        let text = fs::read_to_string(&path).unwrap();
        let outcome = outcome(path.to_str().unwrap(), &text);
        *outcomes.entry(outcome).or_insert(0) += 1;
    }
    outcomes.into_iter().collect()
}

fn outcome(file: &str, text: &str) -> String {
    let model = match read_model(file, text) {
        Ok(model) => model,
        Err(problem) => return problem.message,
    };
    let grown = match grow(&model, Growth { agents: 2500, per_pool: 100 }) {
        Ok(grown) => grown,
        Err(problems) => return without_pool(&problems[0].message),
    };
    let again = read_model(file, &grown.text).unwrap();
    assert_eq!(again.agents(), 2500, "{file}");
    let same = grow(&again, Growth { agents: 2500, per_pool: 100 }).unwrap();
    assert_eq!(same.text, grown.text, "{file}");
    let unchanged = grow(&model, Growth { agents: model.agents(), per_pool: 100 }).unwrap();
    assert_eq!(unchanged.text, text, "{file}");
    format!("grown, {}", model.installer.name())
}

/// Returns a refusal without the name of the pool.
fn without_pool(message: &str) -> String {
    let rest = message.strip_prefix("agent pool ").and_then(|rest| rest.split_once(": "));
    rest.map_or(message, |(_, rule)| rule).to_owned()
}

fn models(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(models(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    found
}
