//! The command line as data: what was typed, before anything is done with it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::cluster::ClusterFlags;
use crate::commands::{
    apply, capacity, completion, diff, doctor, init, inventory, pools, prune, render, schema, status,
};
use crate::directory::Source;
use crate::output::terminal::Color;

/// One workload, one load balancer per node pool, reviewed in git
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-largescale",
    bin_name = "kubectl largescale",
    version,
    about = "Give each node pool of a large cluster its own load balancer: one Service per pool, in a directory that git tracks",
    after_help = EXIT_CODES,
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

const EXIT_CODES: &str = "Exit codes:
  0  done; no differences
  1  not as it should be: `diff`, `render --check`, `status`, `apply --wait`, `capacity`, `doctor`
  2  the command line is wrong
  3  an input is wrong; nothing was written
  4  the cluster could not be asked, or said no
  5  refused, because something would be lost; nothing was written
  6  not all is, or would be, as it should: `apply`, `prune`, `diff --live`, `render --commit`
  130  interrupted; what was and was not done is said";

/// What every command takes, as it was typed
#[derive(Clone, Debug, Args)]
pub struct GlobalArgs {
    /// The spec, or the directory that holds largescale.yaml; may be repeated [default: .]
    #[arg(
        short = 'f',
        long = "file",
        alias = "filename",
        global = true,
        default_value = ".",
        value_name = "PATH",
        hide_default_value = true
    )]
    pub files: Vec<PathBuf>,
    /// Every largescale.yaml below the directories of -f
    #[arg(short = 'R', long, global = true, hide_short_help = true)]
    pub recursive: bool,
    /// Only these clusters of `spec.clusters`, a glob; may be repeated [default: all]
    #[arg(long, global = true, value_name = "CLUSTER", hide_short_help = true)]
    pub only: Vec<String>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// How the cluster is reached, as with kubectl
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

/// What a command works on: one spec, for one cluster
#[derive(Clone, Debug, Default)]
pub struct Global {
    /// The spec and its cluster.
    pub source: Source,
    /// The name of the workload; `None` where the spec cannot be read.
    pub app: Option<String>,
    /// How the cluster is reached.
    pub cluster: ClusterFlags,
    /// Which of several it is, from 0 on.
    pub nth: usize,
}

impl Global {
    /// The same flags for a spec.
    pub fn of(typed: &GlobalArgs, source: Source) -> Self {
        Self { source, app: None, cluster: typed.cluster.clone(), nth: 0 }
    }

    /// The name of the workload, or else the path of the spec.
    pub fn name(&self) -> String {
        self.app.clone().unwrap_or_else(|| self.source.path.display().to_string())
    }

    /// What it is about, for people.
    pub fn title(&self) -> String {
        match &self.source.cluster {
            Some(cluster) => format!("{}, cluster {cluster}", self.name()),
            None => self.name(),
        }
    }
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
