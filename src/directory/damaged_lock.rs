//! How a lock that cannot be read is restored.

use std::path::Path;

use crate::core::lock::{FROM_BACKUP, Lock};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::shell_quote;
use crate::directory::git::Repository;

/// Names the command of git that restores a damaged lock, if the last commit has a lock that can be read.
pub(super) fn name_git(problem: Diagnostic, path: &Path) -> Diagnostic {
    let is_lost = |hint: &&String| hint.contains(FROM_BACKUP);
    let Some(hint) = problem.hint.as_ref().filter(is_lost) else { return problem };
    let committed = || {
        let directory = path.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let content = Repository::around(directory).ok()??.committed(path).ok()??;
        Lock::read("", std::str::from_utf8(&content).ok()?).ok()
    };
    if committed().is_none() {
        return problem;
    }
    let command = format!("from git (`git checkout HEAD -- {}`)", shell_quote::path(path));
    let hint = hint.replace(FROM_BACKUP, &command);
    problem.hint(hint)
}
