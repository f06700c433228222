//! Operations of git that join branches.

use crate::month::conflicts::{Operation, Way};
use crate::month::desk::Outcome;
use crate::month::known::{Known, join};
use crate::month::life::Life;
use crate::month::repository::Branches;

type Done = Outcome<Option<()>>;

impl Life {
    fn branches(&self) -> Branches {
        Branches::of(&self.desk.root())
    }

    fn other(&mut self) -> Option<String> {
        let others = self.branches().others;
        self.desk.pick(&others)
    }

    pub fn branch(&mut self) -> Done {
        if self.branches().others.len() > 3 {
            let Some(old) = self.other() else { return Ok(None) };
            if old != "main" {
                self.desk.must(&format!("git branch -q -D {old}"))?;
            }
        }
        let name = format!("b{}", self.next());
        self.desk.must(&format!("git switch -qc {name}"))?;
        Ok(Some(()))
    }

    pub fn switch(&mut self) -> Done {
        let Some(other) = self.other() else { return Ok(None) };
        self.desk.must(&format!("git switch -q {other}"))?;
        self.known = self.known_at("HEAD")?;
        self.settled("nodes of today")
    }

    /// Changes this branch and another one.
    fn diverge(&mut self, other: &str) -> Outcome {
        if self.desk.one_in(3) {
            return Ok(());
        }
        let here = self.branches().current;
        let is_joining = std::mem::replace(&mut self.is_joining, false);
        for branch in [other, &here] {
            self.desk.must(&format!("git switch -q {branch}"))?;
            self.known = self.known_at("HEAD")?;
            for _ in 0..=self.desk.below(2) {
                self.desk.count("done: on a branch of a join".to_owned());
                match self.desk.below(9) {
                    0..=2 => self.change_port()?,
                    3 | 4 => self.add_pool()?,
                    5 => self.empty_pool()?,
                    6 => self.forget_pool()?,
                    7 => self.add_service()?,
                    _ => self.return_pool()?,
                };
            }
        }
        // Nothing may have changed here, and the nodes of today are not rendered.
        self.known = self.known_at("HEAD")?;
        self.settled("nodes of today")?;
        self.is_joining = is_joining;
        Ok(())
    }

    pub fn merge(&mut self) -> Done {
        let Some(other) = self.other() else { return Ok(None) };
        self.diverge(&other)?;
        let bases = self.desk.must(&format!("git merge-base --all HEAD {other}"))?;
        // With several bases, git makes one of them that no lock was ever in.
        if bases.lines().count() != 1 {
            return Ok(None);
        }
        let (base, theirs) = (self.known_at(bases.trim())?, self.known_at(&other)?);
        self.joined(&base, &theirs);
        let said = self.desk.shell("", &format!("git merge -q --no-edit {other}"));
        self.after(Operation::Merge, said.is_ok())
    }

    /// Sets the model to the join with another branch. A wrong way may keep what one of them removed.
    fn joined(&mut self, base: &Known, theirs: &Known) {
        self.allowed = self.known.union(theirs).cloned().collect();
        self.known = join(base, &self.known, theirs);
    }

    pub fn rebase(&mut self) -> Done {
        let Some(other) = self.other() else { return Ok(None) };
        self.diverge(&other)?;
        // Each line is a commit and its parents.
        let commits = self.desk.must(&format!("git rev-list --reverse --parents {other}..HEAD"))?;
        if commits.lines().count() > 4 || commits.lines().any(|line| line.split(' ').count() != 2) {
            return Ok(None);
        }
        let mut known = self.known_at(&other)?;
        let mut allowed = known.clone();
        for commit in commits.lines().filter_map(|line| line.split(' ').next()) {
            let (base, theirs) = (self.known_at(&format!("{commit}^"))?, self.known_at(commit)?);
            known = join(&base, &known, &theirs);
            allowed.extend(theirs);
        }
        let before = std::mem::replace(&mut self.known, known);
        self.allowed = allowed;
        let said = self.desk.shell("", &format!("git rebase -q {other}"));
        if said.is_ok() {
            return self.settled("after a rebase");
        }
        for _ in 0..6 {
            if !self.resolve(Operation::Rebase)? {
                self.known = before;
                return self.settled("nodes of today");
            }
            // The model is that of the end; a stop in the middle has less.
            let end = self.known.clone();
            let allowed = self.allowed.clone();
            self.known = self.known_at_stop()?;
            self.settle()?;
            (self.known, self.allowed) = (end, allowed);
            self.desk.must("git add -A")?;
            let picked = self.desk.read(".git/REBASE_HEAD");
            let said = self.desk.shell("", "git rebase --continue");
            // The next commit may have a conflict, too; it must not be skipped.
            if !said.is_ok() && self.desk.read(".git/REBASE_HEAD") == picked {
                let _ = self.desk.shell("", "git rebase --skip");
            }
            if !self.desk.exists(".git/rebase-merge") {
                return self.settled("after a rebase");
            }
        }
        Err("the rebase does not end".to_owned())
    }

