//! The differences between what is wanted, given, published and answering, each with the next step.

mod certificates;
mod connections;
mod published;

use crate::core::probe::rows::{Observed, Row};

/// Facts about the run that decide about findings.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The names that DNS should have, and how.
    pub names: &'a [Name<'a>],
    /// The time in seconds since 1970, which decides whether a certificate expires soon.
    pub now: i64,
    /// The flags that name the spec on a command line, such as ` -f app`.
    pub flags: &'a str,
}

/// The name of `spec.dns`, or of a route.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The name.
    pub hostname: &'a str,
    /// The TTL of the spec in seconds. The records of routes have that of the DNS provider.
    pub ttl: Option<u32>,
    /// What one answer has.
    pub answers: Answers,
    /// The group of `spec.dns.groups` whose addresses the name has; `None` for those of all pools.
    pub group: Option<u32>,
}

/// What one answer of a name server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// The addresses of all pools.
    All,
    /// The addresses of some pools: weighted records, or records that follow the host names of load balancers.
    Some,
    /// The addresses of one group of `spec.dns.groups`, another one in each answer.
    OneGroup,
}

/// One result of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it means for the exit code.
    pub weight: Weight,
    /// A short name for programs, such as `not-answering`.
    pub kind: &'static str,
    /// The sentence.
    pub message: String,
    /// The next step.
    pub hint: String,
}

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Two sets differ, which is proven.
    Difference,
    /// It could not be found out whether they differ.
    Unknown,
    /// They agree, but the user should know something.
    Warning,
}

impl Weight {
    /// Returns the word in outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Difference => "difference",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
        }
    }
}

/// The largest number of names in one sentence.
const MAX_LISTED: usize = 5;

/// Returns the findings: differences first, then unknown results, then warnings.
pub fn findings(observed: &Observed, rows: &[Row], facts: Facts<'_>) -> Vec<Finding> {
    let mut findings = connections::findings(rows, facts);
    findings.extend(certificates::findings(rows, facts));
    findings.extend(published::findings(observed, rows, facts));
    findings.sort_by_key(|finding| finding.weight);
    findings
}

/// Joins names: `a, b and 3 more`.
fn listed(names: &[String]) -> String {
    match names.len().checked_sub(MAX_LISTED) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..MAX_LISTED].join(", ")),
    }
}
