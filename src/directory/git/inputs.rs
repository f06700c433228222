//! Inputs of a render that are not committed: a checkout of a commit without them would render other files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::core::report::diagnostic::Diagnostic;
use crate::directory::Project;
use crate::directory::git::command::GitAccess;
use crate::directory::git::git_dir::path_of;
use crate::directory::git::status::{Difference, parsed};
use crate::directory::git::{GitFileStatus, Repository};
use crate::directory::manifests::{below, without_pattern};

/// More files are asked for by their directories: the length of a command line is limited.
const NAMED: usize = 200;

impl Repository {
    /// Returns the spec, manifests, overlays and the platform file of a project that differ from the last commit, and manifests that
    /// were removed; `nodes` is a file of nodes that was read. Leaves out ignored files and files of other repositories. Runs the filters that the user configured, as a commit does.
    pub fn changed_inputs(
        &self,
        project: &Project,
        nodes: &[PathBuf],
    ) -> Result<Vec<GitFileStatus>, Diagnostic> {
        let own = |path: &&PathBuf| path.parent().is_some_and(|parent| self.holds(parent));
        let mut files: BTreeMap<Vec<u8>, PathBuf> = BTreeMap::new();
        for path in project.inputs.iter().chain(nodes).filter(own) {
            files.insert(self.path(path)?, path.clone());
        }
        let mut asked: BTreeSet<String> = BTreeSet::new();
        let is_many = files.len() > NAMED;
        for path in files.values() {
            let parent = path.parent().unwrap_or(Path::new(""));
            asked.insert(self.pathspec(text_of(if is_many { parent } else { path }))?);
        }
        let directories = self.manifest_directories(project);
        for directory in directories.iter().filter(|directory| self.holds(&directory.path)) {
            asked.insert(self.pathspec(text_of(&directory.path))?);
        }
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let flags = ["status", "--porcelain=v2", "-z", "--no-renames", "--ignore-submodules=all"];
        let mut command = [&flags[..], &["--untracked-files=all", "--"]].concat();
        command.extend(asked.iter().map(String::as_str));
        let options = self.options(GitAccess::ReadOnly);
        let answer = self.git_with(options, &command, &[])?;
        let entries = answer.split(|byte| *byte == 0).filter_map(parsed);
        let of_input = |(state, difference, path): (_, Difference, &[u8])| {
            let removed = || directories.iter().find_map(|directory| directory.removed(path));
            let file = files.get(path).cloned();
            let file = file.or_else(|| if difference == Difference::Removed { removed() } else { None })?;
            Some(GitFileStatus { file, state, difference, path: path.to_owned() })
        };
        Ok(entries.filter_map(of_input).collect())
    }

    /// Returns a path relative to the root, in which `.` is the root.
    fn pathspec(&self, path: &Path) -> Result<String, Diagnostic> {
        let shown = self.shown_path(path)?;
        Ok(if shown.is_empty() { ".".to_owned() } else { shown })
    }

    /// Returns the directories whose files the spec takes by a directory or a pattern.
    fn manifest_directories(&self, project: &Project) -> Vec<ManifestDirectory> {
        let of = |name: &String| {
            let path = below(&project.directory, name);
            let has_pattern = name.contains(['*', '?', '[']) && !path.exists();
            if !has_pattern && !path.is_dir() {
                return None;
            }
            let path = if has_pattern { below(&project.directory, &without_pattern(name)) } else { path };
            let base = if has_pattern { project.directory.clone() } else { path.clone() };
            let pattern = if has_pattern { name.strip_prefix("./").unwrap_or(name) } else { "*" };
            let beginning = self.path(&base).ok()?;
            Some(ManifestDirectory { path, base, beginning, pattern: glob::Pattern::new(pattern).ok()? })
        };
        project.spec.spec.manifests.iter().filter_map(of).collect()
    }
}

/// Returns the path, or its nearest directory whose path is a text: git is asked with texts.
fn text_of(path: &Path) -> &Path {
    path.ancestors().find(|path| path.to_str().is_some()).unwrap_or(Path::new(""))
}

/// A directory with manifests.
struct ManifestDirectory {
    /// The directory that git looks at.
    path: PathBuf,
    /// The directory that the pattern is relative to.
    base: PathBuf,
    /// The same, relative to the root of the repository.
    beginning: Vec<u8>,
    pattern: glob::Pattern,
}

impl ManifestDirectory {
    /// Returns the path of a removed file of the repository, if it was a manifest.
    fn removed(&self, path: &[u8]) -> Option<PathBuf> {
        let below = path.strip_prefix(self.beginning.as_slice())?;
        let below = if self.beginning.is_empty() { below } else { below.strip_prefix(b"/")? };
        let name = String::from_utf8_lossy(below);
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
        let lower = name.to_lowercase();
        let is_manifest = [".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending));
        (is_manifest && self.pattern.matches_with(&name, options)).then(|| self.base.join(path_of(below)))
    }
}
