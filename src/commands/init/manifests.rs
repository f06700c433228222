//! The manifests and the overlay that `init` writes for imported objects.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::commands::init::links::refuse_link;
use crate::commands::init::source::{Import, Input};
use crate::core::import::Imported;
use crate::core::manifest::{ManifestFile, read_manifests};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::escape::in_comment;
use crate::core::yaml;
use crate::directory::{STDIN_FILE, has_entries, is_taken, make_directory, write_new};
use crate::failure::Failure;
use crate::output::styled::Styled;
use crate::output::terminal;

/// Directory of manifests next to the spec.
pub(super) const MANIFESTS: &str = "manifests";

/// The overlay with what only the existing Services may have, relative to the spec.
const OWN_FIELDS: &str = "overlays/existing-services.yaml";

/// The overlay that keeps the bindings of existing Services, relative to the spec.
const BINDINGS: &str = "overlays/adopted.yaml";

/// Comment at the beginning of [`BINDINGS`].
const BINDINGS_HEADER: &str = "# By `kubectl largescale init --from`. Each patch keeps the binding of an existing Service as it was, so that its nodes do not change.
# Without its patch, the Service gets the binding that `render` writes for its pool (docs/howto/split-one-service.md).
# `spec.loadBalancerClass` is immutable: keep its operation as long as the Service exists.
";

/// The files of an import, relative to the directory of the spec.
pub(super) struct ImportFiles(Vec<ImportFile>);

struct ImportFile {
    path: String,
    text: String,
    /// The input that the manifest is from.
    shown: Option<String>,
}

impl ImportFiles {
    /// Returns a manifest for each input that still has objects, and the overlay. The objects have the order of the input, so that a
    /// diff with it is readable.
    pub(super) fn of(imported: &Imported, import: &Import) -> Self {
        let mut taken = BTreeSet::new();
        let mut files = Vec::new();
        let mut is_written: BTreeSet<&str> = BTreeSet::new();
        for input in &import.inputs {
            let of_input = imported.objects.iter().zip(&imported.places);
            let objects: Vec<&Value> =
                of_input.filter(|(_, place)| place.file == input.shown).map(|(object, _)| object).collect();
            if objects.is_empty() || !is_written.insert(&input.shown) {
                continue;
            }
            let path = format!("{MANIFESTS}/{}", unique_name(&input.name, &mut taken));
            files.push(ImportFile { path, text: text(input, &objects), shown: Some(input.shown.clone()) });
        }
        for (path, header, overlay) in [
            (OWN_FIELDS, "", &imported.overlays.own_fields),
            (BINDINGS, BINDINGS_HEADER, &imported.overlays.bindings),
        ] {
            let Some(overlay) = overlay else { continue };
            let text = format!("{header}{}", yaml::write_object(overlay));
            files.push(ImportFile { path: path.to_owned(), text, shown: None });
        }
        Self(files)
    }

    /// Returns the value of `spec.manifests`.
    pub(super) fn in_spec(&self) -> &str {
        let mut manifests = self.0.iter().filter(|file| file.shown.is_some());
        match (manifests.next(), manifests.next()) {
            (Some(only), None) => &only.path,
            _ => MANIFESTS,
        }
    }

    /// Returns the value of `spec.overlays`, and why the overlays exist.
    pub(super) fn overlays(&self) -> Vec<(&str, &'static str)> {
        let overlays = self.0.iter().filter(|file| file.shown.is_none());
        let reason = |path: &str| {
            if path == BINDINGS {
                "the bindings of the existing Services"
            } else {
                "what only the existing Services may have, such as their addresses and node ports"
            }
        };
        overlays.map(|file| (file.path.as_str(), reason(&file.path))).collect()
    }

    /// Returns the manifests, with the names of the inputs.
    pub(super) fn in_memory(&self) -> Vec<ManifestFile> {
        let manifest = |file: &ImportFile| {
            let shown = file.shown.clone()?;
            Some(ManifestFile { source: file.path.clone(), shown, text: file.text.clone() })
        };
        self.0.iter().filter_map(manifest).collect()
    }

