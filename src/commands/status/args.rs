//! Flags of `status`.

use clap::ValueEnum;

use crate::commands::for_each::MultiTarget;
use crate::output::format::Separator;

/// Show the load balancer of each pool, rollouts, drift, and the DNS records to create
///
/// Compares the rendered directory with the cluster, and writes nothing. If only the API server can decide whether an object
/// differs from the directory, its result is `not certain`. Exits with 0 if every pool has its address, a Ready node and its
/// binding, and every workload is rolled out. Exits with 1 if not, and with a higher code on errors. Other differences do not
/// change the exit code.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Show the address of each pool
  kubectl largescale status -f app

  # Decide by a server-side dry run which objects differ from the directory
  kubectl largescale status -f app --server-side

  # Show changes until interrupted
  kubectl largescale status -f app --watch

  # Print the DNS records of the round robin
  kubectl largescale status -f app -o zone

  # Print the addresses that customers put into their firewalls
  kubectl largescale status -f app -o addresses")]
pub struct Args {
    /// Output format [default: tables]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(super) output: Option<StatusFormat>,
    /// Ask the API server, by a dry run, about each object that may differ from the directory
    #[arg(long, conflicts_with = "watch")]
    pub(super) server_side: bool,
    /// Refresh every 2 seconds and show changes, until interrupted
    #[arg(short, long)]
    pub(super) watch: bool,
    /// Use this TTL for DNS records, in seconds (-o zone|json|yaml) [default: the TTL of `spec.dns`, or 60]
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
            Some(StatusFormat::Json | StatusFormat::Name | StatusFormat::Zone | StatusFormat::Addresses) => {
                Separator::Nothing
            }
        }
    }
}

/// The format of `-o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusFormat {
    /// More columns, and the names of objects that differ
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only
    Name,
    /// DNS records of the round robin
    Zone,
    /// Addresses for firewalls, also reserved ones, one on each line
    Addresses,
}
