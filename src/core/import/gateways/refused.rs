//! Refuses Gateways that look like those of the pools of one Gateway, but differ.

use crate::core::import::base_names::common;
use crate::core::import::gateways::of_gateway::OfGateway;
use crate::core::import::group::Member;
use crate::core::import::hand_written::HandWritten;
use crate::core::import::unmerged::difference;
use crate::core::live::changes;
use crate::core::pools::PoolSet;
use crate::core::report::diagnostic::Diagnostic;

/// The maximum number of fields in a message.
const SHOWN: usize = 3;

/// A Gateway as the Service in front of it, and the Gateway itself.
type Pair<'a> = (&'a Member, &'a OfGateway);

/// Returns an error for each Gateway that is not merged with an earlier one, and looks as if it should be.
pub(crate) fn refuse(groups: &[Vec<Member>], pools: &PoolSet) -> Vec<Diagnostic> {
    let gateways: Vec<Pair<'_>> = groups
        .iter()
        .filter_map(|group| group.first())
        .filter_map(|member| Some((member, member.service.gateway.as_deref()?)))
        .collect();
    let with_earlier = |(index, (member, gateway)): (usize, &Pair<'_>)| {
        gateways[..index].iter().find_map(|earlier| problem(*earlier, (member, gateway), pools))
    };
    gateways.iter().enumerate().filter_map(with_earlier).collect()
}

fn problem((one, of_one): Pair<'_>, (other, of_other): Pair<'_>, pools: &PoolSet) -> Option<Diagnostic> {
    if one.service.namespace != other.service.namespace {
        return None;
    }
    let names = [one.service.name.as_str(), other.service.name.as_str()];
    let pool = |member: &Member| member.pool.map_or("", |pool| pools.pools[pool].value.as_str());
    if one.pool == other.pool {
        let is_equal = one.service.rest == other.service.rest && of_one.common() == of_other.common();
        return is_equal.then(|| {
            Diagnostic::refusal(format!(
                "Gateways {} and {} are both of pool {}, and `render` writes one Gateway for each pool",
                names[0],
                names[1],
                pool(one)
            ))
            .at(other.service.location.clone())
            .hint("leave one of them out of the files, and import it into another directory")
        });
    }
    let stem = common(&names).into_iter().next()?;
    let is_of_pool = |member: &Member| {
        let rest = member.service.name.replacen(&stem, "", 1);
        let rest = rest.trim_matches('-');
        let of_pool = member.pool.map(|pool| &pools.pools[pool]);
        rest.is_empty()
            || rest.chars().all(|c| c.is_ascii_digit())
            || of_pool.is_some_and(|pool| pool.name.contains(rest) || pool.value.contains(rest))
    };
    if !is_of_pool(one) || !is_of_pool(other) {
        return None;
    }
    let changed = differences(&one.service, of_one, &other.service, of_other);
    let message = format!(
        "Gateways {} and {} look like those of the pools {} and {}, but differ in {}",
        names[0],
        names[1],
        pool(one),
        pool(other),
        changed.join(", ")
    );
    Some(Diagnostic::refusal(message).at(other.service.location.clone()).hint(
        "make them equal; after the import, an overlay with `target: {pool: NAME}` may change what one pool has. Or import them into two directories",
    ))
}

/// Returns the fields in which two Gateways differ, shortened.
fn differences(
    one: &HandWritten,
    of_one: &OfGateway,
    other: &HandWritten,
    of_other: &OfGateway,
) -> Vec<String> {
    let mut fields: Vec<String> = changes(&of_one.rest, &of_other.rest)
        .iter()
        .map(|change| difference(change, str::to_owned))
        .collect();
    fields.extend(
        changes(&one.rest, &other.rest).iter().map(|change| difference(change, |at| one.field_pointer(at))),
    );
    if let (Some(first), Some(second)) = (&of_one.parameters, &of_other.parameters) {
        let in_parameters = changes(&first.rest, &second.rest);
        let named = |change| format!("{} of the {}", difference(change, str::to_owned), first.key.kind);
        fields.extend(in_parameters.iter().map(named));
    }
    let more = fields.len().saturating_sub(SHOWN);
    fields.truncate(SHOWN);
    if more > 0 {
        fields.push(format!("and {more} more"));
    }
    fields
}