    /// Returns the paths and the texts of the overlays.
    pub(super) fn overlay_texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let overlays = self.0.iter().filter(|file| file.shown.is_none());
        overlays.map(|file| (file.path.as_str(), file.text.as_str()))
    }

    /// Refuses manifests that `render` could not read, at their place in the input.
    pub(super) fn check(&self) -> Result<(), Vec<Diagnostic>> {
        let files = self.in_memory();
        // The lines are those of the new text, which does not exist.
        let of_input = |problem: Diagnostic| match problem.location.clone() {
            Some(location) => problem.at(Location::file(location.file)),
            None => problem,
        };
        read_manifests(&files).map(drop).map_err(|problems| problems.into_iter().map(of_input).collect())
    }

    /// Refuses files that exist, and links that lead outside. Nothing may be written before.
    pub(super) fn refuse_existing(&self, directory: &Path) -> Result<(), Failure> {
        for file in &self.0 {
            let path = path_in(directory, &file.path);
            refuse_link(directory, &path)?;
            if is_taken(&path) {
                return Err(Diagnostic::refusal("the file already exists")
                    .at(Location::file(path.display().to_string()))
                    .hint("remove it, or name another directory")
                    .into());
            }
        }
        let manifests = path_in(directory, MANIFESTS);
        if self.in_spec() == MANIFESTS && has_entries(&manifests) {
            return Err(Diagnostic::refusal(
                "the directory has files, which would become part of the workload",
            )
            .at(Location::file(manifests.display().to_string()))
            .hint("remove them, or name another directory")
            .into());
        }
        Ok(())
    }

    /// Writes the files.
    pub(super) fn write(&self, directory: &Path) -> Result<(), Failure> {
        for file in &self.0 {
            let path = path_in(directory, &file.path);
            let shown = path.display().to_string();
            if let Some(parent) = path.parent() {
                make_directory(parent)?;
            }
            write_new(&path, &shown, &file.text)?;
            terminal::styled(&Styled::created(&shown))?;
        }
        Ok(())
    }
}

fn path_in(directory: &Path, file: &str) -> PathBuf {
    directory.strip_prefix(".").unwrap_or(directory).join(file)
}

fn text(input: &Input, objects: &[&Value]) -> String {
    let objects: Vec<String> = objects.iter().map(|object| yaml::write_object(object)).collect();
    let is_path = input.flag == "--from" && input.name != STDIN_FILE;
    let from = if is_path { &input.name } else { &input.shown };
    format!(
        "# From {}, by `kubectl largescale init {}`. This file is yours.\n{}",
        in_comment(from),
        input.flag,
        objects.join("---\n")
    )
}

/// Returns a file name for an input that no other input has, on file systems without case, too.
fn unique_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let flat: String = name
        .chars()
        .map(|c| match c {
            '/' | '\\' => '-',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    let lower = flat.to_lowercase();
    // The manifests are YAML, whatever the input is.
    let ending = [".yaml", ".yml", ".json"].into_iter().find(|ending| lower.ends_with(ending));
    let stem = &flat[..flat.len() - ending.map_or(0, str::len)];
    let stem = if stem.is_empty() { "manifest" } else { stem };
    let ending = if ending == Some(".yml") { ".yml" } else { ".yaml" };
    let mut number = 1;
    loop {
        let name = if number == 1 { format!("{stem}{ending}") } else { format!("{stem}-{number}{ending}") };
        if taken.insert(name.to_lowercase()) {
            return name;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_unique() {
        let mut taken = BTreeSet::new();
        let mut name = |name: &str| unique_name(name, &mut taken);
        assert_eq!(name("a/web.yaml"), "a-web.yaml");
        assert_eq!(name("A-Web.yaml"), "A-Web-2.yaml");
        assert_eq!(name("dump.json"), "dump.yaml");
        assert_eq!(name("dump.yaml"), "dump-2.yaml");
        assert_eq!(name("web.yml"), "web.yml");
        assert_eq!(name("stdin"), "stdin.yaml");
        assert_eq!(name("web, prod.yaml"), "web, prod.yaml");
        assert_eq!(name("a\nb\u{1b}.yaml"), "a_b_.yaml");
        assert_eq!(name(".yaml"), "manifest.yaml");
        assert_eq!(name("İ.YAML"), "İ.yaml");
    }
}
