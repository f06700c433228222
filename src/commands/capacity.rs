//! `capacity`: shows usage of limits, now or in a cluster of another size.

mod args;
mod other_services;
mod output;
mod sibling_apps;

use std::fmt::Write;
use std::path::Path;

use clap::ValueEnum;

pub use crate::commands::capacity::args::Args;
use crate::commands::capacity::sibling_apps::{Apps, for_one_pool, pool_names};
use crate::commands::for_each;
use crate::commands::model::grow::{GrowRequest, PER_POOL, grow};
use crate::core::capacity::{
    Demand, Headroom, PoolFinder, Situation, Usage, largest_pool, measure, pools_of, warnings,
};
use crate::core::cluster_model::Growth;
use crate::core::platform::Limit;
use crate::core::pools::{NodeCount, Shrink, discover_for_spec};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::shell_quote;
use crate::directory::{NamedBy, Project, nodes_from};
use crate::engine::discover::{NodeArgs, discover};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::{GlobalArgs, Scope};

/// Shows what is used, or what a cluster of another size would use. The report of each app counts the other apps of the command.
pub fn run(global: &GlobalArgs, args: &Args) -> Result<Exit, Failure> {
    let apps = Apps::read(global, args);
    for_each::run(global, args, |scope, args| one(scope, args, &apps))
}

fn one(scope: &Scope, args: &Args, apps: &Apps) -> Result<Exit, Failure> {
    let number = args.nodes.as_ref().and_then(|nodes| nodes.parse::<u32>().ok());
    if let Some(model) = &args.model {
        return grow_model(args, model, number);
    }
    let project = &Project::load(&scope.source)?;
    let usages = match number {
        Some(0) => return Err(Diagnostic::error("invalid number of nodes `0`").into()),
        Some(nodes) => planned(project, scope, args, apps, nodes)?,
        None if args.per_pool.is_some() => {
            return Err(Diagnostic::error("--per-pool requires a number of nodes")
                .hint("use it with --nodes, as in --nodes 2500 --per-pool 100")
                .into());
        }
        None => seen(project, scope, args, apps)?,
    };
    terminal::data(&output::text(scope, &project.platform.name, &usages, args.warn_at, args.output))?;
    warnings(&usages).iter().for_each(terminal::diagnostic);
    let over = usages.iter().any(|usage| usage.room(args.warn_at) == Headroom::Over);
    Ok(if over { Exit::Different } else { Exit::Success })
}

/// Returns the command that grows a cluster model, with the values that the user gave.
fn grow_command(args: &Args, model: &Path) -> String {
    let mut command = format!("kubectl largescale model grow {}", shell_quote::path(model));
    let mut add = |flag: &str, value: String| {
        let _ = write!(command, " {flag} {value}");
    };
    let nodes = args.nodes.as_deref().filter(|nodes| nodes.parse::<u32>().is_ok_and(|nodes| nodes > 0));
    add("--nodes", nodes.unwrap_or("NUMBER").to_owned());
    if let Some(per_pool) = args.per_pool {
        add("--per-pool", per_pool.to_string());
    }
    if let Some(installer) = args.installer.and_then(|installer| installer.to_possible_value()) {
        add("--for", installer.get_name().to_owned());
    }
    if let Some(out) = &args.out {
        add("--out", shell_quote::path(out));
    }
    command
}

