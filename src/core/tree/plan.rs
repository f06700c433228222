//! Plans what a render changes in the directory. It compares digests before any file is changed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::core::kubernetes::names;
use crate::core::lock::Lock;
use crate::core::lock::file_names::app_of_rules;
use crate::core::manifest::Key;
use crate::core::render::{RenderedFile, key_of_rules, pool_of};
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::report::shell_quote;
use crate::core::tree::conflicted::{is_made, sides};
use crate::core::yaml;

/// Whether files that were edited by hand may be overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Refuse.
    Never,
    /// Overwrite, because the user passed `--overwrite`.
    Allowed,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The file is new.
    Created,
    /// The content changes.
    Changed,
    /// The file is removed.
    Removed,
    /// The file is not written.
    Unchanged,
}

impl Action {
    /// Returns the name of the action.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// One file of the old or the new directory.
#[derive(Clone, Debug)]
pub struct Step {
    /// The path below the output directory.
    pub path: String,
    /// What happens to the file.
    pub action: Action,
    /// The object in it; for a removed file see [`Plan::name_removed`].
    pub key: Option<Key>,
    /// The pool.
    pub pool: Option<String>,
}

/// The changes that a render would make.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The files, sorted by path.
    pub steps: Vec<Step>,
    /// The digests of the new files, for the lock.
    pub files: BTreeMap<String, String>,
}

impl Plan {
    /// Returns the number of files with this action.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// Sets the key and the pool of removed files from their old content, if it can be read.
    pub fn name_removed(&mut self, before: &BTreeMap<String, Vec<u8>>) {
        for step in self.steps.iter_mut().filter(|step| step.action == Action::Removed) {
            if let Some(app) = app_of_rules(&step.path) {
                step.key = Some(key_of_rules(app));
                continue;
            }
            let text = before.get(&step.path).map(|bytes| String::from_utf8_lossy(bytes));
            let Some(Ok(document)) = text.map(|text| yaml::read_one(&step.path, &text)) else { continue };
            let pool = pool_of(&document.value);
            step.pool = pool
                .filter(|_| document.value["kind"] == "Service" || document.value["kind"] == "Gateway")
                .map(str::to_owned);
            step.key = Some(Key::of(&document.value));
        }
    }

    /// Refuses to remove or to replace files without the header of this program, whatever the lock says about them. `known`
    /// holds the current files; `output` is their directory in messages.
    pub fn refuse_foreign(
        &self,
        known: &BTreeMap<String, Vec<u8>>,
        output: &str,
        overwrite: Overwrite,
    ) -> Vec<Diagnostic> {
        let is_foreign = |step: &&Step| known.get(&step.path).is_some_and(|content| !is_made(content));
        let refused = self.steps.iter().filter(is_foreign).filter_map(|step| match (step.action, overwrite) {
            (Action::Removed, _) => Some(
                Diagnostic::refusal(
                    "the lock lists the file, but it lacks the header of kubectl largescale, so it would not be removed",
                )
                .at(Location::file(format!("{output}/{}", step.path)))
                .hint("move the file to another directory, or remove it, then render"),
            ),
            (Action::Changed, Overwrite::Never) => Some(foreign(output, &step.path)),
            _ => None,
        });
        refused.collect()
    }

    /// Whether any file would be written or removed.
    pub fn changes_anything(&self) -> bool {
        self.steps.iter().any(|step| step.action != Action::Unchanged)
    }
}

