//! The output directory: read before anything is decided, and written so that a kill at any moment leaves every
//! file complete and lets the next run finish.
//!
//! Order of a write: write every new file under a temporary name next to its path; record the intended files in the
//! lock (`pending`); rename; remove; record in the lock that it is done. Only the lock is synced to the disk. The
//! other files are in git or can be rendered again, and syncing 10,000 files would take most of the time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileType, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::core::kubernetes::names;
use crate::core::lock::Lock;
use crate::core::lock::file_names::app_of_rules;
use crate::core::render::RenderedFile;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::tree::plan::{Action, Plan};
use crate::directory::boundary::SEPARATE;
use crate::directory::files::{
    NamedBy, TemporaryName, open, read_listed, replace_durably, stage, sweep, unix_lines,
};
use crate::directory::{FileError, Project, Source, leftovers, parallel};

/// Content of the output directory.
#[derive(Debug, Default)]
pub struct Tree {
    /// The content of each file that the new tree or the lock names.
    pub known: BTreeMap<String, Vec<u8>>,
    /// Manifests that this program did not write, in order of their names.
    pub foreign: Vec<String>,
}

/// A lock that lets only one run at a time write a directory; released when dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: Option<File>,
}

impl RunLock {
    /// Takes the lock on the spec, which no run replaces. Does not wait: fails if another run holds it. Callers
    /// take it before they read the spec, so that no run writes between reading and writing.
    pub fn take(source: &Source) -> Checked<Self> {
        let path = source.file();
        let shown = path.display().to_string();
        // A file that cannot be opened is reported when it is read.
        let Ok(file) = open(&path, "", NamedBy::Files) else { return Ok(Self { _file: None }) };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                Err(Diagnostic::refusal("another run of kubectl largescale is writing this directory")
                    .at(Location::file(shown))
                    .hint("wait until the other run ends")
                    .into())
            }
            // Some file systems do not support locks.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { _file: Some(file) }),
        }
    }
}

impl Tree {
    /// Reads the output directory without changing it. Refuses a rendered file that neither `rendered` nor the lock
    /// names.
    pub fn look(project: &Project, rendered: &[RenderedFile]) -> Checked<Self> {
        let output = project.output();
        check_output(project, &output)?;
        let mut paths: BTreeSet<&str> = rendered.iter().map(|file| file.path.as_str()).collect();
        if let Some(lock) = &project.lock {
            paths.extend(lock.paths().map(String::as_str));
        }
        let present = entries(&output).map_err(|error| FileError::read_path(error, &output))?;
        let mut tree = Self::default();
        let (mut ours, mut rule_files) = (Vec::new(), Vec::new());
        for (name, kind) in &present {
            // On a case-insensitive file system, a file whose name differs in case blocks ours.
            let lower = name.to_lowercase();
            let same_file = || !present.contains_key(&lower) && output.join(&lower).exists();
            let path = [name, &lower].into_iter().find(|path| paths.contains(path.as_str()));
            match path.filter(|path| *path == name || same_file()) {
                Some(path) => ours.push((path.clone(), name, *kind)),
                None if is_manifest(&lower) => tree.foreign.push(name.clone()),
                None if app_of_rules(&lower).is_some() => rule_files.push(name.clone()),
                None => {}
            }
        }
        if let Some(problem) = leftovers::refuse_lost_lock(project, &output, rendered) {
            return Err(problem.into());
        }
        let mut problems = leftovers::refuse(project, &output, &mut tree.foreign);
        problems.extend(leftovers::refuse_rule_files(project, &output, rule_files));
        for (path, read) in parallel::map(ours, |(path, name, kind)| (path, read_own(&output, name, kind))) {
            match read {
                Ok(bytes) => drop(tree.known.insert(path, bytes)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(tree) } else { Err(problems) }
    }

    /// Writes the files of the plan, and the lock.
    pub fn write(
        &self,
        project: &Project,
        rendered: &[RenderedFile],
        plan: &Plan,
        lock: &Lock,
    ) -> Checked<()> {
        let output = project.output();
        let lock_path = project.lock_path();
        let temporary = TemporaryName::of(&lock_path);
        sweep_both(project, &output, &temporary)?;
        if plan.changes_anything() {
            // Until the write is done, a file may have its old or its new content: both are ours.
            let intent = Lock { files: self.digests(), pending: lock.files.clone(), ..lock.clone() };
            let record_intent = || write_lock(&lock_path, &intent, &temporary);
            write_files(&output, rendered, plan, &temporary, record_intent)?;
        }
        if !project.has_written(lock) || plan.changes_anything() {
            write_lock(&lock_path, lock, &temporary)?;
        }
        Ok(())
    }

    /// Returns the digests of the known files.
    fn digests(&self) -> BTreeMap<String, String> {
        self.known.iter().map(|(path, bytes)| (path.clone(), names::digest(bytes))).collect()
    }
}

fn write_files(
    output: &Path,
    rendered: &[RenderedFile],
    plan: &Plan,
    temporary: &TemporaryName,
    record_intent: impl FnOnce() -> Checked<()>,
) -> Checked<()> {
    let at = |path: &Path, error: io::Error| Vec::from(FileError::write_path(error, path));
    fs::create_dir_all(output).map_err(|error| at(output, error))?;
    // With a relative path, each temporary file would look up the working directory again.
    let beside = std::path::absolute(output).map_err(|error| at(output, error))?;
    let by_path: BTreeMap<&str, &RenderedFile> =
        rendered.iter().map(|file| (file.path.as_str(), file)).collect();
    let new: Vec<&RenderedFile> = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Created | Action::Changed))
        .filter_map(|step| by_path.get(step.path.as_str()).copied())
        .collect();
    let staged: Vec<_> = parallel::map(new, |file| {
        let path = output.join(&file.path);
        let staged = stage(&beside.join(&file.path), &file.text, temporary);
        Ok((staged.map_err(|error| at(&path, error))?, path))
    })
    .into_iter()
    .collect::<Checked<_>>()?;
    record_intent()?;
    for (staged, path) in staged {
        staged.persist(&path).map_err(|error| at(&path, error.error))?;
    }
    for step in plan.steps.iter().filter(|step| step.action == Action::Removed) {
        let path = output.join(&step.path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&path, error)),
            _ => {}
        }
    }
    Ok(())
}

