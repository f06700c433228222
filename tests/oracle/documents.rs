//! Whole documents are read as kubectl reads them, or refused: never as something else.
//!
//! The documents are those of the yaml-test-suite (<https://github.com/yaml/yaml-test-suite>, commit ccfa74e5, MIT license, copyright
//! Ingy döt Net), and the oddities below.

use std::collections::BTreeMap;
use std::fs;

use largescale::core::yaml;
use serde_json::Value;

use crate::kubectl::Kubectl;
use crate::same::same;
use crate::strings::Random;

const SUITE: &str = include_str!("yaml-test-suite.json");

fn suite() -> BTreeMap<String, String> {
    serde_json::from_str(SUITE).unwrap()
}

/// What one reader makes of a text.
#[derive(Debug)]
enum Read {
    Objects(Vec<Value>),
    Refused(String),
}

fn ours(text: &str) -> Read {
    match yaml::read("objects.yaml", text) {
        Ok(documents) => Read::Objects(documents.into_iter().map(|document| document.value).collect()),
        Err(problem) => Read::Refused(problem.to_string()),
    }
}

fn theirs(kubectl: &Kubectl, text: &str) -> Read {
    match kubectl.read(text) {
        Ok(objects) => Read::Objects(objects),
        Err(why) => Read::Refused(why),
    }
}

/// Returns how the two differ.
fn difference(kubectl: &Kubectl, text: &str) -> Option<String> {
    match (theirs(kubectl, text), ours(text)) {
        (Read::Refused(_), Read::Refused(_)) => None,
        // kubectl read it, but expects another object; its error has the value only sometimes.
        (Read::Refused(why), Read::Objects(_)) if why.contains("unable to decode") => None,
        (Read::Objects(a), Read::Objects(b)) => {
            let is_same = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(a, b));
            (!is_same)
                .then(|| format!("DIFFERENT: kubectl {}, this program {}", Value::from(a), Value::from(b)))
        }
        (Read::Objects(a), Read::Refused(why)) => Some(format!("refused: {why}; kubectl {}", Value::from(a))),
        (Read::Refused(why), Read::Objects(b)) => {
            Some(format!("lenient: kubectl: {}; this program {}", why.trim(), Value::from(b)))
        }
    }
}

/// Returns an object whose `spec` is the document.
fn as_value(text: &str) -> String {
    let indented: String = text
        .split_inclusive('\n')
        .map(|line| {
            if line.trim_end_matches(['\r', '\n']).is_empty() {
                line.to_owned()
            } else {
                format!("    {line}")
            }
        })
        .collect();
    format!("apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: x\nspec:\n{indented}")
}

/// Returns an object with the fields of the document.
fn as_object(text: &str) -> String {
    format!("apiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: x}}\n{text}")
}

/// The documents of the suite that kubectl reads and this program refuses, each as a value or as fields of an object.
const REFUSED: &[&str] = &[
    // A key in braces whose colon no space follows, and `?` before text in braces or brackets.
    "4ABK as value",
    "652Z as value",
    "HM87/01 as value",
    // Bytes that are not text: kubectl replaces them.
    "565N as object",
    "565N as value",
    // A directive after content, without an object: kubectl ignores it.
    "9MMA as object",
    "B63P as object",
    "DK95/07 as object",
    "MUS6/00 as object",
    "MUS6/02 as object",
    "MUS6/03 as object",
    "MUS6/04 as object",
    "SF5V as object",
    // A tab in an empty line.
    "DK95/05 as object",
    "DK95/05 as value",
    // Empty lines of a block scalar that are longer than its text.
    "S98Z as object",
    "S98Z as value",
    // A comment without a space before it.
    "SU5Z as object",
    "SU5Z as value",
    "X4QW as object",
    "X4QW as value",
    // A comma in a tag, and a dash alone in brackets.
    "U99R as value",
    "YJV2 as value",
];

