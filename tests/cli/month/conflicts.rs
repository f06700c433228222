//! How the user resolves conflicts of git, before the render.

use std::collections::{BTreeMap, BTreeSet};

use crate::month::desk::Outcome;
use crate::month::files::{App, manifests};
use crate::month::life::Life;
use crate::month::repository::index;

/// An operation that can stop with conflicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Merge,
    Rebase,
    CherryPick,
    Revert,
    Stash,
}

/// What the user does with the conflict in a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Leaves it to the render.
    Leave,
    /// Takes one of both before the render.
    Take(&'static str),
    /// Takes one of both, and commits before the render.
    Blind,
}

impl Operation {
    pub fn finish(self) -> &'static str {
        match self {
            Self::Merge => "git commit -q --allow-empty -m merged",
            Self::Rebase => "git rebase --continue",
            Self::CherryPick => "git cherry-pick --continue || git cherry-pick --skip",
            Self::Revert => "git revert --continue || git revert --skip",
            Self::Stash => "git stash drop -q",
        }
    }

    fn abort(self) -> &'static str {
        match self {
            Self::Merge => "git merge --abort",
            Self::Rebase => "git rebase --abort",
            Self::CherryPick => "git cherry-pick --abort || git cherry-pick --skip",
            Self::Revert => "git revert --abort || git revert --skip",
            Self::Stash => "git reset -q --hard; git stash drop -q",
        }
    }
}

/// Returns what `git status` prints for the stages of a path with a conflict; `None` without one.
fn state_of(stages: &BTreeSet<u8>) -> Option<&'static str> {
    Some(match stages.iter().copied().collect::<Vec<u8>>()[..] {
        [1, 2, 3] => "UU",
        [2, 3] => "AA",
        [1, 2] => "UD",
        [1, 3] => "DU",
        [1] => "DD",
        [2] => "AU",
        [3] => "UA",
        _ => return None,
    })
}

impl Life {
    /// Resolves conflicts in specs and manifests, and perhaps in locks. Returns `false` if the user gave up.
    pub fn resolve(&mut self, operation: Operation) -> Outcome<bool> {
        let conflicts: Vec<(&'static str, String)> = index(&self.desk.root())?
            .into_iter()
            .filter_map(|(path, stages)| Some((state_of(&stages)?, path)))
            .collect();
        self.way = match self.desk.below(5) {
            0 | 1 => Way::Leave,
            2 => Way::Take("--ours"),
            3 => Way::Take("--theirs"),
            _ => Way::Blind,
        };
        if conflicts.is_empty() {
            return self.give_up(operation, "without a conflict");
        }
        let mut taken: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut added = Vec::new();
        for (state, path) in conflicts {
            let is_rendered = path.contains("/service-");
            let is_lock = path.ends_with(".lock");
            if is_rendered && self.way != Way::Blind {
                continue;
            }
            if is_rendered && !matches!(state, "UU" | "AA") {
                // Keep the file, whichever branch has it.
                continue;
            }
            if !is_rendered && state != "UU" {
                return self.give_up(operation, state);
            }
            let side = self.desk.pick(&["--ours", "--theirs"]).unwrap();
            let side = match self.way {
                Way::Leave if is_lock => continue,
                Way::Take(side) if is_lock => side,
                _ => side,
            };
            taken.entry(side).or_default().push(path.clone());
            if !is_lock {
                added.push(path);
            }
        }
        for (side, paths) in taken {
            self.desk.must(&format!("git checkout -q {side} -- {}", paths.join(" ")))?;
        }
        if !added.is_empty() {
            self.desk.must(&format!("git add {}", added.join(" ")))?;
        }
        if !self.has_all_manifests() {
            return self.give_up(operation, "manifests of the other branch");
        }
        self.desk.count(format!("conflict: {operation:?}, {:?}", self.way));
        Ok(true)
    }

    /// Whether every spec has its manifests.
    pub fn has_all_manifests(&self) -> bool {
        self.apps().iter().all(|app| self.has_manifests(app))
    }

    /// Whether the manifests that a spec lists exist and are of their Services: each branch may have moved others, and git may take
    /// a new manifest for one that was renamed. Then it can write markers into the file without reporting a conflict.
    fn has_manifests(&self, app: &App) -> bool {
        let text = self.desk.read(&app.spec).unwrap_or_default();
        let is_right = |name: &String| {
            let text = self.desk.read(&format!("{}/{name}", app.directory)).unwrap_or_default();
            text.contains(&format!("  name: {}\n", name.trim_end_matches(".yaml")))
                && !text.contains("<<<<<<<")
        };
        manifests(&text).iter().all(is_right)
    }

    fn give_up(&mut self, operation: Operation, why: &str) -> Outcome<bool> {
        self.desk.count(format!("abandoned: {operation:?} {why}"));
        // An operation that changes nothing may have ended by itself.
        let _ = self.desk.shell("", operation.abort());
        let is_clean = self.desk.must("git status --porcelain")?.is_empty();
        if is_clean { Ok(false) } else { Err(format!("{operation:?} cannot be abandoned")) }
    }
}
