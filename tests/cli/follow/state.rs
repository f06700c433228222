//! What no hint may lose: the files of Services, and the pools of locks.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use largescale::core::lock::Lock;

use crate::environment::walk;
use crate::follow::hints::Problem;

/// Words of a hint or a problem that say that something is removed.
const REMOVAL: [&str; 8] =
    ["remov", "delete", "forget", "exclude", "discard", "move", "without it", "does not exist"];

/// The files and the pools of a directory.
#[derive(Clone, Debug, Default)]
pub struct State {
    services: BTreeSet<String>,
    pools: BTreeSet<String>,
}

impl State {
    pub fn of(directory: &Path) -> Self {
        let mut state = Self::default();
        walk(directory, &mut |path| {
            let shown = path.strip_prefix(directory).unwrap().display().to_string();
            if shown.starts_with(".git/") || path.is_symlink() {
                return;
            }
            let Ok(text) = fs::read_to_string(path) else { return };
            if text.starts_with("# Made by kubectl largescale") && text.contains("\nkind: Service\n") {
                state.services.insert(shown.clone());
            }
            if shown.ends_with(".lock") {
                let lock = Lock::read(&shown, &text).unwrap_or_default();
                state.pools.extend(lock.pools.into_keys());
            }
        });
        state
    }

    /// Returns what the other state lacks, if the problem does not name it and does not say that it removes something.
    pub fn lost(&self, after: &Self, problem: &Problem) -> Option<String> {
        let text = format!("{} {}", problem.message, problem.hint);
        if REMOVAL.iter().any(|word| text.contains(word)) {
            return None;
        }
        let is_named = |name: &&String| text.contains(name.as_str());
        if let Some(file) = self.services.difference(&after.services).find(|file| !is_named(file)) {
            return Some(file.clone());
        }
        let lost = self.pools.difference(&after.pools).find(|pool| !is_named(pool));
        lost.map(|pool| format!("pool {pool}"))
    }
}
