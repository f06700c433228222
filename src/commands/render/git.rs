//! The git repository of the rendered directory: ignored files, uncommitted files, and the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::commands::render::outcome::Outcome;
use crate::core::lock::{Lock, LockId};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::plural::plural;
use crate::core::report::shell_quote;
use crate::core::review::commit_message;
use crate::core::tree::plan::{Action, Plan};
use crate::directory::git::{
    Difference, Filters, GitFileStatus, GitState, Head, Listed, Rendered, Repository,
};
use crate::directory::{Project, on_path, refuse_same_id};
use crate::engine::discover::LockIdentity;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;

/// What to do with git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Git {
    /// Ignore it.
    Leave,
    /// Report files that are not committed.
    Look,
    /// Commit.
    Commit,
}

/// What a commit contains besides the rendered files and the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inputs {
    /// Nothing.
    LeftOut,
    /// The changed files of the spec.
    Included,
}

/// The maximum number of files in messages.
const SHOWN: usize = 10;

/// A repository that accepts the files.
pub(super) struct Around<'a> {
    repository: &'a Repository,
    filters_off: Filters,
}

/// Returns the repository that contains the project, unless the user wants to ignore it. Fails before anything is written if
/// the repository cannot be trusted, ignores the files, or cannot accept the commit.
pub(super) fn around<'a>(
    project: &'a Project,
    plan: &Plan,
    git: Git,
    identity: LockIdentity,
) -> Result<Option<Around<'a>>, Failure> {
    if git == Git::Leave {
        return Ok(None);
    }
    let Some(repository) = project.repository()? else {
        return if git == Git::Commit { Err(nothing_to_commit_to(project).into()) } else { Ok(None) };
    };
    let id = project.lock.as_ref().and_then(|lock| lock.id.as_ref());
    let id = id.filter(|_| identity == LockIdentity::Keep);
    let Some(filters_off) = accepting(repository, project, plan, git, id)? else { return Ok(None) };
    let around = Around { repository, filters_off };
    if git == Git::Commit {
        around.refuse_unready(project, plan)?;
    }
    Ok(Some(around))
}

/// Refuses a repository that cannot accept the files, or that has another lock with this id; then reads its filters. Returns
/// `None` if the files belong to another repository.
fn accepting(
    repository: &Repository,
    project: &Project,
    plan: &Plan,
    git: Git,
    id: Option<&LockId>,
) -> Result<Option<Filters>, Failure> {
    let kept = plan.steps.iter().filter(|step| step.action != Action::Removed);
    let files: Vec<PathBuf> =
        kept.map(|step| project.output().join(&step.path)).chain([project.lock_path()]).collect();
    let output = project.output();
    let is_held = repository.holds(&output);
    let rendered = is_held.then_some(Rendered { directory: &output, files: &files });
    let listed = if id.is_some() { Listed::Locks } else { Listed::Nothing };
    let listing = repository.listing(listed, rendered)?;
    if let Some(id) = id {
        refuse_same_id(project, id, repository, &listing)?;
    }
    if !is_held {
        // A separate repository for rendered files is fine, but a commit cannot span two.
        let problem = Diagnostic::error(
            "the output directory is not in the git repository of the spec and its lock file",
        )
        .at(Location::file(output.display().to_string()))
        .hint("render without --commit and --all, then commit in both repositories");
        return if git == Git::Commit { Err(problem.into()) } else { Ok(None) };
    }
    repository.refuse_ignored(&files, &listing)?;
    Ok(Some(Filters::off(repository)?))
}

fn not_committed(file: &GitFileStatus) -> Diagnostic {
    let what = match file.difference {
        Difference::Removed => "the file was removed, which is not committed",
        Difference::Created => "the file is not committed",
        Difference::Changed => "the file has changes that are not committed",
    };
    Diagnostic::refusal(format!("{what}: a checkout of this commit would render other files"))
        .at(Location::file(file.file.display().to_string()))
}

fn nothing_to_commit_to(project: &Project) -> Diagnostic {
    let location = Location::file(project.source.file().display().to_string());
    if on_path("git").is_empty() {
        return Diagnostic::error("cannot commit: git is not installed")
            .at(location)
            .hint("install git or add it to the PATH; `render` without --commit and --all does not need it");
    }
    let directory = Some(&project.directory).filter(|path| !path.as_os_str().is_empty());
    let named = directory.map(|path| format!(" {}", shell_quote::path(path))).unwrap_or_default();
    Diagnostic::error("cannot commit: git repository not found")
        .at(location)
        .hint(format!("`git init{named}` creates one; `render` without --commit and --all does not need it"))
}

