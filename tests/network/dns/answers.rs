//! What correct name servers answer.

use std::net::{IpAddr, Ipv6Addr};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use largescale::core::probe::names::{NameProblem, ServerKind};
use largescale::network::dns::{Limits, Servers, lookup};
use largescale::network::run;

use super::{addresses, only, problem, resolv_conf, row, rows, short};
use crate::name_server::{NameServer, Reaction};

#[test]
fn several_addresses_of_both_families_are_sorted() {
    let server = NameServer::zone(
        "example.com",
        &[
            "www.example.com 60 A 192.0.2.10",
            "www.example.com 60 AAAA 2001:db8::1",
            "www.example.com 60 A 192.0.2.9",
            "other.example.com 60 A 192.0.2.77",
        ],
    );
    let found = row("www.example.com", &server);
    assert_eq!(addresses(&found), ["192.0.2.9 60", "192.0.2.10 60", "2001:db8::1 60"]);
    let answer = found.result.unwrap();
    assert!(answer.authoritative && !answer.over_tcp && answer.aliases.is_empty(), "{answer:?}");
    assert!(answer.bytes > 50 && answer.bytes < 200, "{answer:?}");
    assert_eq!((found.server.kind, found.server.address), (ServerKind::Given, server.address));
    // A and AAAA, each asked once with EDNS and the size that fits everywhere.
    let mut asked = server.asked();
    asked.sort_by_key(|asked| asked.kind);
    let kinds: Vec<_> = asked.iter().map(|asked| asked.kind).collect();
    assert_eq!(kinds, [RecordType::A, RecordType::AAAA]);
    for asked in asked {
        assert_eq!(asked.message.edns.as_ref().unwrap().max_payload(), 1232);
        assert!(asked.message.recursion_desired);
    }
}

#[test]
fn names_are_compared_without_case_and_a_wildcard_is_asked_for_literally() {
    let server =
        NameServer::zone("example.com", &["*.example.com 60 A 192.0.2.1", "WWW.Example.com 5 A 192.0.2.2"]);
    assert_eq!(addresses(&row("*.example.com", &server)), ["192.0.2.1 60"]);
    assert_eq!(addresses(&row("www.EXAMPLE.com", &server)), ["192.0.2.2 5"]);
    assert!(server.asked().iter().any(|asked| asked.name == "*.example.com"));
}

#[test]
fn a_chain_of_aliases_is_listed_in_order() {
    let server = NameServer::zone(
        "example.com",
        &[
            "www.example.com 300 CNAME a.example.com",
            "a.example.com 200 CNAME b.example.com",
            "b.example.com 60 A 192.0.2.1",
        ],
    );
    let answer = row("www.example.com", &server).result.unwrap();
    let aliases: Vec<_> =
        answer.aliases.iter().map(|alias| format!("{} {} {}", alias.name, alias.ttl, alias.target)).collect();
    assert_eq!(aliases, ["www.example.com 300 a.example.com", "a.example.com 200 b.example.com"]);
    assert_eq!(answer.addresses.len(), 1);
}

#[test]
fn a_server_that_answers_with_one_alias_at_a_time_is_asked_again() {
    let server = NameServer::start(|asked| {
        let next = match asked.name.as_str() {
            "www.example.com" => "www.example.com 60 CNAME a.example.com",
            "a.example.com" => "a.example.com 60 CNAME b.example.com",
            _ if asked.kind == RecordType::A => "b.example.com 60 A 192.0.2.1",
            _ => return asked.answer(&[]).into(),
        };
        asked.answer(&[next]).into()
    });
    let found = row("www.example.com", &server);
    assert_eq!(addresses(&found), ["192.0.2.1 60"]);
    assert_eq!(found.result.unwrap().aliases.len(), 2);
}

#[test]
fn a_chain_that_leaves_the_zone_continues_at_the_system() {
    let system = NameServer::start(|asked| match asked.kind {
        RecordType::A => asked.resolved(&["lb.example.net 20 A 192.0.2.5"]).into(),
        _ => asked.resolved(&[]).into(),
    });
    let zone = NameServer::start(|asked| match asked.name.as_str() {
        "www.example.com" => asked.answer(&["www.example.com 60 CNAME lb.example.net"]).into(),
        "refused.example.com" => asked.answer(&["refused.example.com 60 CNAME lb.example.net"]).into(),
        // As a server without authority and recursion does.
        _ => {
            let mut message = asked.resolved(&[]);
            message.metadata.recursion_available = false;
            if asked.message.id % 2 == 0 {
                message.metadata.response_code = ResponseCode::Refused;
            }
            message.into()
        }
    });
    let file = resolv_conf(&[system.address]);
    let servers = Servers { resolv_conf: file.path().to_owned(), port: system.address.port(), ..only(&zone) };
    for name in ["www.example.com", "refused.example.com"] {
        let found = rows(name, &servers);
        assert_eq!(addresses(&found[0]), ["192.0.2.5 20"]);
        assert!(found[0].result.as_ref().unwrap().authoritative);
    }
    // Without a name server of the system, the addresses are unknown.
    let problem = problem("www.example.com", &zone);
    assert!(matches!(problem, NameProblem::Unreachable { .. }), "{problem:?}");
}

