//! The flags of `render`.

use std::path::PathBuf;

use clap::ValueHint;

use crate::commands::for_each::MultiTarget;
use crate::commands::render::git::Git;
use crate::engine::discover::{LockIdentity, NodeArgs};
use crate::output::format::{LineFormat, Separator};

/// Write one Service per pool and the workload into the tree, one file an object
#[derive(clap::Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Args {
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
    /// Write nothing; exit with 1 if anything would change
    #[arg(long)]
    pub(super) check: bool,
    /// Replace files that were changed by hand, and files of others that are in the way
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Give the directory a new identity, so that it no longer shares an ApplySet with the directory that it was copied from
    #[arg(long, conflicts_with = "check")]
    pub(super) new_id: bool,
    /// Commit the tree and the lock with git when they are written, and nothing else
    #[arg(long, conflicts_with = "check")]
    pub(super) commit: bool,
    /// The first line of the commit; what changed in each pool follows it [default: the app and how much changed]
    #[arg(short, long, requires = "commit", value_name = "TEXT")]
    pub(super) message: Option<String>,
    /// Do not look at the git repository around the spec
    #[arg(long, conflicts_with = "commit")]
    pub(super) no_git: bool,
    /// Write what changed to a file, as Markdown for a pull request
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) summary_file: Option<PathBuf>,
    /// Write the cloud's half of the binding to a file instead of printing it (platforms that have one)
    #[arg(long, value_name = "FILE")]
    pub(super) cloud_config: Option<PathBuf>,
    /// Output format; default: a line a change
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(super) output: Option<LineFormat>,
}

impl Args {
    pub(super) fn identity(&self) -> LockIdentity {
        if self.new_id { LockIdentity::New } else { LockIdentity::Keep }
    }

    pub(super) fn git(&self) -> Git {
        match (self.commit, self.no_git) {
            (true, _) => Git::Commit,
            (false, true) => Git::Leave,
            (false, false) => Git::Look,
        }
    }
}

impl MultiTarget for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        self.cloud_config.as_ref().map(|_| "--cloud-config")
    }

    fn of_one_cluster(&self) -> Option<&'static str> {
        self.nodes.of_one_cluster()
    }

    fn separator(&self) -> Separator {
        self.output.map_or(Separator::Headings, LineFormat::separator)
    }
}
