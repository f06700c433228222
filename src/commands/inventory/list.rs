//! `inventory list`: lists the ApplySets of a namespace, of all tools.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cluster::{ApiCall, Cluster, ClusterError, Problem};
use crate::core::apply::{ID, KINDS, TOOLING};
use crate::core::live::Resource;
use crate::core::report::diagnostic::Diagnostic;
use crate::directory::Project;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::{LineFormat, Separator};
use crate::output::{format, terminal};
use crate::scope::Scope;

/// List the ApplySets of a namespace, and the tool that manages each
///
/// Uses the namespace of -n, else of the spec, else of the context. Reads ConfigMaps and Secrets, and writes nothing.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # List the ApplySets of a namespace
  kubectl largescale inventory list -n web

  # List the ApplySets of all namespaces, as JSON
  kubectl largescale inventory list -A -o json")]
pub(super) struct Args {
    /// List the ApplySets of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Output format [default: a table]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

impl Args {
    /// Returns the separator between the outputs of several clusters.
    pub(super) fn separator(&self) -> Separator {
        self.output.map_or(Separator::Headings, LineFormat::separator)
    }
}

/// Prints the list.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let cluster = Cluster::connect(&scope.cluster, Arc::new(terminal::note))?;
    // Listing works without a spec; if there is one, it sets the namespace.
    let of_spec = || Project::open(&scope.source).ok().and_then(|project| project.spec.metadata.namespace);
    let given = scope.cluster.namespace.clone().or_else(of_spec);
    let namespace = given.unwrap_or_else(|| cluster.namespace().to_owned());
    let namespace = (!args.all_namespaces).then_some(namespace);
    let kinds = [Resource::config_map(), Resource::core("Secret", "secrets")];
    let calls: Vec<ApiCall> =
        kinds.into_iter().map(|kind| ApiCall::list(kind, namespace.clone(), Some(ID.to_owned()))).collect();
    let mut parents = Vec::new();
    for answer in cluster.call_all(&calls, calls.len()) {
        match answer {
            Ok(Value::Array(list)) => parents.extend(list),
            Ok(_) => {}
            // kubectl stores parents in Secrets by default; a user who may not list Secrets sees the rest.
            Err(ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. })
                if !parents.is_empty() =>
            {
                terminal::diagnostic(&Diagnostic::warning(format!(
                    "ApplySets whose parent is a Secret are not shown: {problem}"
                )));
            }
            Err(error) => return Err(error.into()),
        }
    }
    parents.sort_by_key(|parent| (text(parent, "namespace"), text(parent, "name")));
    terminal::data(&shown(scope, &parents, args.output))?;
    Ok(Exit::Success)
}

fn shown(scope: &Scope, parents: &[Value], format: Option<LineFormat>) -> String {
    match format {
        Some(LineFormat::Name) => parents.iter().map(|parent| format!("{}\n", name(parent))).collect(),
        Some(LineFormat::Json) => {
            let one = |parent: &Value| {
                json!({ "namespace": text(parent, "namespace"), "parent": name(parent), "id": parent["metadata"]["labels"][ID],
                    "tooling": note(parent, TOOLING), "kinds": note(parent, KINDS).split(',').filter(|kind| !kind.is_empty()).collect::<Vec<_>>() })
            };
            let sets: Vec<Value> = parents.iter().map(one).collect();
            format::json(
                scope,
                json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "SetList", "items": sets }),
            )
        }
        None => {
            let row = |parent: &Value| {
                vec![text(parent, "namespace"), name(parent), note(parent, TOOLING), note(parent, KINDS)]
            };
            let rows: Vec<_> = parents.iter().map(row).collect();
            terminal::table(&["NAMESPACE", "PARENT", "TOOLING", "KINDS"], &rows)
        }
    }
}

fn name(parent: &Value) -> String {
    format!("{}/{}", parent["kind"].as_str().unwrap_or_default().to_lowercase(), text(parent, "name"))
}

fn text(parent: &Value, field: &str) -> String {
    parent["metadata"][field].as_str().unwrap_or_default().to_owned()
}

fn note(parent: &Value, key: &str) -> String {
    parent["metadata"]["annotations"][key].as_str().unwrap_or_default().to_owned()
}
