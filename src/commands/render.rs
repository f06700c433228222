//! `render`: writes the rendered directory and the lock file, and prints what changed.

mod args;
mod git;
mod outcome;
mod output;

use std::path::Path;

use crate::commands::diff::changes;
pub use crate::commands::render::args::Args;
use crate::commands::render::outcome::Outcome;
use crate::core::platform::{CloudConfigText, cloud_config};
use crate::core::pools::Shrink;
use crate::core::render::Rendered;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::review::{Against, Renamed, Review, Reviewed, rebound};
use crate::core::tree::immutable::changed_classes;
use crate::core::tree::leaving::leaving_at_zero;
use crate::core::tree::plan::{Overwrite, Plan, plan};
use crate::directory::{
    GitUse, MergeNote, Project, RunLock, Tree, former_outputs, keep_pools_of, read_text,
    refuse_replaced_lock, replace,
};
use crate::engine::discover::{Discovery, LockIdentity, RenderArgs, discover};
use crate::engine::set_name::moved;
use crate::engine::tree_review::Trees;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{messages, summary, terminal};
use crate::scope::Scope;

/// Renders the spec, and writes the Markdown summary if the user wants one.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    messages::set_repeated(args.repeated());
    let Some(path) = &args.summary_file else { return render(scope, args, None) };
    if scope.index == 0 {
        replace(path, "")?;
    }
    let mut review = None;
    let outcome = render(scope, args, Some(&mut review));
    let title = scope.title();
    let reviewed = match (&review, &outcome) {
        (Some(review), _) => Reviewed::Changes(review),
        (None, Err(failure)) => Reviewed::Failed(&title, &failure.problems),
        (None, Ok(_)) => return outcome,
    };
    let before = read_text(path, &path.display().to_string())?;
    let text = summary::review(scope, reviewed, before.len());
    let space = if before.is_empty() || text.is_empty() { "" } else { "\n" };
    replace(path, &format!("{before}{space}{text}"))?;
    outcome
}

