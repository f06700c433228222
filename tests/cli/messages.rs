//! `--message-format`: every command reports its problems in each format, with the same exit code and the same data.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::environment::{Environment, checkout};

/// Lines that fail or warn in different ways, on the files of [`project`].
const LINES: [&str; 18] = [
    "render -f wrong",
    "render -f wrong -f good --check",
    "render -R -f . --check",
    "render -f good --check",
    "render -f nowhere",
    "render --locked -f good",
    "render -f good --forget nothing",
    "diff -f wrong",
    "diff -f wrong-manifest",
    "pools -f good --nodes nowhere.json",
    "pools -f clusters --context west",
    "apply -f good",
    "prune -f rendered --server http://127.0.0.1:1 --request-timeout 1s",
    "inventory list --server http://127.0.0.1:1 --request-timeout 1s",
    "status -f clusters",
    "capacity -f wrong",
    "doctor -f wrong",
    "init app --nodes nowhere.json",
];

/// Wrong usage; nothing is parsed then.
const WRONG_USAGE: [&str; 6] =
    ["", "frobnicate", "render --checks", "pools -o xml", "schema -f good", "init -f nowhere app"];

/// Returns a repository with good and wrong specs.
fn project() -> Environment {
    let project = Environment::with(Path::new("/nonexistent"));
    let shared = checkout().join("tests/cases/shared");
    let spec = fs::read_to_string(shared.join("largescale.yaml")).unwrap();
    let manifest = fs::read_to_string(shared.join("nginx.yaml")).unwrap();
    for (app, spec, manifest) in [
        ("good", spec.clone(), manifest.clone()),
        ("rendered", spec.clone(), manifest.clone()),
        (
            "wrong",
            spec.replace("  platform:", "  platforms:").replace("  nodes:", "  node:"),
            manifest.clone(),
        ),
        ("wrong-manifest", spec.clone(), manifest.replace("targetPort:", "targetprot:")),
        ("clusters", format!("{spec}  clusters: [{{name: west}}, {{name: north}}]\n"), manifest.clone()),
    ] {
        let directory = project.path().join(app);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("largescale.yaml"), spec).unwrap();
        fs::write(directory.join("nginx.yaml"), manifest).unwrap();
        fs::copy(shared.join("nodes.json"), directory.join("nodes.json")).unwrap();
    }
    assert!(project.line("git init -q . && kubectl largescale render -f rendered --no-git").status.success());
    project
}

fn run(project: &Environment, line: &str, format: &str) -> Output {
    let words: Vec<&str> = line.split_whitespace().chain(["--message-format", format]).collect();
    project.program(&words)
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn every_format_has_the_same_exit_code_and_data() {
    let project = project();
    let mut problems = 0;
    let mut checks = Vec::new();
    for line in LINES.iter().chain(&WRONG_USAGE) {
        let human = run(&project, line, "human");
        let [json, github, sarif] = ["json", "github", "sarif"].map(|format| run(&project, line, format));
        for output in [&json, &github, &sarif] {
            assert_eq!(output.status.code(), human.status.code(), "{line}: {}", errors(output));
            assert_eq!(output.stdout, human.stdout, "{line}");
        }
        let lines: Vec<Value> =
            errors(&json).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let reported: Vec<&Value> = lines.iter().filter(|message| message["severity"] != "note").collect();
        assert!(!reported.is_empty(), "{line} reports nothing");
        problems += reported.len();
        checks.extend(lines.iter().map(|message| ("docs/schema/message.json", message.clone())));

        let commands: Vec<String> =
            errors(&github).lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect();
        let log: Value = serde_json::from_str(&errors(&sarif)).unwrap();
        let run = &log["runs"][0];
        assert_eq!(run["invocations"][0]["exitCode"], human.status.code().unwrap(), "{line}");
        for message in &reported {
            in_github(message, &commands);
            in_sarif(message, run);
        }
        checks.push(("tests/support/sarif-subset.json", log));
    }
    assert!(problems > 40, "only {problems} problems");
    assert_valid(&checks);
}

/// Fails unless one of the commands has the severity, the place and the text of a message.
#[track_caller]
fn in_github(message: &Value, commands: &[String]) {
    let text = |key: &str| message[key].as_str();
    let is_it = |command: &&String| {
        let Some((head, data)) = command[2..].split_once("::") else { return false };
        let Some((name, properties)) = head.split_once(' ') else { return false };
        let properties: Vec<(&str, String)> = properties
            .split(',')
            .filter_map(|one| one.split_once('='))
            .map(|(key, value)| (key, unescaped(value)))
            .collect();
        let property =
            |key: &str| properties.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str());
        let hint = text("hint").map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        Some(name) == text("severity")
            && property("file") == text("file").map(|file| file.strip_prefix("./").unwrap_or(file))
            && property("line").map(str::to_owned) == message["line"].as_u64().map(|line| line.to_string())
            && unescaped(data) == format!("{}{hint}", text("message").unwrap())
    };
    assert_eq!(commands.iter().filter(is_it).count(), 1, "{message}\n{}", commands.join("\n"));
}

