//! Searches the locks of all commits.

use std::collections::BTreeSet;

use crate::core::report::diagnostic::Diagnostic;
use crate::directory::git::Repository;
use crate::directory::git::command::{GitAccess, git};

impl Repository {
    /// Returns those of these digests that a lock of any commit had, also one that only the reflog knows.
    pub(in crate::directory) fn in_any_lock(
        &self,
        digests: &BTreeSet<&str>,
    ) -> Result<BTreeSet<String>, Diagnostic> {
        if digests.is_empty() {
            return Ok(BTreeSet::new());
        }
        let either: Vec<&str> = digests.iter().copied().collect();
        let searched = format!("-G{}", either.join("|"));
        let asked = [
            "log",
            "--all",
            "--reflog",
            "-m",
            "--patch",
            "--unified=0",
            // The configuration can name programs for signatures and for differences.
            "--no-show-signature",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            "--no-color",
            "--format=",
            searched.as_str(),
            "--",
            ":(top,glob)**/*.lock",
        ];
        let answer = git(self.root(), self.options(GitAccess::ReadOnly), &asked, &[]);
        let answer = answer.map_err(|failed| failed.at("log"))?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let words = answer.split_whitespace().filter(|word| digests.contains(word));
        Ok(words.map(str::to_owned).collect())
    }
}
