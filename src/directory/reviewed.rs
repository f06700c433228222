//! Reads the reviewed directory for the cluster; refuses it if it is incomplete.

use std::collections::BTreeMap;

use crate::core::kubernetes::names;
use crate::core::lock::Lock;
use crate::core::lock::file_names::app_of_rules;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::report::plural::first_of;
use crate::core::tree::objects;
use crate::core::tree::objects::Desired;
use crate::directory::files::read_text;
use crate::directory::{Project, Tree, parallel};

/// The reviewed objects.
#[derive(Debug)]
pub struct Reviewed {
    /// The objects, in order of their files.
    pub objects: Vec<Desired>,
    /// The digests of the files, by path below the output directory.
    pub digests: BTreeMap<String, String>,
    /// The lock that the tree was rendered with.
    pub lock: Lock,
    /// Warnings about the directory.
    pub warnings: Vec<Diagnostic>,
}

impl Reviewed {
    /// Reads the manifests of the output directory, rendered or not, as kubectl, Argo CD and Flux read them.
    /// Renders nothing. Refuses a directory that is empty or half written, because an apply would prune the missing
    /// objects.
    pub fn read(project: &Project) -> Checked<Self> {
        let output = project.output().display().to_string();
        let lock_path = project.lock_path().display().to_string();
        let Some(lock) = project.lock.clone() else {
            return Err(Diagnostic::refusal("lock file not found: nothing has been rendered yet")
                .at(Location::file(lock_path))
                .hint("run `kubectl largescale render` first, and review its output")
                .into());
        };
        if !lock.pending.is_empty() {
            return Err(Diagnostic::refusal(
                "the last render was interrupted: some files are old, some are new",
            )
            .at(Location::file(lock_path))
            .hint("run `kubectl largescale render` again to finish it")
            .into());
        }
        let tree = Tree::look(project, &[])?;
        let missing: Vec<&str> =
            lock.files.keys().filter(|path| !tree.known.contains_key(*path)).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(Diagnostic::refusal(format!(
                "{} of the rendered directory {} missing: {}",
                if missing.len() == 1 { "a file".to_owned() } else { format!("{} files", missing.len()) },
                if missing.len() == 1 { "is" } else { "are" },
                first_of(&missing)
            ))
            .at(Location::file(output))
            .hint("`kubectl largescale render` writes them again; to remove a pool, use `render --forget`")
            .into());
        }
        let (texts, warnings) = texts(tree, &lock, &output)?;
        let digests: BTreeMap<String, String> =
            texts.iter().map(|(path, text)| (path.clone(), names::digest(text.as_bytes()))).collect();
        let objects_in = texts.into_iter().filter(|(path, _)| app_of_rules(path).is_none()).collect();
        let read =
            parallel::map(objects_in, |(path, text)| objects::read_file(&format!("{output}/{path}"), &text));
        let mut objects = Vec::with_capacity(read.len());
        let mut problems = Vec::new();
        for file in read {
            match file {
                Ok(found) => objects.extend(found),
                Err(found) => problems.extend(found),
            }
        }
        if objects.is_empty() && problems.is_empty() {
            problems.push(Diagnostic::refusal("the rendered directory contains no objects").at(Location::file(output)).hint(
                "render first; to remove everything from the cluster, delete the objects with kubectl",
            ));
        }
        problems.extend(objects::duplicates(objects.iter().map(|object| (&object.key, &object.location))));
        if problems.is_empty() { Ok(Self { objects, digests, lock, warnings }) } else { Err(problems) }
    }
}

/// The path of a file relative to the output directory, and its content.
type Text = (String, String);

/// Returns the files in order of their names, and warnings about them.
fn texts(tree: Tree, lock: &Lock, output: &str) -> Checked<(Vec<Text>, Vec<Diagnostic>)> {
    let mut problems = Vec::new();
    let mut warnings = Vec::new();
    let mut texts = Vec::with_capacity(tree.known.len());
    let mut by_hand = Vec::new();
    for (path, bytes) in tree.known {
        if lock.files.get(&path).is_some_and(|digest| *digest != names::digest(&bytes)) {
            by_hand.push(path.clone());
        }
        match String::from_utf8(bytes) {
            Ok(text) => texts.push((path, text)),
            Err(_) => problems
                .push(Diagnostic::error("not valid UTF-8").at(Location::file(format!("{output}/{path}")))),
        }
    }
    if !by_hand.is_empty() {
        let names: Vec<&str> = by_hand.iter().map(String::as_str).collect();
        warnings.push(
            Diagnostic::warning(format!("changed by hand since the last render: {}", first_of(&names)))
                .at(Location::file(output))
                .hint("the next render would refuse to overwrite it; `kubectl largescale diff` shows the changes"),
        );
    }
    let (settings, foreign): (Vec<String>, Vec<String>) =
        tree.foreign.into_iter().partition(|path| is_kustomization(path));
    for path in &foreign {
        let shown = format!("{output}/{path}");
        match read_text(&std::path::Path::new(output).join(path), &shown) {
            Ok(text) => texts.push((path.clone(), text)),
            Err(problem) => problems.push(problem),
        }
    }
    if !foreign.is_empty() {
        let names: Vec<&str> = foreign.iter().map(String::as_str).collect();
        warnings.push(
            Diagnostic::warning(format!("not rendered, but applied: {}", first_of(&names)))
                .at(Location::file(output))
                .hint("like Argo CD and Flux, apply includes every manifest in the directory"),
        );
    }
    if let Some(path) = settings.first() {
        warnings.push(
            Diagnostic::warning("skipped: a kustomization is not an object of the cluster")
                .at(Location::file(format!("{output}/{path}"))),
        );
    }
    texts.sort_by(|a, b| a.0.cmp(&b.0));
    if problems.is_empty() { Ok((texts, warnings)) } else { Err(problems) }
}

fn is_kustomization(path: &str) -> bool {
    ["kustomization.yaml", "kustomization.yml"].contains(&path)
}
