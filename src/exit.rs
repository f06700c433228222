//! Exit codes, which scripts rely on. `--help`, the man pages and docs/commands.md print [`Exit::TABLE`].

/// How the program ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done; `diff` and `render --check` found no differences.
    #[default]
    Success = 0,
    /// Differences found, or not ready.
    Different = 1,
    /// Wrong usage of the command line.
    Usage = 2,
    /// Invalid input; nothing was written.
    Input = 3,
    /// The cluster could not be reached, or rejected the request.
    Cluster = 4,
    /// Refused, because something would be lost; nothing was written.
    Refused = 5,
    /// The cluster was changed, but some objects failed or conflict.
    Incomplete = 6,
    /// The user interrupted the program before it was done.
    Interrupted = 130,
}

impl Exit {
    /// All exit codes with their meaning.
    pub const TABLE: &[(Self, &str)] = &[
        (Self::Success, "done; no differences"),
        (
            Self::Different,
            "differences, or not ready (diff, render --check, status, probe, apply --wait, capacity, doctor)",
        ),
        (Self::Usage, "wrong usage of the command line"),
        (Self::Input, "invalid input; nothing was written"),
        (Self::Cluster, "the cluster could not be reached, or rejected the request"),
        (Self::Refused, "refused, because something would be lost; nothing was written"),
        (Self::Incomplete, "some objects failed or conflict (apply, prune, diff --live, render --commit)"),
        (Self::Interrupted, "interrupted; the output lists what was and was not done"),
    ];

    /// Returns the outcome of one spec or cluster among several, in a few words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "done",
            Self::Different => "differs, or is not ready",
            Self::Usage => "wrong usage",
            Self::Input => "invalid input",
            Self::Cluster => "cluster failed",
            Self::Refused => "refused",
            Self::Incomplete => "incomplete",
            Self::Interrupted => "interrupted",
        }
    }

    /// Returns the meaning in [`Exit::TABLE`].
    pub fn meaning(self) -> &'static str {
        Self::TABLE.iter().find(|(exit, _)| *exit == self).map_or("", |(_, meaning)| *meaning)
    }

    /// Returns the number.
    pub fn code(self) -> u8 {
        self as u8
    }
}
