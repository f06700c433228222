//! Writes values into `PromQL`, into the templates of Prometheus, and as the label names of kube-state-metrics.

use std::fmt::Write;

/// Returns a text as a string literal of `PromQL`.
pub(super) fn string(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(literal, "\\u{:04x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// Returns a matcher of any of these values, for use after the name of a label.
pub(super) fn any_of<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<&str> = values.into_iter().collect();
    match values.as_slice() {
        [one] => format!("={}", string(one)),
        several => {
            let literal: Vec<String> = several.iter().map(|value| literal(value)).collect();
            format!("=~{}", string(&literal.join("|")))
        }
    }
}

/// Returns a matcher of none of these values.
pub(super) fn none_of<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let literal: Vec<String> = values.into_iter().map(literal).collect();
    format!("!~{}", string(&literal.join("|")))
}

/// Returns a regular expression that matches a text only.
fn literal(text: &str) -> String {
    let mut expression = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$') {
            expression.push('\\');
        }
        expression.push(c);
    }
    expression
}

/// Returns a regular expression that matches the same label values as the globs. The globs are valid.
pub(super) fn globs(globs: &[String]) -> String {
    globs.iter().map(|text| glob(text)).collect::<Vec<_>>().join("|")
}

fn glob(text: &str) -> String {
    let mut expression = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => {
                // `]` is a member if it comes first: `[]]`, `[!]]`.
                let negated = rest.strip_prefix('!');
                let members = negated.unwrap_or(rest);
                let end = members.char_indices().skip(1).find(|(_, c)| *c == ']').map(|(at, _)| at);
                let Some(end) = end else { continue };
                let set = &members[..end];
                rest = &members[end + 1..];
                expression.push_str(if negated.is_some() { "[^" } else { "[" });
                for c in set.chars() {
                    // The dash keeps its meaning, the range.
                    if c.is_ascii_punctuation() && c != '-' {
                        expression.push('\\');
                    }
                    expression.push(c);
                }
                expression.push(']');
            }
            c => expression.push_str(&literal(c.encode_utf8(&mut [0; 4]))),
        }
    }
    expression
}

/// Returns a text for an annotation, in which Prometheus expands Go templates.
pub(super) fn plain(text: &str) -> String {
    text.replace("{{", "{{ `{{` }}")
}

/// Returns the name that kube-state-metrics gives a label of a node: `labelName` in internal/store/utils.go of
/// kubernetes/kube-state-metrics v2.20.0. Characters other than ASCII letters, digits and `_` become `_`. `_` goes in front of each
/// capital letter that follows a lower-case letter or a digit, and all letters become lower case.
pub(super) fn label_name(key: &str) -> String {
    let mut name = String::from("label_");
    let mut before = '_';
    for c in key.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
        before = c;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted() {
        assert_eq!(string("a\"b\\c\nd"), r#""a\"b\\c\u000ad""#);
        assert_eq!(any_of(["a.b"]), r#"="a.b""#);
        assert_eq!(any_of(["a.b", "c-d_e", "(f)"]), r#"=~"a\\.b|c-d_e|\\(f\\)""#);
        assert_eq!(plain("a {{ $labels.x }} b"), "a {{ `{{` }} $labels.x }} b");
    }

    #[test]
    fn globs_become_regular_expressions() {
        for (from, expected) in [
            ("web-*", "web-.*"),
            ("a.b?", r"a\.b."),
            ("[a-c]x", "[a-c]x"),
            ("[!ab]", "[^ab]"),
            ("[]]", r"[\]]"),
            ("[!]^]", r"[^\]\^]"),
        ] {
            assert_eq!(glob(from), expected, "{from}");
        }
        assert_eq!(globs(&["a*".to_owned(), "b".to_owned()]), "a.*|b");
    }

    /// `camelCase`, `snake_camelCase` and `A.b.conflict1` are in `TestKubeLabelsToPrometheusLabels` of kube-state-metrics.
    #[test]
    fn label_names_are_those_of_kube_state_metrics() {
        for (key, expected) in [
            ("topology.kubernetes.io/zone", "label_topology_kubernetes_io_zone"),
            ("cloud.google.com/gke-nodepool", "label_cloud_google_com_gke_nodepool"),
            ("camelCase", "label_camel_case"),
            ("snake_camelCase", "label_snake_camel_case"),
            ("A.b.conflict1", "label_a_b_conflict1"),
            ("fooBAR", "label_foo_bar"),
            ("a1B", "label_a1_b"),
            ("ABc", "label_abc"),
        ] {
            assert_eq!(label_name(key), expected, "{key}");
        }
    }
}
