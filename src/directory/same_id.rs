//! Refuses a lock whose id another lock of the repository has: both directories would be applied as one `ApplySet`.

use std::fs;
use std::path::Path;

use crate::core::lock::LockId;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::shell_quote;
use crate::directory::git::{Listing, Merges, Repository, is_merging};
use crate::directory::leftovers::source_of;
use crate::directory::{Project, Source};

/// Returns an error if a lock in the listing has this id, too. The hint depends on how that came about: a merge mixed two locks up, a
/// branch renamed the spec and another one brought its old name back, or a user copied the directory.
pub fn refuse_same_id(
    project: &Project,
    id: &LockId,
    repository: &Repository,
    listing: &Listing,
) -> Result<(), Diagnostic> {
    let lock = project.lock_path();
    let copies = repository.copies_of(id, &lock, listing)?;
    let Some(first) = copies.first() else { return Ok(()) };
    let more = if copies.len() > 1 { format!(" and {} more", copies.len() - 1) } else { String::new() };
    let refusal = |why: &str| {
        Diagnostic::refusal(format!("{first}{more} in this repository has the same id: {why}"))
            .at(Location::file(lock.display().to_string()))
    };
    let own = repository.shown_path(&lock)?;
    if let Some(command) =
        repository.restore_of([own.as_str()].into_iter().chain(copies.iter().map(String::as_str)), id)
    {
        let why = "a merge took the lock of one directory for that of another";
        return Err(
            refusal(why).hint(format!("`{command}` restores the lock of before the merge; then render"))
        );
    }
    let flags = project.source.flags();
    let new_id = format!("`kubectl largescale render{flags} --new-id`");
    let beside = copies.iter().find_map(|copy| other_name(project, &own, copy, &lock));
    Err(match beside {
        Some(Other::Name(remove)) => refusal("one app has two specs, for example because only one branch renamed it")
            .hint(format!(
                "to keep this spec, `{remove}` removes the other one; for two apps, change `metadata.name` and `spec.output` of this one, and run {new_id}"
            )),
        Some(Other::Lock(remove)) => refusal("it has no spec").hint(format!("`{remove}` removes it")),
        None => refusal("the directory was copied, or only one branch moved it").hint(format!(
            "if this one is the copy, {new_id} gives it another id; two apps in one cluster also need two names (`metadata.name`). If only one branch moved the directory, remove the one that is left over"
        )),
    })
}

/// Returns an error if a merge put the lock of another directory in the place of this one, whose pools without nodes would be lost: git
/// took this lock for the renamed one of that directory.
pub fn refuse_replaced_lock(project: &Project) -> Result<(), Diagnostic> {
    let Some(lock) = &project.lock else { return Ok(()) };
    let Some(id) = &lock.id else { return Ok(()) };
    // The lock of another directory also has another ApplySet. The last merge is searched for only then.
    let has_other_name = lock.set.as_ref().is_some_and(|set| set.name != project.spec.metadata.name);
    let merges = if has_other_name { Merges::All } else { Merges::Current };
    if merges == Merges::Current && !is_merging(&project.directory) {
        return Ok(());
    }
    // A later question to git reports a repository that cannot be read.
    let Ok(Some(repository)) = project.repository() else { return Ok(()) };
    let path = project.lock_path();
    let Some(command) = repository.restore_of_replaced(&path, id, merges) else { return Ok(()) };
    let problem = Diagnostic::refusal(
        "the lock has the id of another directory: a merge took the lock of one directory for that of another",
    )
    .at(Location::file(path.display().to_string()));
    Err(problem.hint(format!("`{command}` restores the lock of before the merge; then render")))
}

/// What is beside the spec, with the command that removes it.
enum Other {
    /// Another spec of the same output directory, and its lock.
    Name(String),
    /// A lock without a spec.
    Lock(String),
}

fn other_name(project: &Project, own: &str, copy: &str, lock: &Path) -> Option<Other> {
    let directory = |path: &str| path.rsplit_once('/').map(|(directory, _)| directory.to_owned());
    if directory(own) != directory(copy) {
        return None;
    }
    let copy = lock.with_file_name(copy.rsplit('/').next()?);
    let remove = |paths: &[&Path]| {
        let words: Vec<String> = paths.iter().map(|path| shell_quote::path(path)).collect();
        format!("rm {}", words.join(" "))
    };
    let Some(source) = source_of(&copy) else { return Some(Other::Lock(remove(&[&copy]))) };
    let source = Source { outside: project.source.outside, ..source };
    let other = Project::open(&source).ok()?;
    let is_same = |one: &Path, other: &Path| {
        fs::canonicalize(one).is_ok_and(|path| fs::canonicalize(other).is_ok_and(|other| path == other))
    };
    // Two clusters of one spec have two locks.
    let is_this_spec = is_same(&source.path, &project.source.file());
    let is_one_app = !is_this_spec && is_same(&other.output(), &project.output());
    is_one_app.then(|| Other::Name(remove(&[&source.path, &copy])))
}