/// Grows a cluster model, which earlier versions did here.
fn grow_model(args: &Args, model: &Path, nodes: Option<u32>) -> Result<Exit, Failure> {
    terminal::diagnostic(
        &Diagnostic::warning("`capacity --model` is deprecated and will be removed in the next release")
            .hint(format!("use `{}`", grow_command(args, model))),
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
fn seen(project: &Project, scope: &Scope, args: &Args, apps: &Apps) -> Result<Vec<Usage>, Failure> {
    let nodes = NodeArgs {
        nodes: args.nodes.clone(),
        label: args.label.clone(),
        locked: false,
        forget: Vec::new(),
        new_pool: Vec::new(),
        allow_shrink: false,
    };
    let discovery = discover(project, &scope.cluster, &nodes, Shrink::Warn)?;
    let rendered = discovery.render_quietly(project, args.limit)?;
    let finder = PoolFinder::new(&project.platform, &discovery.merged.set);
    let read = discovery
        .queried
        .as_ref()
        .and_then(|cluster| other_services::count(cluster, &rendered.demands, &finder));
    let pools = pool_names(&discovery.merged.reports);
    let other_services = match apps.with_others((scope, args), project, &pools, read.clone()) {
        Some(all) => Some(all),
        None => read,
    };
    Ok(discovery.measure(project, Some(&rendered.demands), other_services.as_ref()))
}

/// Measures a cluster of full pools, each with a copy of the Services.
fn planned(
    project: &Project,
    scope: &Scope,
    args: &Args,
    apps: &Apps,
    nodes: u32,
) -> Result<Vec<Usage>, Failure> {
    let spec = &project.spec.spec;
    let once = for_one_pool(project);
    let of_pool = |pool: &str| -> Vec<Demand> {
        once.iter().map(|demand| Demand { pool: pool.to_owned(), ..demand.clone() }).collect()
    };
    let set = vm_set_limit(project, args.per_pool);
    let situation = Situation {
        platform: &project.platform,
        own: &spec.limits,
        workload_per_pool: spec.workload.per_pool,
        nodes: NodeCount { all: nodes as usize, backends: nodes as usize },
        pools: &[],
        services: None,
        other_services: None,
    };
    let first = apps.with_others((scope, args), project, &["1".to_owned()], None);
    let on_one_pool = Situation { other_services: first.as_ref(), ..situation };
    let largest = || largest_pool(&on_one_pool, set.as_ref(), &of_pool, nodes);
    let Some(per_pool) = args.per_pool.or_else(largest) else {
        return Err(Diagnostic::error(format!(
            "the limit of nodes per load balancer is unknown for platform {}",
            project.platform.name
        ))
        .hint("set the number of nodes in a pool with --per-pool N")
        .into());
    };
    let pools = pools_of(nodes, per_pool, set.as_ref());
    let services: Vec<Demand> = pools.iter().flat_map(|pool| of_pool(&pool.name)).collect();
    let names: Vec<String> = pools.iter().map(|pool| pool.name.clone()).collect();
    let others = apps.with_others((scope, args), project, &names, None);
    Ok(measure(&Situation {
        pools: &pools,
        services: Some(&services),
        other_services: others.as_ref(),
        ..situation
    }))
}

/// Returns how many nodes a VM set of the planned pools takes. It is the limit of the VM sets that the file of nodes shows; without
/// one, the smallest limit of the platform, or the largest if the user chose the size of a pool.
fn vm_set_limit(project: &Project, per_pool: Option<u32>) -> Option<Limit> {
    let by_value = |limit: &Limit| limit.value;
    let seen = known_sets(project).into_iter().min_by_key(by_value);
    let rules = project.platform.spec.vm_sets.rules.iter().filter_map(|rule| rule.takes.clone());
    match (seen, per_pool) {
        (Some(limit), _) => Some(limit),
        (None, None) => rules.min_by_key(by_value),
        (None, Some(_)) => rules.max_by_key(by_value),
    }
}

/// Returns the limits of the VM sets of the nodes in a file; empty if the spec reads them from a cluster.
fn known_sets(project: &Project) -> Vec<Limit> {
    let spec = &project.spec.spec;
    if spec.nodes == "cluster" {
        return Vec::new();
    }
    let label = spec.pools.label.as_deref();
    let lock = project.lock.as_ref();
    let Ok((path, shown)) = project.nodes_file() else { return Vec::new() };
    let Ok(nodes) = nodes_from(&path, &shown, NamedBy::Files) else { return Vec::new() };
    let Ok(found) = discover_for_spec(spec, (&nodes, &[]), &project.platform, label, lock) else {
        return Vec::new();
    };
    let rules = &project.platform.spec.vm_sets.rules;
    let sets = found.pools.values().flat_map(|pool| pool.vm_sets.values());
    sets.filter_map(|set| rules.get(set.rule)?.takes.clone()).collect()
}
