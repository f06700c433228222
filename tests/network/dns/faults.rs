//! What faulty and hostile name servers answer.

use std::net::UdpSocket;

use hickory_proto::op::{Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use largescale::core::probe::names::{NameProblem, parse_server};
use largescale::network::dns::{Servers, addresses_of_all, lookup, resolve};
use largescale::network::run;

use super::{addresses, none, only, problem, row, rows, short};
use crate::name_server::{Asked, NameServer, Reaction};

const NAME: &str = "www.example.com";

fn reason(problem: &NameProblem) -> &str {
    match problem {
        NameProblem::Unreachable { reason } | NameProblem::Invalid { reason } => reason,
        _ => panic!("{problem:?}"),
    }
}

#[test]
fn error_codes_are_told_apart() {
    for (code, expected) in [
        (ResponseCode::NXDomain, NameProblem::NotFound),
        (ResponseCode::Refused, NameProblem::Refused),
        (ResponseCode::ServFail, NameProblem::ServerFailure),
        (ResponseCode::NotImp, NameProblem::ServerFailure),
        (ResponseCode::NoError, NameProblem::NoAddresses),
    ] {
        let server = NameServer::start(move |asked| asked.code(code).into());
        assert_eq!(problem(NAME, &server), expected, "{code}");
    }
}

#[test]
fn an_answer_that_is_only_half_known_is_unknown() {
    let server = NameServer::start(|asked| match asked.kind {
        RecordType::A => asked.answer(&["www.example.com 60 A 192.0.2.1"]).into(),
        _ => asked.code(ResponseCode::ServFail).into(),
    });
    assert_eq!(problem(NAME, &server), NameProblem::ServerFailure);
}

#[test]
fn silence_ends_with_the_timeout() {
    let server = NameServer::start(|_| Reaction::Silence);
    let problem = problem(NAME, &server);
    assert_eq!(reason(&problem), "no answer within 400ms");
    // Each question was sent twice.
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn a_closed_port_is_unreachable() {
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let found = rows(NAME, &Servers { given: vec![free], ..none() });
    assert!(matches!(&found[0].result, Err(NameProblem::Unreachable { .. })), "{found:?}");
}

#[test]
fn a_truncated_answer_without_tcp_is_unreachable() {
    let server = NameServer::start(|asked| {
        if asked.over_tcp {
            return Reaction::Silence;
        }
        let mut message = asked.answer(&["www.example.com 60 A 192.0.2.1"]);
        message.metadata.truncation = true;
        message.into()
    });
    let problem = problem(NAME, &server);
    assert!(reason(&problem).starts_with("the answer over UDP was truncated, and over TCP: "), "{problem:?}");
}

#[test]
fn an_answer_over_tcp_that_never_ends_is_cut() {
    let server = NameServer::start(|asked| {
        if asked.over_tcp {
            return Reaction::Hang(vec![0; 100]);
        }
        let mut message = asked.answer(&[]);
        message.metadata.truncation = true;
        message.into()
    });
    let problem = problem(NAME, &server);
    assert!(reason(&problem).ends_with("over TCP: no answer within 400ms"), "{problem:?}");
}

#[test]
fn loops_of_aliases_are_found() {
    let server = NameServer::zone(
        "example.com",
        &[
            "www.example.com 60 CNAME a.example.com",
            "a.example.com 60 CNAME b.example.com",
            "b.example.com 60 CNAME a.example.com",
            "self.example.com 60 CNAME self.example.com",
        ],
    );
    let chain = ["www.example.com", "a.example.com", "b.example.com", "a.example.com"];
    assert_eq!(problem(NAME, &server), NameProblem::AliasLoop { chain: chain.map(str::to_owned).to_vec() });
    let chain = ["self.example.com", "self.example.com"].map(str::to_owned).to_vec();
    assert_eq!(problem("self.example.com", &server), NameProblem::AliasLoop { chain });
}

#[test]
fn a_chain_without_end_is_cut() {
    let server = NameServer::start(|asked| {
        let next = format!("{} 60 CNAME x{}", asked.name, asked.name);
        asked.answer(&[&next]).into()
    });
    assert_eq!(problem(NAME, &server), NameProblem::AliasTooLong);
    assert_eq!(server.asked().len(), 2 * 17);
}

#[test]
fn malformed_answers_are_invalid() {
    let cut = NameServer::start(|asked| {
        let bytes = asked.answer(&["www.example.com 60 A 192.0.2.1"]).to_vec().unwrap();
        Reaction::Bytes(bytes[..bytes.len() - 20].to_vec())
    });
    // A name that points to itself.
    let pointer = NameServer::start(|asked| {
        let mut bytes = asked.answer(&[]).to_vec().unwrap();
        bytes[12] = 0xc0;
        bytes[13] = 12;
        Reaction::Bytes(bytes)
    });
    let not_a_response = NameServer::start(|asked| {
        let mut bytes = asked.answer(&[]).to_vec().unwrap();
        bytes[2] &= 0x7f;
        Reaction::Bytes(bytes)
    });
    for server in [&cut, &pointer, &not_a_response] {
        let problem = problem(NAME, server);
        assert!(matches!(problem, NameProblem::Invalid { .. }), "{problem:?}");
    }
}

#[test]
fn answers_to_other_questions_are_not_taken() {
    let other_id = NameServer::start(|asked| {
        let mut message = asked.answer(&["www.example.com 60 A 192.0.2.66"]);
        message.metadata.id ^= 1;
        message.into()
    });
    let other_name = NameServer::start(|asked| {
        let mut message = asked.answer(&["www.example.com 60 A 192.0.2.66"]);
        message.queries = vec![Query::query(Name::from_ascii("evil.example.com.").unwrap(), asked.kind)];
        message.into()
    });
    for server in [&other_id, &other_name] {
        let problem = problem(NAME, server);
        assert_eq!(reason(&problem), "no answer within 400ms");
    }
    // Over TCP, only the id shows to the library which question was meant.
    let over_tcp = NameServer::start(|asked| {
        let mut message = asked.answer(&["www.example.com 60 A 192.0.2.66"]);
        message.metadata.truncation = !asked.over_tcp;
        if asked.over_tcp {
            message.queries = vec![Query::query(Name::from_ascii("evil.example.com.").unwrap(), asked.kind)];
        }
        message.into()
    });
    let problem = problem(NAME, &over_tcp);
    assert_eq!(reason(&problem), "it is for another question");
    assert!(matches!(problem, NameProblem::Invalid { .. }));
}

#[test]
fn foreign_records_in_an_answer_are_ignored() {
    let server = NameServer::start(|asked| {
        if asked.kind != RecordType::A {
            return asked.answer(&[]).into();
        }
        let mut message =
            asked.answer(&["evil.example.com 60 A 192.0.2.66", "www.example.com 60 A 192.0.2.1"]);
        let mut chaos = crate::name_server::record("www.example.com 60 A 192.0.2.67");
        chaos.dns_class = DNSClass::CH;
        message.add_answer(chaos);
        message.into()
    });
    assert_eq!(addresses(&row(NAME, &server)), ["192.0.2.1 60"]);
}

#[test]
fn terminal_escapes_in_an_alias_are_escaped() {
    let target = || Name::from_labels([b"\x1b]0;owned\x07".as_slice(), b"com"]).unwrap();
    let alias = move |asked: &Asked| {
        let mut message = asked.answer(&[]);
        let name = Name::from_ascii("www.example.com.").unwrap();
        message.add_answer(Record::from_rdata(name, 60, RData::CNAME(CNAME(target()))));
        message
    };
    let server = NameServer::start(move |asked| {
        let mut message = alias(asked);
        let data = match asked.kind {
            RecordType::A => RData::A(A::new(192, 0, 2, 1)),
            _ => RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
        };
        message.add_answer(Record::from_rdata(target(), 60, data));
        message.into()
    });
    let answer = row(NAME, &server).result.unwrap();
    assert_eq!(answer.aliases[0].target, "\\033\\]0\\;owned\\007.com");
    // If the target has to be asked for, it is not a name that the library accepts.
    let server = NameServer::start(move |asked| alias(asked).into());
    let problem = problem(NAME, &server);
    assert!(reason(&problem).starts_with("the name is not valid for DNS: "), "{problem:?}");
    assert!(!problem.to_string().contains(char::is_control), "{problem:?}");
}

#[test]
fn too_many_records_are_invalid() {
    let server = NameServer::start(|asked| {
        let mut message = asked.answer(&[]);
        if !asked.over_tcp {
            message.metadata.truncation = true;
            return message.into();
        }
        let mut bytes = message.to_vec().unwrap();
        // Records of the root name with 12 bytes each, instead of the one of EDNS.
        bytes.truncate(bytes.len() - 11);
        let count = 5000_u16;
        bytes[6..8].copy_from_slice(&count.to_be_bytes());
        bytes[10..12].copy_from_slice(&[0, 0]);
        for _ in 0..count {
            // The type 65280 is for private use.
            bytes.extend([0, 0xff, 0, 0, 1, 0, 0, 0, 60, 0, 1, 7]);
        }
        Reaction::Bytes(bytes)
    });
    let problem = problem(NAME, &server);
    assert_eq!(reason(&problem), "it has more than 4096 records");
}

#[test]
fn a_name_that_dns_cannot_have_is_reported() {
    let server = NameServer::start(|asked| asked.answer(&[]).into());
    for name in ["a..b", &"a".repeat(64), &"a.".repeat(200)] {
        let problem = problem(name, &server);
        assert!(reason(&problem).starts_with("the name is not valid for DNS: "), "{problem:?}");
    }
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_given_server_can_have_a_name() {
    let resolved = run(resolve(&parse_server("localhost:5353").unwrap(), &short())).unwrap().unwrap();
    assert!(resolved.contains(&"127.0.0.1:5353".parse().unwrap()), "{resolved:?}");
    let resolved = run(resolve(&parse_server("192.0.2.53").unwrap(), &short())).unwrap();
    assert_eq!(resolved, Ok(vec!["192.0.2.53:53".parse().unwrap()]));
    let missing = run(resolve(&parse_server("name.invalid").unwrap(), &short())).unwrap();
    assert!(matches!(missing, Err(NameProblem::Unreachable { .. })), "{missing:?}");
}

/// The host name of a load balancer comes from the status of a Service, which is untrusted.
#[test]
fn host_names_that_are_no_names() {
    let server = NameServer::start(|asked| asked.answer(&["www.example.com 60 A 192.0.2.1"]).into());
    let long = "a".repeat(300);
    let labels = "a.".repeat(200);
    let hosts = ["\u{1b}[2J", "a..b", "", ".", "a b.example.com", "bücher.example.com", "-", &long, &labels];
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let found = run(addresses_of_all(&hosts, &only(&server), &short())).unwrap();
    assert_eq!(found.len(), hosts.len());
    for (row, host) in found.iter().zip(&hosts) {
        assert_eq!(&row.name, host);
        let text = row.result.as_ref().unwrap_err().to_string();
        assert!(!text.contains('\u{1b}') && !text.is_empty(), "{host:?}: {text:?}");
    }
    // The same names as names of the zone.
    for host in &hosts {
        let rows = run(lookup(std::slice::from_ref(host), &only(&server), &short())).unwrap();
        assert!(rows.iter().all(|row| row.result.is_err()), "{rows:?}");
    }
}
