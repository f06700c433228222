//! Tests of the outputs with text that a server chose.

use std::time::Duration;

use crate::commands::probe::{json, junit, table};
use crate::core::manifest::Key;
use crate::core::probe::check::{Certificate, Tried, Trouble};
use crate::core::probe::{DnsState, Finding, Observed, Row, Transport, Verdict, Weight};
use crate::core::report::escape::{in_json, in_message};
use crate::engine::probe::Probed;

/// Clears a screen, sets a title, begins a line, turns the direction of text, and ends an attribute.
const EVIL: &str = "\x1b[2J\x1b]0;owned\x07\r\nfalse line\u{9b}31m\u{202e}\"/><&'\0";

fn probed() -> Probed {
    let certificate = Certificate {
        fingerprint: "00".repeat(32),
        names: vec![EVIL.to_owned(), "www.example.com".to_owned()],
        not_after: 0,
        issuer: EVIL.to_owned(),
    };
    let trouble = Trouble::Tls(EVIL.to_owned());
    let row = Row {
        pool: "a".to_owned(),
        source: "web".to_owned(),
        object: Key {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: "shop".to_owned(),
            name: "web-a".to_owned(),
        },
        hostname: Some(EVIL.to_owned()),
        address: Some([192, 0, 2, 1].into()),
        port: Some((443, Transport::Tcp)),
        check: Some("tls"),
        verdict: Verdict::Fails(trouble.clone()),
        tried: Some(Tried {
            count: 2,
            failed: 2,
            latency: Some(Duration::from_millis(3)),
            trouble: Some(trouble),
            certificate: Some(certificate),
        }),
        note: None,
        dns: DnsState::NotCompared,
    };
    let finding = |weight, kind| Finding { weight, kind, message: EVIL.to_owned(), hint: EVIL.to_owned() };
    Probed {
        observed: Observed::default(),
        rows: vec![row.clone(), Row { address: None, verdict: Verdict::NoAddress(EVIL.to_owned()), ..row }],
        findings: vec![
            finding(Weight::Difference, "not-answering"),
            finding(Weight::Difference, "foreign-in-dns"),
            finding(Weight::Unknown, "name-server-unreachable"),
        ],
        unseen: Vec::new(),
    }
}

/// Returns the text as `terminal::data` writes it.
fn shown(text: &str) -> String {
    in_message(text)
}

/// Panics if a terminal would act on a character.
fn assert_plain(text: &str) {
    let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(acts), "{text:?}");
}

#[test]
fn tables_have_no_control_characters() {
    let probed = probed();
    for format in [table::narrow, table::wide] {
        let text = shown(&format(&table::Shown { probed: &probed, before: None, lines: &[] }));
        assert_plain(&text);
        // A certificate cannot begin a row.
        let rows = text.lines().take_while(|line| !line.is_empty()).count();
        assert_eq!(rows, 3, "{text}");
    }
    assert_plain(&shown(&table::names(&probed)));
}

#[test]
fn junit_is_xml_without_control_characters() {
    let text = junit::text(EVIL, &probed());
    assert_plain(&shown(&text));
    // Raw text between quotes could end its attribute.
    assert!(!text.contains("\"/><&"), "{text}");
    assert!(!text.contains(['\0', '\x1b', '\x07', '\r', '\u{9b}']), "XML cannot have these: {text:?}");
    assert!(text.contains("&quot;/&gt;&lt;&amp;'"), "{text}");
    for line in text.lines() {
        let line = line.trim_start();
        assert!(line.starts_with('<') && line.ends_with('>'), "{line}");
    }
}

#[test]
fn json_keeps_the_text_and_has_no_control_characters() {
    let value = json::value("web", &probed(), &[]);
    assert_eq!(value["ports"][0]["certificate"]["names"][0], EVIL);
    assert_plain(&in_json(&serde_json::to_string_pretty(&value).unwrap()));
}