/// Reads a text as the runner does.
fn unescaped(text: &str) -> String {
    [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]
        .iter()
        .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

/// Fails unless the log has a message with its level and place. Without a file it is at the spec, or a notification.
#[track_caller]
fn in_sarif(message: &Value, run: &Value) {
    let hint = message["hint"].as_str().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    let text =
        format!("{}{hint}", message["message"].as_str().unwrap()).replace('{', "{{").replace('}', "}}");
    let results = run["results"].as_array().unwrap();
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let is_it = |found: &&Value| {
        let place = &found["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str();
        let file = message["file"].as_str().map(|file| file.strip_prefix("./").unwrap_or(file));
        found["message"]["text"] == text
            && found["level"] == message["severity"]
            && (file.is_none() || file == uri)
            && place["region"]["startLine"] == message["line"]
    };
    let found = results.iter().chain(notifications).any(|one| is_it(&one));
    assert!(found, "{message}\n{run:#}");
}

/// Validates each value against the schema in a file of the checkout. Returns the first problem of each, or `None` without a
/// validator.
fn problems_of(checks: &[(&str, Value)]) -> Option<Vec<Option<String>>> {
    const NO_VALIDATOR: i32 = 3;
    const SCRIPT: &str = "import json, sys
try:
    from jsonschema.validators import validator_for
except ImportError:
    sys.exit(3)
known = {}
def validator(path):
    if path not in known:
        with open(path) as file:
            schema = json.load(file)
        validator_for(schema).check_schema(schema)
        known[path] = validator_for(schema)(schema)
    return known[path]
def first(path, value):
    return next((f'{error.json_path}: {error.message}' for error in validator(path).iter_errors(value)), None)
json.dump([first(path, value) for path, value in json.load(sys.stdin)], sys.stdout)";
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .current_dir(checkout())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    // Without the validator, Python ends before it reads.
    let _ = child.stdin.take().unwrap().write_all(serde_json::to_string(checks).unwrap().as_bytes());
    let output = child.wait_with_output().unwrap();
    if output.status.code() == Some(NO_VALIDATOR) {
        return None;
    }
    assert!(output.status.success(), "{}", errors(&output));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[track_caller]
fn assert_valid(checks: &[(&str, Value)]) {
    let official = std::env::var("LARGESCALE_SARIF_SCHEMA").ok();
    let mut checks = checks.to_vec();
    if let Some(official) = &official {
        let logs: Vec<_> = checks.iter().filter(|(schema, _)| schema.contains("sarif")).cloned().collect();
        checks.extend(logs.into_iter().map(|(_, log)| (official.as_str(), log)));
    }
    let Some(problems) = problems_of(&checks) else {
        assert!(std::env::var_os("CI").is_none(), "no jsonschema: run `make setup` first");
        // Bypass the capture of the test harness, so that the line is visible.
        writeln!(std::io::stderr(), "skipped: no jsonschema for python3 (make setup installs it)").unwrap();
        return;
    };
    assert_eq!(problems.len(), checks.len());
    for (problem, (schema, value)) in problems.iter().zip(&checks) {
        assert_eq!(*problem, None, "{schema}\n{value:#}");
    }
}

#[test]
fn the_schemas_refuse_wrong_messages() {
    let (message, log) = ("docs/schema/message.json", "tests/support/sarif-subset.json");
    let wrong = [
        (message, json!({"severity": "fatal", "message": "a"})),
        (message, json!({"message": "a"})),
        (message, json!({"severity": "error", "message": "a", "line": 0})),
        (message, json!({"severity": "error", "message": 1})),
        (log, json!({"version": "2.1.0", "runs": []})),
    ];
    for (problem, wrong) in problems_of(&wrong).into_iter().flatten().zip(&wrong) {
        assert!(problem.is_some(), "{wrong:?}");
    }
}

#[test]
fn a_run_without_problems_writes_only_the_log() {
    let project = project();
    for format in ["human", "json", "github"] {
        assert_eq!(errors(&run(&project, "schema", format)), "", "{format}");
        assert_eq!(errors(&run(&project, "render -f rendered --check --no-git", format)), "", "{format}");
    }
    let mut checks = Vec::new();
    for line in ["schema", "completion bash", "options", "render -f rendered --check --no-git"] {
        let log: Value = serde_json::from_str(&errors(&run(&project, line, "sarif"))).unwrap();
        assert_eq!(log["runs"][0]["results"], json!([]), "{line}");
        assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], true, "{line}");
        checks.push(("tests/support/sarif-subset.json", log));
    }
    assert_valid(&checks);
    let help = run(&project, "--help", "sarif");
    assert!(help.stderr.is_empty() && help.status.success());
}

#[test]
fn paths_are_relative_to_the_repository() {
    let project = project();
    let in_wrong = |format: &str| {
        let line = format!("cd wrong && kubectl largescale render -f . --message-format {format}");
        errors(&project.line(&line))
    };
    assert!(in_wrong("json").contains("\"file\":\"largescale.yaml\""));
    assert!(in_wrong("github").starts_with("::error file=wrong/largescale.yaml,line="));
    assert!(in_wrong("sarif").contains("\"uri\": \"wrong/largescale.yaml\""));
    let absolute = format!("render -f {}/wrong", project.path().display());
    assert!(
        errors(&run(&project, &absolute, "github")).starts_with("::error file=wrong/largescale.yaml,line=")
    );
}

/// Text with workflow commands, escape sequences and directional characters.
const HOSTILE: &str = "a\n::stop-commands::x\n##[error]y\u{1b}]0;z\u{7}\u{85}\u{202e}\u{2028}";

#[test]
fn foreign_text_stays_text() {
    let project = Environment::with(&checkout().join("tests/cases/shared"));
    // The name of a directory, of a manifest, and a field of the spec.
    let directory = project.path().join(HOSTILE);
    fs::create_dir(&directory).unwrap();
    let spec = fs::read_to_string(project.path().join("largescale.yaml")).unwrap();
    let quoted = serde_json::to_string(HOSTILE).unwrap();
    fs::write(directory.join("largescale.yaml"), format!("{spec}  {quoted}: 1\n")).unwrap();
    let manifest = serde_json::to_string(&format!("{HOSTILE}.yaml")).unwrap();
    fs::write(project.path().join("largescale.yaml"), spec.replace("nginx.yaml", &manifest)).unwrap();
    let mut checks: Vec<(&str, Value)> = Vec::new();
    for line in ["render -R -f .", "render", "diff", "pools -R -f .", "render --frobnicate=a\u{1b}[2J"] {
        for format in ["human", "json", "github", "sarif"] {
            let output = run(&project, line, format);
            let seen = errors(&output);
            let data = String::from_utf8_lossy(&output.stdout);
            assert!(
                !data.contains(['\u{1b}', '\u{7}', '\u{85}', '\u{202e}', '\u{2028}']),
                "{line}: {data:?}"
            );
            assert!(
                !seen.contains(['\u{1b}', '\u{7}', '\u{85}', '\u{202e}', '\u{2028}']),
                "{line}: {seen:?}"
            );
            match format {
                "json" => {
                    for line in seen.lines() {
                        checks.push(("docs/schema/message.json", serde_json::from_str(line).unwrap()));
                    }
                }
                "github" => {
                    for line in seen.lines() {
                        let line = line.trim_start();
                        let is_own = ["::error ", "::warning "].iter().any(|own| line.starts_with(own));
                        assert!(is_own || !line.starts_with("::") && !line.contains("##["), "{line}");
                    }
                }
                "sarif" => {
                    checks.push(("tests/support/sarif-subset.json", serde_json::from_str(&seen).unwrap()));
                }
                _ => {}
            }
        }
    }
    // The exact name is in the JSON, for programs.
    let names: Vec<&str> = checks.iter().filter_map(|(_, message)| message["file"].as_str()).collect();
    assert!(names.iter().any(|name| name.contains(HOSTILE)), "{names:?}");
    assert_valid(&checks);
}

#[test]
fn several_clusters_give_each_record_and_no_duplicate() {
    let project = project();
    let records = |line: &str, format: &str| errors(&run(&project, line, format)).lines().count();
    // The same file twice is one target; two clusters with an equal problem are two records that name their cluster.
    let line = "status -f clusters";
    let seen = errors(&run(&project, line, "json"));
    let of = |cluster: &str| {
        seen.lines()
            .filter(|line| {
                line.contains(&format!("\"clusterName\":\"{cluster}\"")) && line.contains("\"error\"")
            })
            .count()
    };
    assert_eq!((of("west"), of("north")), (1, 1), "{seen}");
    let seen = errors(&run(&project, "render -f wrong-manifest -f good -f clusters", "json"));
    let codes: Vec<Value> = seen
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|message| message.get("exitCode").is_some())
        .map(|message| message["exitCode"].clone())
        .collect();
    assert_eq!(codes.len(), 4, "{seen}");
    // A wrong spec of two clusters has the same problem on the same line.
    let spec = fs::read_to_string(project.path().join("clusters/largescale.yaml")).unwrap();
    fs::write(project.path().join("clusters/largescale.yaml"), spec.replace("nginx.yaml", "none.yaml"))
        .unwrap();
    let github = errors(&run(&project, "render -f clusters", "github"));
    assert_eq!(github.lines().filter(|line| line.starts_with("::error ")).count(), 1, "{github}");
    assert!(records("render -f clusters", "json") >= 4);
}