    /// Returns what the locks must know while git has picked a commit.
    fn known_at_stop(&mut self) -> Outcome<Known> {
        let ours = self.known_at("HEAD")?;
        let (base, theirs) = (self.known_at("REBASE_HEAD^")?, self.known_at("REBASE_HEAD")?);
        self.allowed.extend(ours.iter().cloned());
        Ok(join(&base, &ours, &theirs))
    }

    pub fn cherry_pick(&mut self) -> Done {
        let Some(other) = self.other() else { return Ok(None) };
        self.diverge(&other)?;
        let commits = self.desk.must(&format!("git rev-list --no-merges -4 HEAD..{other}"))?;
        let commits: Vec<&str> = commits.lines().collect();
        let Some(commit) = self.desk.pick(&commits) else { return Ok(None) };
        let (base, theirs) = (self.known_at(&format!("{commit}^"))?, self.known_at(commit)?);
        self.joined(&base, &theirs);
        let said = self.desk.shell("", &format!("git cherry-pick {commit}"));
        self.after(Operation::CherryPick, said.is_ok())
    }

    pub fn revert(&mut self) -> Done {
        let commits = self.desk.must("git rev-list --no-merges --min-parents=1 -4 HEAD")?;
        let commits: Vec<&str> = commits.lines().collect();
        let Some(commit) = self.desk.pick(&commits) else { return Ok(None) };
        let (base, theirs) = (self.known_at(commit)?, self.known_at(&format!("{commit}^"))?);
        let before = self.known.clone();
        self.joined(&base, &theirs);
        // Before the render after a merge, the lock was that of one branch: it may have pools that the other one removed.
        if self.desk.must(&format!("git log -1 --format=%s {commit}"))?.trim() == "render-after-the-merge" {
            self.known.retain(|pair| before.contains(pair));
        }
        let said = self.desk.shell("", &format!("git revert --no-edit {commit}"));
        self.after(Operation::Revert, said.is_ok())
    }

    /// Puts a change aside, makes another one, and brings the first one back.
    pub fn stash(&mut self) -> Done {
        let app = self.some_app()?;
        let services: Vec<String> = app.services.keys().cloned().collect();
        let Some(service) = self.desk.pick(&services) else { return Ok(None) };
        let base = self.known.clone();
        let unused: Vec<&str> =
            crate::month::life::POOLS.into_iter().filter(|pool| !self.alive().contains(*pool)).collect();
        let Some(pool) = self.desk.pick(&unused) else { return Ok(None) };
        self.nodes.add(pool);
        self.write_nodes();
        self.settle()?;
        let theirs = self.known.clone();
        self.desk.must("git add -A && git stash -q")?;
        let is_stashed = !self.desk.must("git stash list")?.is_empty();
        self.nodes.remove(pool);
        self.write_nodes();
        if !is_stashed {
            // The pool was known, and only its nodes came back.
            return Ok(None);
        }
        self.known.clone_from(&base);
        self.set_port(&app, &service);
        self.settled("meanwhile")?;
        self.joined(&base, &theirs);
        let said = self.desk.shell("", "git stash pop -q");
        self.after(Operation::Stash, said.is_ok())
    }

    /// Ends an operation of git, with or without a conflict.
    fn after(&mut self, operation: Operation, is_clean: bool) -> Done {
        if is_clean && operation != Operation::Stash && !self.has_all_manifests() {
            // A branch may have removed what another one lists.
            self.desk.count(format!("undone: {operation:?} without a manifest"));
            self.desk.must("git reset -q --hard HEAD@{1}")?;
            self.known = self.known_at("HEAD")?;
            self.allowed.clear();
            return self.settled("nodes of today");
        }
        if is_clean {
            return self.settled("after git");
        }
        let before = self.known_at("HEAD")?;
        if !self.resolve(operation)? {
            self.known = before;
            self.allowed.clear();
            return self.settled("nodes of today");
        }
        if operation == Operation::Merge && self.way == Way::Blind {
            self.desk.must("git add -A && git commit -qm blind")?;
            return self.settled("render after the merge");
        }
        self.settle()?;
        self.desk.must("git add -A")?;
        self.desk.must(operation.finish())?;
        self.commit("the rest").map(Some)
    }
}
