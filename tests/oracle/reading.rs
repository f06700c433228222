//! What stands unquoted in a manifest is read here as kubectl reads it.

use largescale::core::yaml;
use serde_json::{Value, json};

use crate::kubectl::Kubectl;

/// What both read alike: plain scalars as people write them, and as they should not.
const ALIKE: &[&str] = &[
    // Nothing.
    "",
    "~",
    "null",
    "Null",
    "NULL",
    "nUll",
    "none",
    "nil",
    // Truth.
    "true",
    "True",
    "TRUE",
    "false",
    "False",
    "FALSE",
    "y",
    "Y",
    "n",
    "N",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "no",
    "No",
    "NO",
    "nO",
    "on",
    "On",
    "ON",
    "oN",
    "off",
    "Off",
    "OFF",
    "oFF",
    "t",
    "f",
    // Whole numbers.
    "0",
    "-0",
    "+0",
    "00",
    "1",
    "-1",
    "+1",
    "12",
    "01",
    "007",
    "0777",
    "0644",
    "0o777",
    "0o17",
    "-0777",
    "-0o7",
    "08",
    "09",
    "0x1F",
    "0xff",
    "0xFFFF",
    "-0x1",
    "0x",
    "0xG",
    "0b1",
    "0b11",
    "-0b1",
    "0b2",
    "0b",
    "0o",
    "0o8",
    "1_000",
    "1_0_0",
    "_1",
    "_",
    "9223372036854775807",
    "-9223372036854775808",
    "2147483648",
    "1,000",
    "1 000",
    "0x1_F",
    "0b1_0",
    "0x7fffffffffffffff",
    "0777777777777777777777",
    // Numbers with a point or a power.
    "1.0",
    "1.10",
    "1.5",
    "-1.5",
    "+1.5",
    "0.1",
    ".5",
    "-.5",
    "+.5",
    "5.",
    "1.",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1.5e3",
    "-2E+05",
    "1.e3",
    "1e",
    "e1",
    "1e3e",
    "1.2.3",
    "1.2.3.4",
    "0x1p3",
    "1f",
    "1d",
    "1.5_0",
    "100.25",
    "3.14159",
    "1e22",
    "1e15",
    "123456789.125",
    "00.5",
    "0.0",
    "-0.0",
    "12e03",
    // Sexagesimal, dates.
    "190:20:30",
    "12:30:45",
    "12:30",
    "1:1",
    "190:20:30.15",
    "2001-01-01",
    "2001-1-1",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-15T02:59:43.1Z",
    "2001-12-15 2:59:43.10",
    "2001-01",
    // Words of floats that are none here.
    "inf",
    "Inf",
    "-inf",
    "Infinity",
    "nan",
    "NaN",
    ".",
    "..",
    ".infinity",
    // Merge and default as values.
    "=",
    "<<",
    "<",
    "==",
    // Quoted, of course.
    "\"yes\"",
    "'no'",
    "\"0777\"",
    "'1_000'",
    "\"\\u00e9\"",
    "'it''s'",
    "\"a\\tb\"",
    "\"\\x41\"",
    "\"\"",
    "''",
    "\"\\U0001F600\"",
    "\"a\\\\b\"",
    "\"\\/\"",
    // Tagged.
    "!!str 1",
    "!!str true",
    "!!int \"1\"",
    "!!float 1",
    "!!bool yes",
    // Text that looks like something.
    "a",
    "a b",
    "a:b",
    "a#b",
    "a # comment",
    "# comment",
    "-a",
    "--",
    "---a",
    "?a",
    ":a",
    "a,b",
    "a[0]",
    "a{b}",
    "[]",
    "{}",
    "[a, b]",
    "{a: b}",
    "[1, 0777, yes]",
    "{yes: 1}",
    "http://a:80/b?c=d#e",
    "*.example.com",
    "\"*.example.com\"",
    "10.0.0.0/8",
    "::1",
    "100m",
    "1Gi",
    "10%",
    "5s",
    "8080:80",
    "v1.2",
    "1.20",
    "sha256:0e1",
    "6e5",
    "12e4",
    "5e1",
    "00e1",
    "123e4567",
    "0e0",
    "1e05",
    "é",
    "日本語",
    "\u{1f600}",
    "a\u{a0}b",
    "\u{feff}a",
    "$(X)",
    "${x}",
    "a'b",
    "a\"b",
    "a\\b",
    "\\n",
    "~a",
    "~/x",
    "/",
    "a!b",
    "a&b",
    "a*b",
    "(a)",
    "a;b",
    "a=b",
    "^a$",
    "+",
    "-.",
    "+.",
    ".a",
    "1a",
    "0xz",
    "1-2",
    "1+2",
    "+1a",
    "1/2",
    "$1",
    "0x-1",
    "0b-1",
    // Of several lines.
    "|\n    a\n    b",
    "|-\n    a",
    "|+\n    a\n\n",
    ">\n    a\n    b",
    ">-\n    a\n\n    b",
    "|2\n     a\n",
    "a\n    b",
    "\"a\n    b\"",
    "'a\n\n    b'",
    "|\n\n    a\n      b\n",
    ">\n    a\n      b\n    c\n",
    "|\n    a\n    # no comment\n",
    "\"a\\\n    b\"",
    "\n  - a\n  - b",
    "\n    a: 1\n    b: yes",
];

