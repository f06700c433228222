//! Follows the aliases in the answers of name servers, from a name to its addresses.

use ::core::net::IpAddr;

use crate::core::probe::names::{Alias, MAX_ALIASES, NameProblem, PublishedAddress};

/// A record in an answer. The name has the form of the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name that has the record.
    pub name: String,
    /// The TTL in seconds.
    pub ttl: u32,
    /// Its data.
    pub data: RecordData,
}

/// The data of a record that leads to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordData {
    /// A CNAME record with this target.
    Alias(String),
    /// An A or AAAA record.
    Address(IpAddr),
}

/// Where the records of one answer lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainEnd {
    /// The last name of the chain has addresses.
    Addresses(Vec<PublishedAddress>),
    /// The answer has aliases, but not the addresses of the last one's target.
    Open,
    /// The answer has no record of the name that was asked for.
    Nothing,
}

/// The aliases that were followed so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    name: String,
    aliases: Vec<Alias>,
}

impl Chain {
    /// Starts at a name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), aliases: Vec::new() }
    }

    /// Returns the name to ask for: the target of the last alias, or the first name.
    pub fn current(&self) -> &str {
        self.aliases.last().map_or(&self.name, |alias| &alias.target)
    }

    /// Returns the aliases, in order.
    pub fn into_aliases(self) -> Vec<Alias> {
        self.aliases
    }

    /// Follows the aliases of an answer, in any order of its records. Records of other names are ignored.
    pub fn follow(&mut self, records: &[Record]) -> Result<ChainEnd, NameProblem> {
        let before = self.aliases.len();
        loop {
            let current = self.current();
            let own = || records.iter().filter(|record| record.name == current);
            let addresses: Vec<_> = own()
                .filter_map(|record| match record.data {
                    RecordData::Address(address) => Some(PublishedAddress { address, ttl: record.ttl }),
                    RecordData::Alias(_) => None,
                })
                .collect();
            if !addresses.is_empty() {
                return Ok(ChainEnd::Addresses(addresses));
            }
            let alias = own().find_map(|record| match &record.data {
                RecordData::Alias(target) => Some((target.clone(), record.ttl)),
                RecordData::Address(_) => None,
            });
            match alias {
                Some((target, ttl)) => self.push(target, ttl)?,
                None if self.aliases.len() > before => return Ok(ChainEnd::Open),
                None => return Ok(ChainEnd::Nothing),
            }
        }
    }

    fn push(&mut self, target: String, ttl: u32) -> Result<(), NameProblem> {
        let mut names: Vec<String> = self.aliases.iter().map(|alias| alias.name.clone()).collect();
        names.push(self.current().to_owned());
        if names.contains(&target) {
            names.push(target);
            return Err(NameProblem::AliasLoop { chain: names });
        }
        if self.aliases.len() == MAX_ALIASES {
            return Err(NameProblem::AliasTooLong);
        }
        let name = self.current().to_owned();
        self.aliases.push(Alias { name, target, ttl });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(name: &str, target: &str) -> Record {
        Record { name: name.into(), ttl: 60, data: RecordData::Alias(target.into()) }
    }

    fn address(name: &str, address: &str) -> Record {
        Record { name: name.into(), ttl: 30, data: RecordData::Address(address.parse().unwrap()) }
    }

    #[test]
    fn a_chain_is_followed_in_any_order_of_the_records() {
        let records = [
            address("c", "192.0.2.1"),
            address("other", "192.0.2.9"),
            alias("b", "c"),
            alias("a", "b"),
            address("c", "192.0.2.2"),
        ];
        let mut chain = Chain::new("a");
        let ChainEnd::Addresses(found) = chain.follow(&records).unwrap() else { panic!("no addresses") };
        assert_eq!(found.len(), 2);
        let names: Vec<_> =
            chain.into_aliases().into_iter().map(|alias| (alias.name, alias.target)).collect();
        assert_eq!(names, [("a".into(), "b".into()), ("b".into(), "c".into())]);
    }

    #[test]
    fn a_chain_goes_on_in_the_next_answer() {
        let mut chain = Chain::new("a");
        assert_eq!(chain.follow(&[alias("a", "b")]), Ok(ChainEnd::Open));
        assert_eq!(chain.current(), "b");
        assert_eq!(chain.follow(&[address("a", "192.0.2.1")]), Ok(ChainEnd::Nothing));
        assert!(matches!(chain.follow(&[address("b", "192.0.2.1")]), Ok(ChainEnd::Addresses(_))));
    }

    #[test]
    fn loops_and_long_chains_end() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        for (records, chain) in [
            (vec![alias("a", "a")], names(&["a", "a"])),
            (vec![alias("a", "b"), alias("b", "a")], names(&["a", "b", "a"])),
            (vec![alias("a", "b"), alias("b", "c"), alias("c", "b")], names(&["a", "b", "c", "b"])),
        ] {
            assert_eq!(Chain::new("a").follow(&records), Err(NameProblem::AliasLoop { chain }));
        }
        let long: Vec<_> =
            (0..=MAX_ALIASES).map(|index| alias(&index.to_string(), &(index + 1).to_string())).collect();
        assert_eq!(Chain::new("0").follow(&long), Err(NameProblem::AliasTooLong));
        assert_eq!(Chain::new("1").follow(&long), Ok(ChainEnd::Open));
    }
}
