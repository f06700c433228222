//! Review of what an apply would do.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::manifest::Key;
use crate::core::render::POOL_LABEL;
use crate::core::review::{Against, Review, address_risk};
use crate::engine::compare::{Comparison, State};
use crate::engine::difference::Difference;
use crate::engine::prune::PruneCandidate;
use crate::engine::results;
use crate::engine::target::Target;
use crate::engine::tree_review::{address_of, item};
use crate::scope::Scope;

/// Builds the review. Objects that could not be compared are among its warnings.
pub(crate) fn review(
    scope: &Scope,
    target: &Target,
    comparisons: &[Comparison<'_>],
    prune_candidates: &[PruneCandidate],
    differences: &[Difference],
) -> Review {
    let mut objects: BTreeMap<&Key, (&Value, &Value)> = BTreeMap::new();
    for comparison in comparisons {
        let new = if let State::Changed(after) = &comparison.state { after } else { &comparison.wanted };
        objects.insert(&comparison.item.key, (comparison.live, new));
    }
    for candidate in prune_candidates {
        objects.insert(&candidate.deletion.key, (&candidate.live, &Value::Null));
    }
    let reviewed = |difference: &Difference| {
        let (old, new) = objects.get(&difference.key).copied().unwrap_or((&Value::Null, &Value::Null));
        let either = if new.is_null() { old } else { new };
        let pool = either["metadata"]["labels"][POOL_LABEL].as_str().filter(|_| either["kind"] == "Service");
        let address_risk = address_risk(old, new, &target.load_balancer_fields);
        let mut item = item(&difference.change, pool.map(str::to_owned), address_risk);
        item.address = address_of(old);
        item
    };
    let items: Vec<_> = differences.iter().map(reviewed).collect();
    Review {
        title: scope.title(),
        against: Against::Cluster,
        pools: Vec::new(),
        unchanged: comparisons.iter().filter(|one| matches!(one.state, State::Unchanged)).count(),
        warnings: comparisons
            .iter()
            .filter_map(results::problem)
            .map(|problem| problem.to_string())
            .collect(),
        items,
    }
}
