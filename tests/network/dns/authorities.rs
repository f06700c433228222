//! The name servers of the system and of zones.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Record, RecordType};
use largescale::core::probe::names::{NameProblem, Published, ServerKind};
use largescale::network::dns::{Servers, addresses_of, addresses_of_all};
use largescale::network::run;
use tempfile::NamedTempFile;

use super::{addresses, none, resolv_conf, rows, short};
use crate::name_server::{Asked, NameServer, Reaction, answer_from, record};

/// Loopback addresses that only Linux has without configuration.
const SYSTEM: &str = "127.0.0.1";
const FIRST: &str = "127.0.0.2";
const SECOND: &str = "127.0.0.3";

/// The records of the zone example.com, and of the name servers that the system knows.
const RECORDS: &[&str] = &[
    "example.com 60 NS ns1.example.com",
    "example.com 60 NS ns2.example.com",
    "ns1.example.com 60 A 127.0.0.2",
    "ns2.example.com 60 A 127.0.0.3",
    "www.example.com 60 A 192.0.2.1",
    "out.example.com 60 CNAME lb.example.net",
    "lb.example.net 60 A 192.0.2.9",
];

/// A resolver on 127.0.0.1 and two authoritative servers on the same port, which a test can make faulty.
struct World {
    server: NameServer,
    file: NamedTempFile,
}

impl World {
    /// `react` gets each question with the address of the server, and may answer it. Otherwise the resolver answers from all
    /// records, and the authoritative servers from those of the zone.
    fn start(react: impl Fn(&str, &Asked) -> Option<Reaction> + Send + Sync + 'static) -> Self {
        let records: Vec<Record> = RECORDS.iter().map(|text| record(text)).collect();
        let zone: Vec<Record> =
            RECORDS.iter().filter(|text| !text.contains("net 60 A")).map(|text| record(text)).collect();
        let react = Arc::new(react);
        let addresses = [SYSTEM, FIRST, SECOND].map(|text| text.parse::<IpAddr>().unwrap());
        let server = NameServer::start_at_each(&addresses, move |own, asked| {
            let own = own.to_string();
            if let Some(reaction) = react(&own, asked) {
                return reaction;
            }
            if own == SYSTEM {
                let mut message = answer_from("example.com", &records, asked);
                // A resolver follows an alias into any zone.
                if asked.name == "out.example.com" && asked.kind == RecordType::A {
                    message.add_answer(record("lb.example.net 60 A 192.0.2.9"));
                }
                message.metadata.authoritative = false;
                message.metadata.recursion_available = true;
                return message.into();
            }
            assert!(!asked.message.recursion_desired, "authoritative servers are not asked to ask others");
            answer_from("example.com", &zone, asked).into()
        });
        let file = resolv_conf(&[server.address]);
        Self { server, file }
    }

    fn servers(&self) -> Servers {
        Servers {
            system: true,
            authoritative: true,
            resolv_conf: self.file.path().to_owned(),
            port: self.server.address.port(),
            ..none()
        }
    }
}

fn shown(row: &Published) -> String {
    let result = match &row.result {
        Ok(_) => addresses(row).join(", "),
        Err(problem) => format!("{problem:?}"),
    };
    let server = row.server.to_string();
    format!("{}: {result}", server.rsplit_once(':').map_or(&*server, |(server, _)| server))
}

#[test]
fn the_system_and_each_authoritative_server_have_a_row() {
    let world = World::start(|_, _| None);
    let found = rows("www.example.com", &world.servers());
    assert_eq!(
        found.iter().map(shown).collect::<Vec<_>>(),
        [
            "system resolver (127.0.0.1: 192.0.2.1 60",
            "ns1.example.com (127.0.0.2: 192.0.2.1 60",
            "ns2.example.com (127.0.0.3: 192.0.2.1 60",
        ]
    );
    assert!(!found[0].result.as_ref().unwrap().authoritative);
    assert!(found[1].result.as_ref().unwrap().authoritative);
    let rows = rows("none.example.com", &world.servers());
    assert!(rows.iter().all(|row| row.result == Err(NameProblem::NotFound)), "{rows:?}");
}

#[test]
fn a_chain_that_leaves_the_zone_has_its_addresses_from_the_system() {
    let world = World::start(|_, _| None);
    let found = rows("out.example.com", &world.servers());
    assert_eq!(found.len(), 3);
    for row in found {
        assert_eq!(addresses(&row), ["192.0.2.9 60"]);
        assert_eq!(row.result.unwrap().aliases[0].target, "lb.example.net");
    }
}

#[test]
fn faulty_authorities_have_their_own_problems() {
    let world = World::start(|own, asked| match own {
        // A referral to the same zone, as of a server that lost it.
        FIRST => {
            let mut message = asked.resolved(&[]);
            message.add_authority(record("example.com 60 NS ns1.example.com"));
            Some(message.into())
        }
        SECOND => Some(asked.code(ResponseCode::Refused).into()),
        _ => None,
    });
    let found = rows("www.example.com", &world.servers());
    assert_eq!(
        found.iter().map(shown).collect::<Vec<_>>(),
        [
            "system resolver (127.0.0.1: 192.0.2.1 60",
            "ns1.example.com (127.0.0.2: Lame",
            "ns2.example.com (127.0.0.3: Refused",
        ]
    );
    // A cache answers correctly, but without authority.
    let world = World::start(|own, asked| {
        (own == FIRST).then(|| asked.resolved(&["www.example.com 60 A 192.0.2.1"]).into())
    });
    assert_eq!(rows("www.example.com", &world.servers())[1].result, Err(NameProblem::Lame));
}

