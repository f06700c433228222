//! Parses YAML and JSON into values with their lines.

use std::sync::Arc;

use crate::core::bounds;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml::budget::{Budget, Limits};
use crate::core::yaml::document::Document;
use crate::core::yaml::node::{Node, Problem, Rules};
use crate::core::yaml::split::{Part, Syntax, check_line_ends, json_values, yaml_documents};
use crate::core::yaml::{compose, json};

/// Reads all documents of a text as kubectl does; empty documents are skipped.
pub fn read(file: &str, text: &str) -> Result<Vec<Document>, Diagnostic> {
    read_within(file, text, Rules::Kubectl, Limits::of(text))
}

/// Reads all documents of one of our own files, such as a patch. It may have fewer values than a manifest, and its keys are their text:
/// a pool may be called `on` or `01`.
pub fn read_own(file: &str, text: &str) -> Result<Vec<Document>, Diagnostic> {
    read_within(file, text, Rules::Own, Limits { values: bounds::MAX_OWN_VALUES, ..Limits::of(text) })
}

/// Reads a text that must have exactly one document.
pub fn read_one(file: &str, text: &str) -> Result<Document, Diagnostic> {
    only(file, read(file, text)?)
}

/// Reads one of our own files, which must have exactly one document: a spec, an overlay or a platform.
pub fn read_own_one(file: &str, text: &str) -> Result<Document, Diagnostic> {
    only(file, read_own(file, text)?)
}

pub(super) fn read_within(
    file: &str,
    text: &str,
    rules: Rules,
    limits: Limits,
) -> Result<Vec<Document>, Diagnostic> {
    let nodes = nodes(text, rules, limits)
        .map_err(|(line, problem)| problem.at(Location { file: file.to_owned(), line }))?;
    let file = Arc::from(file);
    Ok(nodes.into_iter().map(|node| Document::new(node.value, &file, node.lines)).collect())
}

fn nodes(text: &str, rules: Rules, limits: Limits) -> Result<Vec<Node>, Problem> {
    let mut budget = Budget::new(text, limits);
    let (mut parts, rest) = json_values(text);
    match rules {
        Rules::Kubectl => parts.extend(yaml_documents(rest)?),
        Rules::Own => parts.push(rest),
    }
    let mut nodes = Vec::new();
    for part in parts {
        match part.syntax {
            Syntax::Json => nodes.push(json::value(part.text, part.line, &mut budget)?),
            Syntax::Yaml => nodes.extend(yaml(part, rules, &mut budget)?),
        }
    }
    Ok(nodes)
}

fn yaml(part: Part<'_>, rules: Rules, budget: &mut Budget) -> Result<Vec<Node>, Problem> {
    check_line_ends(part)?;
    compose::documents(part.text, part.line, rules, budget)
}

