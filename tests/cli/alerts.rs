//! The rule engine of Prometheus evaluates rendered rules.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use largescale::core::yaml;
use serde_json::json;

use crate::environment::{Environment, checkout};

/// Returns the program of `tests/go/rule-proof`, which `make rule-proof` builds.
fn rule_engine() -> Option<PathBuf> {
    let program = checkout().join("target/rule-proof");
    if program.exists() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "no rule engine: run `make rule-proof` first");
    // Bypass the capture of the test harness, so that the line is visible.
    writeln!(std::io::stderr(), "skipped: no rule engine (make rule-proof builds it, with Go)").unwrap();
    None
}

/// Renders with these alerts, and returns the path of the rules.
#[track_caller]
fn rules(environment: &Environment, alerts: &str, file: &str) -> PathBuf {
    let spec = environment.path().join("largescale.yaml");
    let text = fs::read_to_string(&spec).unwrap().replace("alerts: {}", alerts);
    fs::write(&spec, text).unwrap();
    let rendered = environment.program(&["render"]);
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    environment.path().join("rendered").join(file)
}

/// Evaluates the rules; returns the output.
#[track_caller]
fn evaluate(environment: &Environment, program: &Path, arguments: &[&Path]) -> String {
    let mut command = Command::new(program);
    command.args(arguments);
    let output = environment.run(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_alert_fires_at_the_right_sample_and_not_before() {
    let Some(program) = rule_engine() else { return };
    let tests = checkout().join("tests/alerts/thresholds.yaml");
    for (alerts, file) in [
        ("alerts: {}", "prometheus-nginx.rules"),
        ("alerts: {format: prometheusRule, labels: {release: kps}}", "prometheusrule-nginx.yaml"),
    ] {
        let environment = Environment::with(&checkout().join("tests/cases/render/alerts/in"));
        let rules = rules(&environment, alerts, file);
        let output = evaluate(&environment, &program, &[&rules, &tests]);
        assert!(output.starts_with("11 rules\n"), "{output}");
    }
}

/// Every platform has other labels, exclusions and limits. Mimir accepts 20 rules in a group by default.
#[test]
fn the_rules_of_every_platform_are_valid_and_few() {
    let Some(program) = rule_engine() else { return };
    let mut checked = 0;
    let mut cases: Vec<PathBuf> = fs::read_dir(checkout().join("tests/cases/platforms"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    cases.sort();
    for case in cases {
        let environment = Environment::with(&case.join("in"));
        let spec = environment.path().join("largescale.yaml");
        let Ok(text) = fs::read_to_string(&spec) else { continue };
        let manifest = environment.path().join("nginx.yaml");
        if !manifest.exists() {
            fs::copy(checkout().join("tests/cases/shared/nginx.yaml"), manifest).unwrap();
        }
        let text = if text.contains("\n  namespace:") {
            text
        } else {
            text.replacen("metadata:\n", "metadata:\n  namespace: web\n", 1)
        };
        fs::write(&spec, format!("{text}  alerts: {{}}\n")).unwrap();
        if !environment.program(&["render"]).status.success() {
            continue;
        }
        let rendered = fs::read_dir(environment.path().join("rendered")).into_iter().flatten();
        let rules = rendered
            .map(|it| it.unwrap().path())
            .find(|path| path.extension().is_some_and(|it| it == "rules"));
        let Some(rules) = rules else { continue };
        let output = evaluate(&environment, &program, &[&rules]);
        let count: usize = output.split_once(' ').unwrap().0.parse().unwrap();
        assert!((7..=20).contains(&count), "{}: {output}", case.display());
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
}

/// A platform file of the user has any text. It must not end a string of `PromQL`, start a template, or break YAML.
#[test]
fn text_of_a_platform_file_is_quoted() {
    let Some(program) = rule_engine() else { return };
    let environment = Environment::with(&checkout().join("tests/cases/render/alerts/in"));
    let hostile = r#"a "b" \ {{ $x | bad }} # `c`: 'd'"#;
    let platform = fs::read_to_string(checkout().join("platforms/hetzner.yaml")).unwrap();
    let mut platform = yaml::read_one("hetzner.yaml", &platform).unwrap().value;
    let spec = platform["spec"].as_object_mut().unwrap();
    spec.insert("poolLabels".to_owned(), json!(["agentpool"]));
    spec.insert("recognize".to_owned(), json!({}));
    spec.insert("limits".to_owned(), json!({"nodesPerLoadBalancer": {"value": 9, "source": hostile}}));
    spec.insert(
        "notBackends".to_owned(),
        json!([
            {"label": "example.com/x", "value": hostile, "because": "a"},
            {"providerID": hostile, "because": "c"},
            {"taint": hostile, "because": "d"},
        ]),
    );
    fs::write(environment.path().join("own.yaml"), yaml::write_plain(&platform)).unwrap();
    let spec = environment.path().join("largescale.yaml");
    let text = fs::read_to_string(&spec).unwrap();
    let text = text.replace("azure-basic", "./own.yaml").replace("  limits:", "  x-limits:");
    let text: Vec<&str> = text.lines().filter(|line| !line.contains("x-limits")).collect();
    fs::write(&spec, text.join("\n") + "\n").unwrap();
    let rules = rules(&environment, "alerts: {}", "prometheus-nginx.rules");
    evaluate(&environment, &program, &[&rules]);
    let text = fs::read_to_string(rules).unwrap();
    assert!(text.contains("{{ `{{` }} $x | bad }}"), "{text}");
}
