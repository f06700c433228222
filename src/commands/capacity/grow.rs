//! A cluster model that grows.

use crate::commands::capacity::args::{Args, PlannedSize};
use crate::core::cluster_model::{
    Grown, Growth, Model, aks_commands, cautions, grow as grow_model, grow_machine_deployments,
    is_machine_deployment, juju_commands, load_balancers, old_settings, read_model, summary,
};
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::directory::{read_text, replace};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;

/// What a Basic load balancer took, which the whole technique is about.
const PER_POOL: u32 = 100;

/// Prints the model with so many agents, or writes it; what it comes to is told beside it.
pub(super) fn grow(args: &Args, nodes: Option<u32>) -> Result<Exit, Failure> {
    let path = args.model.as_deref().unwrap_or_else(|| "".as_ref());
    let shown = path.display().to_string();
    let text = read_text(path, &shown)?;
    let growth = growth(args, nodes)?;
    if !text.trim_start().starts_with('{') && is_machine_deployment(&text) {
        return machine_deployments(args, &shown, &text, growth);
    }
    let model = read_model(&shown, &text)?;
    let grown = grow_model(&model, growth)?;
    put(args, &output(args.target, &model, &grown)?)?;
    for line in summary(&model, &grown) {
        terminal::note(&line);
    }
    if args.target == Some(PlannedSize::Juju) && grown.added > 0 {
        terminal::note(
            "the new applications need the relations of the first (juju status --relations, juju integrate)",
        );
    }
    if args.target.is_none() {
        terminal::note(&load_balancers(&model, &grown));
        for line in old_settings(&model) {
            terminal::note(&line);
        }
        cautions(&model, growth, grown.pools.len()).iter().for_each(terminal::diagnostic);
    }
    if grown.added + grown.filled.len() == 0 {
        terminal::note("nothing changed: the model has them already");
    }
    Ok(Exit::Success)
}

fn output(target: Option<PlannedSize>, model: &Model, grown: &Grown) -> Checked<String> {
    match target {
        None => Ok(grown.text.clone()),
        Some(PlannedSize::Aks) => aks_commands(model, grown),
        Some(PlannedSize::Juju) => Ok(juju_commands(model, grown)),
        Some(PlannedSize::ClusterApi) => Err(Diagnostic::error("not a MachineDeployment")
            .at(Location::file(model.file.clone()))
            .hint("for Cluster API the model is the YAML of a MachineDeployment, which the others are copies of")
            .into()),
    }
}

fn machine_deployments(args: &Args, shown: &str, text: &str, growth: Growth) -> Result<Exit, Failure> {
    if args.target.is_some_and(|target| target != PlannedSize::ClusterApi) {
        return Err(Diagnostic::error("a MachineDeployment is no model of other installers")
            .at(Location::file(shown))
            .hint("--for cluster-api, or a model of ACS-Engine or AKS-Engine")
            .into());
    }
    let (text, said) = grow_machine_deployments(shown, text, growth)?;
    put(args, &text)?;
    terminal::note(&said);
    Ok(Exit::Success)
}

fn put(args: &Args, text: &str) -> Result<(), Failure> {
    match &args.out {
        Some(path) => replace(path, text)?,
        None => terminal::data(text)?,
    }
    Ok(())
}

fn growth(args: &Args, nodes: Option<u32>) -> Result<Growth, Diagnostic> {
    let hint = "--nodes 2500 --per-pool 100";
    match (nodes, args.nodes.as_deref()) {
        (Some(agents), _) if agents > 0 => Ok(Growth { agents, per_pool: args.per_pool.unwrap_or(PER_POOL) }),
        (_, Some(said)) => {
            Err(Diagnostic::error(format!("`--nodes {said}` is no number of agents for the model"))
                .hint(hint))
        }
        (_, None) => Err(Diagnostic::error("`--model` needs the number of agents").hint(hint)),
    }
}
