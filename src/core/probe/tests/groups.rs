//! Names that have the addresses of a part of the pools.

use super::*;

#[test]
fn each_name_of_a_group_has_the_addresses_of_its_pools() {
    let of_group =
        |pool: &str, address: &str, group: u32| End { group: Some(group), ..end(pool, &[address]) };
    let mut all = observed(
        vec![of_group("a", "192.0.2.1", 1), of_group("b", "192.0.2.2", 2), of_group("c", "192.0.2.3", 2)],
        &[("192.0.2.1", None), ("192.0.2.2", None), ("192.0.2.3", None)],
    );
    let names = ["www-1.example.com", "www-2.example.com", "www.example.com"];
    let answers = |kind, found: [&[(&str, u32)]; 3]| {
        let published = |(name, found): (&str, &[(&str, u32)])| Published {
            name: name.to_owned(),
            ..server(kind, "192.0.2.53", Ok(found))
        };
        names.into_iter().zip(found).map(published).collect::<Vec<_>>()
    };
    all.partial = [
        (names[0].to_owned(), Partial::Group(1)),
        (names[1].to_owned(), Partial::Group(2)),
        (names[2].to_owned(), Partial::AnyGroup),
    ]
    .into();
    let of = |hostname, answers, group| Name { hostname, ttl: Some(60), answers, group };
    let wanted = [
        of(names[0], Answers::All, Some(1)),
        of(names[1], Answers::All, Some(2)),
        of(names[2], Answers::OneGroup, None),
    ];
    let lines = |observed: &Observed| -> Vec<String> {
        let facts = Facts { names: &wanted, now: 1_000_000, flags: "" };
        let found = findings(observed, &observed.rows(), facts);
        found.iter().map(|finding| format!("{}: {}", finding.kind, finding.message)).collect()
    };
    let (one, two) = ([("192.0.2.1", 60)], [("192.0.2.2", 60), ("192.0.2.3", 60)]);
    // The host name has the CNAME record of the second group in this answer.
    all.published = answers(ServerKind::Authoritative, [&one, &two, &two]);
    assert_eq!(lines(&all), Vec::<String>::new());
    assert!(all.rows().iter().all(|row| row.dns == DnsState::Published));
    let moved = [("192.0.2.1", 60), ("192.0.2.2", 60)];
    all.published = answers(ServerKind::Authoritative, [&moved, &two[1..], &one]);
    assert_eq!(
        lines(&all),
        [
            "missing-in-dns: www-2.example.com lacks 192.0.2.2 (pool b) (asked ns1.example.com (192.0.2.53))",
            "other-group-in-dns: www-1.example.com has 192.0.2.2 (pool b of group 2) (asked ns1.example.com (192.0.2.53))",
        ]
    );
    assert_eq!(all.rows()[1].dns, DnsState::Missing);
    // A cache still has the group that the pool was in before.
    all.published = answers(ServerKind::Authoritative, [&one, &two, &two]);
    all.published.extend(answers(ServerKind::System, [&moved, &two, &two]));
    assert_eq!(
        lines(&all),
        [
            "stale-in-cache: www-1.example.com still has 192.0.2.2 in a cache (asked system resolver (192.0.2.53))"
        ]
    );
}
