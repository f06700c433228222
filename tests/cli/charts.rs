//! Objects in the form of the output of five charts are rendered: the program refuses nothing in them. `tests/cluster` sends the
//! same objects to an API server.

use std::fs;

use crate::environment::{Environment, checkout};

/// A Service for charts that have none of type LoadBalancer.
const EDGE: &str = "apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {type: LoadBalancer, selector: {app: outside}, ports: [{port: 443}]}
";

#[test]
fn the_output_of_charts_is_rendered() {
    let environment = Environment::with(&checkout().join("tests/cases/shared"));
    fs::write(environment.path().join("edge.yml"), EDGE).unwrap();
    let mut charts = Vec::new();
    for entry in fs::read_dir(checkout().join("tests/charts")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        fs::copy(&path, environment.path().join(format!("{name}.yml"))).unwrap();
        let spec = format!(
            "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: {name}}}\n\
             spec: {{manifests: [edge.yml, {name}.yml], platform: azure-basic, nodes: nodes.json, output: out-{name}}}\n"
        );
        fs::write(environment.path().join(format!("spec-{name}.yaml")), spec).unwrap();
        let output = environment.program(&["render", "-f", &format!("spec-{name}.yaml")]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {text}");
        let objects = fs::read_to_string(&path).unwrap().matches("\nkind: ").count();
        let files = fs::read_dir(environment.path().join(format!("out-{name}"))).unwrap().count();
        assert!(files >= objects, "{name}: {files} files of {objects} objects");
        charts.push(name);
    }
    charts.sort();
    assert_eq!(charts, ["cert-manager", "envoy-gateway", "ingress-controller", "monitoring", "traefik"]);
}
