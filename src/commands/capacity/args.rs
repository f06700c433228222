//! The flags of `capacity`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::commands::for_each::MultiTarget;
use crate::output::format::Separator;

/// Show how much of each limit the pools and the cluster use, or what a cluster of another size needs
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  kubectl largescale capacity                                       what the cluster uses now
  kubectl largescale capacity --nodes 2500 --per-pool 100           what a cluster of 2,500 nodes would use
  kubectl largescale capacity --nodes 2500 --per-pool 100 --model kubernetes.json > larger.json")]
pub struct Args {
    /// Where the nodes are from, or how many there would be; overrides spec.nodes
    #[arg(long, help_heading = "Nodes", value_name = "FILE|-|cluster|NUMBER")]
    pub(super) nodes: Option<String>,
    /// The node label whose value is the pool; overrides spec.pools.label
    #[arg(long, help_heading = "Nodes", value_name = "KEY")]
    pub(super) label: Option<String>,
    /// With a number of nodes: how many a pool has at most; default: what a load balancer takes
    #[arg(long, help_heading = "Nodes", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) per_pool: Option<u32>,
    /// With a number of nodes: grow this cluster model to it, and print the model that the installer takes
    #[arg(long, help_heading = "Nodes", value_name = "FILE")]
    pub(super) model: Option<PathBuf>,
    /// Print what gives another installer's cluster the same pools: commands, or more of Cluster API's YAML
    #[arg(long = "for", help_heading = "Nodes", value_enum, value_name = "INSTALLER", requires = "model")]
    pub(super) target: Option<PlannedSize>,
    /// Write it to a file instead
    #[arg(long, help_heading = "Nodes", value_name = "FILE", requires = "model")]
    pub(super) out: Option<PathBuf>,
    /// From how much of a limit on it is called near, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) warn_at: u32,
    /// Output format; default: tables with the fullest first
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(super) output: Option<CapacityFormat>,
}

impl MultiTarget for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        self.model.as_ref().map(|_| "--model")
    }

    fn of_one_cluster(&self) -> Option<&'static str> {
        self.nodes.as_ref().filter(|nodes| *nodes != "cluster").map(|_| "--nodes")
    }

    fn separator(&self) -> Separator {
        match self.output {
            None | Some(CapacityFormat::Wide) => Separator::Headings,
            Some(CapacityFormat::Yaml) => Separator::Dashes,
            Some(CapacityFormat::Json) => Separator::Nothing,
        }
    }
}

/// What `--for` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PlannedSize {
    /// `az aks nodepool` commands
    Aks,
    /// `juju` commands
    Juju,
    /// Cluster API
    ClusterApi,
}

/// What `-o` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CapacityFormat {
    /// Every pool in a line of its own
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
}
