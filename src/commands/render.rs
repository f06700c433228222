//! `render`: writes the tree and the lock, and says what changed.

mod git;
mod output;

use std::path::{Path, PathBuf};

use clap::ValueHint;

use crate::cli::Global;
use crate::commands::diff::changes;
use crate::commands::for_each::{Between, ForEach};
use crate::commands::render::git::Git;
use crate::commands::render::output::Outcome;
use crate::core::platform::{OtherHalfText, other_half};
use crate::core::pools::Shrink;
use crate::core::report::diagnostic::{Diagnostic, Place};
use crate::core::review::{Review, failed, markdown, rebound};
use crate::core::tree::immutable::changed_classes;
use crate::core::tree::plan::{Overwrite, plan};
use crate::directory::git::Filters;
use crate::directory::{Project, RunLock, Tree, read_text, replace};
use crate::engine::discover::{Identity, NodeArgs, discover};
use crate::engine::set_name::moved;
use crate::engine::tree_review::Trees;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::LineFormat;
use crate::output::terminal;

/// Write one Service per pool and the workload into the tree, one file an object
#[derive(clap::Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Args {
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
    /// Write nothing; exit with 1 if anything would change
    #[arg(long)]
    pub(super) check: bool,
    /// Replace files that were changed by hand, and files of others that are in the way
    #[arg(long)]
    overwrite: bool,
    /// Give the directory a new identity, so that it no longer shares an ApplySet with the directory that it was copied from
    #[arg(long, conflicts_with = "check")]
    new_id: bool,
    /// Commit the tree and the lock with git when they are written, and nothing else
    #[arg(long, conflicts_with = "check")]
    pub(super) commit: bool,
    /// The first line of the commit; what changed in each pool follows it [default: the app and how much changed]
    #[arg(short, long, requires = "commit", value_name = "TEXT")]
    message: Option<String>,
    /// Do not look at the git repository around the spec
    #[arg(long, conflicts_with = "commit")]
    no_git: bool,
    /// Write what changed to a file, as Markdown for a pull request
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    summary_file: Option<PathBuf>,
    /// Write the cloud's half of the binding to a file instead of printing it (platforms that have one)
    #[arg(long, value_name = "FILE")]
    pub(super) cloud_config: Option<PathBuf>,
    /// Output format; default: a line a change
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(super) output: Option<LineFormat>,
}

impl Args {
    fn identity(&self) -> Identity {
        if self.new_id { Identity::New } else { Identity::Keep }
    }

    fn git(&self) -> Git {
        match (self.commit, self.no_git) {
            (true, _) => Git::Commit,
            (false, true) => Git::Leave,
            (false, false) => Git::Look,
        }
    }
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
    let Some(path) = &args.summary_file else { return render(global, args, None) };
    if global.nth == 0 {
        replace(path, "")?;
    }
    let mut review = None;
    let outcome = render(global, args, Some(&mut review));
    let text = match (&review, &outcome) {
        (Some(review), _) => markdown(review),
        (None, Err(failure)) => failed(&global.title(), &failure.problems),
        (None, Ok(_)) => return outcome,
    };
    let before = read_text(path, &path.display().to_string())?;
    let space = if before.is_empty() { "" } else { "\n" };
    replace(path, &format!("{before}{space}{text}"))?;
    outcome
}

fn render(global: &Global, args: &Args, summary: Option<&mut Option<Review>>) -> Result<Exit, Failure> {
    let run_lock = if args.check { None } else { Some(RunLock::take(&global.source)?) };
    let project = &Project::load(&global.source)?;
    let discovery = discover(project, &global.cluster, &args.nodes, Shrink::Refuse)?;
    let rendered = discovery.render(project)?;
    let half = other_half(&project.platform, &discovery.merged.set)?;
    let tree = Tree::look(project, &rendered.files)?;
    let overwrite = if args.overwrite { Overwrite::Allowed } else { Overwrite::Never };
    let output = project.output().display().to_string();
    let mut plan = plan(&rendered.files, project.lock.as_ref(), &tree.digests(), &output, overwrite)?;
    plan.name_removed(&tree.known);
    let problems = changed_classes(&plan, &rendered.files, &tree.known, &output);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let rebound = rebound(
        &plan,
        &rendered.files,
        &tree.known,
        &project.platform,
        project.lock.as_ref(),
        &discovery.merged.set,
    );
    rebound.iter().for_each(terminal::diagnostic);
    warn_of_foreign(project, &tree, overwrite)?;
    if let (Some(problem), Identity::Keep) = (moved(project), args.identity()) {
        terminal::diagnostic(&problem.into_warning());
    }
    let lock = discovery.lock(project, &plan, args.identity())?;
    if let (Some(path), Some(half)) = (&args.cloud_config, &half) {
        refuse_foreign_config(path, half, overwrite)?;
    }
    let around = git::around(project, &plan, args.git(), args.identity())?;
    if let Some(summary) = summary {
        let trees = Trees {
            global,
            project,
            merged: &discovery.merged,
            plan: &plan,
            rendered: &rendered.files,
            before: &tree.known,
            asked: discovery.asked.as_ref(),
        };
        let changes = changes(&plan, &rendered.files, &tree.known, &output);
        let mut warnings = discovery.warnings(project, &rendered);
        warnings.extend(rebound);
        *summary = Some(trees.review(&changes, &format!("`{output}` as it was"), &warnings));
    }

    if !args.check {
        tree.write(project, &rendered.files, &plan, &lock)?;
        drop(run_lock);
    }
    if let (Some(path), Some(half), false) = (&args.cloud_config, &half, args.check) {
        replace(path, &half.text)?;
    }
    let filters = if args.commit { Filters::Run } else { Filters::Off };
    let standing = around.as_ref().map(|around| around.standing(project, &plan, filters)).transpose()?;
    let same = !plan.changes_anything() && project.lock.as_ref() == Some(&lock);
    let outcome = Outcome {
        global,
        project,
        merged: &discovery.merged,
        plan: &plan,
        half: half.as_ref(),
        standing: standing.as_deref().unwrap_or_default(),
        same,
    };
    output::show(&outcome, args)?;
    if let (Some(around), Some(standing), true) = (&around, &standing, args.commit) {
        around.commit(&outcome, standing, args.message.as_deref())?;
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
    terminal::diagnostic(
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
