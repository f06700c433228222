//! `render`: writes the tree and the lock, and says what changed.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::Global;
use crate::commands::discover::{NodeArgs, discover};
use crate::commands::each::{Between, ForEach};
use crate::commands::output::{self, LineFormat};
use crate::core::diagnostic::{Diagnostic, Place};
use crate::core::immutable::changed_classes;
use crate::core::plan::{Action, Overwrite, Plan, plan};
use crate::core::platform::{OtherHalfText, other_half};
use crate::core::pools::{Merged, PoolState, Shrink};
use crate::directory::{Project, RunLock, Tree, git, read_text, replace};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

/// Write one Service per pool and the workload into the tree, one file an object
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    nodes: NodeArgs,
    /// Write nothing; exit with 1 if anything would change
    #[arg(long)]
    check: bool,
    /// Replace files that were changed by hand, and files of others that are in the way
    #[arg(long)]
    overwrite: bool,
    /// Commit the tree and the lock with git when they are written
    #[arg(long, conflicts_with = "check")]
    commit: bool,
    /// Write the cloud's half of the binding to a file instead of printing it (platforms that have one)
    #[arg(long, value_name = "FILE")]
    cloud_config: Option<PathBuf>,
    /// Output format; default: a line a change
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

impl ForEach for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        self.cloud_config.as_ref().map(|_| "--cloud-config")
    }

    fn of_one_cluster(&self) -> Option<&'static str> {
        self.nodes.of_one_cluster()
    }

    fn between(&self) -> Between {
        self.output.map_or(Between::Headings, LineFormat::between)
    }
}

/// Renders.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let run_lock = if args.check { None } else { Some(RunLock::take(&global.source)?) };
    let project = &Project::load(&global.source)?;
    let discovery = discover(project, &global.cluster, &args.nodes, Shrink::Refuse)?;
    let rendered = discovery.render(project)?;
    let half = other_half(&project.platform, &discovery.merged.set)?;
    let tree = Tree::look(project, &rendered.files)?;
    let overwrite = if args.overwrite { Overwrite::Allowed } else { Overwrite::Never };
    let output = project.output().display().to_string();
    let plan = plan(&rendered.files, project.lock.as_ref(), &tree.digests(), &output, overwrite)?;
    let problems = changed_classes(&plan, &rendered.files, &tree.known, &output);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    warn_of_foreign(project, &tree, overwrite)?;
    let lock = discovery.lock(project, plan.files.clone());

    let same = !plan.changes_anything() && project.lock.as_ref() == Some(&lock);
    if let (Some(path), Some(half)) = (&args.cloud_config, &half) {
        refuse_foreign_config(path, half, overwrite)?;
    }
    if !args.check {
        tree.write(project, &rendered.files, &plan, &lock)?;
        drop(run_lock);
    }
    if let (Some(path), Some(half), false) = (&args.cloud_config, &half, args.check) {
        replace(path, &half.text)?;
    }
    report(global, project, args, &discovery.merged, &plan, half.as_ref(), same)?;
    if args.commit {
        commit(project, &plan)?;
    }
    Ok(if args.check && !same { Exit::Different } else { Exit::Success })
}

/// Manifests of others in the output directory: refused at the first render, said later. They are never touched.
fn warn_of_foreign(project: &Project, tree: &Tree, overwrite: Overwrite) -> Result<(), Failure> {
    let Some(first) = tree.foreign.first() else { return Ok(()) };
    let more =
        if tree.foreign.len() > 1 { format!(" and {} more", tree.foreign.len() - 1) } else { String::new() };
    let place = Place::file(project.output().display().to_string());
    if project.lock.is_none() && overwrite == Overwrite::Never {
        return Err(Diagnostic::refusal(format!("the output directory holds manifests already ({first}{more}), which Argo CD and Flux would sync with the tree"))
            .at(place)
            .hint("choose an empty directory as `spec.output`, or share this one with --overwrite: files that are not its own are never touched")
            .into());
    }
    ui::diagnostic(
        &Diagnostic::warning(format!("{first}{more} was not written by this program and is left alone; Argo CD and Flux sync it with the tree"))
            .at(place),
    );
    Ok(())
}

