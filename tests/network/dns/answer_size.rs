//! The size of an answer with many addresses, compared with a message of the DNS library.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use hickory_proto::op::{Edns, Message, OpCode, Query};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use largescale::core::dns::Dns;
use largescale::core::pools::Pool;

/// Returns the bytes of an answer with this number of addresses.
fn bytes(name: &str, addresses: usize, kind: RecordType) -> usize {
    let name = Name::from_str(&format!("{name}.")).unwrap();
    let mut message = Message::response(7, OpCode::Query);
    message.add_query(Query::query(name.clone(), kind));
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
