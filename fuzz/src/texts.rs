//! Small texts: names, times, durations, limits, addresses and what messages make of them.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use largescale::cluster::parse_timeout;
use largescale::core::apply::MaxPrune;
use largescale::core::doctor::{Installed, completion, git, kubectl, plugin};
use largescale::core::gitops::repository_url;
use largescale::core::kubernetes::name_rules::is_label;
use largescale::core::kubernetes::names::{check_label_value, check_service_name, copy_name, pool_name};
use largescale::core::lock::LockId;
use largescale::core::probe::names::{GivenServer, parse_server};
use largescale::core::report::diagnostic::{Diagnostic, Location};
use largescale::core::report::escape::{in_comment, in_json, in_message, reorders};
use largescale::core::report::suggest::nearest;
use largescale::core::report::text_diff::{LineKind, unified};
use largescale::core::status::{age, seconds};

use super::checks::is_plain;
use super::json::Text;

#[derive(Arbitrary, Debug)]
struct Words<'a> {
    text: &'a str,
    other: Text,
    number: i32,
    lines: Vec<(bool, u8)>,
}

/// Texts and numbers.
pub fn words(data: &[u8]) {
    let Ok(Words { text, other: Text(other), number, lines }) =
        Words::arbitrary_take_rest(Unstructured::new(data))
    else {
        return;
    };
    let pool = pool_name(text);
    assert!(pool.is_empty() || is_label(&pool), "{pool}");
    let copy = copy_name("web", &pool);
    assert!(copy.len() <= 63, "{copy}");
    assert!(pool.is_empty() || check_service_name("it", &copy).is_ok(), "{copy}");
    assert!(!is_label(text) || check_label_value("it", text).is_ok(), "a label is a label value");

    for escaped in [in_comment(text), Location::file(text).to_string()] {
        assert!(!escaped.contains(char::is_control) && !escaped.contains(reorders), "{escaped}");
        assert_eq!(in_comment(&escaped), escaped);
    }
    is_plain(&in_message(text));
    let json = in_json(&serde_json::to_string(text).unwrap_or_default());
    is_plain(&json);
    assert_eq!(serde_json::from_str::<String>(&json).ok().as_deref(), Some(text));
    let _ = Diagnostic::error(text).at(Location::file(&other)).to_string();

    if let Ok(limit) = text.parse::<MaxPrune>() {
        assert_eq!(limit.to_string().parse(), Ok(limit));
        assert!(limit.allows(0, 0));
    }
    if let Ok(timeout) = parse_timeout(text) {
        assert!(timeout >= Duration::ZERO);
    }
    if let Some(id) = LockId::parse(text) {
        assert_eq!(id.as_str(), text);
    }
    server(text);
    if let Some(since) = seconds(text) {
        assert!(!age(since, number.into()).is_empty());
    }
    assert!(!age(0, number.into()).is_empty());
    let _ = repository_url(text);
    let _ = (kubectl(Some(text)), git(Some(text)), completion(Some(text)));
    let _ = plugin(
        text,
        &other,
        &[Installed { path: text.to_owned(), is_this: lines.is_empty() }],
        std::slice::from_ref(&other),
    );
    if let Some(near) = nearest(text, ["replicas", "selector", other.as_str()]) {
        assert!(["replicas", "selector", other.as_str()].contains(&near));
    }
    differences(&lines);
}

/// A name server.
fn server(text: &str) {
    match parse_server(text) {
        Ok(GivenServer::Address(address)) => {
            assert_eq!(parse_server(&address.to_string()), Ok(GivenServer::Address(address)));
        }
        Ok(GivenServer::Host { name, port }) => {
            let again = format!("{name}:{port}");
            assert_eq!(parse_server(&again), Ok(GivenServer::Host { name, port }), "{again}");
        }
        Err(error) => is_plain(&error),
    }
}

/// Two texts with lines in common.
fn differences(lines: &[(bool, u8)]) {
    let old: String = lines.iter().map(|(_, line)| format!("{}\n", line % 16)).collect();
    let new: String =
        lines.iter().filter(|(is_kept, _)| *is_kept).map(|(_, line)| format!("{}\n", line % 16)).collect();
    let diff = unified(&old, &new, "old", "new");
    assert_eq!(diff.is_empty(), old == new);
    let count = |kind| diff.iter().filter(|line| line.kind == kind).count();
    let (deleted, inserted) = (count(LineKind::Deleted), count(LineKind::Inserted));
    assert_eq!(deleted + new.lines().count(), inserted + old.lines().count(), "{old}{new}");
}
