//! Scalars in a manifest are read as kubectl reads them.

use largescale::core::yaml;
use serde_json::Value;

use crate::kubectl::Kubectl;
use crate::same::same;

/// Scalars that both read alike: common ones, and unusual ones.
#[rustfmt::skip] // one a line would be pages
const ALIKE: &[&str] = &[
    // Null.
    "", "~", "null", "Null", "NULL", "nUll", "none", "nil",
    // Booleans.
    "true", "True", "TRUE", "false", "False", "FALSE", "y", "Y", "n", "N", "yes", "Yes", "YES", "no",
    "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "t", "f",
    // Integers.
    "0", "-0", "+0", "00", "1", "-1", "+1", "12", "01", "007", "0777", "0644", "0o777", "0o17", "-0777",
    "-0o7", "08", "09", "0x1F", "0xff", "0xFFFF", "-0x1", "0x", "0xG", "0b1", "0b11", "-0b1", "0b2", "0b",
    "0o", "0o8", "1_000", "1_0_0", "_1", "_", "9223372036854775807", "-9223372036854775808", "2147483648",
    "1,000", "1 000", "0x1_F", "0b1_0", "0x7fffffffffffffff", "0777777777777777777777",
    // Floats.
    "1.0", "1.10", "1.5", "-1.5", "+1.5", "0.1", ".5", "-.5", "+.5", "5.", "1.", "1e3", "1E3", "1e+3",
    "1e-3", "1.5e3", "-2E+05", "1.e3", "1e", "e1", "1e3e", "1.2.3", "1.2.3.4", "0x1p3", "1f", "1d",
    "100.25", "3.14159", "1e22", "1e15", "123456789.125", "00.5", "0.0", "-0.0", "12e03",
    // Sexagesimal, dates.
    "190:20:30", "12:30:45", "12:30", "1:1", "190:20:30.15", "2001-01-01", "2001-1-1",
    "2001-12-14t21:59:43.10-05:00", "2001-12-15T02:59:43.1Z", "2001-12-15 2:59:43.10", "2001-01",
    // Names of floats that are strings here.
    "inf", "Inf", "-inf", "Infinity", "nan", "NaN", ".", "..", ".infinity",
    // Merge and default as values.
    "=", "<<", "<", "==",
    // Quoted scalars.
    "\"yes\"", "'no'", "\"0777\"", "'1_000'", "\"\\u00e9\"", "'it''s'", "\"a\\tb\"", "\"\\x41\"", "\"\"",
    "''", "\"\\U0001F600\"", "\"a\\\\b\"",
    // Tags.
    "!!str 1", "!!str true", "!!int \"1\"", "!!float 1", "!!bool yes",
    // Strings that look like something else.
    "a", "a b", "a:b", "a#b", "a # comment", "# comment", "-a", "--", "---a", "?a", ":a", "a,b", "a[0]",
    "a{b}", "[]", "{}", "[a, b]", "{a: b}", "[1, 0777, yes]", "http://a:80/b?c=d#e",
    "\"*.example.com\"", "10.0.0.0/8", "::1", "100m", "1Gi", "10%", "5s", "8080:80",
    "v1.2", "1.20", "sha256:0e1", "6e5", "12e4", "5e1", "00e1", "0e0", "1e05", "é", "日本語",
    "\u{1f600}", "a\u{a0}b", "$(X)", "${x}", "a'b", "a\"b", "a\\b", "\\n", "~a", "~/x", "/",
    "a!b", "a&b", "a*b", "(a)", "a;b", "a=b", "^a$", "+", "-.", "+.", ".a", "1a", "0xz", "1-2", "1+2",
    "+1a", "1/2", "$1", "0x-1", "a\tb", "\ta", "a #b", "[a,b]", "{a:b}", "{\"a\":b}", "[a: b]", "!", "._5", ".5_", "1:30_0",
    // More tags and numbers.
    "!foo a", "! 1", "!!str", "!!str 0777", "!!str yes", "!!int 0x10", "!!bool y", "!!float 1.5", "!!binary aGk=", "!!set {a: }", "&a b",
    "0x_1F", "0o1_7", "0O17", "0X1F", "0B1", "+0x1", "-0x1F", "0_7", "-1_000", "+1_000", "0b111_1", "-0o17", "1E22", "0.1e1", "1e-31", "nULL",
    "18446744073709551616", "-9223372036854775809", "12345678901234567890123", "+18446744073709551615", "!!timestamp 2001-01-01",
    // Booleans in mixed case, underscores in unusual places, numbers that are too large for a float.
    "yEs", "nO", "oN", "oFF", "tRue", "fALSE", // typos:ignore
    "1_", "1__0", "8_.2", "1_0.5", "1.5_0", "1._0", "685_230.15", "1e5_0", "1e+_3", "0b-1", "0b+1", "-0b-1", ".5_0", ".5e1_0",
    "1e400", "-1e400", "123e4567", ".5e999", "-_1", "+_", "0x_", "0_", "+.nan", "-.nan",
    // Several lines.
    "|\n    a\n    b", "|-\n    a", "|+\n    a\n\n", ">\n    a\n    b", ">-\n    a\n\n    b",
    "|2\n     a\n", "a\n    b", "\"a\n    b\"", "'a\n\n    b'", "|\n\n    a\n      b\n",
    ">\n    a\n      b\n    c\n", "|\n    a\n    # no comment\n", "\"a\\\n    b\"", "\n  - a\n  - b",
    "\n    a: 1\n    b: yes",
];

