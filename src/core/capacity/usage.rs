//! The usage of one limit.

use std::collections::BTreeMap;

use crate::core::platform::{Limit, LimitName};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::thousands;
use crate::core::report::pool_words;

/// How much of a limit is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The limit's name.
    pub name: LimitName,
    /// The pool or cluster that the limit applies to.
    pub subject: LimitSubject,
    /// How much is used.
    pub used: u64,
    /// The limit; `None` if no source documents it.
    pub limit: Option<Limit>,
    /// How the number is calculated, if it is not a plain count; a clause.
    pub how: Option<String>,
    /// Where the calculation or the effect comes from, if it is not a plain count.
    pub basis: Option<String>,
    /// The ports that lack targets because the limit is exceeded, if they are known; a clause.
    pub effect: Option<String>,
    /// What helps if the limit is near or exceeded; a clause.
    pub remedy: &'static str,
}

/// What a limit applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitSubject {
    /// A pool, by its name.
    Pool(String),
    /// The cluster.
    Cluster,
}

/// How close the usage is to the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headroom {
    /// Below the warning threshold.
    Enough,
    /// At or above the warning threshold.
    Little,
    /// Above the limit.
    Over,
    /// No limit is known.
    Unknown,
}

impl Headroom {
    /// Returns the name of the level, as it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enough => "ok",
            Self::Little => "near",
            Self::Over => "over",
            Self::Unknown => "unknown",
        }
    }
}

impl Usage {
    /// Returns how much is left; negative if the usage is over the limit.
    pub fn headroom(&self) -> Option<i64> {
        let used = i64::try_from(self.used).unwrap_or(i64::MAX);
        Some(i64::from(self.limit.as_ref()?.value) - used)
    }

    /// Returns the usage in percent of the limit, rounded down.
    pub fn percent(&self) -> Option<u64> {
        let limit = u64::from(self.limit.as_ref()?.value);
        Some(self.used.saturating_mul(100).checked_div(limit).unwrap_or(100))
    }

    /// Returns how close the usage is to the limit; `warn_at` is in percent.
    pub fn room(&self, warn_at: u32) -> Headroom {
        match (self.headroom(), self.percent()) {
            (Some(room), _) if room < 0 => Headroom::Over,
            (_, Some(percent)) if percent >= u64::from(warn_at) => Headroom::Little,
            (Some(_), _) => Headroom::Enough,
            (None, _) => Headroom::Unknown,
        }
    }
}

/// Returns one warning for each limit that is exceeded, with all pools that exceed it.
pub fn warnings(usages: &[Usage]) -> Vec<Diagnostic> {
    let mut over: BTreeMap<LimitName, Vec<&Usage>> = BTreeMap::new();
    for usage in usages.iter().filter(|usage| usage.room(100) == Headroom::Over) {
        over.entry(usage.name).or_default().push(usage);
    }
    over.values().filter_map(|usages| warning(usages)).collect()
}

fn warning(usages: &[&Usage]) -> Option<Diagnostic> {
    let most = usages.iter().rev().max_by_key(|usage| usage.used)?;
    let limit = most.limit.as_ref()?;
    let who = match (&most.subject, usages.len() - 1) {
        (LimitSubject::Pool(name), 0) => format!("{}: ", pool_words::named(name)),
        (LimitSubject::Pool(name), more) => format!("{} and {more} more: up to ", pool_words::named(name)),
        (LimitSubject::Cluster, _) => String::new(),
    };
    let how = most.how.as_ref().map(|how| format!(" ({how})")).unwrap_or_default();
    let note = limit.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
    let (used, value) = (thousands(most.used), thousands(u64::from(limit.value)));
    let (what, source) = (most.name.counted(), &limit.source);
    let basis = most.basis.as_ref().map(|basis| format!(" ({basis})")).unwrap_or_default();
    let effect = most.effect.as_ref().map(|effect| format!(": {effect}{basis}")).unwrap_or_default();
    let text = format!("{who}{used} {what}{how}, over the limit of {value} ({source}{note}){effect}");
    Some(Diagnostic::warning(text).hint(format!(
        "{}; if your limit is different, set `spec.limits: {{{}: N}}`",
        most.remedy,
        most.name.key()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(used: u64, limit: Option<u32>) -> Usage {
        Usage {
            name: LimitName::NodesPerLoadBalancer,
            subject: LimitSubject::Pool("a".to_owned()),
            used,
            limit: limit.map(|value| Limit { value, source: "its docs".to_owned(), note: None }),
            how: None,
            basis: None,
            effect: None,
            remedy: "use smaller pools",
        }
    }

    #[test]
    fn headroom_and_percent() {
        for (used, limit, room, headroom, percent) in [
            (0, Some(25), Headroom::Enough, Some(25), Some(0)),
            (19, Some(25), Headroom::Enough, Some(6), Some(76)),
            (20, Some(25), Headroom::Little, Some(5), Some(80)),
            (25, Some(25), Headroom::Little, Some(0), Some(100)),
            (26, Some(25), Headroom::Over, Some(-1), Some(104)),
            (7, None, Headroom::Unknown, None, None),
        ] {
            let usage = usage(used, limit);
            let got = (usage.room(80), usage.headroom(), usage.percent());
            assert_eq!(got, (room, headroom, percent), "{used} of {limit:?}");
        }
    }

    #[test]
    fn one_warning_for_each_exceeded_limit() {
        let of = |name: &str, used| Usage {
            subject: LimitSubject::Pool(name.to_owned()),
            ..usage(used, Some(2500))
        };
        let messages = |usages: &[Usage]| -> Vec<String> {
            warnings(usages).into_iter().map(|warning| warning.message).collect()
        };
        assert!(messages(&[of("a", 2500), usage(9999, None)]).is_empty());
        let rest = "nodes behind its load balancer, over the limit of 2,500 (its docs)";
        assert_eq!(messages(&[of("a", 2600)]), [format!("pool a: 2,600 {rest}")]);
        let several = [of("a", 2600), of("b", 2700), of("c", 100), of("d", 2700)];
        assert_eq!(messages(&several), [format!("pool b and 2 more: up to 2,700 {rest}")]);
    }
}
