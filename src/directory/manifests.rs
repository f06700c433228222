//! Reads the files that `spec.manifests` names.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use crate::core::manifest::ManifestFile;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::spec::LargeScale;
use crate::core::yaml::Document;
use crate::directory::boundary::Boundary;
use crate::directory::read_files::ReadFiles;
use crate::directory::{FileError, SPEC_FILE};

/// Where the paths of a spec begin, and where they must end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paths<'a> {
    /// The directory of the spec.
    pub(super) directory: &'a Path,
    /// The directory that contains every path of the spec.
    pub(super) boundary: &'a Boundary,
    /// Notes the files that are read.
    pub(super) read: &'a ReadFiles,
}

/// Reads files, directories (not recursively, like kubectl) and globs, in order.
pub(super) fn manifests(
    Paths { directory, boundary, read }: Paths<'_>,
    spec: &LargeScale,
    document: &Document,
    spec_path: &Path,
) -> Checked<Vec<ManifestFile>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut known = HashSet::new();
    let mut problems = Vec::new();
    let outputs: Vec<PathBuf> = spec.outputs().iter().map(|output| directory.join(output)).collect();
    let is_ours = |path: &PathBuf| path == spec_path || outputs.iter().any(|output| path.starts_with(output));
    for (index, name) in spec.spec.manifests.iter().enumerate() {
        let at = document.location(&format!("/spec/manifests/{index}"));
        if Path::new(name).is_absolute() {
            problems.push(
                Diagnostic::error(format!(
                    "the manifest {name} is an absolute path, which would differ between machines"
                ))
                .at(at)
                .hint(format!("use a path relative to {SPEC_FILE}")),
            );
            continue;
        }
        // A pattern must not show which files exist outside.
        let inside =
            boundary.check(&format!("the manifest {name}"), &below(directory, &without_pattern(name)));
        if let Err(problem) = inside {
            problems.push(problem.at(at));
            continue;
        }
        match expand(directory, name) {
            Err(why) => problems.push(
                Diagnostic::error(why)
                    .at(at)
                    .hint("put the Kubernetes YAML of the workload there, or correct `spec.manifests`"),
            ),
            Ok(found) => {
                for path in found.into_iter().filter(|path| !is_ours(path)) {
                    // A link in a directory, or one that a pattern matches.
                    if let Err(problem) = boundary.check(&format!("the manifest {}", path.display()), &path) {
                        problems.push(problem.at(at.clone()));
                    } else if known.insert(path.clone()) {
                        paths.push(path);
                    }
                }
            }
        }
    }
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        let shown = path.display().to_string();
        match read.read_text(&path, &shown) {
            Ok(text) => files.push(ManifestFile { source: source(&path, directory), shown, text }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

fn expand(directory: &Path, name: &str) -> Result<Vec<PathBuf>, String> {
    let path = below(directory, name);
    if path.is_dir() {
        return in_directory(&path).map_err(|error| format!("cannot read the directory {name}: {error}"));
    }
    if !name.contains(['*', '?', '[']) || path.exists() {
        return match fs::metadata(&path) {
            Ok(_) => Ok(vec![path]),
            Err(error) => Err(format!(
                "the manifest {}: {}",
                path.display(),
                Diagnostic::from(FileError::read(error, &path, name)).message
            )),
        };
    }
    let escaped = glob::Pattern::escape(&directory.display().to_string());
    let pattern = if escaped.is_empty() { name.to_owned() } else { format!("{escaped}/{name}") };
    let found = glob::glob(&pattern).map_err(|error| format!("invalid glob `{name}`: {}", error.msg))?;
    let files: Vec<PathBuf> = found
        .filter_map(Result::ok)
        .filter(|path| fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir()))
        .collect();
    if files.is_empty() {
        return Err(format!("the glob `{name}` matches no file"));
    }
    Ok(files)
}

/// Returns the beginning of a path that has no pattern.
pub(super) fn without_pattern(name: &str) -> String {
    let parts = name.split('/').take_while(|part| !part.contains(['*', '?', '[']));
    let fixed = parts.collect::<Vec<_>>().join("/");
    if fixed.is_empty() && name.starts_with('/') { "/".to_owned() } else { fixed }
}

fn in_directory(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let is_manifest = path.extension().is_some_and(|ending| {
            ["yaml", "yml", "json"].iter().any(|known| ending.eq_ignore_ascii_case(known))
        });
        // A pipe or a device is refused when it is read: leaving it out would hide an object.
        if is_manifest && fs::metadata(&path).is_ok_and(|metadata| !metadata.is_dir()) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn source(path: &Path, directory: &Path) -> String {
    let relative = path.strip_prefix(directory).unwrap_or(path);
    let parts: Vec<String> = relative
        .components()
        .filter(|part| !matches!(part, Component::CurDir))
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    parts.join("/")
}

/// Returns a path that a spec names, relative to the spec's directory.
pub(super) fn below(directory: &Path, name: &str) -> PathBuf {
    directory.join(name.strip_prefix("./").unwrap_or(name))
}
