//! Review of what an apply would do.

use serde_json::Value;

use crate::core::live::LiveObject;
use crate::core::render::pool_of;
use crate::core::review::{Against, Review, address_risk};
use crate::engine::compare::{Comparison, State};
use crate::engine::difference::{Cause, Difference};
use crate::engine::results;
use crate::engine::target::Target;
use crate::engine::tree_review::{address_of, item};
use crate::scope::Scope;

/// Builds the review. Objects that could not be compared are among its warnings.
pub(crate) fn review(
    scope: &Scope,
    target: &Target,
    comparisons: &[Comparison<'_>],
    differences: &[Difference<'_>],
) -> Review {
    let reviewed = |difference: &Difference<'_>| {
        let (live, new) = match difference.cause {
            Cause::Prune(candidate) => (Some(&candidate.live), &Value::Null),
            Cause::Apply(Comparison { object, state: State::Changed(after), .. }) => (object.live(), after),
            Cause::Apply(Comparison { object, wanted, .. }) => (object.live(), wanted),
        };
        let old = live.map_or(&Value::Null, LiveObject::value);
        let either = if new.is_null() { old } else { new };
        let pool = pool_of(either).filter(|_| either["kind"] == "Service");
        let address_risk = address_risk(old, new, &target.load_balancer_fields);
        let mut item = item(&difference.change, pool.map(str::to_owned), address_risk);
        item.address = address_of(live);
        item
    };
    let items: Vec<_> = differences.iter().map(reviewed).collect();
    Review {
        title: scope.title(),
        against: Against::Cluster,
        host: target.spec.dns.as_ref().map(|dns| dns.hostname.clone()),
        pools: Vec::new(),
        unchanged: comparisons.iter().filter(|one| matches!(one.state, State::Unchanged)).count(),
        warnings: comparisons
            .iter()
            .filter_map(results::problem)
            .map(|problem| problem.to_string())
            .chain(comparisons.iter().filter(|one| matches!(one.state, State::NotCertain)).map(uncertain))
            .collect(),
        items,
    }
}

fn uncertain(comparison: &Comparison<'_>) -> String {
    format!("{}: not certain whether `apply` would change it", comparison.key())
}
