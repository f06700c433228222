//! One limit, and how much of it is used.

use crate::core::diagnostic::Diagnostic;
use crate::core::platform::{Limit, LimitName};
use crate::core::plural::thousands;

/// How much of a limit is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// The limit's name.
    pub name: LimitName,
    /// Whose it is.
    pub subject: Subject,
    /// How much is used.
    pub used: u64,
    /// The limit; `None` where nobody has published one.
    pub limit: Option<Limit>,
    /// How the number comes about, where it is no plain count: a half-sentence.
    pub how: Option<String>,
}

/// Whose limit it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A pool's, by its name.
    Pool(String),
    /// The cluster's.
    Cluster,
}

/// Whether there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Enough,
    /// So much is used that the user wants to hear of it.
    Little,
    /// More is used than the limit.
    Over,
    /// No limit is known.
    Unknown,
}

impl Room {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enough => "ok",
            Self::Little => "near",
            Self::Over => "over",
            Self::Unknown => "unknown",
        }
    }
}

impl Gauge {
    /// How much is left; negative when it is over.
    pub fn headroom(&self) -> Option<i64> {
        let used = i64::try_from(self.used).unwrap_or(i64::MAX);
        Some(i64::from(self.limit.as_ref()?.value) - used)
    }

    /// How much of the limit is used, in percent, rounded down: 100 only when it is full.
    pub fn percent(&self) -> Option<u64> {
        let limit = u64::from(self.limit.as_ref()?.value);
        Some(if limit == 0 { 100 } else { self.used.saturating_mul(100) / limit })
    }

    /// Whether there is room; `warn_at` in percent.
    pub fn room(&self, warn_at: u32) -> Room {
        match (self.headroom(), self.percent()) {
            (Some(room), _) if room < 0 => Room::Over,
            (_, Some(percent)) if percent >= u64::from(warn_at) => Room::Little,
            (Some(_), _) => Room::Enough,
            (None, _) => Room::Unknown,
        }
    }

    /// What to say when it is over.
    pub fn warning(&self) -> Option<Diagnostic> {
        if self.room(100) != Room::Over {
            return None;
        }
        let limit = self.limit.as_ref()?;
        let who = match &self.subject {
            Subject::Pool(name) => format!("the pool {name}"),
            Subject::Cluster => "the cluster".to_owned(),
        };
        let how = self.how.as_ref().map(|how| format!(" ({how})")).unwrap_or_default();
        let note = limit.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
        let (used, most) = (thousands(self.used), thousands(u64::from(limit.value)));
        let text = format!(
            "{who}: {used} {}{how}, and {most} is the limit ({}{note})",
            self.name.counted(),
            limit.source
        );
        Some(Diagnostic::warning(text).hint(format!(
            "{}; if the limit is another where you are, say so: `spec.limits: {{{}: N}}`",
            remedy(self.name),
            self.name.key()
        )))
    }
}

fn remedy(name: LimitName) -> &'static str {
    match name {
        LimitName::NodesPerLoadBalancer
        | LimitName::TargetsPerFrontend
        | LimitName::NodesPerPool
        | LimitName::NodesPerVmSet => "put the nodes into more pools",
        LimitName::TargetsPerLoadBalancer
        | LimitName::PortsPerLoadBalancer
        | LimitName::FrontendsPerLoadBalancer
        | LimitName::RulesPerNetworkCard => "fewer ports or Services for each pool, or smaller pools",
        LimitName::PoolsPerCluster
        | LimitName::NodesPerCluster
        | LimitName::LoadBalancers
        | LimitName::LoadBalancerServices => "ask the cloud for a higher quota, or take another cluster",
        LimitName::Services
        | LimitName::ServicesPerNamespace
        | LimitName::NodePorts
        | LimitName::EndpointSlices => "fewer and larger pools, or another cluster",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauge(used: u64, limit: Option<u32>) -> Gauge {
        Gauge {
            name: LimitName::NodesPerLoadBalancer,
            subject: Subject::Pool("a".to_owned()),
            used,
            limit: limit.map(|value| Limit { value, source: "its docs".to_owned(), note: None }),
            how: None,
        }
    }

    #[test]
    fn room_headroom_percent() {
        for (used, limit, room, headroom, percent) in [
            (0, Some(25), Room::Enough, Some(25), Some(0)),
            (19, Some(25), Room::Enough, Some(6), Some(76)),
            (20, Some(25), Room::Little, Some(5), Some(80)),
            (25, Some(25), Room::Little, Some(0), Some(100)),
            (26, Some(25), Room::Over, Some(-1), Some(104)),
            (7, None, Room::Unknown, None, None),
        ] {
            let gauge = gauge(used, limit);
            let got = (gauge.room(80), gauge.headroom(), gauge.percent());
            assert_eq!(got, (room, headroom, percent), "{used} of {limit:?}");
        }
    }

    #[test]
    fn only_what_is_over_is_warned_of() {
        assert_eq!(gauge(25, Some(25)).warning(), None);
        assert_eq!(gauge(2500, None).warning(), None);
        let warning = gauge(2600, Some(2500)).warning().unwrap();
        assert_eq!(
            warning.message,
            "the pool a: 2,600 nodes behind its load balancer, and 2,500 is the limit (its docs)"
        );
    }
}
