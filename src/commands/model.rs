//! `model`: works on the cluster models that installers read.

pub(crate) mod grow;

use clap::Subcommand;

use crate::exit::Exit;
use crate::failure::Failure;

/// Grow the cluster model of an installer
///
/// A cluster model is the file that an installer makes a cluster from: JSON of ACS-Engine, AKS-Engine or AKS-Engine for
/// Azure Stack Hub, or the MachineDeployment of Cluster API.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Grow a model to 2,500 nodes in pools of 100
  kubectl largescale model grow kubernetes.json --nodes 2500 --per-pool 100 --out larger.json

  # Print az commands that create the same pools in AKS
  kubectl largescale model grow kubernetes.json --nodes 2500 --for aks")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Grow(grow::Args),
}

/// Runs the subcommand.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Grow(args) => grow::run(args),
    }
}
