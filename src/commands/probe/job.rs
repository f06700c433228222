//! A Job that runs the probe in the cluster.

use serde_json::{Value, json};

use crate::commands::probe::Args;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml;
use crate::directory::Project;
use crate::failure::Failure;
use crate::scope::Scope;

/// The name of all objects.
const NAME: &str = "largescale-probe";

/// The longest reference of an image that registries accept.
const MAX_IMAGE: usize = 512;

/// Returns the objects as YAML documents.
pub(super) fn text(scope: &Scope, args: &Args, image: &str) -> Result<String, Failure> {
    let project = Project::open(&scope.source)?;
    let is_valid = !image.is_empty()
        && image.len() <= MAX_IMAGE
        && image.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@+".contains(&byte));
    if !is_valid {
        return Err(Diagnostic::error(format!("--image: `{image}` is not the reference of an image"))
            .hint("such as registry.example.com/probe:1")
            .into());
    }
    let of_flag = scope.cluster.namespace.as_deref();
    let Some(namespace) = of_flag.or(project.spec.metadata.namespace.as_deref()) else {
        return Err(Diagnostic::error("the spec has no namespace, and the Job needs one")
            .hint("set `metadata.namespace` in the spec, or use `--namespace NAME`")
            .into());
    };
    let metadata = json!({ "name": NAME, "namespace": namespace });
    let subject = json!([{ "kind": "ServiceAccount", "name": NAME, "namespace": namespace }]);
    let role =
        |name: &str| json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name });
    let mut command: Vec<String> = ["kubectl-largescale", "probe", "-f"].map(str::to_owned).to_vec();
    command.push(scope.source.path.display().to_string());
    if let Some(cluster) = &scope.source.cluster {
        command.extend(["--only".to_owned(), cluster.clone()]);
    }
    command.extend(args.of_job());
    let binding = |kind: &str, metadata: Value, name: &str| {
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "roleRef": role(name),
            "subjects": subject })
    };
    let objects = [
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }),
        binding("RoleBinding", metadata.clone(), "largescale-reader"),
        binding(
            "ClusterRoleBinding",
            json!({ "name": format!("{NAME}-{namespace}") }),
            "largescale-identity",
        ),
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {
            // A second try would hide what the first one found.
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": 3600,
            "template": { "spec": {
                "serviceAccountName": NAME,
                "restartPolicy": "Never",
                "containers": [{
                    "name": "probe",
                    "image": image,
                    "command": command,
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": { "drop": ["ALL"] },
                    },
                }],
            }},
        }}),
    ];
    Ok(objects.iter().map(yaml::write_object).collect::<Vec<_>>().join("---\n"))
}
