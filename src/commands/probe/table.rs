//! The result as a table and lines.

use std::collections::BTreeSet;

use crate::core::probe::check::seconds;
use crate::core::probe::{DnsState, Finding, Row, Verdict, Weight};
use crate::core::report::plural::plural;
use crate::core::report::pool_words;
use crate::engine::probe::Probed;
use crate::output::terminal;

/// What is printed.
pub(super) struct Shown<'a> {
    pub(super) probed: &'a Probed,
    /// The rows that were printed before, without what changes in every probe.
    pub(super) before: Option<&'a Vec<Row>>,
    /// Lines about pools that are left out.
    pub(super) lines: &'a [String],
}

const NARROW: &[&str] = &["POOL", "ADDRESS", "PORT", "CHECK", "RESULT", "LATENCY", "DNS"];
const WIDE: &[&str] = &[
    "POOL",
    "ADDRESS",
    "PORT",
    "CHECK",
    "RESULT",
    "LATENCY",
    "DNS",
    "FAILED",
    "OBJECT",
    "HOSTNAME",
    "CERTIFICATE",
];

pub(super) fn narrow(shown: &Shown<'_>) -> String {
    text(shown, NARROW)
}

pub(super) fn wide(shown: &Shown<'_>) -> String {
    text(shown, WIDE)
}

/// Returns the names of the objects whose load balancers differ.
pub(super) fn names(probed: &Probed) -> String {
    let differs = |row: &&Row| {
        row.verdict.is_failure()
            || matches!(row.dns, DnsState::Missing | DnsState::Partly | DnsState::StillPublished(_))
    };
    let name = |row: &Row| format!("{}/{}\n", row.object.kind.to_lowercase(), row.object.name);
    probed.rows.iter().filter(differs).map(name).collect::<BTreeSet<_>>().into_iter().collect()
}

fn text(shown: &Shown<'_>, headings: &[&str]) -> String {
    let rows = &shown.probed.rows;
    let is_new =
        |row: &&Row| shown.before.is_none_or(|before| !before.contains(&(*row).clone().without_repetition()));
    let table: Vec<Vec<String>> = rows
        .iter()
        .filter(is_new)
        .map(|row| headings.iter().map(|heading| cell(row, heading)).collect())
        .collect();
    let table = if table.is_empty() {
        String::new()
    } else {
        terminal::table(&pool_words::headings(headings, || rows.iter().map(|row| row.pool.as_str())), &table)
    };
    let lines = |lines: Vec<String>| lines.into_iter().map(|line| line + "\n").collect::<String>();
    let parts = [
        table,
        lines(notes(rows)),
        lines(shown.probed.findings.iter().map(finding).collect()),
        lines(shown.lines.to_vec()),
        summary(shown.probed),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn cell(row: &Row, heading: &str) -> String {
    let or_dash =
        |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
    let tried = row.tried.as_ref();
    match heading {
        "POOL" => or_dash(Some(row.pool.clone())),
        "ADDRESS" => or_dash(row.address.map(|address| address.to_string()).or_else(|| row.hostname.clone())),
        "PORT" => or_dash(row.port.map(|(port, transport)| format!("{port}/{}", transport.name()))),
        "CHECK" => or_dash(row.check.map(str::to_owned)),
        "LATENCY" => or_dash(tried.and_then(|tried| tried.latency).map(|time| {
            // Less than a millisecond is a neighbor.
            if time.as_millis() == 0 { "<1ms".to_owned() } else { seconds(time) }
        })),
        "DNS" => row.dns.word().to_owned(),
        "FAILED" => or_dash(tried.map(|tried| format!("{}/{}", tried.failed, tried.count))),
        "OBJECT" => row.object.to_string(),
        "HOSTNAME" => or_dash(row.hostname.clone()),
        "CERTIFICATE" => or_dash(tried.and_then(|tried| tried.certificate.as_ref()).map(|certificate| {
            let names = certificate.names.join(",");
            if names.is_empty() { certificate.fingerprint.chars().take(16).collect() } else { names }
        })),
        _ => row.verdict.word().replace('-', " "),
    }
}

/// Returns why ports were not checked, or not as far as usual.
fn notes(rows: &[Row]) -> Vec<String> {
    let not_checked = rows.iter().filter_map(|row| match (&row.verdict, row.port) {
        (Verdict::NotChecked(why), Some((port, transport))) => {
            Some(format!("port {port}/{} was not checked: {why}", transport.name()))
        }
        _ => None,
    });
    let noted = rows.iter().filter_map(|row| {
        let (port, transport) = row.port?;
        Some(format!("port {port}/{}: {}", transport.name(), row.note?))
    });
    not_checked.chain(noted).collect::<BTreeSet<_>>().into_iter().collect()
}

fn finding(finding: &Finding) -> String {
    format!("{}: {}\n  hint: {}", finding.weight.word(), finding.message, finding.hint)
}

fn summary(probed: &Probed) -> String {
    let checked = |row: &&Row| !matches!(row.verdict, Verdict::NotChecked(_));
    let all = probed.rows.iter().filter(checked).count();
    let answering = probed.rows.iter().filter(|row| row.verdict == Verdict::Answers).count();
    let count = |weight: Weight| probed.findings.iter().filter(|finding| finding.weight == weight).count();
    let differences = match count(Weight::Difference) {
        0 => "no difference".to_owned(),
        number => plural(number, "difference"),
    };
    let unknown = match count(Weight::Unknown) {
        0 => String::new(),
        number => format!(", {number} unknown"),
    };
    format!("{answering} of {} answer as expected, {differences}{unknown}\n", plural(all, "port"))
}