#[test]
fn authorities_that_do_not_answer_are_unreachable() {
    let world = World::start(|own, _| (own != SYSTEM).then_some(Reaction::Silence));
    let found = rows("www.example.com", &world.servers());
    assert_eq!(addresses(&found[0]), ["192.0.2.1 60"]);
    for row in &found[1..] {
        assert!(matches!(row.result, Err(NameProblem::Unreachable { .. })), "{row:?}");
    }
}

#[test]
fn without_the_system_there_are_rows_with_the_reason() {
    let servers = Servers { system: true, authoritative: true, ..none() };
    let found = rows("www.example.com", &servers);
    let [system, authority] = found.as_slice() else { panic!("{found:?}") };
    assert!(system.server.is_missing() && authority.server.is_missing());
    assert_eq!(authority.server.kind, ServerKind::Authoritative);
    let Err(NameProblem::Unreachable { reason }) = &system.result else { panic!("{system:?}") };
    assert!(reason.starts_with("no name servers: /nonexistent/resolv.conf: "), "{reason}");
    let Err(NameProblem::Unreachable { reason }) = &authority.result else { panic!("{authority:?}") };
    assert!(reason.starts_with("the name servers of its zone were not found: "), "{reason}");
}

#[test]
fn the_next_name_server_of_the_system_is_asked_if_the_first_one_is_silent() {
    let server = NameServer::start_at_each(
        &[FIRST, SYSTEM].map(|text| text.parse::<IpAddr>().unwrap()),
        |own, asked| match (own.to_string().as_str(), asked.kind) {
            (FIRST, _) => Reaction::Silence,
            (_, RecordType::A) => asked.resolved(&["www.example.com 60 A 192.0.2.1"]).into(),
            _ => asked.resolved(&[]).into(),
        },
    );
    let (mut first, mut second) = (server.address, server.address);
    first.set_ip(FIRST.parse().unwrap());
    second.set_ip(SYSTEM.parse().unwrap());
    let file = resolv_conf(&[first, second]);
    let servers =
        Servers { system: true, resolv_conf: file.path().to_owned(), port: server.address.port(), ..none() };
    let found = rows("www.example.com", &servers);
    assert_eq!(found[0].server.address, second);
    assert_eq!(addresses(&found[0]), ["192.0.2.1 60"]);
}

#[test]
fn a_load_balancer_with_a_name_is_asked_for_at_its_authority_only() {
    let world = World::start(|_, _| None);
    let limits = short();
    let found = run(addresses_of("www.example.com", &world.servers(), &limits)).unwrap();
    assert_eq!(shown(&found), "ns1.example.com (127.0.0.2: 192.0.2.1 60");
    let missing = run(addresses_of("soon.example.com", &world.servers(), &limits)).unwrap();
    assert_eq!(missing.result, Err(NameProblem::NotFound));
    // No resolver may remember that there is no such name, so only servers with authority were asked for it.
    let names = ["www.example.com", "soon.example.com"];
    for asked in world.server.asked().iter().filter(|asked| names.contains(&asked.name.as_str())) {
        assert!(!asked.message.recursion_desired, "{asked:?}");
    }
}

#[test]
fn the_zone_of_many_load_balancers_is_found_once() {
    let world = World::start(|own, asked| {
        let is_balancer = asked.name.starts_with("lb-") && asked.kind == RecordType::A;
        (own == FIRST && is_balancer)
            .then(|| asked.answer(&[&format!("{} 60 A 192.0.2.1", asked.name)]).into())
    });
    let hosts: Vec<String> = (0..50).map(|index| format!("lb-{index}.eu.example.com")).collect();
    let found = run(addresses_of_all(&hosts, &world.servers(), &short())).unwrap();
    assert_eq!(found.iter().map(|row| row.name.clone()).collect::<Vec<_>>(), hosts);
    assert!(found.iter().all(|row| row.result.is_ok()), "{found:?}");
    let asked = world.server.asked();
    let about_zone = asked.iter().filter(|asked| !asked.name.starts_with("lb-")).count();
    // NS of eu.example.com and of example.com, A and AAAA of two name servers.
    assert_eq!(about_zone, 6);
}

#[test]
fn a_load_balancer_with_a_name_is_asked_for_at_the_system_if_its_authority_is_silent() {
    let world = World::start(|own, asked| match own {
        FIRST => Some(asked.code(ResponseCode::Refused).into()),
        SECOND => Some(Reaction::Silence),
        _ => None,
    });
    let found = run(addresses_of("www.example.com", &world.servers(), &short())).unwrap();
    assert_eq!(shown(&found), "system resolver (127.0.0.1: 192.0.2.1 60");
    assert_eq!(found.server.kind, ServerKind::System);
}
