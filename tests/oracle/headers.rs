//! The name of a manifest is in the first line of every rendered file. Whatever the name is, kubectl must read the
//! same objects.

use std::fs;
use std::path::Path;
use std::process::Command;

use largescale::core::yaml;
use serde_json::Value;

use crate::kubectl::Kubectl;

const NODES: &str = r#"{"kind": "NodeList", "items": [{"metadata": {"name": "a", "labels": {"pool": "a"}}, "spec": {"providerID": "hcloud://1"}}]}"#;

const MANIFEST: &str = "\
apiVersion: v1
kind: Service
metadata: {name: web, annotations: {load-balancer.hetzner.cloud/location: fsn1}}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
";

/// Text put before `web.yaml` in the name: each would add a document or a field, or break the file.
const HOSTILE: &[&str] = &[
    "\n---\nkind: Secret\n",
    "\r",
    "\r\n",
    "\u{85}kind: Secret\u{85}#",
    "\u{2028}kind: Secret\u{2028}#",
    "\u{2029}---\u{2029}#",
    "\u{feff}",
    "\u{1}",
    "\u{1b}[2K",
    "\u{7f}",
    "\u{80}",
    "\u{9f}",
    "\u{b}\u{c}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{202e}",
    "\t",
    "a: b",
    "%YAML 1.1 ",
    "日本語 é ",
    "+argocd:skip-file-rendering ",
];

/// Renders a manifest of this name; returns the objects as kubectl reads them, and the first line of a file.
fn rendered(kubectl: &Kubectl, name: &str) -> (Vec<Value>, String) {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("nodes.json"), NODES).unwrap();
    fs::create_dir(at("manifests")).unwrap();
    fs::write(at("manifests").join(name), MANIFEST).unwrap();
    let spec = "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {name: web}\nspec:\n  manifests: [manifests]\n  platform: hetzner\n  nodes: nodes.json\n  pools: {label: pool}\n";
    fs::write(at("largescale.yaml"), spec).unwrap();
    largescale(directory.path(), &["render", "--no-git"]);
    let text = fs::read_to_string(at("rendered/service-web-a.yaml")).unwrap();
    let objects = kubectl.read(&text).unwrap_or_else(|why| panic!("{name:?}: {why}\n{text}"));
    (objects, text.split('\n').next().unwrap().to_owned())
}

fn largescale(directory: &Path, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-largescale"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_name_of_a_manifest_cannot_add_content() {
    let Some(kubectl) = Kubectl::find() else { return };
    let (expected, header) = rendered(&kubectl, "web.yaml");
    assert_eq!(expected.len(), 1);
    assert_eq!(
        header,
        "# Made by kubectl largescale from manifests/web.yaml. Do not edit: change that file or an overlay, then render."
    );
    for hostile in HOSTILE {
        let (objects, header) = rendered(&kubectl, &format!("{hostile}web.yaml"));
        assert_eq!(objects, expected, "{hostile:?}");
        assert!(
            !header.contains(|c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c)),
            "{header:?}"
        );
        assert!(!header.contains("+argocd:skip"), "{header}");
    }
    let (_, header) = rendered(&kubectl, "日本語 100%0A.yaml");
    assert!(header.contains(" manifests/日本語 100%0A.yaml. "), "{header}");
}

/// `init --from` writes the name into a comment of the manifest and into the spec.
#[test]
fn the_name_of_a_file_that_init_reads_cannot_add_content() {
    let Some(kubectl) = Kubectl::find() else { return };
    let more = ["a,b", "{a}", "a] #", "[1]", "*", "'", "\"", "- "];
    for hostile in HOSTILE.iter().chain(&more) {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let name = format!("{hostile}web.yaml");
        fs::write(at("nodes.json"), NODES).unwrap();
        fs::write(at(&name), MANIFEST).unwrap();
        let label = ["--nodes", "nodes.json", "--label", "pool"];
        largescale(
            directory.path(),
            &[&["init", "app", "--from", &format!("./{name}")], &label[..]].concat(),
        );
        // A name has no control characters any more.
        let written: Vec<_> =
            fs::read_dir(at("app/manifests")).unwrap().map(|entry| entry.unwrap().path()).collect();
        let [path] = written.as_slice() else { panic!("{written:?}") };
        let written = path.file_name().unwrap().to_str().unwrap();
        let manifest = fs::read_to_string(path).unwrap();
        let objects = kubectl.read(&manifest).unwrap_or_else(|why| panic!("{name:?}: {why}\n{manifest}"));
        assert_eq!(objects.len(), 1, "{manifest}");
        let spec = fs::read_to_string(at("app/largescale.yaml")).unwrap();
        // Only the spec, because kubectl's rules for objects do not apply to it.
        let read = yaml::read_one("largescale.yaml", &spec).unwrap();
        assert_eq!(read.value["spec"]["manifests"], serde_json::json!([format!("manifests/{written}")]));
        largescale(directory.path(), &["render", "--no-git", "-f", "app"]);
        assert!(at("app/rendered/service-web-a.yaml").exists(), "{name:?}");
    }
}
