//! Warnings about Services that look like copies of one but differ.

use serde_json::Value;

use crate::core::import::group::Member;
use crate::core::import::hand_written::HandWritten;
use crate::core::live::{FieldChange, changes};
use crate::core::pointer;
use crate::core::pools::PoolSet;
use crate::core::report::diagnostic::Diagnostic;

/// The maximum number of fields in a message.
const SHOWN: usize = 3;

/// Returns a warning for each pair of groups that may be one Service: they select the same pods and have no pool in common.
pub(crate) fn unmerged(groups: &[Vec<Member>], pools: &PoolSet) -> Vec<Diagnostic> {
    let with_earlier = |(index, group): (usize, &Vec<Member>)| {
        let earlier = groups[..index].iter().find(|earlier| may_be_one(earlier, group, pools))?;
        Some(unmerged_pair(&earlier[0].service, &group[0].service))
    };
    groups.iter().enumerate().filter_map(with_earlier).collect()
}

fn may_be_one(one: &[Member], other: &[Member], pools: &PoolSet) -> bool {
    let (first, second) = (&one[0].service, &other[0].service);
    let is_the_same = |pointer| first.rest.pointer(pointer) == second.rest.pointer(pointer);
    let all = || one.iter().chain(other);
    let mut taken: Vec<usize> = all().filter_map(|member| member.pool).collect();
    let known = taken.len();
    taken.sort_unstable();
    taken.dedup();
    first.rest["spec"]["selector"].as_object().is_some_and(|labels| !labels.is_empty())
        && is_the_same("/spec/selector")
        && is_the_same("/metadata/namespace")
        && first.rest != second.rest
        && all().all(|member| member.service.bound.iter().any(Option::is_some))
        && all().count() <= pools.pools.len()
        && taken.len() == known
}

fn unmerged_pair(one: &HandWritten, other: &HandWritten) -> Diagnostic {
    let mut fields: Vec<String> =
        changes(&one.rest, &other.rest).iter().map(|change| difference(change, str::to_owned)).collect();
    let more = fields.len().saturating_sub(SHOWN);
    fields.truncate(SHOWN);
    if more > 0 {
        fields.push(format!("and {more} more"));
    }
    Diagnostic::warning(format!(
        "Services {} and {} are not merged, and each gets a copy for every pool; they differ in {}",
        one.name,
        other.name,
        fields.join(", ")
    ))
    .at(other.location.clone())
    .hint("to merge them, make them equal; for differences between pools use an overlay with `target: {pool: NAME}`")
}

/// Describes a difference; `shown` returns the pointer of the field that the user knows.
pub(crate) fn difference(change: &FieldChange, shown: impl Fn(&str) -> String) -> String {
    let field = pointer::field(&shown(&change.pointer));
    let side = |value: &Option<Value>| match value {
        None => Some("nothing".to_owned()),
        Some(Value::Object(_) | Value::Array(_)) => None,
        Some(value) => Some(value.to_string()),
    };
    match (side(&change.old), side(&change.new)) {
        (Some(old), Some(new)) => format!("`{field}` ({old}, {new})"),
        _ => format!("`{field}`"),
    }
}
