//! The command line as data: what was typed, before anything is done with it.

use clap::{Parser, Subcommand};

use crate::commands::{
    apply, capacity, completion, diff, doctor, init, inventory, pools, prune, render, schema, status,
};
use crate::exit::Exit;
use crate::scope::GlobalArgs;

/// One workload, one load balancer per node pool, reviewed in git
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-largescale",
    bin_name = "kubectl largescale",
    version,
    about = "Give each node pool of a large cluster its own load balancer: one Service per pool, in a directory that git tracks",
    after_help = exit_codes(),
    disable_help_subcommand = true,
    max_term_width = 110
)]
pub struct Cli {
    /// What every command takes
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The table of exit codes at the end of `--help`.
fn exit_codes() -> String {
    let line = |(exit, meaning): &(Exit, &str)| format!("\n  {}  {meaning}", exit.code());
    format!("Exit codes:{}", Exit::TABLE.iter().map(line).collect::<String>())
}

/// What to do
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a starter spec for a cluster, or from hand-written Services
    Init(init::Args),
    /// Show the node pools and how much room their load balancers have
    Pools(pools::Args),
    /// Write one Service per pool and the workload into the tree
    Render(render::Args),
    /// Show what render would change in the tree, or with --live what apply would change in the cluster
    Diff(diff::Args),
    /// Apply the tree to the cluster, as field manager kubectl-largescale
    Apply(apply::Args),
    /// Delete from the cluster what has left the tree
    Prune(prune::Args),
    /// Show and mend the set of objects that apply and prune look after, or hand it over
    Inventory(inventory::Args),
    /// Show the load balancer of each pool, what it waits for, and what DNS should hold
    Status(status::Args),
    /// Show how much of each limit is used, or what a cluster of another size needs
    Capacity(capacity::Args),
    /// Look for what commonly goes wrong
    Doctor(doctor::Args),
    /// Print the JSON Schema of a form, for editors
    Schema(schema::Args),
    /// Print the completion script of a shell
    Completion(completion::Args),
}