/// Scalars that both read alike as keys of a map.
#[rustfmt::skip] // one a line would be pages
const ALIKE_AS_KEYS: &[&str] = &[
    "a", "a b", "a-b", "a.b/c", "true", "1", "10", "1.5", "2001-01-01", "12:30", "=", "-a", "?a", ":a", "\"yes\"", "'1'", "\"0777\"",
    "é", "# c\n    a", "10.0.0.0/8", "1a", "None", "inf", "\"<<\"", "nULL", "yEs", "v1.2", "0x", "08a", "-",
    "y", "yes", "on", "no", "TRUE", "01", "0777", "0o17", "0x1F", "1_000", "1.0", ".5", "1e3", "1e6", "123456.7", "-0.0", "1e-5",
    "123456789.5", "16777217.0", "! 1", "!!str 1", "!!int \"0x10\"", "08", "1e400",
];

/// Scalars that both refuse.
#[rustfmt::skip] // one a line would be pages
const REFUSED_BY_BOTH: &[&str] = &[
    ".inf", "-.inf", "+.INF", ".nan", ".NaN", "*a", "*.example.com", "%a", "@a", "`a", "a: b", "\"\\q\"", "|\n\ta", "- a", "!!int a", "a\u{7f}b",
    "\"a\u{1}b\"", "a\rb", "?", "? a", "-", ":", "1:", "!!null a", "!!bool 1", "!!int 1.5", "\"\\/\"", "a\u{85}b", "a\u{2028}b", "|\n    a\u{2028}b", "[a", "{a", "\"a", "'a",
];

/// Scalars that kubectl reads and this program refuses: the text, and the value of kubectl as JSON.
const REFUSED_HERE: &[(&str, &str)] = &[
    // Integers that Kubernetes would round.
    ("9223372036854775808", "9223372036854776000"),
    ("18446744073709551615", "1.8446744073709552e+19"),
    ("0xFFFFFFFFFFFFFFFF", "1.8446744073709552e+19"),
    // Characters that end a line, or begin a file.
    ("'a\u{85}b'", "\"a b\""),
    ("\u{feff}a", "\"\u{feff}a\""),
];

const REFUSED: &str = "refused";

fn ours(text: &str) -> Option<Value> {
    yaml::read_one("objects.yaml", text).ok().map(|document| document.value)
}

fn kubectls(kubectl: &Kubectl, text: &str) -> Option<Value> {
    kubectl.read(text).ok().map(|mut objects| objects.remove(0))
}

/// Returns an object with every scalar as a value.
fn values(scalars: &[&str]) -> String {
    object(scalars.iter().enumerate().map(|(index, scalar)| format!("k{index}: {scalar}")))
}

/// Returns an object with every scalar as the key of its own map.
fn keys(scalars: &[&str]) -> String {
    object(scalars.iter().enumerate().map(|(index, scalar)| format!("k{index}:\n    {scalar}: x")))
}

fn object(entries: impl Iterator<Item = String>) -> String {
    let head = "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: x\nspec:\n";
    entries.fold(head.to_owned(), |text, entry| format!("{text}  {entry}\n"))
}

/// Finds the scalars that are read differently, with the results of kubectl and of this program.
fn differences(kubectl: &Kubectl, object: fn(&[&str]) -> String, scalars: &[&str], found: &mut Vec<String>) {
    let text = object(scalars);
    let (theirs, here) = (kubectls(kubectl, &text), ours(&text));
    if matches!((&theirs, &here), (Some(theirs), Some(here)) if same(theirs, here)) {
        return;
    }
    if let [scalar] = scalars {
        found.push(format!("{scalar:?}: kubectl {}, this program {}", first(theirs), first(here)));
        return;
    }
    let (one, other) = scalars.split_at(scalars.len() / 2);
    differences(kubectl, object, one, found);
    differences(kubectl, object, other, found);
}

/// Returns the first value of an object as JSON.
fn first(read: Option<Value>) -> String {
    read.map_or_else(|| REFUSED.to_owned(), |object| object["spec"]["k0"].to_string())
}

#[test]
fn plain_scalars_are_read_as_kubectl_reads_them() {
    let Some(kubectl) = Kubectl::find() else { return };
    assert!(ALIKE.len() >= 200);
    let mut found = Vec::new();
    differences(&kubectl, values, ALIKE, &mut found);
    differences(&kubectl, keys, ALIKE_AS_KEYS, &mut found);
    assert!(found.is_empty(), "{} are read differently:\n{}", found.len(), found.join("\n"));
}

#[test]
fn invalid_scalars_are_refused() {
    let Some(kubectl) = Kubectl::find() else { return };
    for scalar in REFUSED_BY_BOTH {
        let text = values(&[scalar]);
        assert_eq!((kubectls(&kubectl, &text), ours(&text)), (None, None), "{scalar:?}");
    }
}

#[test]
fn the_exceptions_are_the_known_ones() {
    let Some(kubectl) = Kubectl::find() else { return };
    for (scalar, expected) in REFUSED_HERE {
        let text = values(&[scalar]);
        assert_eq!(first(kubectls(&kubectl, &text)), *expected, "{scalar:?}");
        assert_eq!(ours(&text), None, "{scalar:?}");
    }
}
