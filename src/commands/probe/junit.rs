//! The result in the format of `JUnit`, which CI systems show as test results.

use crate::core::probe::{Row, Verdict, Weight};
use crate::core::report::pool_words;
use crate::engine::probe::Probed;

/// Returns a suite for the ports and a suite for the names. Findings about ports are in their rows.
pub(super) fn text(app: &str, probed: &Probed) -> String {
    let ports: Vec<Case> = probed.rows.iter().map(of_row).collect();
    let is_about_a_row = |kind: &str| {
        matches!(kind, "no-address" | "not-answering" | "partly-answering" | "not-reachable-from-here")
    };
    let names: Vec<Case> = probed
        .findings
        .iter()
        .filter(|finding| !is_about_a_row(finding.kind) && finding.weight != Weight::Warning)
        .map(|finding| {
            let text = format!("{}; {}", finding.message, finding.hint);
            let result = match finding.weight {
                Weight::Difference => CaseResult::Failed(text),
                Weight::Unknown | Weight::Warning => CaseResult::Skipped(text),
            };
            Case { name: finding.kind.to_owned(), result }
        })
        .collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"probe\">\n");
    suite(&mut out, &format!("{app}: ports"), &ports);
    if !probed.observed.published.is_empty() {
        let all_well =
            Case { name: "DNS has the addresses of the pools".to_owned(), result: CaseResult::Passed };
        let names = if names.is_empty() { vec![all_well] } else { names };
        suite(&mut out, &format!("{app}: DNS"), &names);
    }
    out.push_str("</testsuites>\n");
    out
}

/// One test of the format.
struct Case {
    name: String,
    result: CaseResult,
}

enum CaseResult {
    Passed,
    Failed(String),
    Skipped(String),
}

fn of_row(row: &Row) -> Case {
    let address = row.address.map(|address| address.to_string()).or_else(|| row.hostname.clone());
    let address = address.unwrap_or_else(|| row.object.to_string());
    let port =
        row.port.map(|(port, transport)| format!(" port {port}/{}", transport.name())).unwrap_or_default();
    let reason = row.verdict.reason().unwrap_or_default();
    let result = match row.verdict {
        Verdict::Answers => CaseResult::Passed,
        Verdict::Unknown(_) | Verdict::NotChecked(_) => CaseResult::Skipped(reason),
        Verdict::Partly(_) | Verdict::Fails(_) | Verdict::NoAddress(_) => CaseResult::Failed(reason),
    };
    Case { name: format!("{}: {address}{port}", pool_words::named(&row.pool)), result }
}

fn suite(out: &mut String, name: &str, cases: &[Case]) {
    let count = |is: fn(&CaseResult) -> bool| cases.iter().filter(|case| is(&case.result)).count();
    let failures = count(|result| matches!(result, CaseResult::Failed(_)));
    let skipped = count(|result| matches!(result, CaseResult::Skipped(_)));
    out.push_str(&format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">\n",
        escaped(name),
        cases.len()
    ));
    for Case { name, result } in cases {
        let start = format!("    <testcase classname=\"probe\" name=\"{}\"", escaped(name));
        out.push_str(&match result {
            CaseResult::Passed => format!("{start}/>\n"),
            CaseResult::Failed(why) => {
                format!("{start}><failure message=\"{}\"/></testcase>\n", escaped(why))
            }
            CaseResult::Skipped(why) => {
                format!("{start}><skipped message=\"{}\"/></testcase>\n", escaped(why))
            }
        });
    }
    out.push_str("  </testsuite>\n");
}

/// Escapes untrusted text for an attribute. XML 1.0 has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