pub(super) fn only(file: &str, mut documents: Vec<Document>) -> Result<Document, Diagnostic> {
    let Some(document) = documents.pop() else {
        return Err(Diagnostic::error("the file is empty").at(Location::file(file)));
    };
    if documents.is_empty() {
        return Ok(document);
    }
    Err(Diagnostic::error("more than one document, expected one").at(document.location("")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(text: &str) -> String {
        read("f.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn values_as_kubectl_reads_them() {
        let text = "mode: 0644\nword: \"yes\"\non: yes\nfloat: 1.5\nnothing:\n1.50: a\n";
        let document = read_one("f.yaml", text).unwrap();
        assert_eq!(
            document.value,
            json!({"mode": 420, "word": "yes", "true": true, "float": 1.5, "nothing": null, "1.5": "a"})
        );
        // A spec may name a pool `on`.
        assert_eq!(read_own_one("f.yaml", "on: yes\n01: a\n").unwrap().value, json!({"on": true, "01": "a"}));
    }

    #[test]
    fn every_value_has_its_line() {
        let text = "# a comment\na:\n  b:\n  - x: 1\n  - y/z: 2\n---\n---\nlast: 1\n";
        let documents = read("f.yaml", text).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].location("/a/b/0/x").to_string(), "f.yaml:4");
        assert_eq!(documents[0].location("/a/b/1/y~1z").to_string(), "f.yaml:5");
        assert_eq!(documents[0].location("/a/b/7/none").to_string(), "f.yaml:3", "the nearest parent");
        assert_eq!(documents[1].location("").to_string(), "f.yaml:8");
        let list = read_one("f.yaml", "kind: List\nitems:\n- x: 1\n- y/z: 2\n").unwrap();
        let items = list.into_items();
        assert_eq!(
            items.iter().map(|item| &item.value).collect::<Vec<_>>(),
            [&json!({"x": 1}), &json!({"y/z": 2})]
        );
        assert_eq!(items[1].location("/y~1z").to_string(), "f.yaml:4");
    }

    #[test]
    fn errors_have_the_line_of_the_problem() {
        assert_eq!(problem("a: 1\na: 2\n"), "f.yaml:2: duplicate key `a`");
        assert_eq!(
            problem("a: b: c"),
            "f.yaml:1: invalid YAML: mapping values are not allowed in this context"
        );
        assert_eq!(
            problem("x: 18446744073709551615"),
            "f.yaml:1: the number 18446744073709551615 is too large: Kubernetes would round it"
        );
        assert_eq!(
            problem("a: .nan"),
            "f.yaml:1: `.nan` is not a finite number, and JSON has no other numbers"
        );
        assert_eq!(read_one("f.yaml", "# nothing\n").unwrap_err().to_string(), "f.yaml: the file is empty");
        assert_eq!(
            read_one("f.yaml", "a: 1\n---\nb: 1\n").unwrap_err().to_string(),
            "f.yaml:3: more than one document, expected one"
        );
    }

    #[test]
    fn what_kubectl_ignores_or_reads_otherwise_is_refused() {
        for (text, expected) in [
            ("a: 1\n...\nb: 1\n", "f.yaml:3: another document begins here, which kubectl ignores"),
            ("a: 1\n--- {b: 1}\n", "f.yaml:2: text after `---` on its line, which kubectl refuses"),
            ("a: 1\n# b\u{2028}c: 1\n", "f.yaml:2: the character U+2028 ends a line for kubectl"),
            ("a:\n- \tb\n", "f.yaml:2: kubectl refuses a tab as indentation"),
            ("a: |\n \tb\n", "f.yaml:2: kubectl refuses a tab as indentation"),
            ("a: {b?c: 1}\n", "f.yaml:1: kubectl reads `?` in braces or brackets as the sign of a key"),
            ("a: [b, :c]\n", "f.yaml:1: kubectl refuses text in braces or brackets that begins with a colon"),
            ("a: {b:}\n", "f.yaml:1: kubectl reads a colon as part of the key if no space follows"),
            (
                "a: {b\n  : 1}\n",
                "f.yaml:1: kubectl refuses a key in braces that is not on one line with its colon",
            ),
            ("a: \"b\\/\"\n", "f.yaml:1: kubectl refuses the escape `\\/` in YAML"),
            ("a: &é b\n", "f.yaml:1: kubectl refuses the name of this anchor"),
            ("~: a\n", "f.yaml:1: a key is null, expected a string"),
            ("1: a\n\"1\": b\n", "f.yaml:2: duplicate key `1`"),
            ("a: &a [*a]\n", "f.yaml:1: an alias is inside of the value that it repeats"),
            ("a: {<<: b}\n", "f.yaml:1: the value of `<<` is not a map"),
            ("{\"a\": 1e400}", "f.yaml:1: the number 1e400 is too large"),
        ] {
            assert_eq!(problem(text), expected, "{text:?}");
        }
    }

    #[test]
    fn tabs_indent_flow_collections_only() {
        let text = "a:\n  b: {\n\t\"c\": [\n\t\t1,\n\t\t\"2\"\n\t],\n\t\"d\": \"\te\"\n\t}\n";
        let document = read_one("f.yaml", text).unwrap();
        assert_eq!(document.value, json!({"a": {"b": {"c": [1, "2"], "d": "\te"}}}));
        assert_eq!(document.location("/a/b/d").line, 7);
        assert!(read("f.yaml", "a:\n  b: 1\n\tc: 2\n").is_err());
        assert!(problem("a:\n  b:\n\t[c]\n").starts_with("f.yaml:3: "), "the tab is not in the brackets");
    }

    #[test]
    fn merge_keys_replace_what_is_before_them_as_in_kubectl() {
        let text = "x: &x {a: 2, b: 3}\nw: {a: 1, <<: *x, b: 4}\nz: {<<: [{a: 5}, *x]}\n";
        let read = |document: Document| (document.value["w"].clone(), document.value["z"].clone());
        assert_eq!(
            read(read_one("f.yaml", text).unwrap()),
            (json!({"a": 2, "b": 4}), json!({"a": 5, "b": 3}))
        );
        assert_eq!(
            read(read_own_one("f.yaml", text).unwrap()),
            (json!({"a": 1, "b": 4}), json!({"a": 5, "b": 3}))
        );
    }

    #[test]
    fn what_a_text_expands_to_has_a_bound() {
        const DEPTH: &str = "more than 100 levels of lists and maps, which is the limit";
        let nested_anchors = (1..9).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
            format!("{text}a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(9))
        });
        let long = "x".repeat(10_000);
        let limits = Limits { values: 20_000, anchored_values: 15_000, alias_bytes: 1_000_000 };
        for (what, text, expected) in [
            ("flow lists", "[".repeat(100_000), DEPTH),
            ("flow maps", "{a: ".repeat(100_000), DEPTH),
            ("lists in one line", "- ".repeat(100_000), DEPTH),
            ("maps as keys", "? ".repeat(100_000), DEPTH),
            ("block maps", (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect(), DEPTH),
            ("aliases of aliases", nested_anchors, "the anchors keep"),
            (
                "aliases of a long text",
                format!("a: &a {long}\nb: [{}]\n", "*a, ".repeat(50_000)),
                "with its aliases the text has",
            ),
            (
                "aliases of a long key",
                format!("a: &a {}\nb:\n{}", "x".repeat(1000), "- {*a : 1}\n".repeat(50_000)),
                "with its aliases the text has",
            ),
            (
                "aliases of a list",
                format!("a: &a [{}]\nb: [{}]\n", "1, ".repeat(2000), "*a, ".repeat(2000)),
                "more than 20000 values",
            ),
        ] {
            let problem = read_within("f.yaml", &text, Rules::Kubectl, limits).expect_err(what);
            assert!(problem.message.contains(expected), "{what}: {problem}");
            let location = problem.location.as_ref().map(|location| location.line);
            assert!(location > Some(0) && problem.hint.is_some(), "{what}: {problem:?}");
        }
    }

    #[test]
    fn nested_values_up_to_the_limit_are_read() {
        let text = format!("{}{}", "[".repeat(bounds::MAX_DEPTH), "]".repeat(bounds::MAX_DEPTH));
        assert!(read_one("f.yaml", &text).is_ok());
        let anchors =
            format!("base: &base {{a: 1, b: [1, 2]}}\nuses:\n{}", "- {<<: *base, c: 3}\n".repeat(1000));
        let document = read_one("f.yaml", &anchors).unwrap();
        assert_eq!(document.value["uses"][999], json!({"a": 1, "b": [1, 2], "c": 3}));
        assert_eq!(document.location("/uses/999/c").to_string(), "f.yaml:1002");
    }
}
