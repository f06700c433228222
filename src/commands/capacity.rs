//! `capacity`: how much room there is, and what a larger cluster needs.

mod args;
mod grow;
mod other_services;
mod output;

pub use crate::commands::capacity::args::Args;
use crate::core::capacity::{Demand, Headroom, Situation, Usage, demands, measure, pools_of, warnings};
use crate::core::platform::LimitName;
use crate::core::pools::{NodeCount, Shrink};
use crate::core::report::diagnostic::Diagnostic;
use crate::directory::Project;
use crate::engine::discover::{NodeArgs, discover};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// Shows what is used, or what would be.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let number = args.nodes.as_ref().and_then(|nodes| nodes.parse::<u32>().ok());
    if args.model.is_some() {
        return grow::grow(args, number);
    }
    let project = &Project::load(&scope.source)?;
    let usages = match number {
        Some(0) => return Err(Diagnostic::error("`--nodes 0` is a cluster without nodes").into()),
        Some(nodes) => planned(project, args, nodes)?,
        None if args.per_pool.is_some() => {
            return Err(Diagnostic::error("`--per-pool` is for a number of nodes")
                .hint("--nodes 2500 --per-pool 100")
                .into());
        }
        None => seen(project, scope, args)?,
    };
    terminal::data(&output::text(scope, &project.platform.name, &usages, args.warn_at, args.output))?;
    warnings(&usages).iter().for_each(terminal::diagnostic);
    let over = usages.iter().any(|usage| usage.room(args.warn_at) == Headroom::Over);
    Ok(if over { Exit::Different } else { Exit::Success })
}

/// What is there.
fn seen(project: &Project, scope: &Scope, args: &Args) -> Result<Vec<Usage>, Failure> {
    let nodes = NodeArgs {
        nodes: args.nodes.clone(),
        label: args.label.clone(),
        locked: false,
        forget: Vec::new(),
        allow_shrink: false,
    };
    let discovery = discover(project, &scope.cluster, &nodes, Shrink::Warn)?;
    let rendered = discovery.render_quietly(project)?;
    let other_services =
        discovery.asked.as_ref().and_then(|cluster| other_services::count(cluster, &rendered.demands));
    Ok(discovery.measure(project, Some(&rendered.demands), other_services.as_ref()))
}

/// What there would be: full pools, each with a copy of the Services.
fn planned(project: &Project, args: &Args, nodes: u32) -> Result<Vec<Usage>, Failure> {
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
        other_services: None,
    }))
}
