//! `model grow`: adds pools to a cluster model.

use std::path::{Path, PathBuf};

use clap::{ValueEnum, ValueHint};

use crate::core::cluster_model::{
    Grown, Growth, Model, aks_commands, cautions, deprecated_settings, grow as grow_model,
    grow_machine_deployments, is_machine_deployment, juju_commands, load_balancers, read_model, summary,
};
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::directory::{read_text_of_user, replace};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;

/// Nodes in a pool by default: the limit of an Azure Basic load balancer when ACS-Engine was current.
pub(crate) const PER_POOL: u32 = 100;

/// Add pools to a cluster model until it has the number of nodes
///
/// Reads the model and prints the larger one, or writes it to the file given with --out. The text of the model stays as it
/// is, except for the new pools. The command never removes nodes.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Grow a model to 2,500 nodes in pools of 100
  kubectl largescale model grow kubernetes.json --nodes 2500 --per-pool 100 --out larger.json

  # Print az commands that create the same pools in AKS
  kubectl largescale model grow kubernetes.json --nodes 2500 --for aks

  # Grow a cluster of Cluster API
  kubectl largescale model grow machinedeployment.yaml --nodes 250 --for cluster-api")]
pub(crate) struct Args {
    /// Cluster model: JSON of ACS-Engine or AKS-Engine, or YAML of a MachineDeployment
    #[arg(value_name = "FILE")]
    model: PathBuf,
    /// Grow the model to this number of nodes
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    nodes: u32,
    /// Put at most this number of nodes in a pool
    #[arg(long, value_name = "NUMBER", default_value_t = PER_POOL, value_parser = clap::value_parser!(u32).range(1..))]
    per_pool: u32,
    /// Print commands or manifests that create the same pools with another installer
    #[arg(long = "for", value_enum, value_name = "INSTALLER")]
    installer: Option<TargetInstaller>,
    /// Write the result to this file instead of standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
}

/// The installer of `--for`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetInstaller {
    /// `az aks nodepool` commands
    Aks,
    /// `juju` commands
    Juju,
    /// Manifests of Cluster API
    ClusterApi,
}

/// A model to grow. `capacity --model` fills it too.
pub(crate) struct GrowRequest<'a> {
    /// The file of the model.
    pub model: &'a Path,
    /// The size to reach.
    pub growth: Growth,
    /// Another installer, if the user wants its commands or manifests.
    pub installer: Option<TargetInstaller>,
    /// The file to write; `None` for standard output.
    pub out: Option<&'a Path>,
}

/// Grows the model.
pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    grow(&GrowRequest {
        model: &args.model,
        growth: Growth { agents: args.nodes, per_pool: args.per_pool },
        installer: args.installer,
        out: args.out.as_deref(),
    })
}

/// Prints or writes the larger model, and reports on standard error what changed.
pub(crate) fn grow(request: &GrowRequest<'_>) -> Result<Exit, Failure> {
    let shown = request.model.display().to_string();
    let text = read_text_of_user(request.model, &shown)?;
    if !text.trim_start().starts_with('{') && is_machine_deployment(&text) {
        return machine_deployments(request, &shown, &text);
    }
    let model = read_model(&shown, &text)?;
    let grown = grow_model(&model, request.growth)?;
    put(request, &output(request.installer, &model, &grown)?)?;
    for line in summary(&model, &grown) {
        terminal::note(&line);
    }
    if request.installer == Some(TargetInstaller::Juju) && grown.added > 0 {
        terminal::note(
            "the new applications need the relations of the first one (juju status --relations, juju integrate)",
        );
    }
    if request.installer.is_none() {
        terminal::note(&load_balancers(&model, &grown));
        for line in deprecated_settings(&model) {
            terminal::note(&line);
        }
        cautions(&model, request.growth, grown.pools.len()).iter().for_each(terminal::diagnostic);
    }
    if grown.added + grown.filled.len() == 0 {
        terminal::note("nothing changed: the model already has this number of nodes");
    }
    Ok(Exit::Success)
}

fn output(installer: Option<TargetInstaller>, model: &Model, grown: &Grown) -> Checked<String> {
    match installer {
        None => Ok(grown.text.clone()),
        Some(TargetInstaller::Aks) => aks_commands(model, grown),
        Some(TargetInstaller::Juju) => Ok(juju_commands(model, grown)),
        Some(TargetInstaller::ClusterApi) => Err(Diagnostic::error(
            "the file does not contain a MachineDeployment",
        )
        .at(Location::file(model.file.clone()))
        .hint("for Cluster API the model is the YAML of a MachineDeployment; the new ones are copies of it")
        .into()),
    }
}

fn machine_deployments(request: &GrowRequest<'_>, shown: &str, text: &str) -> Result<Exit, Failure> {
    if request.installer.is_some_and(|installer| installer != TargetInstaller::ClusterApi) {
        return Err(Diagnostic::error("a MachineDeployment works with Cluster API only")
            .at(Location::file(shown))
            .hint("use --for cluster-api, or a model of ACS-Engine or AKS-Engine")
            .into());
    }
    let (text, note) = grow_machine_deployments(shown, text, request.growth)?;
    put(request, &text)?;
    terminal::note(&note);
    Ok(Exit::Success)
}

fn put(request: &GrowRequest<'_>, text: &str) -> Result<(), Failure> {
    match request.out {
        Some(path) => replace(path, text)?,
        None => terminal::data(text)?,
    }
    Ok(())
}
