//! Joins the answers for A and AAAA records to one.

use crate::core::probe::names::{Answer, NameProblem};

/// Joins the answers of one server for A and for AAAA records.
///
/// A name has addresses if one of the answers has some and the other one says that there are none. If the other one leaves
/// open what the server publishes, the whole result does, because a caller would report the addresses as missing.
pub fn merge(
    a: Result<Answer, NameProblem>,
    aaaa: Result<Answer, NameProblem>,
) -> Result<Answer, NameProblem> {
    match (a, aaaa) {
        (Ok(a), Ok(aaaa)) => Ok(join(a, aaaa)),
        (Ok(answer), Err(problem)) | (Err(problem), Ok(answer)) => {
            if problem.is_conclusive() {
                Ok(sorted(answer))
            } else {
                Err(problem)
            }
        }
        // Some servers answer NXDOMAIN for AAAA of a name that has other records.
        (Err(NameProblem::NoAddresses), Err(NameProblem::NotFound)) => Err(NameProblem::NoAddresses),
        (Err(a), Err(aaaa)) => Err(if a.is_conclusive() && a != aaaa { aaaa } else { a }),
    }
}

fn join(a: Answer, aaaa: Answer) -> Answer {
    // Both have the same chain, unless it changed between the two queries.
    let aliases = if a.aliases.is_empty() { aaaa.aliases } else { a.aliases };
    sorted(Answer {
        aliases,
        addresses: [a.addresses, aaaa.addresses].concat(),
        authoritative: a.authoritative && aaaa.authoritative,
        over_tcp: a.over_tcp || aaaa.over_tcp,
        bytes: a.bytes.max(aaaa.bytes),
    })
}

/// Sorts the addresses. Of an address with several TTLs, the longest counts: until then clients use it.
fn sorted(mut answer: Answer) -> Answer {
    answer.addresses.sort_by(|one, other| (one.address, other.ttl).cmp(&(other.address, one.ttl)));
    answer.addresses.dedup_by_key(|published| published.address);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::probe::names::PublishedAddress;

    fn answer(addresses: &[(&str, u32)]) -> Answer {
        let addresses = addresses
            .iter()
            .map(|(address, ttl)| PublishedAddress { address: address.parse().unwrap(), ttl: *ttl })
            .collect();
        Answer { aliases: Vec::new(), addresses, authoritative: true, over_tcp: false, bytes: 100 }
    }

    #[test]
    fn addresses_are_sorted_and_unique() {
        let a = answer(&[("192.0.2.10", 60), ("192.0.2.9", 60), ("192.0.2.10", 90)]);
        let aaaa = Answer { over_tcp: true, bytes: 2000, ..answer(&[("2001:db8::1", 60)]) };
        let merged = merge(Ok(a), Ok(aaaa)).unwrap();
        assert_eq!(
            merged.addresses,
            answer(&[("192.0.2.9", 60), ("192.0.2.10", 90), ("2001:db8::1", 60)]).addresses
        );
        assert!(merged.over_tcp && merged.authoritative);
        assert_eq!(merged.bytes, 2000);
    }

    #[test]
    fn an_answer_without_its_other_half_counts_only_if_that_half_is_known_to_be_empty() {
        let a = || Ok(answer(&[("192.0.2.1", 60)]));
        assert_eq!(merge(a(), Err(NameProblem::NoAddresses)), a());
        assert_eq!(merge(a(), Err(NameProblem::NotFound)), a());
        assert_eq!(merge(Err(NameProblem::NoAddresses), a()), a());
        assert_eq!(merge(a(), Err(NameProblem::ServerFailure)), Err(NameProblem::ServerFailure));
    }

    #[test]
    fn of_two_problems_the_one_that_leaves_more_open_counts() {
        use NameProblem::{Lame, NoAddresses, NotFound, Refused};
        for (a, aaaa, expected) in [
            (NotFound, NotFound, NotFound),
            (NotFound, NoAddresses, NoAddresses),
            (NoAddresses, NotFound, NoAddresses),
            (NotFound, Refused, Refused),
            (Lame, Refused, Lame),
        ] {
            assert_eq!(merge(Err(a), Err(aaaa)), Err(expected));
        }
    }
}
