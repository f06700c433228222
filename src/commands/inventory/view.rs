//! `inventory view`: shows the members and their state compared to the rendered directory.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::commands::inventory::members::{Member, members};
use crate::core::live::LiveObject;
use crate::core::status::{age, seconds};
use crate::engine::confirm;
use crate::engine::observe::observe;
use crate::engine::target::{Access, Target};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::{LineFormat, Separator};
use crate::output::{format, terminal};
use crate::scope::Scope;

/// Show the members of the ApplySet
///
/// Compares the members with the rendered directory, and writes nothing.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show each member and its state
  kubectl largescale inventory view -f app

  # Print the names of the members
  kubectl largescale inventory view -f app -o name")]
pub(super) struct Args {
    /// Send at most this number of requests at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = confirm::concurrency)]
    concurrency: usize,
    /// Output format [default: a table]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

impl Args {
    /// Returns the separator between the outputs of several clusters.
    pub(super) fn separator(&self) -> Separator {
        self.output.map_or(Separator::Headings, LineFormat::separator)
    }
}

/// Prints the members.
pub(super) fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let target = Target::open(scope, Access::ReadOnly)?;
    let observation = observe(&target, args.concurrency)?;
    let members = members(&target, &observation);
    let text = match args.output {
        None => table(&members),
        Some(LineFormat::Name) => members
            .iter()
            .filter(|member| member.state.is_member())
            .map(|member| format!("{}\n", member.key))
            .collect(),
        Some(LineFormat::Json) => {
            let one = |member: &Member<'_>| json!({ "object": member.key.to_string(), "member": member.state.is_member(), "state": member.state.to_string() });
            let items: Vec<Value> = members.iter().map(one).collect();
            format::json(
                scope,
                json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "Set", "id": target.set.id(),
                "namespace": target.set.namespace, "name": target.set.name, "items": items }),
            )
        }
    };
    terminal::data(&text)?;
    Ok(Exit::Success)
}

fn table(members: &[Member<'_>]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or_default();
    let row = |member: &Member<'_>| {
        let created = member.live.and_then(LiveObject::created).and_then(seconds);
        vec![
            member.key.namespace.clone(),
            member.key.kind.clone(),
            member.key.name.clone(),
            created.map_or_else(|| "-".to_owned(), |created| age(created, now)),
            member.state.to_string(),
        ]
    };
    let rows: Vec<_> = members.iter().map(row).collect();
    terminal::table(&["NAMESPACE", "KIND", "NAME", "AGE", "STATE"], &rows)
}
