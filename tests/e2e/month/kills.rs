//! Runs that are killed at a random moment, and started again.

use std::time::Duration;

use crate::month::desk::Outcome;
use crate::month::life::{Done, Life};

impl Life<'_> {
    /// Kills a command up to three times; after each, every Service is in one set that exists.
    fn kill(&mut self, arguments: &str) -> Outcome {
        for _ in 0..=self.desk.below(2) {
            let after = Duration::from_micros(self.desk.below(500_000) as u64);
            self.desk.kill(arguments, after);
            self.check_kept()?;
        }
        Ok(())
    }

    fn flags_of_all(&self) -> String {
        self.apps().iter().map(|app| format!(" -f {}", app.spec)).collect()
    }

    /// Kills an apply that changes every object.
    pub(crate) fn kill_apply(&mut self) -> Done {
        for app in self.apps() {
            for service in app.services.keys() {
                self.set_port(&app, service);
            }
        }
        self.settle()?;
        let files = self.flags_of_all();
        self.kill(&format!("apply{files} --prune --yes"))?;
        self.settled("after a kill")
    }

    /// Kills the move of a renamed app.
    pub(crate) fn kill_move(&mut self) -> Done {
        self.tidy()?;
        let app = self.set_name()?;
        self.kill(&format!("move -f {} --yes", app.spec))?;
        self.move_objects(&app.spec, "")?;
        self.settled("after a kill of a move")
    }

    /// Kills the apply of two directories while Services move between them.
    pub(crate) fn kill_hand_over(&mut self) -> Done {
        let prepared = if self.apps().len() == 1 { self.prepare_split()? } else { self.prepare_move()? };
        if prepared.is_none() {
            return Ok(None);
        }
        let files = self.flags_of_all();
        self.kill(&format!("apply{files} --prune --yes"))?;
        self.settled("after a kill of a hand-over")
    }
}
