//! `pools`: shows the node pools before anything is rendered.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::commands::for_each::MultiTarget;
use crate::core::capacity::{LimitSubject, Usage, warnings};
use crate::core::dns::Exclusion;
use crate::core::json;
use crate::core::platform::LimitName;
use crate::core::pools::{Observed, PoolReport, PoolState, Shrink};
use crate::core::review::{Diagram, DrawnPool, mermaid};
use crate::core::spec::Spec;
use crate::directory::Project;
use crate::engine::discover::{NodeArgs, discover};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::Separator;
use crate::output::{format, terminal};
use crate::scope::Scope;

/// Show the node pools and the headroom of their load balancers
///
/// Reads the spec, the lock file and the nodes, and writes nothing.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show the pools of the cluster
  kubectl largescale pools -f app

  # Show the limit, label value and VM set of each pool too
  kubectl largescale pools -f app -o wide

  # Read the nodes from a file instead of the cluster
  kubectl get nodes -o json > nodes.json
  kubectl largescale pools -f app --nodes nodes.json

  # Draw the pools as a diagram for a page in Markdown
  kubectl largescale pools -f app -o mermaid")]
pub struct Args {
    #[command(flatten)]
    nodes: NodeArgs,
    /// Output format [default: a table]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<PoolsFormat>,
}

/// Values of `-o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PoolsFormat {
    /// More columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only
    Name,
    /// A diagram in the language of Mermaid, which GitHub and GitLab show
    Mermaid,
}

impl MultiTarget for Args {
    fn of_one_cluster(&self) -> Option<&'static str> {
        self.nodes.of_one_cluster()
    }

    fn separator(&self) -> Separator {
        match self.output {
            None | Some(PoolsFormat::Wide | PoolsFormat::Mermaid) => Separator::Headings,
            Some(PoolsFormat::Json | PoolsFormat::Name) => Separator::Nothing,
            Some(PoolsFormat::Yaml) => Separator::Dashes,
        }
    }
}

/// Prints the pools.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let project = &Project::open(&scope.source)?;
    let discovery = discover(project, &scope.cluster, &args.nodes, Shrink::Warn)?;
    for warning in &discovery.merged.warnings {
        terminal::diagnostic(warning);
    }
    let usages = discovery.measure(project, None, None);
    warnings(&usages).iter().for_each(terminal::diagnostic);
    let merged = discovery.merged;
    let limit = project.platform.limit(LimitName::NodesPerLoadBalancer, &project.spec.spec.limits);
    let limit = limit.map(|limit| limit.value);
    let rooms = &rooms(&usages);
    let text = match args.output {
        None => {
            table(&merged.reports, limit, rooms, &["NAME", "STATE", "NODES", "READY", "BACKENDS", "HEADROOM"])
        }
        Some(PoolsFormat::Wide) => table(
            &merged.reports,
            limit,
            rooms,
            &["NAME", "STATE", "NODES", "READY", "BACKENDS", "HEADROOM", "LIMIT", "VALUE", "VM-SET", "OWNER"],
        ),
        Some(PoolsFormat::Name) => merged.reports.iter().fold(String::new(), |mut out, report| {
            let _ = writeln!(out, "{}", report.pool.name);
            out
        }),
        Some(PoolsFormat::Json) => {
            format::json(scope, listed(&merged.set.label, &merged.reports, limit, rooms))
        }
        Some(PoolsFormat::Yaml) => {
            format::yaml(scope, listed(&merged.set.label, &merged.reports, limit, rooms))
        }
        Some(PoolsFormat::Mermaid) => mermaid(&diagram(&project.spec.spec, &merged.reports, limit)),
    };
    terminal::data(&text)?;
    Ok(Exit::Success)
}

/// Nodes that each pool's load balancer can still take, by the name of the pool.
type Rooms = BTreeMap<String, i64>;

fn rooms(usages: &[Usage]) -> Rooms {
    let of = |usage: &Usage| match &usage.subject {
        LimitSubject::Pool(name) if usage.name == LimitName::NodesPerLoadBalancer => {
            Some((name.clone(), usage.headroom()?))
        }
        _ => None,
    };
    usages.iter().filter_map(of).collect()
}

fn table(reports: &[PoolReport], limit: Option<u32>, rooms: &Rooms, headings: &[&str]) -> String {
    let number = |count: Option<String>| count.unwrap_or_else(|| "-".to_owned());
    let rows: Vec<Vec<String>> = reports
        .iter()
        .map(|report| {
            let seen = report.observed.as_ref();
            // With --locked no nodes are read, so the counts are unknown.
            let count = |of: fn(&Observed) -> usize| number(seen.map(|seen| of(seen).to_string()));
            headings
                .iter()
                .map(|heading| match *heading {
                    "NAME" => report.pool.name.clone(),
                    "STATE" => report.state.word().to_owned(),
                    "NODES" => count(Observed::nodes),
                    "READY" => count(|seen| seen.ready),
                    "BACKENDS" => count(|seen| seen.backends),
                    "HEADROOM" => number(rooms.get(&report.pool.name).map(i64::to_string)),
                    "LIMIT" => number(limit.map(|limit| limit.to_string())),
                    "VALUE" => report.pool.value.clone(),
                    "OWNER" => number((!report.owners.is_empty()).then(|| report.owners.join(","))),
                    _ => number(report.pool.vm_set.clone()),
                })
                .collect()
        })
        .collect();
    terminal::table(headings, &rows)
}

fn diagram(spec: &Spec, reports: &[PoolReport], limit: Option<u32>) -> Diagram {
    let dns = spec.dns.as_ref();
    let drawn = |report: &PoolReport| DrawnPool {
        name: report.pool.name.clone(),
        nodes: report.observed.as_ref().map(Observed::nodes),
        limit,
        // With --locked no nodes are read, so the state is unknown.
        state: report
            .observed
            .as_ref()
            .and(Some(report.state).filter(|state| *state != PoolState::Present))
            .map(PoolState::word),
        left_out: dns.and_then(|dns| dns.exclusion(&report.pool)).map(Exclusion::words),
        ..DrawnPool::default()
    };
    Diagram { host: dns.map(|dns| dns.hostname.clone()), pools: reports.iter().map(drawn).collect() }
}

fn listed(label: &str, reports: &[PoolReport], limit: Option<u32>, rooms: &Rooms) -> Value {
    let items: Vec<Value> = reports
        .iter()
        .map(|report| {
            let mut item = json!({
                "name": report.pool.name,
                "value": report.pool.value,
                "state": report.state.word(),
                "rendered": report.state != PoolState::Forgotten,
            });
            if let Some(seen) = &report.observed {
                json::put(&mut item, &["nodes"], seen.nodes());
                json::put(&mut item, &["ready"], seen.ready);
                json::put(&mut item, &["backends"], seen.backends);
                json::put(&mut item, &["leftOut"], json!(seen.left_out));
            }
            if let Some(set) = &report.pool.vm_set {
                json::put(&mut item, &["vmSet"], set.as_str());
            }
            if !report.owners.is_empty() {
                json::put(&mut item, &["owners"], json!(report.owners));
            }
            if let Some(limit) = limit {
                json::put(&mut item, &["limit"], limit);
            }
            if let Some(room) = rooms.get(&report.pool.name) {
                json::put(&mut item, &["headroom"], *room);
            }
            item
        })
        .collect();
    json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "PoolList", "label": label, "items": items })
}