fn write_lock(path: &Path, lock: &Lock, temporary: &TemporaryName) -> Checked<()> {
    replace_durably(path, &lock.write(), temporary).map_err(|error| FileError::write_path(error, path).into())
}

fn sweep_both(project: &Project, output: &Path, temporary: &TemporaryName) -> Checked<()> {
    let spec_directory =
        project.lock_path().parent().map(Path::to_owned).filter(|path| !path.as_os_str().is_empty());
    for directory in [spec_directory.unwrap_or_else(|| PathBuf::from(".")), output.to_owned()] {
        sweep(&directory, temporary).map_err(|error| FileError::write_path(error, &directory))?;
    }
    Ok(())
}

/// Returns the names and types of all entries of a directory; empty if it does not exist. One listing, however many
/// files there are.
fn entries(directory: &Path) -> io::Result<BTreeMap<String, FileType>> {
    match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        entries => entries?
            .map(|entry| {
                let entry = entry?;
                Ok((entry.file_name().to_string_lossy().into_owned(), entry.file_type()?))
            })
            .collect(),
    }
}

/// Reads one of our files; refuses a symbolic link in its place.
fn read_own(output: &Path, path: &str, kind: FileType) -> Result<Vec<u8>, Diagnostic> {
    let full = output.join(path);
    let shown = full.display().to_string();
    if kind.is_symlink() {
        return Err(Diagnostic::refusal("the file is a symbolic link, and its target would be overwritten")
            .at(Location::file(shown))
            .hint("remove the link"));
    }
    if !kind.is_file() {
        return Err(Diagnostic::refusal("is a directory, but the rendered directory needs a file here")
            .at(Location::file(shown)));
    }
    Ok(read_listed(&full, &shown).map(unix_lines)?)
}

/// Returns whether Argo CD and Flux would apply the file.
fn is_manifest(lower: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending))
}

/// Refuses an output directory that is a file.
fn check_output(project: &Project, output: &Path) -> Checked<()> {
    match fs::symlink_metadata(output) {
        Ok(metadata) if !metadata.is_dir() => {
            let name = &project.spec.spec.output;
            let message = format!("`spec.output` is {name}, but {} is a file", output.display());
            Err(Diagnostic::refusal(message)
                .at(project.document.location("/spec/output"))
                .hint(SEPARATE)
                .into())
        }
        _ => Ok(()),
    }
}
