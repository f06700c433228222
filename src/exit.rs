//! Exit codes: what a script may rely on. The table in `--help` and README.md is this one.

/// How the program ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done; `diff` found none, `render --check` would change nothing.
    #[default]
    Success = 0,
    /// `diff` found differences, `render --check` would write, `status` waits for something,
    /// `capacity` found a limit passed.
    Different = 1,
    /// The command line is wrong.
    Usage = 2,
    /// An input is wrong; nothing was written.
    Input = 3,
    /// The cluster could not be asked, or said no.
    Cluster = 4,
    /// Refused, because something would be lost; nothing was written.
    Refused = 5,
    /// The cluster is changed, and not wholly as the directory says.
    Incomplete = 6,
    /// Somebody wanted it to end before it was done.
    Interrupted = 130,
}

impl Exit {
    /// All of them, with what they mean.
    pub const TABLE: &[(Self, &str)] = &[
        (Self::Success, "done; no differences"),
        (
            Self::Different,
            "not as it should be: `diff`, `render --check`, `status`, `apply --wait`, `capacity`, `doctor`",
        ),
        (Self::Usage, "the command line is wrong"),
        (Self::Input, "an input is wrong; nothing was written"),
        (Self::Cluster, "the cluster could not be asked, or said no"),
        (Self::Refused, "refused, because something would be lost; nothing was written"),
        (
            Self::Incomplete,
            "not all is, or would be, as it should: `apply`, `prune`, `diff --live`, `render --commit`",
        ),
        (Self::Interrupted, "interrupted; what was and was not done is said"),
    ];

    /// What became of one of several, in a few words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "done",
            Self::Different => "differs, or is not ready",
            Self::Usage => "wrong command line",
            Self::Input => "wrong input",
            Self::Cluster => "cluster could not be asked",
            Self::Refused => "refused",
            Self::Incomplete => "not all done",
            Self::Interrupted => "interrupted",
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}
