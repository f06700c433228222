//! Inputs that would never end: pipes and devices as files of a spec, and files of any size.

use std::fs;
use std::process::Command;

use crate::environment::{Environment, checkout};

/// Runs a command that must end by itself, and returns its exit code and its messages.
fn run(environment: &Environment, line: &str) -> (Option<i32>, String) {
    let output = environment.line(&format!("timeout 60 {line}"));
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_unless_a_flag_names_them() {
    const SPEC: &str = "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {name: web}\nspec:\n  platform: PLATFORM\n  nodes: NODES\n  manifests: [MANIFEST]\n  overlays: [OVERLAY]\n";
    let shared = checkout().join("tests/cases/shared");
    let fields = [
        ("PLATFORM", "azure-basic"),
        ("NODES", "nodes.json"),
        ("MANIFEST", "nginx.yaml"),
        ("OVERLAY", "./own.yaml"),
    ];
    let overlay = "apiVersion: largescale.dev/v1alpha1\nkind: Overlay\nmetadata: {name: own}\nspec: {patches: [{path: patch.yaml, target: {kind: Service}}]}\n";
    for (replaced, name) in [
        ("PLATFORM", "./pipe.yaml"),
        ("NODES", "pipe.yaml"),
        ("MANIFEST", "pipe.yaml"),
        ("MANIFEST", "folder"),
        ("MANIFEST", "folder/*.yaml"),
        ("OVERLAY", "./pipe.yaml"),
        ("OVERLAY", "./device.yaml"),
        ("", "patch.yaml"),
        ("", "largescale.yaml"),
        ("", "largescale.lock"),
    ] {
        let environment = Environment::with(&shared);
        let at = |name: &str| environment.path().join(name);
        let mut spec = SPEC.to_owned();
        for (field, value) in fields {
            spec = spec.replace(field, if field == replaced { name } else { value });
        }
        fs::write(at("largescale.yaml"), spec).unwrap();
        fs::write(at("own.yaml"), overlay).unwrap();
        fs::write(at("patch.yaml"), "- {op: test, path: /kind, value: Service}\n").unwrap();
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("device.yaml")).unwrap();
        let pipe = match (replaced, name) {
            ("", name) => name,
            (_, "pipe.yaml" | "./pipe.yaml") => "pipe.yaml",
            _ => "folder/pipe.yaml",
        };
        drop(fs::remove_file(at(pipe)));
        assert!(Command::new("mkfifo").arg(at(pipe)).status().unwrap().success());
        let (code, messages) = run(&environment, "kubectl largescale render");
        assert_eq!(code, Some(3), "{replaced} {name}: {messages}");
        assert!(messages.contains("not a regular file, but a pipe or a device"), "{name}: {messages}");
    }
    let environment = Environment::with(&shared);
    let (code, messages) = run(&environment, "bash -c 'kubectl largescale render --nodes <(cat nodes.json)'");
    assert_eq!(code, Some(0), "{messages}");
    let (code, messages) = run(
        &environment,
        "bash -c 'kubectl largescale init --from <(cat nginx.yaml) --nodes nodes.json new'",
    );
    assert_eq!(code, Some(0), "{messages}");
}
