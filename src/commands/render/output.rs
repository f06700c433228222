//! The result of a render as lines, names or JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::commands::render::args::Args;
use crate::commands::render::outcome::Outcome;
use crate::core::json;
use crate::core::pools::{PoolReport, PoolState};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::escape::in_comment;
use crate::core::report::pool_words;
use crate::core::report::shell_quote::word;
use crate::core::tree::plan::{Action, Plan, Step};
use crate::directory::git::GitFileStatus;
use crate::failure::Failure;
use crate::output::format::LineFormat;
use crate::output::styled::Styled;
use crate::output::{format, terminal};

/// Prints the result in the format that the user chose.
pub(super) fn show(outcome: &Outcome<'_>, args: &Args) -> Result<(), Failure> {
    for warning in outcome.cloud_config.into_iter().flat_map(|config| &config.warnings) {
        terminal::diagnostic(warning);
    }
    let text = match args.output {
        Some(LineFormat::Json) => Styled::default().text(&format::json(outcome.scope, as_json(outcome))),
        Some(LineFormat::Name) => Styled::default().text(&changed_names(outcome.plan)),
        None => lines(outcome, args),
    };
    terminal::styled(&text)?;
    if args.check {
        out_of_date(outcome).iter().for_each(terminal::finding);
    }
    if !args.commit {
        for line in uncommitted_lines(outcome.git_status) {
            terminal::note(&line);
        }
    }
    Ok(())
}

/// Returns each file that a render would change, as a problem of that file.
fn out_of_date(outcome: &Outcome<'_>) -> Vec<Diagnostic> {
    let Outcome { project, plan, .. } = outcome;
    let problem = |message: &str, path: PathBuf| {
        Diagnostic::error(message)
            .at(Location::file(path.display().to_string()))
            .hint(format!("run `kubectl largescale render{}`, and commit the result", project.source.flags()))
    };
    let output = project.output();
    let of_step = |step: &Step| {
        let message = match step.action {
            Action::Created => "the rendered file is missing",
            Action::Changed => "the rendered file is not up to date",
            Action::Removed => "the rendered file is no longer needed",
            Action::Unchanged => return None,
        };
        Some(problem(message, output.join(&step.path)))
    };
    let found: Vec<Diagnostic> = plan.steps.iter().filter_map(of_step).collect();
    if found.is_empty() && !outcome.same {
        return vec![problem("the lock file is not up to date", project.lock_path())];
    }
    found
}

fn changed_names(plan: &Plan) -> String {
    plan.steps.iter().filter(|step| step.action != Action::Unchanged).fold(String::new(), |mut out, step| {
        let _ = writeln!(out, "{}", step.path);
        out
    })
}

fn lines(outcome: &Outcome<'_>, args: &Args) -> Styled {
    let Outcome { project, merged, plan, cloud_config, .. } = outcome;
    let mut lines = Styled::default();
    let output = project.output();
    for step in plan.steps.iter().filter(|step| step.action != Action::Unchanged) {
        let path = in_comment(&output.join(&step.path).display().to_string());
        lines = lines.text(&format!("{path} ")).action(step.action.word()).text("\n");
    }
    if !args.nodes.locked {
        for report in &merged.reports {
            let Some(why) = why(report) else { continue };
            let pool = lines
                .text(&format!("{} ", pool_words::named(&report.pool.value)))
                .action(report.state.word());
            lines = pool.text(&format!(" ({why})\n"));
        }
    }
    let mut out = String::new();
    let kept =
        merged.reports.iter().filter(|report| report.state == PoolState::Kept && !args.nodes.locked).count();
    let _ = writeln!(
        out,
        "{} created, {} changed, {} removed, {} unchanged, {kept} kept{}",
        plan.count(Action::Created),
        plan.count(Action::Changed),
        plan.count(Action::Removed),
        plan.count(Action::Unchanged),
        if args.check { " (check only, nothing written)" } else { "" },
    );
    match (cloud_config, &args.cloud_config) {
        (Some(config), None) => {
            let _ = write!(out, "\nConfiguration of the cloud provider, {}:\n{}", config.title, config.text);
        }
        (Some(config), Some(path)) if !args.check => {
            let _ = writeln!(out, "{} written, {}", path.display(), config.title);
        }
        _ => {}
    }
    lines.text(&out)
}

/// Returns why a pool deserves a line.
fn why(report: &PoolReport) -> Option<String> {
    let pool = &report.pool;
    Some(match report.state {
        PoolState::Present => return None,
        PoolState::Kept if pool.withdrawn => {
            format!("no nodes; removed from DNS, and its Service stays until --forget {}", word(&pool.value))
        }
        PoolState::Kept => format!("no nodes; its Service stays until --forget {}", word(&pool.value)),
        PoolState::Empty if pool.withdrawn => {
            "no node that a load balancer can use; removed from DNS, its Service stays".to_owned()
        }
        PoolState::Empty => "no node that a load balancer can use; its Service stays".to_owned(),
        PoolState::Forgotten => "its Service is removed from the directory".to_owned(),
    })
}

/// Returns one line per git state, with the first few files.
fn uncommitted_lines(git_status: &[GitFileStatus]) -> Vec<String> {
    const SHOWN: usize = 4;
    let mut by_state: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in git_status {
        let what = match (file.state.word(), file.difference.word()) {
            ("changed", difference @ "removed") => difference,
            (state, _) => state,
        };
        by_state.entry(what).or_default().push(in_comment(&file.file.display().to_string()));
    }
    let line = |(state, files): (&str, Vec<String>)| {
        let more = files.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let first: Vec<String> = files.into_iter().take(SHOWN).collect();
        let what = match state {
            "unknown" => "not compared because of a git filter".to_owned(),
            state => format!("not committed, {state}"),
        };
        format!("{what}: {}{more}", first.join(", "))
    };
    by_state.into_iter().map(line).collect()
}

fn as_json(outcome: &Outcome<'_>) -> Value {
    let Outcome { project, merged, plan, cloud_config, git_status, same, .. } = outcome;
    let output = project.output();
    let by_file: BTreeMap<_, _> =
        git_status.iter().map(|file| (file.file.as_path(), file.state.word())).collect();
    let files: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| {
            let mut item = json!({ "path": step.path, "action": step.action.word() });
            if let Some(key) = &step.key {
                json::put(&mut item, &["object"], key.to_string());
            }
            if let Some(pool) = &step.pool {
                json::put(&mut item, &["pool"], pool.as_str());
            }
            if let Some(state) = by_file.get(output.join(&step.path).as_path()) {
                json::put(&mut item, &["git"], *state);
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
    if let Some(config) = cloud_config {
        json::put(&mut value, &["otherHalf"], json!({ "title": config.title, "text": config.text }));
    }
    value
}
