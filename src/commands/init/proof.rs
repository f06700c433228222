//! Shows what adopting the imported objects would change in the cluster, before anything is applied.

use std::path::Path;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::commands::init::no_op::Place;
use crate::core::apply::Tool;
use crate::core::bounds::MAX_OBJECTS;
use crate::core::live::FieldChange;
use crate::core::manifest::Key;
use crate::core::pointer;
use crate::core::pools::{Lookalikes, MergeOptions, discover_pools, merge};
use crate::core::render::RenderedFile;
use crate::core::report::diagnostic::{Checked, Diagnostic, Severity};
use crate::core::report::plural::plural;
use crate::core::review::Adoption;
use crate::directory::{Project, Source};
use crate::engine::adoption::{Adopted, AdoptionEffect, adoption};
use crate::engine::cluster_identity::named;
use crate::engine::discover::render_project;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;

/// The maximum number of names and fields in a message.
const SHOWN: usize = 5;

/// Renders the directory in memory and compares it with the cluster. Returns the exit code: different if an address, a node
/// port or a binding would change.
pub(super) fn show(
    directory: &Path,
    (cluster, place): (&Cluster, &Place<'_>),
    taken: &[Tool],
) -> Result<Exit, Failure> {
    let source = Source { path: directory.to_owned(), ..Source::default() };
    let project = Project::load(&source)?;
    let files = match rendered(&project, place) {
        Ok(files) => files,
        Err(problems) => {
            let warning = |problem: Diagnostic| Diagnostic { severity: Severity::Warning, ..problem };
            problems.into_iter().map(warning).for_each(|problem| terminal::diagnostic(&problem));
            terminal::note(
                "`render` refuses these files until they are corrected, so nothing was compared with the cluster",
            );
            return Ok(Exit::Success);
        }
    };
    let namespace = place.namespace.unwrap_or_else(|| cluster.namespace());
    Ok(report(&adoption(&project, &files, cluster, namespace, taken)?, &named(cluster.context())))
}

fn rendered(project: &Project, place: &Place<'_>) -> Checked<Vec<RenderedFile>> {
    let spec = &project.spec.spec;
    let discovered = discover_pools(place.nodes, &project.platform, spec.pools.label.as_deref(), None)?;
    let options = MergeOptions { lookalikes: Lookalikes::Warn, ..MergeOptions::default() };
    let merged = merge(spec, &discovered, None, &options)?;
    Ok(render_project(project, &merged.set, place.classes, MAX_OBJECTS)?.files)
}

fn report(adopted: &[Adopted], cluster: &str) -> Exit {
    let mut exit = Exit::Success;
    let mut created = Vec::new();
    let mut differs = false;
    for Adopted { key, effect } in adopted {
        match effect {
            AdoptionEffect::Nothing => {}
            AdoptionEffect::Created => created.push(key),
            AdoptionEffect::Changes(adoption) => {
                differs = true;
                let problem = changed(key, adoption);
                if adoption.risk.is_some() {
                    exit = Exit::Different;
                }
                terminal::diagnostic(&problem);
            }
            AdoptionEffect::Conflict { adoption, problem } => {
                differs = true;
                if adoption.risk.is_some() {
                    exit = Exit::Different;
                }
                terminal::diagnostic(&conflict(problem, adoption));
            }
            AdoptionEffect::Undecided(problem) => {
                differs = true;
                terminal::diagnostic(&Diagnostic { severity: Severity::Warning, ..problem.clone() });
            }
        }
    }
    let existing = adopted.len() - created.len();
    if let [first, ..] = created.as_slice() {
        let names: Vec<String> = created.iter().take(SHOWN).map(ToString::to_string).collect();
        let more = created.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        terminal::note(&if existing == 0 {
            format!(
                "{first} and all other objects do not exist in {cluster}, so nothing was compared with it"
            )
        } else {
            format!("apply would create {}: {}{more}", plural(created.len(), "object"), names.join(", "))
        });
    }
    if !differs && existing > 0 {
        terminal::note(&format!(
            "adopting changes nothing: {} of {cluster} would only become {} of the ApplySet",
            plural(existing, "object"),
            if existing == 1 { "a member" } else { "members" }
        ));
    }
    exit
}

fn changed(key: &Key, adoption: &Adoption) -> Diagnostic {
    // The values of a Secret are not shown.
    let field = |it: &FieldChange| match key.kind.as_str() {
        "Secret" => format!("`{}`", pointer::field(&it.pointer)),
        _ => change(it),
    };
    let mut fields: Vec<String> = adoption.changes.iter().take(SHOWN).map(field).collect();
    let more = adoption.changes.len().saturating_sub(SHOWN);
    if more > 0 {
        fields.push(format!("and {more} more"));
    }
    let message = format!("adopting would change {key}: {}", fields.join(", "));
    match &adoption.risk {
        Some(risk) => Diagnostic::error(format!("{message}; {risk}"))
            .hint("keep the value in the manifest, or in an overlay for the pool, before you apply"),
        None => Diagnostic::warning(message),
    }
}

/// Returns the problem of an object whose fields other field managers hold with other values.
fn conflict(problem: &Diagnostic, adoption: &Adoption) -> Diagnostic {
    let keep = "put THEIRS into the manifest, or into an overlay for the pool, before you apply";
    let (severity, hint) = match &adoption.risk {
        Some(risk) => (Severity::Error, format!("{keep}: {risk}")),
        None => (
            Severity::Warning,
            format!("{keep}; `apply` refuses to overwrite them without --force-conflicts"),
        ),
    };
    Diagnostic { severity, ..problem.clone() }.hint(hint)
}

fn change(change: &FieldChange) -> String {
    let value = |value: &Option<Value>| match value {
        None => "not set".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(value) => value.to_string(),
    };
    format!("`{}` ({} to {})", pointer::field(&change.pointer), value(&change.old), value(&change.new))
}
