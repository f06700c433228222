//! The API server accepts everything that is rendered for Gateways, under the published definitions of both channels.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::control_plane::{ControlPlane, Parts};
use crate::environment::{Environment, checkout};
use crate::gateway::controller::{built, define, kubectl};
use crate::gateway_cases::{cases, rendered};

/// Groups whose definitions are not there.
const NOT_SERVED: [&str; 5] =
    ["cert-manager.io", "cilium.io", "example.com", "gateway.nginx.org", "networking.istio.io"];

const NAMESPACES: [&str; 4] = ["blog", "shop", "edge", "envoy-gateway-system"];

/// Returns the files of a directory whose groups are served.
fn served(directory: &Path, left_out: &mut BTreeSet<String>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        let text = fs::read_to_string(path).unwrap();
        let version = text.lines().find_map(|line| line.strip_prefix("apiVersion: ")).unwrap_or_default();
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let is_served = !NOT_SERVED.contains(&group);
        if !is_served {
            left_out.insert(group.to_owned());
        }
        is_served && path.extension().is_some_and(|it| it == "yaml")
    });
    files.sort();
    files
}

/// Applies the files of a rendered directory without effect.
#[track_caller]
fn accepts(plane: &ControlPlane, what: &str, directory: &Path, left_out: &mut BTreeSet<String>) {
    let files: Vec<String> =
        served(directory, left_out).iter().map(|path| format!("--filename={}", path.display())).collect();
    assert!(!files.is_empty(), "{what}: nothing is rendered");
    let mut arguments = vec!["apply", "--server-side", "--dry-run=server", "--validate=strict"];
    arguments.extend(files.iter().map(String::as_str));
    let applied = kubectl(plane, &arguments);
    assert!(applied.status.success(), "{what}: {}", String::from_utf8_lossy(&applied.stderr));
}

/// The check must find what the definitions do not allow.
#[track_caller]
fn refuses(plane: &ControlPlane, change: (&str, &str), found: &str) {
    let gateway = "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: shop}
spec:
  gatewayClassName: eg
  listeners: [{name: http, port: 80, protocol: HTTP}]
";
    let file = plane.directory.join("gateway.yaml");
    fs::write(&file, gateway.replace(change.0, change.1)).unwrap();
    let file = format!("--filename={}", file.display());
    let applied = kubectl(plane, &["apply", "--server-side", "--dry-run=server", "--validate=strict", &file]);
    let said = String::from_utf8_lossy(&applied.stderr);
    assert!(!applied.status.success() && said.contains(found), "{said}");
}

/// Runs the lines of a transcript, and checks the directory after each one that renders.
fn check_transcript(plane: &ControlPlane, case: &Path, left_out: &mut BTreeSet<String>) -> usize {
    let environment = Environment::with(&case.join("in"));
    let lines = fs::read_to_string(case.join("cmd")).unwrap();
    let mut checked = 0;
    for line in lines.lines() {
        let output = environment.line(line);
        if line.starts_with("kubectl largescale render") && output.status.success() {
            let what = format!("{}: {line}", case.display());
            accepts(plane, &what, &environment.path().join("rendered"), left_out);
            checked += 1;
        }
    }
    checked
}

#[test]
fn the_api_server_accepts_what_is_rendered_for_gateways() {
    for channel in ["standard", "experimental"] {
        let Some(built) = built(channel) else { return };
        let Some(plane) = ControlPlane::own(Parts::Nodes, 1, 1) else { return };
        for folder in [channel, "generated"] {
            define(&plane, &built.join(folder));
        }
        for namespace in NAMESPACES {
            plane.create_namespace(namespace);
        }
        refuses(&plane, ("80", "70000"), "spec.listeners[0].port");
        refuses(&plane, ("gatewayClassName", "gatewayClassNames"), "gatewayClassNames");
        let mut left_out = BTreeSet::new();
        let mut checked = 0;
        for entry in fs::read_dir(checkout().join("tests/cases/gateways")).unwrap() {
            checked += check_transcript(&plane, &entry.unwrap().path(), &mut left_out);
        }
        for case in cases() {
            plane.create_namespace(&case.name());
            let environment = Environment::with(Path::new("/nonexistent"));
            for (file, text) in case.files() {
                fs::write(environment.path().join(file), text).unwrap();
            }
            let output = environment.program(&["render"]);
            assert!(output.status.success(), "{}: {output:?}", case.name());
            let directory = environment.path().join("rendered");
            assert!(rendered(&directory).len() > 3, "{}", case.name());
            accepts(&plane, &case.name(), &directory, &mut left_out);
            checked += 1;
        }
        assert!(checked >= 12, "{channel}: only {checked} directories were checked");
        assert!(left_out.contains("cert-manager.io"), "{left_out:?}");
    }
}