#[test]
fn the_documents_of_the_suite_are_read_as_kubectl_reads_them() {
    let Some(kubectl) = Kubectl::find() else { return };
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for (name, text) in suite() {
        for (how, text) in [("object", as_object(&text)), ("value", as_value(&text))] {
            match difference(&kubectl, &text) {
                None => {}
                Some(why) if why.starts_with("refused: ") => refused.push(format!("{name} as {how}")),
                Some(why) => found.push(format!("{name} as {how}: {why}\n    {text:?}")),
            }
        }
    }
    assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
    let mut known: Vec<_> = REFUSED.to_vec();
    known.sort_unstable();
    assert_eq!(refused, known);
}

const HEAD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
const OTHER: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
const JSON: &str = "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"j\"}}";

/// Whole files that kubectl reads, and this program reads alike.
fn alike() -> Vec<String> {
    vec![
        format!("\u{feff}{HEAD}"),
        format!("{HEAD}---\n\u{feff}{OTHER}"),
        format!("\u{feff}---\n{HEAD}---\n\u{feff}# comment\n{OTHER}"),
        format!("{JSON}\n{JSON}"),
        format!("{JSON}{JSON}{JSON}\n\n"),
        format!("  \n\t{JSON}"),
        format!("---\n{JSON}\n---\n{JSON}\n"),
        format!("# comment\n{JSON}\n"),
        JSON.replace(' ', "\n\t"),
        JSON.replace(
            "\"j\"",
            "\"j\", \"x\": \"\\ud83d\\ude00\\/\u{2028}\u{7f}\", \"y\": [-0, 1E3, 1.50, true, null, {}]",
        ),
        format!("---\n# comment\n\t\n{JSON}\n").replace("\t\n", ""),
        format!("{HEAD}...\n---\n{OTHER}...\n"),
        format!("{HEAD}---\n---\n# nothing\n---\n{OTHER}---"),
        format!("{HEAD}--- # comment\n{OTHER}").replace('\n', "\r\n"),
        format!("{HEAD}---\u{a0}\n{OTHER}"),
        format!("null\n---\n{HEAD}---\n~\n"),
        format!("{HEAD}data:\n  a: 1\n  <<: {{a: 2, b: 3}}\n"),
        format!("{HEAD}data: {{a: 1, <<: [{{a: 2}}, {{a: 3, b: 4}}], b: 5}}\n"),
        format!("{HEAD}x: &x {{a: 1}}\ndata: {{<<: *x, <<: {{a: 2}}}}\n"),
        format!("{HEAD}x: &x {{a: 1}}\ndata: {{\"<<\": *x}}\n"),
        format!("{HEAD}data: {{!!merge \"<<\": {{a: 1}}}}\n"),
        format!("{HEAD}data: {{1: a, 1.5: b, on: c, 0x10: d, 2001-01-01: e, 1e6: f, ! 2: g}}\n"),
        format!("{HEAD}data:\n  a: {{\n\t\"b\": \"c\",\n\t\"d\": [\n\t\t\"e\"\n\t]\n\t}}\n  f: [\n\tg, h]\n"),
        format!("{HEAD}data: &a {{b: &c d, e: *c}}\nx: *a\n"),
        format!("{HEAD}data: {{a: !!int [1], b: !!null {{c: d}}, e: !!str {{f: g}}}}\n"),
        format!("{HEAD}data: {{a: |-\n}}\n").replace("|-\n", "'|-'"),
        format!("{HEAD}data:\n  a: |\n    b\n\n    \tc"),
    ]
}