impl Around<'_> {
    /// Returns the rendered files, the removed files and the lock file, if they are not committed. Runs no filter.
    pub(super) fn git_status(&self, project: &Project, plan: &Plan) -> Result<Vec<GitFileStatus>, Failure> {
        self.status_with(project, plan, &self.filters_off)
    }

    /// Returns the files to commit. Runs the filters that the user configured, as the commit does.
    pub(super) fn to_commit(&self, project: &Project, plan: &Plan) -> Result<Vec<GitFileStatus>, Failure> {
        self.status_with(project, plan, &Filters::Run)
    }

    fn status_with(
        &self,
        project: &Project,
        plan: &Plan,
        filters: &Filters,
    ) -> Result<Vec<GitFileStatus>, Failure> {
        let locked = project.lock.iter().flat_map(Lock::paths);
        let ours: BTreeSet<&String> = plan.steps.iter().map(|step| &step.path).chain(locked).collect();
        Ok(self.repository.git_status(&project.output(), &project.lock_path(), &ours, filters)?)
    }

    /// Returns the changed inputs that the commit contains (`--all`). Without the flag, refuses a commit of rendered files whose inputs
    /// are not committed: a checkout of it would render other files.
    pub(super) fn inputs(
        &self,
        project: &Project,
        plan: &Plan,
        nodes: &[PathBuf],
        same: bool,
        included: Inputs,
    ) -> Result<Vec<GitFileStatus>, Failure> {
        let changed = self.repository.changed_inputs(project, nodes)?;
        if changed.is_empty() || included == Inputs::Included {
            return Ok(changed);
        }
        if same && self.to_commit(project, plan)?.is_empty() {
            // There is nothing to commit.
            return Ok(Vec::new());
        }
        let mut problems: Vec<Diagnostic> = changed.iter().take(SHOWN).map(not_committed).collect();
        if changed.len() > SHOWN {
            let more = plural(changed.len() - SHOWN, "more file");
            problems.push(Diagnostic::refusal(format!("{more} of the spec are not committed")));
        }
        if let Some(last) = problems.last_mut() {
            last.hint = Some(
                "repeat the command with --all, which commits these files too, or commit them first"
                    .to_owned(),
            );
        }
        Err(problems.into())
    }

    fn refuse_unready(&self, project: &Project, plan: &Plan) -> Result<(), Failure> {
        if self.repository.ready_for_commit()? == Head::Detached {
            terminal::diagnostic(
                &Diagnostic::warning(
                    "HEAD is detached: the commit is lost when you check out another revision",
                )
                .hint("`git switch -c NAME` keeps it"),
            );
        }
        let git_status = self.git_status(project, plan)?;
        let Some(file) = git_status.iter().find(|file| file.state == GitState::Conflicted) else {
            return Ok(());
        };
        Err(Diagnostic::refusal("merge conflict: both sides changed the file")
            .at(Location::file(file.file.display().to_string()))
            .hint("render without --commit and --all to resolve it, then `git add` the file and finish the merge")
            .into())
    }

    /// Commits the files.
    pub(super) fn commit(
        &self,
        outcome: &Outcome<'_>,
        git_status: &[GitFileStatus],
        inputs: &[GitFileStatus],
        subject: Option<&str>,
    ) -> Result<(), Failure> {
        let git_status: Vec<GitFileStatus> = git_status.iter().chain(inputs).cloned().collect();
        if git_status.is_empty() {
            terminal::note("nothing to commit");
            return Ok(());
        }
        let output = outcome.project.output();
        let steps: BTreeMap<PathBuf, _> =
            outcome.plan.steps.iter().map(|step| (output.join(&step.path), step)).collect();
        let lock = outcome.project.lock_path();
        let changes: Vec<commit_message::Line> = git_status
            .iter()
            .filter(|file| file.file != lock)
            .map(|file| {
                let step = steps.get(&file.file);
                let name = || file.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                commit_message::Line {
                    pool: step.and_then(|step| step.pool.clone()),
                    what: step.and_then(|step| step.key.as_ref()).map_or_else(name, ToString::to_string),
                    action: file.difference.word(),
                }
            })
            .collect();
        let title = outcome.scope.title();
        let message = commit_message::text(&title, subject, &changes);
        let commit = self
            .repository
            .commit(&git_status, &message)
            .map_err(|problem| Failure { exit: Exit::Incomplete, problems: vec![problem] })?;
        terminal::note(&format!("committed as {commit}"));
        Ok(())
    }
}