#[test]
fn names_without_addresses_are_told_apart() {
    let server = NameServer::zone(
        "example.com",
        &[
            "www.example.com 60 CNAME gone.example.com",
            "empty.example.com 60 CNAME example.com",
            "six.example.com 60 AAAA 2001:db8::6",
        ],
    );
    assert_eq!(problem("none.example.com", &server), NameProblem::NotFound);
    assert_eq!(problem("www.example.com", &server), NameProblem::NotFound);
    assert_eq!(problem("example.com", &server), NameProblem::NoAddresses);
    assert_eq!(problem("empty.example.com", &server), NameProblem::NoAddresses);
    assert_eq!(addresses(&row("six.example.com", &server)), ["2001:db8::6 60"]);
}

#[test]
fn a_truncated_answer_is_asked_for_over_tcp() {
    let server = NameServer::start(|asked| {
        if asked.kind == RecordType::AAAA {
            return asked.answer(&[]).into();
        }
        if !asked.over_tcp {
            let mut message = asked.answer(&["www.example.com 60 A 192.0.2.1"]);
            message.metadata.truncation = true;
            return message.into();
        }
        let records: Vec<_> =
            (0..200).map(|index| format!("www.example.com 60 A 198.51.100.{index}")).collect();
        asked.answer(&records.iter().map(String::as_str).collect::<Vec<_>>()).into()
    });
    let answer = row("www.example.com", &server).result.unwrap();
    assert_eq!(answer.addresses.len(), 200);
    assert!(answer.over_tcp && answer.bytes > 1232, "{} bytes", answer.bytes);
}

#[test]
fn a_name_server_can_have_an_ipv6_address() {
    let server = NameServer::start_at_each(&[IpAddr::V6(Ipv6Addr::LOCALHOST)], |_, asked| {
        let mut message = asked.answer(&[]);
        message.metadata.truncation = !asked.over_tcp;
        if asked.kind == RecordType::AAAA {
            message.add_answer(crate::name_server::record("www.example.com 60 AAAA 2001:db8::1"));
        }
        message.into()
    });
    let found = row("www.example.com", &server);
    assert_eq!(addresses(&found), ["2001:db8::1 60"]);
    assert!(found.server.address.is_ipv6() && found.result.unwrap().over_tcp);
}

#[test]
fn a_lost_packet_is_sent_again() {
    let server = NameServer::start(|asked| match asked.kind {
        RecordType::A => asked.answer(&["www.example.com 60 A 192.0.2.1"]).into(),
        _ => asked.answer(&[]).into(),
    });
    let lossy = {
        let counter = std::sync::atomic::AtomicU8::new(0);
        NameServer::start(move |asked| {
            // The first packet of each question is lost.
            if asked.kind == RecordType::A && counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
                return Reaction::Silence;
            }
            match asked.kind {
                RecordType::A => asked.answer(&["www.example.com 60 A 192.0.2.1"]).into(),
                _ => asked.answer(&[]).into(),
            }
        })
    };
    for server in [&server, &lossy] {
        assert_eq!(addresses(&row("www.example.com", server)), ["192.0.2.1 60"]);
    }
    assert_eq!(lossy.asked().iter().filter(|asked| asked.kind == RecordType::A).count(), 2);
}

#[test]
fn a_server_without_edns_is_asked_without_it() {
    let server = NameServer::start(|asked| match (asked.message.edns.is_some(), asked.kind) {
        (true, _) => asked.code(ResponseCode::FormErr).into(),
        (false, RecordType::A) => asked.answer(&["www.example.com 60 A 192.0.2.1"]).into(),
        (false, _) => asked.answer(&[]).into(),
    });
    assert_eq!(addresses(&row("www.example.com", &server)), ["192.0.2.1 60"]);
}

#[test]
fn rows_are_in_the_order_of_the_names_and_the_servers() {
    let zone = || NameServer::zone("example.com", &["a.example.com 60 A 192.0.2.1"]);
    let (one, two) = (zone(), zone());
    let servers = Servers { given: vec![two.address, one.address], ..only(&one) };
    let names = ["b.example.com", "a.example.com", "b.example.com"].map(str::to_owned);
    let found = run(lookup(&names, &servers, &short())).unwrap();
    let order: Vec<_> = found.iter().map(|row| (row.name.as_str(), row.server.address)).collect();
    let expected = ["b.example.com", "a.example.com"].map(|name| [(name, two.address), (name, one.address)]);
    assert_eq!(order, expected.concat());
}

#[test]
fn many_names_are_asked_in_order_with_few_at_a_time() {
    let server = NameServer::start(|asked| match asked.kind {
        RecordType::A => asked.answer(&[&format!("{} 60 A 192.0.2.1", asked.name)]).into(),
        _ => asked.answer(&[]).into(),
    });
    let names: Vec<String> = (0..300).map(|index| format!("n{index}.example.com")).collect();
    let limits = Limits { concurrency: 16, ..short() };
    let found = run(lookup(&names, &only(&server), &limits)).unwrap();
    let answered: Vec<_> =
        found.iter().filter(|row| row.result.is_ok()).map(|row| row.name.clone()).collect();
    assert_eq!(answered, names);
}