/// What is read otherwise: the text, and what each makes of it (`None`: refuses).
/// kubectl has these of the Go programs `yaml.v2` and `strconv`; nobody writes them, and all but the first few are
/// refused here rather than read as something else.
fn known_exceptions() -> Vec<(&'static str, Option<Value>, Option<Value>)> {
    vec![]
}

fn ours(text: &str) -> Option<Value> {
    yaml::read_one("objects.yaml", text).ok().map(|document| document.value)
}

fn kubectls(kubectl: &Kubectl, text: &str) -> Option<Value> {
    kubectl.read(text).ok().map(|mut objects| objects.remove(0))
}

fn object(scalars: &[&str]) -> String {
    let head = "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: x\nspec:\n";
    scalars
        .iter()
        .enumerate()
        .fold(head.to_owned(), |text, (index, scalar)| format!("{text}  k{index}: {scalar}\n"))
}

/// The scalars that are read otherwise, each with what kubectl and what we make of it.
fn differences(kubectl: &Kubectl, scalars: &[&str], found: &mut Vec<String>) {
    let text = object(scalars);
    let (theirs, here) = (kubectls(kubectl, &text), ours(&text));
    if theirs.is_some() && theirs == here {
        return;
    }
    let [scalar] = scalars else {
        let (first, second) = scalars.split_at(scalars.len() / 2);
        differences(kubectl, first, found);
        differences(kubectl, second, found);
        return;
    };
    let value = |read: Option<Value>| read.map(|object| object["spec"]["k0"].clone());
    found.push(format!("{scalar:?}: kubectl {:?}, here {:?}", value(theirs), value(here)));
}

#[test]
fn plain_scalars_are_read_as_kubectl_reads_them() {
    let Some(kubectl) = Kubectl::find() else { return };
    assert!(ALIKE.len() >= 200);
    let mut found = Vec::new();
    differences(&kubectl, ALIKE, &mut found);
    assert!(found.is_empty(), "{} are read otherwise:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_exceptions_are_the_known_ones() {
    let Some(kubectl) = Kubectl::find() else { return };
    for (scalar, theirs, here) in known_exceptions() {
        let text = object(&[scalar]);
        let value = |read: Option<Value>| read.map(|object| object["spec"]["k0"].clone());
        assert_eq!((value(kubectls(&kubectl, &text)), value(ours(&text))), (theirs, here), "{scalar:?}");
    }
    drop(json!(0));
}
