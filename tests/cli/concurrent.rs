//! Renders two specs in one directory at the same time: neither may touch the files of the other.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::environment::PROGRAM;

const ROUNDS: usize = 40;

const SPECS: [(&str, &str, &str); 2] = [
    // Both also share the output directory in half of the rounds.
    ("a", "rendered-a", "shared"),
    ("b", "rendered-b", "shared"),
];

fn write(directory: &Path, round: usize, is_shared: bool) {
    for (name, own, shared) in SPECS {
        let output = if is_shared { shared } else { own };
        let spec = format!(
            "apiVersion: largescale.dev/v1alpha1
kind: LargeScale
metadata:
  name: {name}
  namespace: web
spec:
  platform: hetzner
  pools: {{label: pool}}
  nodes: nodes.json
  output: {output}
  manifests: [{name}]
"
        );
        fs::write(directory.join(format!("{name}.yaml")), spec).unwrap();
        fs::create_dir_all(directory.join(name)).unwrap();
        let service = format!(
            "apiVersion: v1
kind: Service
metadata:
  name: {name}
  annotations: {{round: \"{round}\"}}
spec:
  type: LoadBalancer
  selector: {{app: {name}}}
  ports: [{{port: 80}}]
"
        );
        fs::write(directory.join(name).join("service.yaml"), service).unwrap();
    }
}

fn render(directory: &Path, name: &str) -> Child {
    Command::new(PROGRAM)
        .args(["render", "--no-git", "--overwrite", "-f", &format!("{name}.yaml")])
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn two_specs_at_the_same_time() {
    let nodes: Vec<_> = ["one", "two", "three", "four", "five", "six"]
        .iter()
        .map(|pool| {
            serde_json::json!({"metadata": {"name": format!("{pool}-0"), "labels": {"pool": pool}},
                "spec": {"providerID": format!("hcloud://{pool}")}})
        })
        .collect();
    let nodes = serde_json::json!({"kind": "NodeList", "apiVersion": "v1", "items": nodes}).to_string();
    for is_shared in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        fs::write(directory.join("nodes.json"), &nodes).unwrap();
        for round in 0..ROUNDS / 2 {
            write(directory, round, is_shared);
            let runs = SPECS.map(|(name, ..)| (name, render(directory, name)));
            for (name, run) in runs {
                let output = run.wait_with_output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "round {round}, {name}: {said}");
            }
            for (name, own, shared) in SPECS {
                let output = directory.join(if is_shared { shared } else { own });
                let file = fs::read_to_string(output.join(format!("service-{name}-six.yaml"))).unwrap();
                assert!(file.contains(&format!("round: \"{round}\"")), "round {round}, {name}:\n{file}");
            }
        }
        let left: Vec<_> = ["", "rendered-a", "rendered-b", "shared"]
            .iter()
            .filter_map(|name| fs::read_dir(directory.join(name)).ok())
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with('.'))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