fn render(scope: &Scope, args: &Args, summary: Option<&mut Option<Review>>) -> Result<Exit, Failure> {
    let run_lock = if args.check { None } else { Some(RunLock::take(&scope.source)?) };
    let use_git = args.git() != git::Git::Leave;
    let mut project =
        if use_git { Project::load_merging(&scope.source)? } else { Project::load(&scope.source)? };
    if use_git && args.identity() == LockIdentity::Keep {
        refuse_replaced_lock(&project)?;
    }
    for other in &args.pools_of {
        keep_pools_of(&mut project, other, if use_git { GitUse::Read } else { GitUse::Never })?;
    }
    let mut discovery = discover(&project, &scope.cluster, &args.nodes, Shrink::Refuse)?;
    let overwrite = if args.overwrite { Overwrite::Allowed } else { Overwrite::Never };
    let planned = plan_joined(&mut project, &mut discovery, args, overwrite)?;
    let project = &project;
    let Planned { rendered, files } = planned;
    discovery.tell(project, &rendered);
    let (tree, plan) = files?;
    let config = cloud_config(&project.platform, &discovery.merged.set)?;
    let output = project.output().display().to_string();
    if let Some(MergeNote::Lacks(warning)) = &project.merge {
        terminal::diagnostic(warning);
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
    let renamed = renamed(project, &discovery, &plan, &rendered, &tree);
    renamed.iter().for_each(terminal::diagnostic);
    warn_of_foreign(project, &tree, overwrite)?;
    warn_of_leaving(project, &discovery, &tree, &plan);
    if let (Some(problem), LockIdentity::Keep) = (moved(project), args.identity()) {
        terminal::diagnostic(&problem.into_warning());
    }
    let lock = discovery.lock(project, &plan, args.identity())?;
    if let (Some(path), Some(config)) = (&args.cloud_config, &config) {
        refuse_foreign_config(path, config, overwrite)?;
    }
    let around = git::around(project, &plan, args.git(), args.identity())?;
    if let Some(summary) = summary {
        let trees = Trees {
            scope,
            project,
            merged: &discovery.merged,
            plan: &plan,
            rendered: &rendered.files,
            before: &tree.known,
            queried: discovery.queried.as_ref(),
        };
        let changes = changes(&plan, &rendered.files, &tree.known, &output);
        let mut warnings = discovery.warnings(project, &rendered);
        warnings.extend(rebound);
        warnings.extend(renamed);
        *summary = Some(trees.review(&changes, Against::Before(output.clone()), &warnings));
    }

    let same = !plan.changes_anything() && project.has_written(&lock);
    let inputs = match &around {
        Some(around) if args.commit => {
            let nodes = args.nodes.files_of_spec(project);
            around.inputs(project, &plan, &nodes, same, args.inputs())?
        }
        _ => Vec::new(),
    };
    if !args.check {
        tree.write(project, &rendered.files, &plan, &lock)?;
        drop(run_lock);
    }
    if let (Some(path), Some(config), false) = (&args.cloud_config, &config, args.check) {
        replace(path, &config.text)?;
    }
    let git_status = match &around {
        None => None,
        Some(around) if args.commit => Some(around.to_commit(project, &plan)?),
        Some(around) => Some(around.git_status(project, &plan)?),
    };
    let outcome = Outcome {
        scope,
        project,
        merged: &discovery.merged,
        plan: &plan,
        cloud_config: config.as_ref(),
        git_status: git_status.as_deref().unwrap_or_default(),
        same,
    };
    output::show(&outcome, args)?;
    if let (Some(MergeNote::Resolved { next, .. }), false) = (&project.merge, args.check) {
        terminal::note(next);
    }
    if let (Some(around), Some(git_status), true) = (&around, &git_status, args.commit) {
        around.commit(&outcome, git_status, &inputs, args.message.as_deref())?;
    }
    Ok(if args.check && !same { Exit::Different } else { Exit::Success })
}

/// Plans the files. If they are refused, or if files of the lock are missing, reads from git what branches that were joined say about
/// them, and plans again.
fn plan_joined(
    project: &mut Project,
    discovery: &mut Discovery,
    args: &Args,
    overwrite: Overwrite,
) -> Result<Planned, Failure> {
    let mut planned = Planned::of(project, discovery, args.limit, overwrite)?;
    let use_git = args.git() != git::Git::Leave;
    // A user who took spec and lock of one branch may have an output directory that git emptied, because the other branch renamed it.
    if use_git && planned.lacks_files_of(project) && project.use_pools_of_both_branches()? {
        discovery.again(project, &args.nodes, Shrink::Refuse)?;
        planned = Planned::of(project, discovery, args.limit, overwrite)?;
    }
    if planned.files.is_err() && use_git && project.lock.is_some() {
        // A user who took the lock of one branch has files of the other one, which this lock does not know.
        if project.use_both_branches()? {
            discovery.again(project, &args.nodes, Shrink::Refuse)?;
            planned = Planned::of(project, discovery, args.limit, overwrite)?;
        }
        // git joins files that it takes for renamed ones, and no branch has the result.
        if planned.files.is_err() && project.accept_files_of_git() {
            planned = Planned::of(project, discovery, args.limit, overwrite)?;
        }
        if planned.files.is_err() && project.accept_earlier_files() {
            planned = Planned::of(project, discovery, args.limit, overwrite)?;
        }
    }
    Ok(planned)
}

/// Warns of Services of pools without nodes that leave the directory, and of rendered files in a former output directory.
fn warn_of_leaving(project: &Project, discovery: &Discovery, tree: &Tree, plan: &Plan) {
    let output = project.output().display().to_string();
    let leaving = leaving_at_zero(plan, &discovery.merged, &output, &project.source.flags());
    leaving.iter().for_each(terminal::diagnostic);
    if let Some(lock) = project.lock.as_ref().filter(|_| tree.known.is_empty()) {
        former_outputs(project, lock).iter().for_each(terminal::diagnostic);
    }
}

/// Returns a warning for each Service that gets another name, and so another address.
fn renamed(
    project: &Project,
    discovery: &Discovery,
    plan: &Plan,
    rendered: &Rendered,
    tree: &Tree,
) -> Vec<Diagnostic> {
    let renamed = Renamed {
        spec: &project.spec,
        cluster: project.source.cluster.as_deref(),
        objects: &project.objects,
        pools: &discovery.merged.set,
        plan,
        rendered: &rendered.files,
        known: &tree.known,
    };
    renamed.warnings()
}

/// A render, and what it would change in the directory.
struct Planned {
    rendered: Rendered,
    /// The output directory and the changes; problems if a file would be lost.
    files: Checked<(Tree, Plan)>,
}

impl Planned {
    fn of(
        project: &Project,
        discovery: &Discovery,
        limit: RenderArgs,
        overwrite: Overwrite,
    ) -> Result<Self, Failure> {
        let rendered = discovery.render_silently(project, limit)?;
        let files = Tree::look(project, &rendered.files).and_then(|tree| {
            let output = project.output().display().to_string();
            let mut plan = plan(&rendered.files, project.lock.as_ref(), &tree.known, &output, overwrite)?;
            plan.name_removed(&tree.known);
            let mut problems = plan.refuse_foreign(&tree.known, &output, overwrite);
            problems.extend(changed_classes(&plan, &rendered.files, &tree.known, &output));
            if problems.is_empty() { Ok((tree, plan)) } else { Err(problems) }
        });
        Ok(Self { rendered, files })
    }

    /// Whether the output directory lacks a file of the lock.
    fn lacks_files_of(&self, project: &Project) -> bool {
        let Ok((tree, _)) = &self.files else { return false };
        let lock = project.lock.as_ref();
        lock.is_some_and(|lock| lock.files.keys().any(|file| !tree.known.contains_key(file)))
    }
}

/// Refuses foreign manifests in the output directory at the first render, and warns about them later. Never changes them.
fn warn_of_foreign(project: &Project, tree: &Tree, overwrite: Overwrite) -> Result<(), Failure> {
    let Some(first) = tree.foreign.first() else { return Ok(()) };
    let more =
        if tree.foreign.len() > 1 { format!(" and {} more", tree.foreign.len() - 1) } else { String::new() };
    let location = Location::file(project.output().display().to_string());
    if project.lock.is_none() && overwrite == Overwrite::Never {
        return Err(Diagnostic::refusal(format!("the output directory already contains manifests ({first}{more}), which Argo CD and Flux would sync too"))
            .at(location)
            .hint("choose an empty directory as `spec.output`, or use --overwrite to share this one; render never changes foreign files")
            .into());
    }
    terminal::diagnostic(
        &Diagnostic::warning(format!(
            "{first}{more} was not written by render and is left unchanged; Argo CD and Flux sync it too"
        ))
        .at(location),
    );
    Ok(())
}

/// Refuses to replace a cloud configuration that the user wrote; it may contain secrets.
fn refuse_foreign_config(path: &Path, config: &CloudConfigText, overwrite: Overwrite) -> Result<(), Failure> {
    let shown = path.display().to_string();
    if overwrite == Overwrite::Allowed || !path.exists() || config.may_replace(&read_text(path, &shown)?) {
        return Ok(());
    }
    Err(Diagnostic::refusal("the file contains settings that --cloud-config would overwrite")
        .at(Location::file(shown))
        .hint("write to another file and merge the two, or use --overwrite")
        .into())
}
