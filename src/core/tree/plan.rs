//! What a render would do to the directory: compared by digests, decided before anything is touched.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::core::kubernetes::names;
use crate::core::lock::Lock;
use crate::core::manifest::Key;
use crate::core::render::{POOL_LABEL, RenderedFile};
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::yaml;

/// Whether files that a hand has changed may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// They are refused.
    Never,
    /// The user said `--overwrite`.
    Allowed,
}

/// What happens to one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Created,
    /// Its content changes.
    Changed,
    /// It goes.
    Removed,
    /// It stays as it is, and is not written.
    Unchanged,
}

impl Action {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// One file of the old tree or the new.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its path below the output directory.
    pub path: String,
    /// What happens to it.
    pub action: Action,
    /// The object in it, where it is rendered.
    pub key: Option<Key>,
    /// The pool that it is for.
    pub pool: Option<String>,
}

/// What a render would do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In order of the paths.
    pub steps: Vec<Step>,
    /// Files and digests of the new tree, for the lock.
    pub files: BTreeMap<String, String>,
}

impl Plan {
    /// How many files have this action.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// Names what is removed by what it held, and its pool, as far as that can be read.
    pub fn name_removed(&mut self, before: &BTreeMap<String, Vec<u8>>) {
        for step in self.steps.iter_mut().filter(|step| step.action == Action::Removed) {
            let text = before.get(&step.path).map(|bytes| String::from_utf8_lossy(bytes));
            let Some(Ok(document)) = text.map(|text| yaml::read_one(&step.path, &text)) else { continue };
            let pool = document.value["metadata"]["labels"][POOL_LABEL].as_str();
            step.pool = pool.filter(|_| document.value["kind"] == "Service").map(str::to_owned);
            step.key = Some(Key::of(&document.value));
        }
    }

    /// Whether anything would be written or removed.
    pub fn changes_anything(&self) -> bool {
        self.steps.iter().any(|step| step.action != Action::Unchanged)
    }
}

/// Decides. `on_disk` has the digest of every file of the output directory that the new tree or the lock names;
/// `output` is its path for messages. Two objects in one file are an error: one of them would be lost.
pub fn plan(
    rendered: &[RenderedFile],
    lock: Option<&Lock>,
    on_disk: &BTreeMap<String, String>,
    output: &str,
    overwrite: Overwrite,
) -> Checked<Plan> {
    let mut problems = one_file_for_two(rendered, output);
    let mut plan = Plan::default();
    let ours = |path: &str, digest: &str| {
        lock.is_some_and(|lock| {
            [&lock.files, &lock.pending]
                .iter()
                .any(|files| files.get(path).is_some_and(|known| known == digest))
        })
    };
    let named = |path: &str| {
        lock.is_some_and(|lock| lock.files.contains_key(path) || lock.pending.contains_key(path))
    };
    for file in rendered {
        let new = names::digest(file.text.as_bytes());
        let action = match on_disk.get(&file.path) {
            None => Action::Created,
            Some(old) if *old == new => Action::Unchanged,
            Some(old) => {
                if !ours(&file.path, old) && overwrite == Overwrite::Never {
                    problems.push(if named(&file.path) {
                        by_hand(output, &file.path)
                    } else {
                        foreign(output, &file.path)
                    });
                }
                Action::Changed
            }
        };
        plan.files.insert(file.path.clone(), new);
        plan.steps.push(Step {
            path: file.path.clone(),
            action,
            key: Some(file.key.clone()),
            pool: file.pool.clone(),
        });
    }
    let old: BTreeSet<&String> =
        lock.into_iter().flat_map(|lock| lock.files.keys().chain(lock.pending.keys())).collect();
    for path in old.into_iter().filter(|path| !plan.files.contains_key(*path)) {
        let Some(digest) = on_disk.get(path) else { continue };
        if !ours(path, digest) && overwrite == Overwrite::Never {
            problems.push(by_hand(output, path));
        }
        plan.steps.push(Step { path: path.clone(), action: Action::Removed, key: None, pool: None });
    }
    plan.steps.sort_by(|a, b| a.path.cmp(&b.path));
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// Objects whose paths are equal, on file systems that fold case as well.
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

fn by_hand(output: &str, path: &str) -> Diagnostic {
    Diagnostic::refusal("the file was changed by hand, and would be lost")
        .at(Location::file(format!("{output}/{path}")))
        .hint("put the change into the manifests or an overlay; `git diff` shows it, --overwrite drops it")
}

fn foreign(output: &str, path: &str) -> Diagnostic {
    Diagnostic::refusal("the file is not one of kubectl largescale's, and would be overwritten")
        .at(Location::file(format!("{output}/{path}")))
        .hint("move it away, choose another `spec.output`, or say --overwrite")
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

    /// New tree a=1; what the lock says, what was pending, and what is on disk decide.
    #[track_caller]
    fn check(files: &[(&str, &str)], pending: &[(&str, &str)], on_disk: &[(&str, &str)], expected: &str) {
        let lock = Lock { files: digests(files), pending: digests(pending), ..Lock::default() };
        let said = match plan(&[file("a", "1")], Some(&lock), &digests(on_disk), "out", Overwrite::Never) {
            Ok(plan) => plan
                .steps
                .iter()
                .map(|s| format!("{} {}", s.path, s.action.word()))
                .collect::<Vec<_>>()
                .join(", "),
            Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        assert_eq!(said, expected);
        assert!(plan(&[file("a", "1")], Some(&lock), &digests(on_disk), "out", Overwrite::Allowed).is_ok());
    }

    #[test]
    fn each_case() {
        check(&[], &[], &[], "a created");
        check(&[("a", "1")], &[], &[("a", "1")], "a unchanged");
        check(&[("a", "0")], &[], &[("a", "0")], "a changed");
        check(&[("a", "0")], &[], &[], "a created");
        check(&[("a", "1"), ("b", "1")], &[], &[("a", "1"), ("b", "1")], "a unchanged, b removed");
        check(&[("a", "1"), ("b", "1")], &[], &[("a", "1")], "a unchanged");
        check(&[("a", "0")], &[], &[("a", "hand")], "out/a: the file was changed by hand, and would be lost");
        check(&[("b", "0")], &[], &[("b", "hand")], "out/b: the file was changed by hand, and would be lost");
        check(
            &[],
            &[],
            &[("a", "theirs")],
            "out/a: the file is not one of kubectl largescale's, and would be overwritten",
        );
        check(&[], &[], &[("a", "1")], "a unchanged");
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
    fn a_killed_run_left_either_content() {
        check(&[("a", "0")], &[("a", "2")], &[("a", "0")], "a changed");
        check(&[("a", "0")], &[("a", "2")], &[("a", "2")], "a changed");
        check(&[], &[("a", "2"), ("b", "2")], &[("a", "2"), ("b", "2")], "a changed, b removed");
        check(
            &[("a", "0")],
            &[("a", "2")],
            &[("a", "hand")],
            "out/a: the file was changed by hand, and would be lost",
        );
    }
}
