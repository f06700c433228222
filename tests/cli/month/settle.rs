//! Renders until the directory is clean, as a user who follows the hints.

use std::collections::BTreeSet;

use crate::month::desk::{Outcome, Said};
use crate::month::files::{App, Lock, apps, rendered};
use crate::month::hints::{hinted, kind_of};
use crate::month::life::Life;

/// The number of hints and renders that lead out of any state.
const HINTS: usize = 4;

/// The refusal to lose most pools.
const SHRUNK: &str = "refusing to drop more than half";

impl Life {
    /// Renders every spec, follows hints, and checks the invariants.
    pub fn settle(&mut self) -> Outcome {
        self.settle_with("")
    }

    /// As `settle`, with more flags for the first render of each spec.
    pub fn settle_with(&mut self, flags: &str) -> Outcome {
        self.unknown_files_fail()?;
        for spec in self.apps().into_iter().map(|app| app.spec) {
            // A hint may have removed one of two specs of an app.
            if self.desk.exists(&spec) {
                self.render(&spec, flags)?;
            }
        }
        self.check()
    }

    /// Returns a flag that saves most of the time of a render. The render starts three programs of git otherwise, and their answers
    /// matter while git joins branches.
    pub fn quick(&mut self) -> &'static str {
        if self.is_joining || self.desk.one_in(4) { "" } else { " --no-git" }
    }

    pub fn apps(&self) -> Vec<App> {
        apps(&self.desk.root())
    }

    /// A file with the header of the program that no lock knows makes a check fail.
    fn unknown_files_fail(&mut self) -> Outcome {
        let root = self.desk.root();
        for app in self.apps() {
            let known = Lock::of(&root, &app).map(|lock| lock.files).unwrap_or_default();
            if !rendered(&root, &app.output).is_subset(&known) {
                self.desk.count("check of unknown files".to_owned());
                for flags in ["--check --locked", "--check"] {
                    let said = self.desk.program("", &format!("render -f {} {flags}", app.spec));
                    if said.is_ok() {
                        return Err(format!("{flags} exits 0 beside a file that the lock does not know"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns a place where the user may be, and the flags that name the spec there.
    pub fn place(&mut self, spec: &str) -> (String, String) {
        let (directory, name) = spec.split_once('/').unwrap();
        let (directory, is_usual) = (directory.to_owned(), name == "largescale.yaml");
        match (self.desk.below(3), is_usual) {
            (0, true) => (directory, String::new()),
            (0, false) => (directory, format!(" -f {name}")),
            (1, true) => (String::new(), format!(" -f {directory}")),
            (1, false) => (String::new(), format!(" -f {spec}")),
            _ => ("elsewhere".to_owned(), format!(" -f ../{spec}")),
        }
    }

    /// Renders a spec until the render succeeds.
    fn render(&mut self, spec: &str, flags: &str) -> Outcome {
        let (directory, file) = self.place(spec);
        let mut more = flags.to_owned();
        for attempt in 0..=HINTS {
            let quick = if attempt == 0 && !more.contains("--commit") { self.quick() } else { "" };
            let said = self.desk.program(&directory, &format!("render{file}{more}{quick}"));
            if said.is_ok() {
                return self.mark_resolved(&directory, &said);
            }
            let error = said.err.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
            let error = error.to_owned();
            self.desk.count(format!("refused: {}", kind_of(&error)));
            if attempt == HINTS {
                break;
            }
            let before = self.present();
            if error.contains(SHRUNK) && self.has_shrunk(spec) {
                more += " --allow-shrink";
            } else if error.contains("was edited by hand") && self.may_overwrite {
                more += " --overwrite";
            } else if error.contains("was edited by hand") && !self.is_joining {
                return Err("a file that nothing edited is called edited".to_owned());
            } else if error.contains("merge conflict markers") {
                for command in removals(&said) {
                    if !self.follow(&directory, &command) {
                        return Err(format!("the hint `{command}` fails"));
                    }
                }
                continue;
            } else if let Some(command) = hinted(&said) {
                let shrink = format!("{command} --allow-shrink");
                // The command may know more pools without nodes than the render did.
                let has_worked = self.follow(&directory, &command)
                    || (command.contains(" render") && self.desk.last_said(SHRUNK))
                        && self.follow(&directory, &shrink);
                if !has_worked && self.follow_next(&directory) {
                    continue;
                }
                if !has_worked {
                    return Err(format!("the hint `{command}` fails"));
                }
            } else if error.contains("is not in the lock") && said.err.contains("remove the file") {
                self.remove_copy(&error)?;
            } else {
                return Err("the hint has no command".to_owned());
            }
            let lost = before.iter().find(|path| !self.desk.exists(path));
            // A file with markers is written again. One that no lock lists is not.
            let is_restored =
                |path: &&String| error.contains("merge conflict markers") && error.contains(path.as_str());
            if let Some(lost) = lost.filter(|path| !is_restored(path)) {
                return Err(format!("the hint lost {lost}"));
            }
        }
        Err(format!("no clean state after {HINTS} hints"))
    }

    /// Runs the command that marks conflicts as resolved. Until then, a lock that equals that of one branch is taken as one that
    /// the user took, and a check without nodes merges both branches again.
    fn mark_resolved(&mut self, directory: &str, said: &Said) -> Outcome {
        let Some(line) = said.err.lines().find(|line| line.ends_with("marks the conflicts as resolved"))
        else {
            return Ok(());
        };
        let command = line.split('`').nth(1).unwrap_or_default().to_owned();
        if self.follow(directory, &command) { Ok(()) } else { Err(format!("`{command}` fails")) }
    }

    /// Runs the command of a hint as it is printed; nodes are labeled in the file.
    fn follow(&mut self, directory: &str, command: &str) -> bool {
        if let Some(rest) = command.strip_prefix("kubectl label node ") {
            self.desk.note(format!("    {command}"));
            let (names, label) = rest.trim_end_matches(" --overwrite").rsplit_once(' ').unwrap();
            let pool = label.split_once('=').unwrap().1;
            let are_known = names.split(' ').all(|name| self.nodes.label(name, pool));
            self.write_nodes();
            return are_known;
        }
        self.desk.count(format!("followed: {}", command.split(' ').take(2).collect::<Vec<_>>().join(" ")));
        let said = self.desk.shell(directory, command);
        self.allow_kept(&said);
        said.is_ok()
    }

    /// Follows the hint of a command that was refused because of a file with markers, which must be removed before.
    fn follow_next(&mut self, directory: &str) -> bool {
        let next = self.desk.last_hint().filter(|_| self.desk.last_said("merge conflict markers"));
        next.is_some_and(|next| next.starts_with("rm ") && self.follow(directory, &next))
    }

    /// Lets the pools come back that the user keeps: the hint about a file that no lock has offers to keep its pool or to remove it.
    fn allow_kept(&mut self, said: &Said) {
        let kept = said.err.lines().filter_map(|line| line.strip_prefix("kept from ")?.split_once(": "));
        let kept: Vec<String> = kept.flat_map(|(_, pools)| pools.split(", ")).map(str::to_owned).collect();
        let ids: BTreeSet<String> = self.known.iter().map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.allowed.extend(kept.iter().map(|pool| (id.clone(), pool.clone())));
        }
    }

    /// Removes a file that the hint says to remove: the model knows that it is a copy.
    fn remove_copy(&mut self, error: &str) -> Outcome {
        let path = self.copy.take().filter(|path| error.contains(path.rsplit('/').next().unwrap()));
        let path = path.ok_or("the hint removes a file that the month did not copy")?;
        self.desk.must(&format!("rm {path}")).map(drop)
    }

    /// Whether more than half of the pools of a lock have no nodes: of the lock that the user took, or of the one that it must be.
    fn has_shrunk(&self, spec: &str) -> bool {
        let alive = self.nodes.pools();
        let taken = self.apps().into_iter().find(|app| app.spec == spec);
        let taken = taken
            .and_then(|app| Lock::of(&self.desk.root(), &app))
            .map_or_else(Default::default, |lock| lock.pools);
        if taken.difference(&alive).count() * 2 > taken.len() {
            return true;
        }
        let app = self.apps().into_iter().find(|app| app.spec == spec);
        let lock = app.and_then(|app| Lock::of(&self.desk.root(), &app)).map(|lock| lock.id);
        let is_new = lock.as_ref().is_some_and(|id| self.known.iter().all(|(known, _)| known != id));
        let known: Vec<&String> = match (&self.new_lock, lock) {
            (Some(new), _) if is_new => new.iter().collect(),
            (_, Some(id)) => {
                self.known.iter().filter(|(known, _)| *known == id).map(|(_, pool)| pool).collect()
            }
            // The lock has conflicts, or is lost.
            (_, None) => {
                let text = self.desk.read(&spec.replace(".yaml", ".lock")).unwrap_or_default();
                let is_of = |id: &str| text.is_empty() || text.contains(&format!("id: {id}\n"));
                self.known.iter().filter(|(id, _)| is_of(id)).map(|(_, pool)| pool).collect()
            }
        };
        let has_lost_most = |pools: &BTreeSet<&String>| {
            pools.iter().filter(|pool| !alive.contains(**pool)).count() * 2 > pools.len()
        };
        let known: BTreeSet<&String> = known.into_iter().collect();
        // A render that merges the locks of a merge commit later removes no pool of the lock that the user took.
        has_lost_most(&known) || has_lost_most(&known.iter().copied().chain(&taken).collect())
    }

    /// Returns the files of the Services that must exist, as far as they exist.
    fn present(&self) -> Vec<String> {
        let pools: BTreeSet<&String> = self.known.iter().map(|(_, pool)| pool).collect();
        let files = |app: App| -> Vec<String> {
            let of = |service: &String| pools.iter().map(|pool| app.file(service, pool)).collect::<Vec<_>>();
            app.services.keys().flat_map(of).collect()
        };
        self.apps().into_iter().flat_map(files).filter(|path| self.desk.exists(path)).collect()
    }
}

/// Returns the commands that remove files, one for each error that names one.
fn removals(said: &Said) -> Vec<String> {
    let errors = said.err.split("error: ").skip(1).map(|error| format!("error: {error}"));
    let commands = errors.filter_map(|err| hinted(&Said { err, ..said.clone() }));
    commands.filter(|command| command.starts_with("rm ")).collect()
}
