//! The flags of `status`.

use clap::ValueEnum;

use crate::commands::for_each::MultiTarget;
use crate::output::format::Separator;

/// Show the load balancer of each pool, what it waits for, rollouts, drift, and what DNS should hold
///
/// Exits with 0 when every pool has its address and every workload is rolled out, with 1 when not yet, and with more
/// if it could not be found out. Nothing is changed, and nothing is rendered: the directory is what it is compared with.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Output format; default: tables
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(super) output: Option<StatusFormat>,
    /// Look again every 2 seconds, and show what has changed, until interrupted
    #[arg(short, long)]
    pub(super) watch: bool,
    /// How long DNS may remember an address, in seconds (-o zone|json|yaml); default: that of `spec.dns`, or 60
    #[arg(long, value_name = "SECONDS")]
    pub(super) ttl: Option<u32>,
}

impl MultiTarget for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        self.watch.then_some("--watch")
    }

    fn separator(&self) -> Separator {
        match self.output {
            None | Some(StatusFormat::Wide) => Separator::Headings,
            Some(StatusFormat::Yaml) => Separator::Dashes,
            Some(StatusFormat::Json | StatusFormat::Name | StatusFormat::Zone) => Separator::Nothing,
        }
    }
}

/// What `-o` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusFormat {
    /// More columns, and the names of what differs
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only
    Name,
    /// The records that DNS should hold for the round robin
    Zone,
}
