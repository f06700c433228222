//! `capacity`: how much room there is, and what a larger cluster needs.

mod grow;
mod other_services;
mod output;

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::Global;
use crate::commands::for_each::{Between, ForEach};
use crate::core::capacity::{Demand, Gauge, Room, Situation, demands, measure, pools_of, warnings};
use crate::core::platform::LimitName;
use crate::core::pools::{NodeCount, Shrink};
use crate::core::report::diagnostic::Diagnostic;
use crate::directory::Project;
use crate::engine::discover::{NodeArgs, discover};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;

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
    label: Option<String>,
    /// With a number of nodes: how many a pool has at most; default: what a load balancer takes
    #[arg(long, help_heading = "Nodes", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) per_pool: Option<u32>,
    /// With a number of nodes: grow this cluster model to it, and print the model that the installer takes
    #[arg(long, help_heading = "Nodes", value_name = "FILE")]
    pub(super) model: Option<PathBuf>,
    /// Print what gives another installer's cluster the same pools: commands, or more of Cluster API's YAML
    #[arg(long = "for", help_heading = "Nodes", value_enum, value_name = "INSTALLER", requires = "model")]
    pub(super) target: Option<Target>,
    /// Write it to a file instead
    #[arg(long, help_heading = "Nodes", value_name = "FILE", requires = "model")]
    pub(super) out: Option<PathBuf>,
    /// From how much of a limit on it is called near, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u32).range(1..=100))]
    warn_at: u32,
    /// Output format; default: tables with the fullest first
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<CapacityFormat>,
}

impl ForEach for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        self.model.as_ref().map(|_| "--model")
    }

    fn of_one_cluster(&self) -> Option<&'static str> {
        self.nodes.as_ref().filter(|nodes| *nodes != "cluster").map(|_| "--nodes")
    }

    fn between(&self) -> Between {
        match self.output {
            None | Some(CapacityFormat::Wide) => Between::Headings,
            Some(CapacityFormat::Yaml) => Between::Dashes,
            Some(CapacityFormat::Json) => Between::Nothing,
        }
    }
}

/// What `--for` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
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

/// Shows what is used, or what would be.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let number = args.nodes.as_ref().and_then(|nodes| nodes.parse::<u32>().ok());
    if args.model.is_some() {
        return grow::grow(args, number);
    }
    let project = &Project::load(&global.source)?;
    let gauges = match number {
        Some(0) => return Err(Diagnostic::error("`--nodes 0` is a cluster without nodes").into()),
        Some(nodes) => planned(project, args, nodes)?,
        None if args.per_pool.is_some() => {
            return Err(Diagnostic::error("`--per-pool` is for a number of nodes")
                .hint("--nodes 2500 --per-pool 100")
                .into());
        }
        None => seen(project, global, args)?,
    };
    terminal::data(&output::text(global, &project.platform.name, &gauges, args.warn_at, args.output))?;
    warnings(&gauges).iter().for_each(terminal::diagnostic);
    let over = gauges.iter().any(|gauge| gauge.room(args.warn_at) == Room::Over);
    Ok(if over { Exit::Different } else { Exit::Success })
}

/// What is there.
fn seen(project: &Project, global: &Global, args: &Args) -> Result<Vec<Gauge>, Failure> {
    let nodes = NodeArgs {
        nodes: args.nodes.clone(),
        label: args.label.clone(),
        locked: false,
        forget: Vec::new(),
        allow_shrink: false,
    };
    let discovery = discover(project, &global.cluster, &nodes, Shrink::Warn)?;
    let rendered = discovery.render_quietly(project)?;
    let elsewhere =
        discovery.asked.as_ref().and_then(|cluster| other_services::count(cluster, &rendered.demands));
    Ok(discovery.measure(project, Some(&rendered.demands), elsewhere.as_ref()))
}

/// What there would be: full pools, each with a copy of the Services.
fn planned(project: &Project, args: &Args, nodes: u32) -> Result<Vec<Gauge>, Failure> {
    let spec = &project.spec.spec;
    let known = project.platform.limit(LimitName::NodesPerLoadBalancer, &spec.limits);
    let Some(per_pool) = args.per_pool.or(known.map(|limit| limit.value)) else {
        return Err(Diagnostic::error(format!(
            "how many nodes a load balancer of platform {} takes is not known",
            project.platform.name
        ))
        .hint("say how many nodes a pool shall have: --per-pool N")
        .into());
    };
    let pools = pools_of(nodes, per_pool);
    let once = demands(project.objects.iter().map(|object| {
        let pool = object.is_load_balancer() || spec.workload.per_pool;
        (pool.then_some(""), object.value())
    }));
    let services: Vec<Demand> = pools
        .iter()
        .flat_map(|pool| once.iter().map(|demand| Demand { pool: pool.name.clone(), ..demand.clone() }))
        .collect();
    Ok(measure(&Situation {
        platform: &project.platform,
        own: &spec.limits,
        workload_per_pool: spec.workload.per_pool,
        nodes: NodeCount { all: nodes as usize, backends: nodes as usize },
        pools: &pools,
        services: Some(&services),
        elsewhere: None,
    }))
}
