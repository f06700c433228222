//! Renders until the directory is current, as a user who follows the hints.

use crate::month::desk::{Outcome, Said};
use crate::month::files::{App, Lock, rendered};
use crate::month::hints::{hinted, kind_of};
use crate::month::life::Life;

/// The number of hints that lead out of any state.
pub(crate) const HINTS: usize = 4;

/// Commands that ask a user on a terminal.
const ASKING: [&str; 3] = [" apply", " move", " prune"];

impl Life<'_> {
    /// Renders every spec, follows hints, and checks the directories.
    pub(crate) fn settle(&mut self) -> Outcome {
        self.settle_with("")
    }

    /// As `settle`, with more flags for the first render of each spec.
    pub(crate) fn settle_with(&mut self, flags: &str) -> Outcome {
        for app in self.apps() {
            self.render(&app.spec, flags)?;
        }
        self.pools.extend(self.alive());
        for app in self.apps() {
            let lock = Lock::of(&self.desk.root(), &app).ok_or("a lock cannot be read")?;
            if lock.pools != self.pools {
                return Err(format!("{} has the pools {:?}, not {:?}", app.lock, lock.pools, self.pools));
            }
            if lock.files != rendered(&self.desk.root(), &app.output) {
                return Err(format!("{} and {} differ", app.lock, app.output));
            }
        }
        Ok(())
    }

    /// Returns a place where the user may be, and the flags that name these specs there.
    pub(crate) fn place(&mut self, apps: &[App]) -> (String, String) {
        let file = |app: &App| app.spec.strip_suffix("/largescale.yaml").unwrap_or(&app.spec).to_owned();
        let (directory, up) = match (self.desk.below(3), apps) {
            (0, [app]) if app.spec.ends_with("/largescale.yaml") => {
                return (app.directory.clone(), String::new());
            }
            (1, _) => ("elsewhere", "../"),
            _ => ("", ""),
        };
        (directory.to_owned(), apps.iter().map(|app| format!(" -f {up}{}", file(app))).collect())
    }

    /// Renders a spec until that succeeds. Warnings about Services of empty pools that moved are followed too.
    pub(crate) fn render(&mut self, spec: &str, flags: &str) -> Outcome {
        let app = self.apps().into_iter().find(|app| app.spec == spec).ok_or("no spec")?;
        let (directory, file) = self.place(&[app]);
        let mut more = flags.to_owned();
        for _ in 0..=HINTS {
            let said = self.run(&directory, &format!("render{file}{more}"))?;
            if said.is_ok() {
                return Ok(());
            }
            if said.err.contains("refusing to drop more than half")
                && self.empty_pools().len() * 2 > self.pools.len()
            {
                more += " --allow-shrink";
            } else if !self.follow_hint(&directory, &said)? {
                return Err("the hint has no command".to_owned());
            }
        }
        Err(format!("no render succeeds after {HINTS} hints"))
    }

    /// Runs the program; no Service may change meanwhile.
    pub(crate) fn run(&mut self, directory: &str, arguments: &str) -> Outcome<Said> {
        let said = self.desk.program(directory, arguments);
        if let Some(error) =
            said.err.lines().find(|line| line.starts_with("error: ")).filter(|_| !said.is_ok())
        {
            self.desk.count(format!("refused: {}: {}", arguments.split(' ').next().unwrap(), kind_of(error)));
        }
        self.check_kept()?;
        Ok(said)
    }

    /// Follows the hint of an error, if it has a command.
    pub(crate) fn follow_hint(&mut self, directory: &str, said: &Said) -> Outcome<bool> {
        let Some(command) = hinted(said) else { return Ok(false) };
        self.desk.count(format!("followed: {}", verb(&command)));
        // The user confirms.
        let asks = ASKING.iter().any(|verb| command.contains(verb)) && !command.contains("--yes");
        let line = if asks { format!("{command} --yes") } else { command.clone() };
        let mut followed = self.desk.shell(directory, &line);
        self.check_kept()?;
        // A hint may have a flag for the same command: the id of a lock that was removed.
        if let Some(flag) = hinted_flag(&followed) {
            self.desk.count("followed: add --from-id".to_owned());
            followed = self.desk.shell(directory, &format!("{line} {flag}"));
            self.check_kept()?;
        }
        // The command may be refused with a hint of what to do before it.
        if followed.is_ok() || hinted(&followed).is_some_and(|next| next != command) {
            return Ok(true);
        }
        Err(format!("the hint `{command}` fails"))
    }
}

/// Returns the flag that a hint says to add.
pub(crate) fn hinted_flag(said: &Said) -> Option<String> {
    let (_, after) = said.err.split_once("then add --from-id ")?;
    Some(format!("--from-id {}", after.split_whitespace().next()?))
}

/// Returns the words of a command before its arguments.
fn verb(command: &str) -> String {
    let words = if command.starts_with("kubectl ") { 3 } else { 1 };
    command.split(' ').take(words).collect::<Vec<_>>().join(" ")
}
