//! `diff`: shows what `render` would change in the rendered directory, object by object.

pub mod live;

use std::collections::BTreeMap;

use crate::commands::for_each::MultiTarget;
use crate::core::lock::Lock;
use crate::core::pools::Shrink;
use crate::core::render::RenderedFile;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::mask::Mask;
use crate::core::review::{Against, Reviewed, rebound};
use crate::core::tree::plan::{Action, Overwrite, Plan, Step, plan};
use crate::directory::{Project, Tree};
use crate::engine::discover::{NodeArgs, RenderArgs, discover};
use crate::engine::tree_review::Trees;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::changes::{Change, DiffFormat, show};
use crate::output::format::Separator;
use crate::output::{summary, terminal};
use crate::scope::Scope;

/// Show what render would change in the rendered directory, or with --live what apply would change in the cluster
///
/// Reads the spec, the nodes, the rendered directory and, with --live, the objects in the cluster. Writes nothing, except the
/// plan file of --out. Exits with 0 without differences, with 1 with differences, and with a higher code on errors.
/// `KUBECTL_EXTERNAL_DIFF` names another diff program, as for kubectl diff. Its directories are removed, also after a signal.
#[derive(clap::Args, Debug)]
#[command(
    mut_arg("from_helm", |arg| arg.requires("live")),
    mut_arg("from_argocd", |arg| arg.requires("live")),
    mut_arg("from_flux", |arg| arg.requires("live")),
    mut_arg("with", |arg| arg.requires("live"))
)]
#[command(after_help = "Examples:
  # Show what render would change
  kubectl largescale diff -f app

  # Compare with a revision of git, as Markdown for a pull request
  kubectl largescale diff -f app --base origin/main -o markdown

  # Show what apply would change in the cluster, and what it would prune
  kubectl largescale diff -f app --live --prune

  # Write a plan that apply follows exactly
  kubectl largescale diff -f app --live --out plan.json")]
pub struct Args {
    #[command(flatten)]
    nodes: NodeArgs,
    /// Compare with a git revision, such as `origin/main`, instead of the files on disk
    #[arg(long, value_name = "REVISION", conflicts_with = "live")]
    base: Option<String>,
    /// Print only the number of objects that would be created, changed and removed
    #[arg(long, conflicts_with = "output")]
    summary: bool,
    #[command(flatten)]
    limit: RenderArgs,
    /// Output format [default: a unified diff]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<DiffFormat>,
    #[command(flatten)]
    live: live::LiveArgs,
}

impl MultiTarget for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        self.live.only_for_one()
    }

    fn of_one_cluster(&self) -> Option<&'static str> {
        self.nodes.of_one_cluster()
    }

    fn separator(&self) -> Separator {
        self.output.map_or(Separator::Headings, DiffFormat::separator)
    }
}

/// Shows the differences.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    if args.live.live {
        return live::run(scope, &args.live, args.summary, args.output);
    }
    let project = &Project::load(&scope.source)?;
    let discovery = discover(project, &scope.cluster, &args.nodes, Shrink::Refuse)?;
    let rendered = discovery.render(project, args.limit)?;
    let before = match &args.base {
        Some(revision) => Before::in_git(project, revision)?,
        None => Before::on_disk(project, &rendered.files)?,
    };
    let name = project.output().display().to_string();
    // A diff shows manual changes too; only a render refuses to lose them.
    let mut plan =
        plan(&rendered.files, before.lock.as_ref(), &before.tree.known, &name, Overwrite::Allowed)?;
    plan.name_removed(&before.tree.known);
    let rebound = rebound(
        &plan,
        &rendered.files,
        &before.tree.known,
        &project.platform,
        before.lock.as_ref(),
        &discovery.merged.set,
    );
    rebound.iter().for_each(terminal::diagnostic);
    if args.summary {
        terminal::data(&summary(&plan))?;
        return Ok(exit(&plan));
    }
    let changes = changes(&plan, &rendered.files, &before.tree.known, &name);
    if args.output == Some(DiffFormat::Markdown) {
        let trees = Trees {
            scope,
            project,
            merged: &discovery.merged,
            plan: &plan,
            rendered: &rendered.files,
            before: &before.tree.known,
            queried: discovery.queried.as_ref(),
        };
        let against = Against::Named(args.base.clone().unwrap_or_else(|| name.clone()));
        let mut warnings = discovery.warnings(project, &rendered);
        warnings.extend(rebound);
        let review = trees.review(&changes, against, &warnings);
        summary::print(scope, Reviewed::Changes(&review))?;
        return Ok(exit(&plan));
    }
    let format = args.output.and_then(DiffFormat::of_changes);
    show(scope, &changes.iter().map(|(_, change)| change).collect::<Vec<_>>(), format)?;
    Ok(exit(&plan))
}

