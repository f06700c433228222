//! What a render did, as lines, names or JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::commands::render::args::Args;
use crate::commands::render::outcome::Outcome;
use crate::core::pools::{PoolReport, PoolState};
use crate::core::tree::plan::{Action, Plan};
use crate::directory::git::GitFileStatus;
use crate::failure::Failure;
use crate::output::format::LineFormat;
use crate::output::{format, terminal};

/// Shows it as the user asked for.
pub(super) fn show(outcome: &Outcome<'_>, args: &Args) -> Result<(), Failure> {
    for warning in outcome.half.into_iter().flat_map(|half| &half.warnings) {
        terminal::diagnostic(warning);
    }
    let text = match args.output {
        Some(LineFormat::Json) => format::json(outcome.scope, as_json(outcome)),
        Some(LineFormat::Name) => changed_names(outcome.plan),
        None => lines(outcome, args),
    };
    terminal::data(&text)?;
    if !args.commit {
        for line in standing_lines(outcome.git_status) {
            terminal::note(&line);
        }
    }
    Ok(())
}

fn changed_names(plan: &Plan) -> String {
    plan.steps.iter().filter(|step| step.action != Action::Unchanged).fold(String::new(), |mut out, step| {
        let _ = writeln!(out, "{}", step.path);
        out
    })
}

fn lines(outcome: &Outcome<'_>, args: &Args) -> String {
    let Outcome { project, merged, plan, half, .. } = outcome;
    let mut out = String::new();
    let output = project.output();
    for step in plan.steps.iter().filter(|step| step.action != Action::Unchanged) {
        let _ =
            writeln!(out, "{} {}", output.join(&step.path).display(), terminal::action(step.action.word()));
    }
    if !args.nodes.locked {
        for report in &merged.reports {
            let Some(why) = why(report) else { continue };
            let _ =
                writeln!(out, "pool {} {} ({why})", report.pool.value, terminal::action(report.state.word()));
        }
    }
    let kept =
        merged.reports.iter().filter(|report| report.state == PoolState::Kept && !args.nodes.locked).count();
    let _ = writeln!(
        out,
        "{} created, {} changed, {} removed, {} unchanged, {kept} kept{}",
        plan.count(Action::Created),
        plan.count(Action::Changed),
        plan.count(Action::Removed),
        plan.count(Action::Unchanged),
        if args.check { " (checked, nothing written)" } else { "" },
    );
    match (half, &args.cloud_config) {
        (Some(half), None) => {
            let _ = write!(out, "\nThe other half, {}:\n{}", half.title, half.text);
        }
        (Some(half), Some(path)) if !args.check => {
            let _ = writeln!(out, "{} written, {}", path.display(), half.title);
        }
        _ => {}
    }
    out
}

/// Why a pool is worth a line.
fn why(report: &PoolReport) -> Option<String> {
    let pool = &report.pool;
    Some(match report.state {
        PoolState::Present => return None,
        PoolState::Kept if pool.withdrawn => {
            format!("not seen; out of DNS, and its Service stays until --forget {}", pool.value)
        }
        PoolState::Kept => format!("not seen; its Service stays until --forget {}", pool.value),
        PoolState::Empty if pool.withdrawn => {
            "no node that a load balancer can use; out of DNS, its Service stays".to_owned()
        }
        PoolState::Empty => "no node that a load balancer can use; its Service stays".to_owned(),
        PoolState::Forgotten => "its Service leaves the tree".to_owned(),
    })
}

/// What git has not seen yet: a line a state, with the first few files.
fn standing_lines(git_status: &[GitFileStatus]) -> Vec<String> {
    const SHOWN: usize = 4;
    let mut by_state: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in git_status {
        let what = match (file.state.word(), file.difference.word()) {
            ("changed", difference @ "removed") => difference,
            (state, _) => state,
        };
        by_state.entry(what).or_default().push(file.file.display().to_string());
    }
    let line = |(state, files): (&str, Vec<String>)| {
        let more = files.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let first: Vec<String> = files.into_iter().take(SHOWN).collect();
        let what = match state {
            "unknown" => "not compared, a filter of git applies".to_owned(),
            state => format!("not committed, {state}"),
        };
        format!("{what}: {}{more}", first.join(", "))
    };
    by_state.into_iter().map(line).collect()
}

fn as_json(outcome: &Outcome<'_>) -> Value {
    let Outcome { project, merged, plan, half, git_status, same, .. } = outcome;
    let output = project.output();
    let by_file: BTreeMap<_, _> =
        git_status.iter().map(|file| (file.file.as_path(), file.state.word())).collect();
    let files: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
            let mut item = json!({ "path": step.path, "action": step.action.word() });
            if let Some(key) = &step.key {
                item["object"] = key.to_string().into();
            }
            if let Some(pool) = &step.pool {
                item["pool"] = pool.as_str().into();
            }
            if let Some(state) = by_file.get(output.join(&step.path).as_path()) {
                item["git"] = (*state).into();
            }
            item
        })
        .collect();
    let pools: Vec<Value> = merged
        .reports
        .iter()
        .map(|report| json!({ "name": report.pool.name, "state": report.state.word() }))
        .collect();
    let mut value = json!({
        "apiVersion": "largescale.dev/v1alpha1",
        "kind": "RenderResult",
        "output": output.display().to_string(),
        "changed": !same,
        "files": files,
        "pools": pools,
    });
    if let Some(half) = half {
        value["otherHalf"] = json!({ "title": half.title, "text": half.text });
    }
    value
}
