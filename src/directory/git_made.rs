//! Rendered files whose content git made: it joined the versions of two branches, and no lock has the result. git may also take a
//! new file for the renamed one of another branch, and then joins versions of two different files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::core::kubernetes::names;
use crate::core::lock::Lock;
use crate::core::render::is_rendered;
use crate::core::report::diagnostic::Checked;
use crate::directory::files::{entries, read, unix_lines};
use crate::directory::git::{AutoMerge, Repository};
use crate::directory::merged_lock::Files;
use crate::directory::rendered_file::has_header;

/// Maximum number of files that a branch changed. With more, git's content is refused like that of the user.
const CHANGED: usize = 50_000;

/// Maximum number of files whose content is looked up in all earlier locks.
const SEARCHED: usize = 500;

/// Returns the files of the output directory whose content git made from rendered files alone, with their digests. A render may
/// overwrite them: a user edited neither branch nor the result.
pub(super) fn files(files: Files<'_>) -> Checked<Vec<(String, String)>> {
    let Some(repository) = files.repository.get()? else { return Ok(Vec::new()) };
    if !repository.holds(files.output) {
        return Ok(Vec::new());
    }
    let (merge, names) = match repository.unfinished_merge() {
        Some(merge) => (Some(merge), Names::All),
        None => (repository.finished_merge(files.lock)?, Names::Others),
    };
    let Some(merge) = merge else { return Ok(Vec::new()) };
    let [ours, theirs] = [&merge.sides[0], &merge.sides[1]].map(|side| repository.listed(side, files.output));
    let (ours, theirs) = (ours?, theirs?);
    let below = repository.path(files.output)?;
    let mut made = repository.listed(&merge.tree, files.output)?;
    made.retain(|name, id| {
        let is_of_a_side = [&ours, &theirs].into_iter().any(|side| side.get(name) == Some(id));
        !is_of_a_side && !merge.edited.contains(&[&below, b"/".as_slice(), name].concat())
    });
    let Some(known) = rendered_contents(repository, &merge)? else { return Ok(Vec::new()) };
    let ids: Vec<&[u8]> = made.values().map(Vec::as_slice).collect();
    let contents = repository.blobs(&ids)?;
    let digest = |(name, content): (&Vec<u8>, Option<Vec<u8>>)| {
        Some((String::from_utf8(name.clone()).ok()?, names::digest(&content?)))
    };
    let made = made.keys().zip(contents).filter_map(digest);
    Ok(made.chain(of_a_branch(files.output, &known, names)).collect())
}

/// Returns the files of the output directory that git wrote, with a content that an earlier render wrote: a revert or a cherry-pick
/// can bring back such a file without its lock. `lock` is the lock of today.
pub(super) fn rendered_before(files: Files<'_>, lock: &Lock) -> Checked<Vec<(String, String)>> {
    let Some(repository) = files.repository.get()? else { return Ok(Vec::new()) };
    if !repository.holds(files.output) {
        return Ok(Vec::new());
    }
    let unknown = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.to_owned();
        let digest = has_header(&path).then(|| read(&path, "").ok())??;
        let digest = names::digest(&unix_lines(digest));
        (!name.contains('\n') && !lock.has_digest(&name, &digest)).then_some((name, digest))
    };
    let mut unknown: Vec<(String, String)> =
        entries(files.output).filter_map(unknown).take(SEARCHED).collect();
    let mut trees = vec!["HEAD".to_owned()];
    trees.extend(repository.unfinished_merge().into_iter().flat_map(|merge| {
        let [ours, theirs] = merge.sides;
        [merge.tree, ours, theirs]
    }));
    // An edit that is not committed is one of the user, even if it restores an earlier content.
    let below = repository.path(files.output)?;
    let of_git = |(name, digest): &(String, String)| {
        let version = |tree: &String| [tree.as_bytes(), b":", &below, b"/", name.as_bytes()].concat();
        let versions: Vec<Vec<u8>> = trees.iter().map(version).collect();
        let versions: Vec<&[u8]> = versions.iter().map(Vec::as_slice).collect();
        let contents = repository.blobs(&versions).unwrap_or_default();
        contents.into_iter().flatten().any(|content| names::digest(&content) == *digest)
    };
    unknown.retain(of_git);
    let digests: BTreeSet<&str> = unknown.iter().map(|(_, digest)| digest.as_str()).collect();
    let known = repository.in_any_lock(&digests)?;
    unknown.retain(|(_, digest)| known.contains(digest));
    Ok(unknown)
}

/// Which files on disk are of git, if a branch rendered their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    /// All: git is joining the branches, and each of their files is ours.
    All,
    /// Those with another name. After the merge, a file with its own content is not of git: an old lock does not know it.
    Others,
}

/// Returns the files on disk with content that a branch rendered. The name may be another one: `git checkout --theirs` takes such a
/// file for one that git takes for the renamed one.
fn of_a_branch(output: &Path, known: &BTreeSet<(String, String)>, names: Names) -> Vec<(String, String)> {
    let rendered: BTreeSet<&String> = known.iter().map(|(_, digest)| digest).collect();
    let file = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.to_owned();
        let digest = names::digest(&unix_lines(read(&path, "").ok()?));
        let file = (name, digest);
        (rendered.contains(&file.1) && (names == Names::All || !known.contains(&file))).then_some(file)
    };
    let is_file = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    entries(output).filter(is_file).filter_map(file).collect()
}

/// Returns the files in the locks of the branches, with their digests; `None` if a branch has a file with our header and another content
/// than its lock says.
fn rendered_contents(
    repository: &Repository,
    merge: &AutoMerge,
) -> Checked<Option<BTreeSet<(String, String)>>> {
    let mut all = BTreeSet::new();
    for side in &merge.sides {
        let Some(changed) = repository.changed_files(&merge.base, side, CHANGED)? else { return Ok(None) };
        let locks = repository.locks_of(side)?;
        let locks = locks.iter().filter_map(|text| Lock::read("", std::str::from_utf8(text).ok()?).ok());
        let files = locks.flat_map(|lock| [lock.files, lock.pending]);
        let mut known: BTreeSet<(String, String)> = files.flatten().collect();
        let digests: BTreeSet<&String> = known.iter().map(|(_, digest)| digest).collect();
        let mut rendered = changed.iter().filter(|(_, content)| is_rendered(content));
        if !rendered.all(|(_, content)| digests.contains(&names::digest(content))) {
            return Ok(None);
        }
        all.append(&mut known);
    }
    Ok(Some(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_merge_a_file_with_its_own_content_is_not_of_git() {
        let output = tempfile::tempdir().unwrap();
        for (name, text) in [("a.yaml", "a"), ("b.yaml", "a"), ("c.yaml", "c")] {
            fs::write(output.path().join(name), text).unwrap();
        }
        let digest = names::digest(b"a");
        let known = BTreeSet::from([("a.yaml".to_owned(), digest)]);
        let found = |which: Names| {
            let mut found: Vec<String> =
                of_a_branch(output.path(), &known, which).into_iter().map(|(name, _)| name).collect();
            found.sort();
            found
        };
        assert_eq!(found(Names::Others), ["b.yaml"]);
        assert_eq!(found(Names::All), ["a.yaml", "b.yaml"]);
    }
}
