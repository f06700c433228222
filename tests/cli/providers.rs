//! The providers' own code reads rendered Services: each must be bound to the nodes of its pool and to no others.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use largescale::core::overlay;
use serde_json::Value;

use crate::environment::{Environment, checkout};

/// Returns the program of `tests/go/provider-binding`, which `make provider-binding` builds.
pub(crate) fn provider_binding() -> Option<PathBuf> {
    let program = checkout().join("target/provider-binding");
    let program = std::env::var_os("LARGESCALE_PROVIDER_BINDING").map_or(program, Into::into);
    if program.exists() {
        return Some(program);
    }
    assert!(std::env::var_os("CI").is_none(), "no providers: run `make provider-binding` first");
    // Bypass the capture of the test harness, so that the line is visible.
    writeln!(std::io::stderr(), "skipped: no providers (make provider-binding builds them, with Go)")
        .unwrap();
    None
}

/// Returns the platforms whose providers the program contains, as it lists them.
pub(crate) fn listed(program: &PathBuf) -> Vec<Value> {
    let output = Command::new(program).arg("list").output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Renders the case of a platform; returns it with the pool label of its nodes.
fn rendered(platform: &str) -> (Environment, String) {
    let case = checkout().join("tests/cases/platforms").join(platform).join("in");
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    for entry in fs::read_dir(case).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), environment.path().join(entry.file_name())).unwrap();
    }
    let output = environment.program(&["render"]);
    assert!(output.status.success(), "{platform}: {}", String::from_utf8_lossy(&output.stderr));
    let output = environment.program(&["pools", "-o", "json"]);
    let pools: Value = serde_json::from_slice(&output.stdout).unwrap();
    (environment, pools["label"].as_str().unwrap().to_owned())
}

/// Returns whether the provider binds each Service to its pool, and the program's output.
fn bound(program: &PathBuf, platform: &str, environment: &Environment, label: &str) -> (bool, String) {
    bound_in(program, platform, environment, label, "")
}

/// The same for a project in a folder of the environment.
pub(crate) fn bound_in(
    program: &PathBuf,
    platform: &str,
    environment: &Environment,
    label: &str,
    folder: &str,
) -> (bool, String) {
    let mut command = Command::new(program);
    command.args([platform, "--label", label]);
    command.arg("--tree").arg(environment.path().join(folder).join("rendered"));
    command.arg("--nodes").arg(environment.path().join(folder).join("nodes.json"));
    let output = environment.run(command);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn each_service_is_bound_to_its_pool() {
    let Some(program) = provider_binding() else { return };
    for provider in listed(&program) {
        let platform = provider["platform"].as_str().unwrap();
        let (environment, label) = rendered(platform);
        let (right, said) = bound(&program, platform, &environment, &label);
        assert!(right, "{platform}: {said}");
        assert!(said.lines().count() >= 2, "{platform}: {said}");
    }
}

/// With each built-in overlay, each Service must stay bound to its pool.
#[test]
fn overlays_do_not_loosen_the_binding() {
    let Some(program) = provider_binding() else { return };
    let mut seen = 0;
    for provider in listed(&program) {
        let platform = provider["platform"].as_str().unwrap();
        for overlay in overlay::builtin_names() {
            let case = checkout().join("tests/cases/overlays").join(overlay).join("in");
            if !case.join(platform).exists() {
                continue;
            }
            let environment = Environment::with(&checkout().join("tests/cases/shared"));
            let folder = environment.path().join(platform);
            fs::create_dir(&folder).unwrap();
            for entry in fs::read_dir(case.join(platform)).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
            }
            let output = environment.program(&["render", "--allow-outside", "-f", platform]);
            assert!(output.status.success(), "{platform}: {}", String::from_utf8_lossy(&output.stderr));
            let output = environment.program(&["pools", "--allow-outside", "-o", "json", "-f", platform]);
            let pools: Value = serde_json::from_slice(&output.stdout).unwrap();
            let label = pools["label"].as_str().unwrap();
            let (right, said) = bound_in(&program, platform, &environment, label, platform);
            assert!(right, "{overlay} on {platform}: {said}");
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} overlays were seen by a provider");
}

/// The check must find wrong bindings that would otherwise be silent: all nodes, or those of another pool, behind a
/// load balancer.
#[test]
fn wrong_bindings_are_found() {
    let Some(program) = provider_binding() else { return };
    for (platform, file, from, to, found) in [
        ("openstack", "service", "node-selector:", "node-selectr:", "bound to [control-1"),
        ("openstack", "service", "=", "=x", "bound to []"),
        ("aws-ccm", "service", "target-node-labels:", "target-node-label:", "bound to [control-1"),
        ("cilium-node-ipam", "service", "match-node-labels:", "match-node-label:", "bound to [control-1"),
        ("cilium-node-ipam", "service", "io.cilium/node", "example.com/other", "not of the class"),
        ("cilium-l2", "ciliuml2", "nodeSelector:", "nodeSelectr:", "unknown fields"),
        ("cilium-l2", "ciliuml2", "operator: In", "operator: NotIn", "bound to ["),
        ("metallb-l2", "l2adv", "nodeSelectors:", "nodeSelectr:", "unknown fields"),
        ("metallb-l2", "service", "address-pool: ", "address-pool: x", "which there is not"),
        ("metallb-bgp", "bgpadv", "operator: In", "operator: NotIn", "bound to ["),
    ] {
        let (environment, label) = rendered(platform);
        let mut changed = 0;
        for entry in fs::read_dir(environment.path().join("rendered")).unwrap() {
            let path = entry.unwrap().path();
            if !path.file_name().unwrap().to_str().unwrap().starts_with(file) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            changed += usize::from(text.contains(from));
            fs::write(&path, text.replace(from, to)).unwrap();
        }
        assert!(changed > 0, "{platform}: {from} is not in {file}*");
        let (right, said) = bound(&program, platform, &environment, &label);
        assert!(!right && said.contains(found), "{platform}, {to}: {said}");
    }
}

/// docs/platforms.md calls platforms verified if they are in tests/proofs.json.
#[test]
fn the_proofs_are_what_the_program_runs() {
    let Some(program) = provider_binding() else { return };
    let text = fs::read_to_string(checkout().join("tests/proofs.json")).unwrap();
    let proofs: Vec<Value> = serde_json::from_str(&text).unwrap();
    let ours: Vec<Value> = proofs
        .into_iter()
        .filter(|proof| proof["by"] == "tests/go/provider-binding")
        .map(|mut proof| {
            proof.as_object_mut().unwrap().remove("by");
            proof
        })
        .collect();
    let listed = listed(&program);
    assert_eq!(ours, listed, "write what `target/provider-binding list` prints into tests/proofs.json");
    let modules = fs::read_to_string(checkout().join("tests/go/provider-binding/go.mod")).unwrap();
    for provider in listed {
        let module = provider["module"].as_str().unwrap();
        assert!(modules.contains(module), "{module} is not in go.mod");
    }
}
