//! `inventory list`: lists the ApplySets of a namespace, of all tools.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cluster::{ApiCall, Cluster, ClusterError, Problem};
use crate::core::apply::{ID, KINDS, TOOLING};
use crate::core::live::{LiveObject, Resource};
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
    let list = |kind| ((), ApiCall::list(kind, namespace.clone(), Some(ID.to_owned())));
    let calls = kinds.map(list).into();
    let mut parents = Vec::new();
    for ((), answer) in cluster.call_all(calls, 2) {
        match answer {
            Ok(answer) => parents.extend(answer.objects()),
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
    parents.sort_by(|a, b| (a.namespace(), a.name()).cmp(&(b.namespace(), b.name())));
    terminal::data(&shown(scope, &parents, args.output))?;
    Ok(Exit::Success)
}

fn shown(scope: &Scope, parents: &[LiveObject], format: Option<LineFormat>) -> String {
    match format {
        Some(LineFormat::Name) => parents.iter().map(|parent| format!("{}\n", name(parent))).collect(),
        Some(LineFormat::Json) => {
            let one = |parent: &LiveObject| {
                json!({ "namespace": parent.namespace(), "parent": name(parent), "id": parent.label(ID),
                    "tooling": note(parent, TOOLING), "kinds": note(parent, KINDS).split(',').filter(|kind| !kind.is_empty()).collect::<Vec<_>>() })
            };
            let sets: Vec<Value> = parents.iter().map(one).collect();
            format::json(
                scope,
                json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "SetList", "items": sets }),
            )
        }
        None => {
            let row = |parent: &LiveObject| {
                let note = |key| note(parent, key).to_owned();
                vec![parent.namespace().to_owned(), name(parent), note(TOOLING), note(KINDS)]
            };
            let rows: Vec<_> = parents.iter().map(row).collect();
            terminal::table(&["NAMESPACE", "PARENT", "TOOLING", "KINDS"], &rows)
        }
    }
}

fn name(parent: &LiveObject) -> String {
    format!("{}/{}", parent.kind().to_lowercase(), parent.name())
}

fn note<'a>(parent: &'a LiveObject, key: &str) -> &'a str {
    parent.annotation(key).unwrap_or_default()
}