/// A cloud configuration of the user's own, with secrets in it perhaps, is not replaced by our half of one.
fn refuse_foreign_config(path: &Path, half: &OtherHalfText, overwrite: Overwrite) -> Result<(), Failure> {
    let shown = path.display().to_string();
    if overwrite == Overwrite::Allowed || !path.exists() || half.may_replace(&read_text(path, &shown)?) {
        return Ok(());
    }
    Err(Diagnostic::refusal("the file holds more than this program writes, and would be lost")
        .at(Place::file(shown))
        .hint("name another file and merge it by hand, or say --overwrite")
        .into())
}

fn report(
    global: &Global,
    project: &Project,
    args: &Args,
    merged: &Merged,
    plan: &Plan,
    half: Option<&OtherHalfText>,
    same: bool,
) -> Result<(), Failure> {
    for warning in half.into_iter().flat_map(|half| &half.warnings) {
        ui::diagnostic(warning);
    }
    let text = match args.output {
        Some(LineFormat::Json) => output::json(global, as_json(project, merged, plan, half, same)),
        Some(LineFormat::Name) => changed_names(plan),
        None => lines(project, args, merged, plan, half),
    };
    ui::data(&text)?;
    Ok(())
}

fn changed_names(plan: &Plan) -> String {
    plan.steps.iter().filter(|step| step.action != Action::Unchanged).fold(String::new(), |mut out, step| {
        let _ = writeln!(out, "{}", step.path);
        out
    })
}

fn lines(
    project: &Project,
    args: &Args,
    merged: &Merged,
    plan: &Plan,
    half: Option<&OtherHalfText>,
) -> String {
    let mut out = String::new();
    let output = project.output();
    for step in plan.steps.iter().filter(|step| step.action != Action::Unchanged) {
        let _ = writeln!(out, "{} {}", output.join(&step.path).display(), ui::action(step.action.word()));
    }
    if !args.nodes.locked {
        for report in merged.reports.iter().filter(|report| report.state != PoolState::Present) {
            let why = match report.state {
                PoolState::Kept if report.pool.withdrawn => {
                    format!(
                        "not seen; out of DNS, and its Service stays until --forget {}",
                        report.pool.value
                    )
                }
                PoolState::Empty if report.pool.withdrawn => {
                    "no node that a load balancer can use; out of DNS, its Service stays".to_owned()
                }
                PoolState::Kept => {
                    format!("not seen; its Service stays until --forget {}", report.pool.value)
                }
                PoolState::Empty => "no node that a load balancer can use; its Service stays".to_owned(),
                PoolState::Forgotten => "its Service leaves the tree".to_owned(),
                PoolState::Present => continue,
            };
            let _ = writeln!(out, "pool {} {} ({why})", report.pool.value, ui::action(report.state.word()));
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

fn as_json(
    project: &Project,
    merged: &Merged,
    plan: &Plan,
    half: Option<&OtherHalfText>,
    same: bool,
) -> Value {
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
        "output": project.output().display().to_string(),
        "changed": !same,
        "files": files,
        "pools": pools,
    });
    if let Some(half) = half {
        value["otherHalf"] = json!({ "title": half.title, "text": half.text });
    }
    value
}

fn commit(project: &Project, plan: &Plan) -> Result<(), Failure> {
    let message = format!(
        "{}: {} created, {} changed, {} removed\n\nRendered by kubectl largescale.",
        project.spec.metadata.name,
        plan.count(Action::Created),
        plan.count(Action::Changed),
        plan.count(Action::Removed)
    );
    let files = plan.steps.iter().map(|step| project.output().join(&step.path)).chain([project.lock_path()]);
    if let Some(commit) = git::commit(&project.directory, files, &message)? {
        ui::note(&format!("committed as {commit}"));
    } else {
        ui::note("nothing to commit");
    }
    Ok(())
}
