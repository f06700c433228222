//! Flags of `render`.

use std::path::PathBuf;

use clap::ValueHint;

use crate::commands::for_each::MultiTarget;
use crate::commands::render::git::{Git, Inputs};
use crate::core::bounds::MAX_OBJECTS;
use crate::engine::discover::{LockIdentity, NodeArgs, RenderArgs};
use crate::output::format::{LineFormat, Separator};

/// Write one Service per pool and the workload into the rendered directory
///
/// Reads the spec, its manifests, the lock file and the nodes. Writes one file per object, and the lock file. Connects to the
/// cluster only to read nodes.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Render the spec in a directory
  kubectl largescale render -f app

  # Check in CI that the directory is current, without a cluster
  kubectl largescale render -f app --locked --check

  # Remove a pool that no longer has nodes, and commit the result
  kubectl largescale render -f app --forget pool3 --commit

  # Render every spec below a directory
  kubectl largescale render -f apps -R")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Args {
    #[command(flatten)]
    pub(super) nodes: NodeArgs,
    /// Write nothing, and exit with 1 if anything would change
    #[arg(long)]
    pub(super) check: bool,
    /// Replace files that were edited manually, and foreign files with the name of a rendered file
    #[arg(long)]
    pub(super) overwrite: bool,
    /// Give the directory a new id, so that it no longer shares an ApplySet with the directory it was copied from
    #[arg(long, conflicts_with = "check")]
    pub(super) new_id: bool,
    /// Also keep pools of another lock file: that of a spec from which Services moved here, or that of a git revision, for pools that the lock lost; may be repeated
    #[arg(long, value_name = "PATH|REVISION", conflicts_with_all = ["locked", "new_id"])]
    pub(super) pools_of: Vec<String>,
    /// Commit the rendered files and the lock file with git, and nothing else
    #[arg(long, conflicts_with = "check")]
    pub(super) commit: bool,
    /// Also commit the spec, its manifests, overlays and platform file, and the file of nodes, if they have changed
    #[arg(long, requires = "commit")]
    pub(super) all: bool,
    /// Use this subject line for the commit [default: the app and the number of changes]
    #[arg(short, long, requires = "commit", value_name = "TEXT")]
    pub(super) message: Option<String>,
    /// Ignore the git repository that contains the spec
    #[arg(long, conflicts_with = "commit")]
    pub(super) no_git: bool,
    /// Write the changes to this file, as Markdown for a pull request
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) summary_file: Option<PathBuf>,
    /// Write the configuration of the cloud provider to this file instead of printing it, if the platform has one
    #[arg(long, value_name = "FILE")]
    pub(super) cloud_config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) limit: RenderArgs,
    /// Output format [default: one line per change]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(super) output: Option<LineFormat>,
}

impl Args {
    pub(super) fn identity(&self) -> LockIdentity {
        if self.new_id { LockIdentity::New } else { LockIdentity::Keep }
    }

    /// Returns the flags that the render in a hint needs too, because they decide what is rendered.
    pub(super) fn repeated(&self) -> Vec<String> {
        let mut flags = self.nodes.repeated();
        flags.extend(self.overwrite.then(|| " --overwrite".to_owned()));
        let limit = Some(self.limit.max_objects).filter(|limit| *limit != MAX_OBJECTS);
        flags.extend(limit.map(|limit| format!(" --max-objects {limit}")));
        flags
    }

    pub(super) fn inputs(&self) -> Inputs {
        if self.all { Inputs::Included } else { Inputs::LeftOut }
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
