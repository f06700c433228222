//! Finds the output directory of before, after `spec.output` has changed: render writes a new tree, and the old one stays, where
//! Argo CD and Flux may still sync it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::core::kubernetes::names;
use crate::core::lock::Lock;
use crate::core::render::is_rendered;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::plural::plural;
use crate::core::report::shell_quote;
use crate::directory::Project;
use crate::directory::files::entries;
use crate::directory::leftovers::outputs_beside;

/// How many levels below the spec are searched.
const DEPTH: usize = 3;

/// Maximum number of files in the command of the hint.
const LISTED: usize = 20;

/// Returns a warning about each other directory below the spec that has files of the lock, unchanged. `lock` is the lock of before
/// the render.
pub fn former_outputs(project: &Project, lock: &Lock) -> Vec<Diagnostic> {
    let Some(directory) = project.lock_path().parent().map(Path::to_owned) else { return Vec::new() };
    let base = if directory.as_os_str().is_empty() { Path::new(".") } else { directory.as_path() };
    let mut in_use = outputs_beside(project);
    in_use.extend(fs::canonicalize(project.output()).ok());
    let mut found = Vec::new();
    search(base, DEPTH, &in_use, lock, &mut found);
    found
}

fn search(directory: &Path, depth: usize, in_use: &[PathBuf], lock: &Lock, found: &mut Vec<Diagnostic>) {
    for path in entries(directory) {
        let is_directory = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !is_directory
            || name.starts_with('.')
            || fs::canonicalize(&path).is_ok_and(|it| in_use.contains(&it))
        {
            continue;
        }
        // The directories below another spec belong to it.
        let is_of_a_spec =
            entries(&path).any(|entry| entry.extension().is_some_and(|ending| ending == "lock"));
        if is_of_a_spec {
            continue;
        }
        found.extend(warning(&path, lock));
        if depth > 1 {
            search(&path, depth - 1, in_use, lock, found);
        }
    }
}

fn warning(directory: &Path, lock: &Lock) -> Option<Diagnostic> {
    let is_ours = |name: &&String| {
        fs::read(directory.join(name))
            .is_ok_and(|bytes| is_rendered(&bytes) && lock.files.get(*name) == Some(&names::digest(&bytes)))
    };
    let files: Vec<&String> = lock.files.keys().filter(is_ours).collect();
    let directory = directory.strip_prefix(".").unwrap_or(directory);
    let shown = directory.display().to_string();
    if files.is_empty() {
        return None;
    }
    let is_whole = entries(directory).count() == files.len();
    let command = if is_whole {
        format!("`rm -r {}`", shell_quote::path(directory))
    } else if files.len() <= LISTED {
        let paths: Vec<String> = files.iter().map(|name| shell_quote::path(&directory.join(name))).collect();
        format!("`rm {}`", paths.join(" "))
    } else {
        "`git rm` with each file that has the header of kubectl largescale".to_owned()
    };
    Some(
        Diagnostic::warning(format!(
            "{} from before `spec.output` changed; Argo CD and Flux may still sync this directory",
            match files.len() {
                1 => "contains 1 rendered file".to_owned(),
                count => format!("contains {}", plural(count, "rendered file")),
            }
        ))
        .at(Location::file(shown))
        .hint(format!(
            "change the path in Argo CD or Flux first, then remove the old {}: {command}",
            if is_whole { "directory" } else { "files; the others were not rendered" }
        )),
    )
}
