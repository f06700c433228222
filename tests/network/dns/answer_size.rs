//! The size of an answer with many addresses, compared with a message of the DNS library.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use hickory_proto::op::{Edns, Message, OpCode, Query};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use largescale::core::dns::{Dns, DnsGroups};
use largescale::core::pools::Pool;

/// Returns the bytes of an answer with this number of addresses.
fn bytes(name: &str, addresses: usize, kind: RecordType) -> usize {
    bytes_of_chain(name, name, addresses, kind)
}

/// Returns the bytes of an answer with this number of addresses. They are under the target of a CNAME record, if it is another name.
fn bytes_of_chain(asked: &str, target: &str, addresses: usize, kind: RecordType) -> usize {
    let absolute = |name: &str| Name::from_str(&format!("{name}.")).unwrap();
    let name = absolute(target);
    let mut message = Message::response(7, OpCode::Query);
    message.add_query(Query::query(absolute(asked), kind));
    if asked != target {
        message.add_answer(Record::from_rdata(absolute(asked), 60, RData::CNAME(CNAME(name.clone()))));
    }
    for index in 0..addresses {
        let last = u16::try_from(index).unwrap();
        let data = match kind {
            RecordType::A => RData::A(A(Ipv4Addr::from(0xC000_0200 + u32::from(last)))),
            _ => RData::AAAA(AAAA(Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, last))),
        };
        message.add_answer(Record::from_rdata(name.clone(), 60, data));
    }
    message.set_edns(Edns::new());
    message.to_vec().unwrap().len()
}

#[test]
fn the_size_of_an_answer_is_that_of_the_message() {
    for (name, count) in [("www.example.com", 1), ("www.example.com", 29), ("a.example", 74)] {
        let mut dns = Dns::new(name);
        let pool = |index: usize| Pool { value: format!("p{index}"), ..Pool::default() };
        let pools: Vec<Pool> = (0..count).map(pool).collect();
        let size = dns.answer_size(&pools, false).unwrap();
        assert_eq!((size.addresses, size.bytes), (count, bytes(name, count, RecordType::A)));
        let six = (0..count).map(|index| (format!("p{index}"), vec![format!("2001:db8::{index:x}")]));
        dns.reserved = six.collect();
        let size = dns.answer_size(&pools, false).unwrap();
        assert_eq!((size.addresses, size.bytes), (count, bytes(name, count, RecordType::AAAA)));
    }
}

#[test]
fn the_size_of_an_answer_through_an_alias_is_that_of_the_message() {
    for alias in ["europe.example.com", "shop.customer.example", "www.europe.example.com"] {
        let pool = |index: usize| Pool { value: format!("p{index}"), ..Pool::default() };
        let pools: Vec<Pool> = (0..20).map(pool).collect();
        let all = pools.iter().map(|pool| (pool.value.clone(), 2)).collect();
        let groups = DnsGroups { pools: all, aliases: [(alias.to_owned(), 2)].into(), ..DnsGroups::new(2) };
        let dns = Dns { groups: Some(groups), ..Dns::new("www.example.com") };
        let answer = dns.group_answers(&pools).remove(0);
        assert_eq!(answer.name, alias);
        let expected = bytes_of_chain(alias, "www-2.example.com", 20, RecordType::A);
        assert_eq!((answer.size.addresses, answer.size.bytes), (20, expected));
    }
}
