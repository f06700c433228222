//! The packages of Argo CD and Flux read the output of `render` and `init --gitops`: `target/gitops-proof`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use largescale::core::yaml;
use serde_json::Value;

use crate::environment::{Environment, checkout};

const KINDS: &str = "tests/cases/render/synced";

/// Returns an app in a repository, with the manifests for Argo CD and Flux; `None` without Go.
fn project(input: &str, spec: &str) -> Option<Environment> {
    let program = checkout().join("target/gitops-proof");
    if !program.exists() {
        assert!(std::env::var("CI").is_err(), "CI must have target/gitops-proof");
        writeln!(std::io::stderr(), "skipped: no target/gitops-proof").unwrap();
        return None;
    }
    let location = Environment::with(&checkout().join("tests/cases/shared"));
    for (name, content) in Environment::with(&checkout().join(input).join("in")).files() {
        fs::write(location.path().join(name), content).unwrap();
    }
    let path = location.path().join("largescale.yaml");
    let text =
        fs::read_to_string(&path).unwrap().replace("  name: nginx\n", "  name: nginx\n  namespace: web\n");
    fs::write(path, text + spec).unwrap();
    for line in [
        "git init -q -b main .",
        "kubectl largescale render",
        "kubectl largescale init --gitops argocd --repo https://git.example.com/team/deploy.git",
        "kubectl largescale init --gitops flux --repo https://git.example.com/team/deploy.git",
    ] {
        let output = location.line(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Some(location)
}

fn proof(location: &Environment, arguments: &[&str]) -> Output {
    let mut command = Command::new(checkout().join("target/gitops-proof"));
    command.args(arguments);
    location.run(command)
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the objects that Argo CD sees, and those that Flux sees.
fn seen(location: &Environment) -> (BTreeSet<String>, BTreeSet<String>) {
    let root = location.path().to_str().unwrap();
    let argo = json(&proof(location, &["argocd", "manifests", "gitops/argocd.yaml", root]));
    let flux = json(&proof(location, &["flux", "objects", "gitops/flux.yaml", root]));
    (keys(&argo["objects"]), keys(&flux["objects"]))
}

/// Returns kind, namespace and name of every object, each once.
fn keys(objects: &Value) -> BTreeSet<String> {
    let key = |object: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &object["metadata"];
        format!("{}/{}/{}", text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"]))
    };
    let all: Vec<String> = objects.as_array().unwrap().iter().map(key).collect();
    let once: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(all.len(), once.len(), "an object twice: {all:?}");
    once
}

fn in_files(tree: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(tree).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let objects: Vec<Value> = files.map(|text| yaml::read_one("", &text).unwrap().value).collect();
    keys(&objects.into())
}

#[test]
fn both_see_every_object_once() {
    let Some(location) = project(KINDS, "") else { return };
    let root = location.path().to_str().unwrap();
    let ours = in_files(&location.path().join("rendered"));
    assert_eq!(ours.len(), 6);
    let argo = json(&proof(&location, &["argocd", "manifests", "gitops/argocd.yaml", root]));
    assert_eq!(keys(&argo["objects"]), ours);
    let flux = json(&proof(&location, &["flux", "objects", "gitops/flux.yaml", root]));
    assert_eq!(keys(&flux["objects"]), ours);
    // None of our files has a special meaning for either tool.
    let shell = |objects: &Value| {
        let all = objects.as_array().unwrap();
        let found = all.iter().find(|object| object["metadata"]["name"] == "shell").unwrap();
        found["data"]["run.sh"].as_str().unwrap().to_owned()
    };
    let expected = "echo \"${HOME} costs $$5\"\n";
    assert_eq!((shell(&argo["objects"]).as_str(), shell(&flux["objects"]).as_str()), (expected, expected));
}

#[test]
fn both_see_every_object_of_split_gateways_once() {
    for (case, count) in [("per-pool", 8), ("one-fleet", 7)] {
        let Some(location) = project(&format!("tests/cases/gateways/{case}"), "") else { return };
        let root = location.path().to_str().unwrap();
        let ours = in_files(&location.path().join("rendered"));
        assert_eq!(ours.len(), count, "{case}: {ours:?}");
        for arguments in [
            ["argocd", "manifests", "gitops/argocd.yaml", root],
            ["flux", "objects", "gitops/flux.yaml", root],
        ] {
            let seen = json(&proof(&location, &arguments));
            assert_eq!(keys(&seen["objects"]), ours, "{case}: {arguments:?}");
        }
    }
}

/// Each of these names would end the header comment of the files, or make both tools skip them.
#[test]
fn the_name_of_a_manifest_cannot_add_content() {
    let Some(location) = project(KINDS, "") else { return };
    let before = seen(&location);
    for hostile in [
        "a\nkind: Secret\n",
        "a\u{85}kind: Secret\u{85}#",
        "a\u{2028}kind: Secret\u{2028}#",
        "a\u{2029}---\u{2029}#",
        "a\u{feff}",
        "a\u{1}\u{7f}\u{80}",
        "a\u{ffff}",
        "a+argocd:skip-file-rendering",
    ] {
        let name = format!("{hostile}.yaml");
        fs::rename(location.path().join("nginx.yaml"), location.path().join(&name)).unwrap();
        let spec = fs::read_to_string(location.path().join("largescale.yaml")).unwrap();
        let renamed = spec.replace("nginx.yaml", &yaml::write_scalar(&name));
        assert_ne!(spec, renamed);
        fs::write(location.path().join("largescale.yaml"), renamed).unwrap();
        let output = location.line("kubectl largescale render");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(seen(&location), before, "{name:?}");
        fs::write(location.path().join("largescale.yaml"), spec).unwrap();
        fs::rename(location.path().join(&name), location.path().join("nginx.yaml")).unwrap();
    }
}

#[test]
fn flux_substitutes_only_where_the_user_wants_it() {
    let Some(location) = project(KINDS, "") else { return };
    let root = location.path().to_str().unwrap();
    let changed =
        |value: &str| json(&proof(&location, &["flux", "substitute", "gitops/flux.yaml", root, value]));
    assert_eq!(changed("HOME=/nowhere"), serde_json::json!(["ConfigMap/wanted"]));
    assert_eq!(changed("CLUSTER=west"), serde_json::json!(["ConfigMap/wanted"]));
    // Without the annotation Flux does substitute the text.
    let path = location.path().join("rendered/configmap-shell.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("substitute: disabled", "substitute: enabled")).unwrap();
    let expected = serde_json::json!(["ConfigMap/shell", "ConfigMap/wanted"]);
    assert_eq!(changed("HOME=/nowhere"), expected);
}

#[test]
fn a_missing_directory_deletes_nothing() {
    let Some(location) = project(KINDS, "") else { return };
    let root = location.path().to_str().unwrap();
    fs::remove_dir_all(location.path().join("rendered")).unwrap();
    for (arguments, why) in [
        (["argocd", "manifests", "gitops/argocd.yaml", root], "rendered: app path does not exist"),
        (["flux", "objects", "gitops/flux.yaml", root], "kustomization path not found"),
    ] {
        let output = proof(&location, &arguments);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn an_application_set_makes_an_application_for_each_cluster() {
    let clusters = "  clusters: [{name: west}, {name: east, output: trees/east}]\n";
    let Some(location) = project(KINDS, clusters) else { return };
    let apps = json(&proof(&location, &["argocd", "applications", "gitops/argocd.yaml"]));
    let seen: Vec<_> = apps
        .as_array()
        .unwrap()
        .iter()
        .map(|app| {
            let spec = &app["spec"];
            [&app["metadata"]["name"], &spec["source"]["path"], &spec["destination"]["name"]]
                .map(|value| value.as_str().unwrap().to_owned())
        })
        .collect();
    let row = |name: &str, path: &str, cluster: &str| [name, path, cluster].map(str::to_owned);
    assert_eq!(seen, [row("nginx-west", "rendered/west", "west"), row("nginx-east", "trees/east", "east")]);
    for app in apps.as_array().unwrap() {
        let policy = &app["spec"]["syncPolicy"];
        assert_eq!(
            (&policy["automated"]["prune"], &policy["automated"]["allowEmpty"]),
            (&true.into(), &Value::Null)
        );
        let options = policy["syncOptions"].to_string();
        assert!(options.contains("ServerSideApply=true") && !options.contains("Replace"), "{options}");
    }
    let root = location.path().to_str().unwrap();
    for (file, tree) in [("gitops/flux-west.yaml", "rendered/west"), ("gitops/flux-east.yaml", "trees/east")]
    {
        let flux = json(&proof(&location, &["flux", "objects", file, root]));
        assert_eq!(keys(&flux["objects"]), in_files(&location.path().join(tree)));
    }
}

/// Measures the time for 500 pools, for `make bench`. Checks nothing.
#[test]
#[ignore = "a figure, not a test: `cargo test --test cli -- --ignored --nocapture gitops`"]
fn figures() {
    let pools: Vec<String> = (0..500).map(|n| format!("{{name: p{n}}}")).collect();
    let sets: Vec<String> = (0..500).map(|n| format!("p{n}: set{n}")).collect();
    let spec = format!("  pools: {{declare: [{}], vmSets: {{{}}}}}\n", pools.join(", "), sets.join(", "));
    let Some(location) = project(KINDS, &spec) else { return };
    let root = location.path().to_str().unwrap();
    for arguments in
        [["argocd", "manifests", "gitops/argocd.yaml", root], ["flux", "objects", "gitops/flux.yaml", root]]
    {
        let result = json(&proof(&location, &arguments));
        let count = result["objects"].as_array().unwrap().len();
        writeln!(std::io::stdout(), "{}: {count} objects in {} s", arguments[0], result["seconds"]).unwrap();
    }
}

/// Argo CD and Flux choose files by their endings.
#[test]
fn neither_sees_the_rules_for_prometheus() {
    let Some(location) = project(KINDS, "") else { return };
    let before = seen(&location);
    let spec = location.path().join("largescale.yaml");
    let text = fs::read_to_string(&spec).unwrap();
    fs::write(spec, format!("{text}  alerts: {{}}\n")).unwrap();
    assert!(location.program(&["render"]).status.success());
    assert!(location.path().join("rendered/prometheus-nginx.rules").exists());
    assert_eq!(seen(&location), before);
}
