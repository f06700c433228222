//! Drivers: programs that git runs over the content of files, depending on their attributes.
//!
//! `git status` runs filter drivers to compare a file with the index, and a merge runs merge drivers. Configuration and attributes may both be untrusted, so they
//! are turned off for a call that only reads. CRLF conversion needs no program and stays on.

use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::core::report::diagnostic::Diagnostic;
use crate::directory::git::Repository;
use crate::directory::git::command::{Failed, GitAccess, git};

/// How a status command handles filter drivers.
#[derive(Debug)]
pub enum Filters {
    /// Turns them off, and reports a file that has one as unknown.
    Off(DriversOff),
    /// Runs them, as the commit that follows does. Also right if the configuration has none.
    Run,
}

/// The filter or merge drivers of the configuration, all turned off.
#[derive(Debug)]
pub struct DriversOff {
    names: Vec<Vec<u8>>,
    overrides: NamedTempFile,
}

impl Filters {
    /// Reads which filter drivers the configuration has, and turns them off.
    pub fn off(repository: &Repository) -> Result<Self, Diagnostic> {
        Ok(DriversOff::of(repository, &FILTER)?.map_or(Self::Run, Self::Off))
    }
}

/// A kind of driver.
struct Kind {
    /// The section of the configuration.
    section: &'static str,
    /// The expression that finds its settings.
    pattern: &'static str,
    /// The settings that turn a driver off.
    off: &'static str,
}

/// git does not run an empty command, and does not require it.
const FILTER: Kind =
    Kind { section: "filter.", pattern: r"^filter\.", off: "clean =\n\tprocess =\n\trequired = false\n" };

/// An empty command is an empty line for the shell: git takes the version of our branch for the result.
const MERGE: Kind = Kind { section: "merge.", pattern: r"^merge\..*\.driver$", off: "driver =\n" };

impl DriversOff {
    /// Turns merge drivers off; returns `None` if the configuration has none.
    pub(super) fn of_merges(repository: &Repository) -> Result<Option<Self>, Diagnostic> {
        Self::of(repository, &MERGE)
    }

    /// Reads the configuration; returns `None` if it has no driver of this kind.
    fn of(repository: &Repository, kind: &Kind) -> Result<Option<Self>, Diagnostic> {
        let mut names: Vec<Vec<u8>> = match repository.driver_settings() {
            Some(settings) => settings.iter().filter_map(|key| driver(kind, key)).collect(),
            None => asked_names(repository, kind)?,
        };
        names.sort();
        names.dedup();
        if names.is_empty() {
            return Ok(None);
        }
        let failed = |error: std::io::Error| {
            Diagnostic::error(format!("cannot write a temporary file: {error}"))
                .hint("set TMPDIR to a writable directory")
        };
        let mut overrides = tempfile::Builder::new().prefix("largescale-").tempfile().map_err(failed)?;
        overrides.write_all(&settings(kind, &names)).map_err(failed)?;
        Ok(Some(Self { names, overrides }))
    }

    /// Returns the file with the settings that turn them off. `-c filter.NAME.clean=` cannot express a name that
    /// contains `=`.
    pub(super) fn overrides(&self) -> &Path {
        self.overrides.path()
    }

    /// Returns the paths whose attributes name one of the drivers.
    pub(super) fn filtered(
        &self,
        repository: &Repository,
        paths: &[Vec<u8>],
    ) -> Result<Vec<Vec<u8>>, Diagnostic> {
        let input: Vec<u8> = paths.iter().flat_map(|path| path.iter().copied().chain([0])).collect();
        let answer = repository.git(&["check-attr", "-z", "--stdin", "filter"], &input)?;
        let fields: Vec<&[u8]> = answer.split(|byte| *byte == 0).collect();
        let named = fields.chunks_exact(3).filter(|fields| self.names.iter().any(|name| name == fields[2]));
        Ok(named.map(|fields| fields[0].to_owned()).collect())
    }
}

/// Asks git for the names of the drivers.
fn asked_names(repository: &Repository, kind: &Kind) -> Result<Vec<Vec<u8>>, Diagnostic> {
    let asked = ["config", "--null", "--name-only", "--get-regexp", kind.pattern];
    match git(repository.root(), repository.options(GitAccess::ReadOnly), &asked, &[]) {
        Ok(keys) => Ok(keys.split(|byte| *byte == 0).filter_map(|key| driver(kind, key)).collect()),
        // `git config` exits with 1 and without a message if there is none.
        Err(Failed::Said(said)) if said.is_empty() => Ok(Vec::new()),
        Err(failed) => Err(failed.at("config")),
    }
}

/// Returns the driver's name in `filter.NAME.VARIABLE`; the name may contain dots.
fn driver(kind: &Kind, key: &[u8]) -> Option<Vec<u8>> {
    let rest = key.strip_prefix(kind.section.as_bytes())?;
    let end = rest.iter().rposition(|byte| *byte == b'.')?;
    Some(rest[..end].to_owned())
}

/// Returns settings that turn the drivers off.
fn settings(kind: &Kind, names: &[Vec<u8>]) -> Vec<u8> {
    let mut text = Vec::new();
    for name in names {
        text.extend(format!("[{} \"", kind.section.trim_end_matches('.')).into_bytes());
        for byte in name {
            if matches!(byte, b'"' | b'\\') {
                text.push(b'\\');
            }
            text.push(*byte);
        }
        text.extend(b"\"]\n\t");
        text.extend(kind.off.as_bytes());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_drivers() {
        let name = |key: &str| driver(&FILTER, key.as_bytes()).map(|name| String::from_utf8(name).unwrap());
        assert_eq!(name("filter.lfs.clean").as_deref(), Some("lfs"));
        assert_eq!(name("filter.a.b=c.process").as_deref(), Some("a.b=c"));
        assert_eq!(name("filter.clean"), None);
        assert_eq!(name(""), None);
        let text = String::from_utf8(settings(&FILTER, &[br#"a"\b"#.to_vec()])).unwrap();
        assert!(text.starts_with("[filter \"a\\\"\\\\b\"]\n\tclean =\n"), "{text}");
    }
}
