//! Flags of `capacity`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::commands::for_each::MultiTarget;
use crate::commands::model::grow::TargetInstaller;
use crate::engine::discover::RenderArgs;
use crate::output::format::Separator;

/// Show how much of each limit is used, now or in a cluster of another size
///
/// Reads the spec and the nodes, and counts the Services in the cluster. With a number of nodes it connects to no cluster.
/// Writes nothing. Exits with 1 if a limit is exceeded.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show what the cluster uses now
  kubectl largescale capacity

  # Show each pool, and the source of each limit
  kubectl largescale capacity -o wide

  # Show what a cluster of 2,500 nodes in pools of 100 would use
  kubectl largescale capacity --nodes 2500 --per-pool 100")]
pub struct Args {
    /// Read nodes from a file, from standard input or from the cluster, or plan for this number of nodes; overrides
    /// spec.nodes
    #[arg(long, help_heading = "Nodes", value_name = "FILE|-|cluster|NUMBER")]
    pub(super) nodes: Option<String>,
    /// Use the value of this node label as the pool; overrides spec.pools.label
    #[arg(long, help_heading = "Nodes", value_name = "KEY")]
    pub(super) label: Option<String>,
    /// Put at most this number of nodes in a pool, with a number of nodes [default: the limit of a load balancer]
    #[arg(long, help_heading = "Nodes", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) per_pool: Option<u32>,
    /// Deprecated: use `model grow FILE`
    #[arg(long, hide = true, value_name = "FILE")]
    pub(super) model: Option<PathBuf>,
    /// Deprecated: use `model grow --for`
    #[arg(long = "for", hide = true, value_enum, value_name = "INSTALLER", requires = "model")]
    pub(super) installer: Option<TargetInstaller>,
    /// Deprecated: use `model grow --out`
    #[arg(long, hide = true, value_name = "FILE", requires = "model")]
    pub(super) out: Option<PathBuf>,
    /// Warn when usage reaches this percentage of a limit
    #[arg(long, value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) warn_at: u32,
    #[command(flatten)]
    pub(super) limit: RenderArgs,
    /// Output format; wide shows each pool and the source of each number [default: tables with the highest usage first]
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

/// The format of `-o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CapacityFormat {
    /// Each pool in its own row, and the sources of the limits
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
}
