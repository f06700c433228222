//! `capacity`: shows usage of limits, now or in a cluster of another size.

mod args;
mod other_services;
mod output;

use std::path::Path;

pub use crate::commands::capacity::args::Args;
use crate::commands::model::grow::{GrowRequest, PER_POOL, grow};
use crate::core::capacity::{Demand, Headroom, Situation, Usage, demands, measure, pools_of, warnings};
use crate::core::cluster_model::Growth;
use crate::core::platform::LimitName;
use crate::core::pools::{NodeCount, Shrink};
use crate::core::report::diagnostic::Diagnostic;
use crate::directory::Project;
use crate::engine::discover::{NodeArgs, discover};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// Shows what is used, or what a cluster of another size would use.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let number = args.nodes.as_ref().and_then(|nodes| nodes.parse::<u32>().ok());
    if let Some(model) = &args.model {
        return grow_model(args, model, number);
    }
    let project = &Project::load(&scope.source)?;
    let usages = match number {
        Some(0) => return Err(Diagnostic::error("invalid number of nodes `0`").into()),
        Some(nodes) => planned(project, args, nodes)?,
        None if args.per_pool.is_some() => {
            return Err(Diagnostic::error("--per-pool requires a number of nodes")
                .hint("use it with --nodes, as in --nodes 2500 --per-pool 100")
                .into());
        }
        None => seen(project, scope, args)?,
    };
    terminal::data(&output::text(scope, &project.platform.name, &usages, args.warn_at, args.output))?;
    warnings(&usages).iter().for_each(terminal::diagnostic);
    let over = usages.iter().any(|usage| usage.room(args.warn_at) == Headroom::Over);
    Ok(if over { Exit::Different } else { Exit::Success })
}

/// Grows a cluster model, which earlier versions did here.
fn grow_model(args: &Args, model: &Path, nodes: Option<u32>) -> Result<Exit, Failure> {
    terminal::diagnostic(
        &Diagnostic::warning("`capacity --model` is deprecated and will be removed in the next release")
            .hint("use `kubectl largescale model grow`"),
    );
    let hint = "use --nodes 2500 --per-pool 100";
    let agents = match (nodes, args.nodes.as_deref()) {
        (Some(nodes), _) if nodes > 0 => nodes,
        (_, Some(text)) => {
            return Err(Diagnostic::error(format!("invalid number of nodes `{text}` for the model"))
                .hint(hint)
                .into());
        }
        (_, None) => return Err(Diagnostic::error("--model requires the number of nodes").hint(hint).into()),
    };
    let growth = Growth { agents, per_pool: args.per_pool.unwrap_or(PER_POOL) };
    grow(&GrowRequest { model, growth, installer: args.installer, out: args.out.as_deref() })
}

/// Measures the nodes and Services that exist.
fn seen(project: &Project, scope: &Scope, args: &Args) -> Result<Vec<Usage>, Failure> {
    let nodes = NodeArgs {
        nodes: args.nodes.clone(),
        pools_from: None,
        label: args.label.clone(),
        locked: false,
        forget: Vec::new(),
        allow_shrink: false,
    };
    let discovery = discover(project, &scope.cluster, &nodes, Shrink::Warn)?;
    let rendered = discovery.render_quietly(project, args.limit)?;
    let other_services =
        discovery.queried.as_ref().and_then(|cluster| other_services::count(cluster, &rendered.demands));
    Ok(discovery.measure(project, Some(&rendered.demands), other_services.as_ref()))
}

/// Measures a cluster of full pools, each with a copy of the Services.
fn planned(project: &Project, args: &Args, nodes: u32) -> Result<Vec<Usage>, Failure> {
    let spec = &project.spec.spec;
    let known = project.platform.limit(LimitName::NodesPerLoadBalancer, &spec.limits);
    let Some(per_pool) = args.per_pool.or(known.map(|limit| limit.value)) else {
        return Err(Diagnostic::error(format!(
            "the limit of nodes per load balancer is unknown for platform {}",
            project.platform.name
        ))
        .hint("set the number of nodes in a pool with --per-pool N")
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
        other_services: None,
    }))
}