/// Whole files that one of the two refuses: the refusal is ours.
fn refused() -> Vec<String> {
    vec![
        // kubectl ignores the second document.
        format!("{HEAD}...\n{OTHER}"),
        format!("---\n{JSON}\n{JSON}\n"),
        // kubectl keeps one of the values.
        format!("{HEAD}data: {{1: a, \"1\": b}}\n"),
        format!("{HEAD}data: {{a: b, a: c}}\n"),
        format!("{HEAD}--- {{a: b}}\n"),
        format!("{HEAD}data: {{~: a}}\n"),
        format!("{HEAD}data: {{18446744073709551615: a}}\n"),
        format!("{HEAD}data: {{[a]: b}}\n"),
        format!("{HEAD}data: &a [*a]\n"),
        format!("{HEAD}x: &x [{{a: b}}]\ndata: {{<<: *x, <<: [*x]}}\n"),
        format!("{HEAD}data: {{<<: a}}\n"),
        // For kubectl the mark is part of the key.
        format!("---\n\u{feff}{HEAD}"),
        // For kubectl a line ends, so the comment has content.
        format!("{HEAD}# comment\u{2028}data: {{a: b}}\n"),
        format!("{HEAD}x: 'a\u{85}b'\n"),
        JSON.replace("\"j\"", "\"j\", \"x\": 1e400"),
        JSON.replace("\"j\"", "\"j\", \"x\": \"\\ud83d\""),
    ]
}

#[test]
fn odd_files_are_read_as_kubectl_reads_them() {
    let Some(kubectl) = Kubectl::find() else { return };
    for text in alike() {
        assert!(
            matches!(theirs(&kubectl, &text), Read::Objects(_)),
            "kubectl refuses {text:?}: {:?}",
            theirs(&kubectl, &text)
        );
        assert_eq!(difference(&kubectl, &text), None, "{text:?}");
    }
    for text in refused() {
        assert!(matches!(ours(&text), Read::Refused(_)), "{text:?}");
    }
}

/// Pieces of random documents: every sign of YAML, and ordinary text.
const PIECES: &[&str] = &[
    "a",
    "b",
    "a: ",
    "b:",
    "- ",
    "-",
    "? ",
    "?",
    ": ",
    ":",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ",",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "\t",
    "\n\t",
    " ",
    "# c",
    " # c\n",
    "\"",
    "'",
    "\"a\"",
    "'b'",
    "|",
    ">",
    "|-\n",
    ">+\n",
    "&a ",
    "*a",
    "!!str ",
    "!!int ",
    "!x ",
    "<<: ",
    "<<",
    "1",
    "0x1",
    "yes",
    "~",
    "null",
    "1e3",
    ".5",
    "-1",
    "\"a\":",
    "{a: b}",
    "[a, b]",
    "%",
    "@",
    "`",
    "\\",
    "\\n",
    "=",
    "...",
    "\n...\n",
    "\u{feff}",
    "é",
    "a b",
    "a\n    b",
    "x: &a {c: d}\n    ",
    "y: *a\n    ",
    "\r\n",
    "\u{a0}",
    "2001-01-01",
    "\n    - ",
];

#[test]
fn random_documents_are_read_as_kubectl_reads_them() {
    let Some(kubectl) = Kubectl::find() else { return };
    let count: usize = std::env::var("DOCUMENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(3000);
    let mut random = Random::new(0x646f_6375_6d65_6e74);
    let mut found = Vec::new();
    let texts: Vec<String> = (0..count)
        .map(|index| {
            let pieces: String = (0..=random.below(14)).map(|_| PIECES[random.below(PIECES.len())]).collect();
            format!(
                "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: n{index}\nspec:\n    {pieces}\n"
            )
        })
        .collect();
    for texts in texts.chunks(500) {
        let directory = tempfile::tempdir().unwrap();
        for (index, text) in texts.iter().enumerate() {
            fs::write(directory.path().join(format!("{index:04}.yaml")), text).unwrap();
        }
        let mut theirs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for object in kubectl.read_all(directory.path()) {
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            theirs.entry(name).or_default().push(object);
        }
        for text in texts {
            let Ok(here) = yaml::read("objects.yaml", text) else { continue };
            let name = here[0].value["metadata"]["name"].as_str().unwrap().to_owned();
            let theirs = theirs.remove(&name).unwrap_or_default();
            let is_same =
                here.len() == theirs.len() && here.iter().zip(&theirs).all(|(a, b)| same(&a.value, b));
            if !is_same {
                let here: Vec<Value> = here.into_iter().map(|document| document.value).collect();
                found.push(format!(
                    "{text:?}: kubectl {}, this program {}",
                    Value::from(theirs),
                    Value::from(here)
                ));
            }
        }
    }
    assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
}