/// Plans the changes. `on_disk` holds the content of every file in the output directory that is rendered or in the lock;
/// `output` is the path in messages. Two objects with the same file are an error, because one of them would be lost.
pub fn plan(
    rendered: &[RenderedFile],
    lock: Option<&Lock>,
    on_disk: &BTreeMap<String, Vec<u8>>,
    output: &str,
    overwrite: Overwrite,
) -> Checked<Plan> {
    let mut problems = one_file_for_two(rendered, output);
    let mut plan = Plan::default();
    let has =
        |path: &str, content: &[u8]| lock.is_some_and(|lock| lock.has_digest(path, &names::digest(content)));
    // Nothing is lost if the program wrote both texts between conflict markers.
    let ours = |path: &str, content: &[u8], new: Option<&str>| {
        let is_known = |side: &String| has(path, side.as_bytes()) || new == Some(side.as_str());
        has(path, content) || sides(content).is_some_and(|sides| sides.iter().all(is_known))
    };
    let named = |path: &str| {
        let is_accepted = |lock: &Lock| lock.accepted.iter().any(|files| files.contains_key(path));
        lock.is_some_and(|lock| lock.has_path(path) || is_accepted(lock))
    };
    for file in rendered {
        let action = match on_disk.get(&file.path) {
            None => Action::Created,
            Some(old) if old == file.text.as_bytes() => Action::Unchanged,
            Some(old) => {
                if !ours(&file.path, old, Some(&file.text)) && overwrite == Overwrite::Never {
                    problems.push(if named(&file.path) {
                        edited(output, &file.path, old)
                    } else if sides(old).is_some() && is_made(old) {
                        with_markers(output, &file.path)
                    } else {
                        foreign(output, &file.path)
                    });
                }
                Action::Changed
            }
        };
        plan.files.insert(file.path.clone(), names::digest(file.text.as_bytes()));
        plan.steps.push(Step {
            path: file.path.clone(),
            action,
            key: Some(file.key.clone()),
            pool: file.pool.clone(),
        });
    }
    for path in lock.into_iter().flat_map(Lock::paths).filter(|path| !plan.files.contains_key(*path)) {
        let Some(content) = on_disk.get(path) else { continue };
        if !ours(path, content, None) && overwrite == Overwrite::Never {
            problems.push(edited(output, path, content));
        }
        plan.steps.push(Step { path: path.clone(), action: Action::Removed, key: None, pool: None });
    }
    plan.steps.sort_by(|a, b| a.path.cmp(&b.path));
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// Reports objects with the same path, also on file systems that fold case.
fn one_file_for_two(rendered: &[RenderedFile], output: &str) -> Vec<Diagnostic> {
    let mut seen: HashMap<String, &Key> = HashMap::with_capacity(rendered.len());
    let mut problems = Vec::new();
    let with_group = |key: &Key| match key.group.as_str() {
        "" => key.to_string(),
        group => format!("{key} ({group})"),
    };
    for file in rendered {
        let Some(first) = seen.insert(file.path.to_lowercase(), &file.key) else { continue };
        let (first, second) = (with_group(first), with_group(&file.key));
        problems.push(
            Diagnostic::error(format!("{first} and {second} would be written to the same file"))
                .at(Location::file(format!("{output}/{}", file.path)))
                .hint("rename one of them"),
        );
    }
    problems
}

/// Reports a file of the lock with a content that no render wrote.
fn edited(output: &str, path: &str, content: &[u8]) -> Diagnostic {
    if sides(content).is_some() { with_markers(output, path) } else { by_hand(output, path) }
}

fn with_markers(output: &str, path: &str) -> Diagnostic {
    let file = format!("{output}/{path}");
    let command = format!("rm {}", shell_quote::path(Path::new(&file)));
    Diagnostic::refusal(
        "the file has merge conflict markers, and not every text between them is that of a render",
    )
    .at(Location::file(file))
    .hint(format!(
        "move an edit of yours to the manifests or an overlay; then `{command}`, and the next render writes the file again"
    ))
}

fn by_hand(output: &str, path: &str) -> Diagnostic {
    Diagnostic::refusal("the file was edited by hand, and the edit would be lost")
        .at(Location::file(format!("{output}/{path}")))
        .hint("move the edit (`kubectl largescale diff` shows it) to the manifests or an overlay, or discard it with `kubectl largescale render --overwrite`")
}

fn foreign(output: &str, path: &str) -> Diagnostic {
    Diagnostic::refusal("the file was not created by kubectl largescale, and would be overwritten")
        .at(Location::file(format!("{output}/{path}")))
        .hint("move the file, choose another `spec.output`, or use --overwrite")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> RenderedFile {
        let key = Key {
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            namespace: String::new(),
            name: path.to_owned(),
        };
        RenderedFile { path: path.to_owned(), key, pool: None, text: text.to_owned() }
    }

    fn digests(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(path, text)| ((*path).to_owned(), names::digest(text.as_bytes()))).collect()
    }

    fn contents(files: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_owned())).collect()
    }

    /// Plans a directory with `a=1` against the lock, its pending files and the files on disk.
    #[track_caller]
    fn check(files: &[(&str, &str)], pending: &[(&str, &str)], on_disk: &[(&str, &str)], expected: &str) {
        let lock = Lock { files: digests(files), pending: digests(pending), ..Lock::default() };
        let found = match plan(&[file("a", "1")], Some(&lock), &contents(on_disk), "out", Overwrite::Never) {
            Ok(plan) => plan
                .steps
                .iter()
                .map(|s| format!("{} {}", s.path, s.action.word()))
                .collect::<Vec<_>>()
                .join(", "),
            Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        assert_eq!(found, expected);
        assert!(plan(&[file("a", "1")], Some(&lock), &contents(on_disk), "out", Overwrite::Allowed).is_ok());
    }

    #[test]
    fn lock_and_disk_decide_the_action() {
        check(&[], &[], &[], "a created");
        check(&[("a", "1")], &[], &[("a", "1")], "a unchanged");
        check(&[("a", "0")], &[], &[("a", "0")], "a changed");
        check(&[("a", "0")], &[], &[], "a created");
        check(&[("a", "1"), ("b", "1")], &[], &[("a", "1"), ("b", "1")], "a unchanged, b removed");
        check(&[("a", "1"), ("b", "1")], &[], &[("a", "1")], "a unchanged");
        check(
            &[("a", "0")],
            &[],
            &[("a", "hand")],
            "out/a: the file was edited by hand, and the edit would be lost",
        );
        check(
            &[("b", "0")],
            &[],
            &[("b", "hand")],
            "out/b: the file was edited by hand, and the edit would be lost",
        );
        check(
            &[],
            &[],
            &[("a", "theirs")],
            "out/a: the file was not created by kubectl largescale, and would be overwritten",
        );
        check(&[], &[], &[("a", "1")], "a unchanged");
    }

    #[test]
    fn files_without_the_header_are_not_removed_whatever_the_lock_says() {
        let ours = "# Made by kubectl largescale from x.yaml. Do not edit: change that file or an overlay, then render.\n";
        let removed = "out/b: the lock lists the file, but it lacks the header of kubectl largescale, so it would not be removed";
        let replaced = "out/a: the file was not created by kubectl largescale, and would be overwritten";
        for (a, b, never, allowed) in [
            (ours, ours, vec![], vec![]),
            (ours, "user", vec![removed], vec![removed]),
            ("user", ours, vec![replaced], vec![]),
            ("user", "user", vec![replaced, removed], vec![removed]),
        ] {
            let on_disk = [("a", a), ("b", b)];
            let lock = Lock { files: digests(&on_disk), ..Lock::default() };
            let known = contents(&on_disk);
            for (overwrite, expected) in [(Overwrite::Never, never), (Overwrite::Allowed, allowed)] {
                let plan = plan(&[file("a", "1")], Some(&lock), &known, "out", overwrite).unwrap();
                let found = plan.refuse_foreign(&known, "out", overwrite);
                assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn committed_conflict_markers_between_rendered_texts_are_no_edit() {
        let refused =
            "out/a: the file has merge conflict markers, and not every text between them is that of a render";
        let both = |ours: &str, theirs: &str| format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> b\n");
        for (ours, theirs, expected) in [
            ("1\n", "2\n", "a changed"),
            ("2\n", "new\n", "a changed"),
            ("1\n", "hand\n", refused),
            ("hand\n", "1\n", refused),
        ] {
            let on_disk = both(ours, theirs);
            let lock = Lock {
                files: digests(&[("a", "1\n")]),
                sides: vec![digests(&[("a", "2\n")])],
                ..Lock::default()
            };
            let disk = contents(&[("a", &on_disk)]);
            let found = plan(&[file("a", "new\n")], Some(&lock), &disk, "out", Overwrite::Never);
            let found = match found {
                Ok(plan) => format!("a {}", plan.steps[0].action.word()),
                Err(problems) => problems[0].to_string(),
            };
            assert_eq!(found, expected, "{ours}{theirs}");
        }
    }

    #[test]
    fn two_objects_in_one_file_are_an_error() {
        let mut second = file("A", "2");
        second.key.group = "example.com".to_owned();
        let files = [file("a", "1"), second, file("b", "3")];
        for overwrite in [Overwrite::Never, Overwrite::Allowed] {
            let problems = plan(&files, None, &BTreeMap::new(), "out", overwrite).unwrap_err();
            assert_eq!(
                problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
                ["out/A: configmap/a and configmap/A (example.com) would be written to the same file"]
            );
        }
    }

    #[test]
    fn after_a_killed_run_old_and_new_content_are_accepted() {
        check(&[("a", "0")], &[("a", "2")], &[("a", "0")], "a changed");
        check(&[("a", "0")], &[("a", "2")], &[("a", "2")], "a changed");
        check(&[], &[("a", "2"), ("b", "2")], &[("a", "2"), ("b", "2")], "a changed, b removed");
        check(
            &[("a", "0")],
            &[("a", "2")],
            &[("a", "hand")],
            "out/a: the file was edited by hand, and the edit would be lost",
        );
    }
}
