//! Flags of `probe`.

use std::time::Duration;

use clap::ValueEnum;

use crate::commands::for_each::MultiTarget;
use crate::core::probe::MAX_COUNT;
use crate::core::probe::names::{GivenServer, parse_server};
use crate::engine::probe::NameServers;
use crate::output::format::Separator;

/// Check that every load balancer answers, and that DNS has exactly those that do
///
/// Compares, as this machine sees them, four sets for each pool: the load balancers that the rendered directory wants, the addresses that the cluster gives
/// them, the addresses that DNS hands out, and the ports that answer. Changes nothing, follows no redirect and sends no
/// credentials. Exits with 0 if the sets agree, and with 1 only for a proven difference: a result that proves nothing, such as a
/// private address that cannot be reached from here, is `unknown`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Probe every port of every load balancer once, and compare with DNS
  kubectl largescale probe -f app

  # Find out whether every n-th connection fails
  kubectl largescale probe -f app --count 100

  # Ask two name servers instead of the usual ones
  kubectl largescale probe -f app --dns 1.1.1.1 --dns ns1.example.com

  # Print a Job that probes internal load balancers from a pod
  kubectl largescale probe -f app --image registry.example.com/probe:1

  # Show changes every 10 seconds until interrupted, such as while a pool is drained
  kubectl largescale probe -f app --watch")]
pub struct Args {
    /// Output format [default: tables]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(super) output: Option<ProbeFormat>,
    /// Connect to each port this often [default: `count` in `spec.probe`, or 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_COUNT)))]
    pub(super) count: Option<u32>,
    /// Ask this name server: an address, a host name, `system` (that of this machine) or `authoritative` (those that have the zone);
    /// repeat it for several [default: system and authoritative]
    #[arg(long, value_name = "SERVER", value_parser = server)]
    pub(super) dns: Vec<DnsServer>,
    /// Do not ask name servers
    #[arg(long, conflicts_with = "dns")]
    pub(super) no_dns: bool,
    /// Print a Job that runs the probe in the cluster with this image, and the objects that permit it; the image has the program, and
    /// the directory of the app at the path of -f
    #[arg(long, conflicts_with_all = ["output", "watch"])]
    pub(super) image: Option<String>,
    /// Probe again and again and show changes, until interrupted
    #[arg(short, long)]
    pub(super) watch: bool,
    /// Pause this long between two probes of --watch
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = crate::cluster::parse_timeout)]
    pub(super) every: Duration,
}

/// The value of `--dns`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DnsServer {
    /// Those of this machine.
    System,
    /// Those that have the zone.
    Authoritative,
    /// One that the user named.
    Given(GivenServer),
}

fn server(text: &str) -> Result<DnsServer, String> {
    match text {
        "system" => Ok(DnsServer::System),
        "authoritative" => Ok(DnsServer::Authoritative),
        _ => parse_server(text).map(DnsServer::Given),
    }
}

impl Args {
    /// Returns the flags that a Job has, too.
    pub(super) fn of_job(&self) -> Vec<String> {
        let mut flags = Vec::new();
        if let Some(count) = self.count {
            flags.extend(["--count".to_owned(), count.to_string()]);
        }
        for server in &self.dns {
            let name = match server {
                DnsServer::System => "system".to_owned(),
                DnsServer::Authoritative => "authoritative".to_owned(),
                DnsServer::Given(server) => server.to_string(),
            };
            flags.extend(["--dns".to_owned(), name]);
        }
        if self.no_dns {
            flags.push("--no-dns".to_owned());
        }
        flags
    }

    /// Returns which name servers to ask.
    pub(super) fn names(&self) -> NameServers {
        if self.no_dns {
            return NameServers::none();
        }
        if self.dns.is_empty() {
            return NameServers::default();
        }
        let mut names = NameServers::none();
        for server in &self.dns {
            match server {
                DnsServer::System => names.system = true,
                DnsServer::Authoritative => names.authoritative = true,
                DnsServer::Given(given) => names.given.push(given.clone()),
            }
        }
        names
    }
}

impl MultiTarget for Args {
    fn only_for_one(&self) -> Option<&'static str> {
        let is_junit = self.output == Some(ProbeFormat::Junit);
        self.watch.then_some("--watch").or(is_junit.then_some("-o junit"))
    }

    fn separator(&self) -> Separator {
        match self.output {
            None | Some(ProbeFormat::Wide) => Separator::Headings,
            Some(ProbeFormat::Yaml) => Separator::Dashes,
            Some(ProbeFormat::Json | ProbeFormat::Name | ProbeFormat::Junit) => Separator::Nothing,
        }
    }
}

/// The format of `-o`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProbeFormat {
    /// More columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names of the objects whose load balancers differ
    Name,
    /// XML that CI systems show as test results
    Junit,
}