/// The files to compare with.
struct Before {
    tree: Tree,
    lock: Option<Lock>,
}

impl Before {
    fn on_disk(project: &Project, rendered: &[RenderedFile]) -> Result<Self, Failure> {
        Ok(Self { tree: Tree::look(project, rendered)?, lock: project.lock.clone() })
    }

    /// Returns the files that the lock file of a revision lists, as they were in it.
    fn in_git(project: &Project, revision: &str) -> Result<Self, Failure> {
        let Some(repository) = project.repository()? else {
            return Err(Diagnostic::error("git repository not found, or git is not installed")
                .at(Location::file(project.source.file().display().to_string()))
                .hint("without --base, `diff` compares with the files in the output directory")
                .into());
        };
        let mut found = repository.revision(revision, &project.output(), &project.lock_path())?;
        let shown = format!("{revision}:{}", project.lock_path().display());
        let text = found.beside.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let read = |text: String| {
            Lock::read(&shown, &text).map_err(|problem| problem.hint("compare with another revision"))
        };
        let lock = text.map(read).transpose()?;
        found.files.retain(|name, _| lock.as_ref().is_some_and(|lock| lock.files.contains_key(name)));
        Ok(Self { tree: Tree { known: found.files, foreign: Vec::new() }, lock })
    }
}

fn exit(plan: &Plan) -> Exit {
    if plan.changes_anything() { Exit::Different } else { Exit::Success }
}

fn summary(plan: &Plan) -> String {
    format!(
        "{} created, {} changed, {} removed, {} unchanged\n",
        plan.count(Action::Created),
        plan.count(Action::Changed),
        plan.count(Action::Removed),
        plan.count(Action::Unchanged)
    )
}

pub(super) fn changes<'a>(
    plan: &'a Plan,
    rendered: &[RenderedFile],
    on_disk: &BTreeMap<String, Vec<u8>>,
    output: &str,
) -> Vec<(&'a Step, Change)> {
    let by_path: BTreeMap<&str, &RenderedFile> =
        rendered.iter().map(|file| (file.path.as_str(), file)).collect();
    let changing = || plan.steps.iter().filter(|step| step.action != Action::Unchanged);
    let text_before = |path: &str| on_disk.get(path).map(|bytes| String::from_utf8_lossy(bytes));
    let mut mask = Mask::default();
    // The values of a Secret are masked in all files, also in those that are shown before it. Those of changed files come first,
    // because values are numbered.
    let unchanged = plan.steps.iter().filter(|step| step.action == Action::Unchanged);
    for step in changing().chain(unchanged) {
        for text in text_before(&step.path)
            .as_deref()
            .into_iter()
            .chain(by_path.get(step.path.as_str()).map(|file| file.text.as_str()))
        {
            mask.learn_from_text(text);
        }
    }
    let mut change = |step: &Step| Change {
        name: format!("{output}/{}", step.path),
        file: step.path.clone(),
        action: step.action.word(),
        object: step.key.as_ref().map(ToString::to_string),
        old: text_before(&step.path).map(|text| mask.text(&text)).unwrap_or_default(),
        new: by_path.get(step.path.as_str()).map(|file| mask.text(&file.text)).unwrap_or_default(),
        more: vec![("path", step.path.as_str().into())],
    };
    changing().map(|step| (step, change(step))).collect()
}
