//! What Ctrl-C says before a command has changed anything.

use crate::cluster::{end_silently, report_interrupts};
use crate::core::report::sarif::{Finished, RunEnd};
use crate::exit::Exit;
use crate::output::terminal;
use crate::scope::Scope;

/// How far a command has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A command that changes the cluster has not begun to.
    Unchanged,
    /// A command that only reads the cluster has no complete answer yet.
    Unanswered,
    /// A command has not read the nodes, so it has written no file.
    NodesUnread,
}

impl Stage {
    fn text(self) -> &'static str {
        match self {
            Self::Unchanged => "interrupted before anything was changed",
            Self::Unanswered => "interrupted before the API server answered; nothing was changed",
            Self::NodesUnread => "interrupted before the nodes were read; nothing was written",
        }
    }
}

/// From now on, Ctrl-C says how far the command has come. The report ends when the command begins to change the cluster.
pub(crate) fn report(stage: Stage, scope: Option<&Scope>) -> std::io::Result<()> {
    // Of several apps, the earlier ones may have been changed.
    let several = scope.filter(|scope| scope.index + scope.following > 0);
    let of = several.map(|scope| format!("{}: ", scope.title())).unwrap_or_default();
    report_interrupts(Exit::Interrupted.code(), move || {
        terminal::note(&format!("{of}{}", stage.text()));
        let exit = Exit::Interrupted;
        terminal::end(RunEnd { code: exit.code(), meaning: exit.meaning(), finished: Finished::No });
    })
}

/// From now on, Ctrl-C ends the command without a message.
pub(crate) fn answered() {
    end_silently();
}
