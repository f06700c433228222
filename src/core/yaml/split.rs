//! Splits a text into the parts that kubectl reads one after the other: JSON values in sequence, or YAML documents (`YAMLOrJSONDecoder`
//! and `YAMLReader` of k8s.io/apimachinery).

use serde::de::IgnoredAny;

use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::node::Problem;

/// A part of a text, and the number of its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    pub(super) line: u32,
    pub(super) syntax: Syntax,
}

/// How a part is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// One valid JSON value.
    Json,
    /// YAML.
    Yaml,
}

/// Splits off the JSON values at the beginning of a text. The rest is YAML.
pub(super) fn json_values(text: &str) -> (Vec<Part<'_>>, Part<'_>) {
    let text = without_mark(text);
    let mut parts = Vec::new();
    let mut rest = Part { text, line: 1, syntax: Syntax::Yaml };
    if !text.trim_start().starts_with('{') {
        return (parts, rest);
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let (mut end, mut line) = (0, 1);
    while let Some(Ok(IgnoredAny)) = values.next() {
        let value = &text[end..values.byte_offset()];
        parts.push(Part { text: value, line, syntax: Syntax::Json });
        line += lines(value);
        end = values.byte_offset();
    }
    // What follows begins on the next line.
    let after = &text[end..];
    let space = after.len() - after.trim_start().len();
    let skipped = if parts.is_empty() { 0 } else { after[..space].find('\n').map_or(space, |at| at + 1) };
    rest.text = &after[skipped..];
    rest.line = line + lines(&after[..skipped]);
    (parts, rest)
}

/// Splits YAML at the lines that begin with `---`.
pub(super) fn yaml_documents(part: Part<'_>) -> Result<Vec<Part<'_>>, Problem> {
    let mut parts = Vec::new();
    let (mut start, mut line, mut at, mut now) = (0, part.line, 0, part.line);
    for text in part.text.split_inclusive('\n') {
        if let Some(after) = text.strip_prefix("---") {
            let after = after.trim();
            if !after.is_empty() && !after.starts_with('#') {
                let problem = Diagnostic::error("text after `---` on its line, which kubectl refuses");
                return Err((now, problem.hint("write the text on the next line")));
            }
            // The separator before the first document is part of it.
            if at > start {
                parts.push(Part { text: &part.text[start..at], line, ..part });
                (start, line) = (at + text.len(), now + 1);
            }
        }
        at += text.len();
        now += 1;
    }
    parts.push(Part { text: &part.text[start..], line, ..part });
    Ok(parts.into_iter().map(|part| Part { text: without_mark(part.text), ..part }).collect())
}

/// Returns the text without the byte order mark that may begin it.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Refuses the characters that end a line for kubectl, but not in YAML 1.2: what follows them in a comment would be content.
pub(super) fn check_line_ends(part: Part<'_>) -> Result<(), Problem> {
    let Some(at) = part.text.find(['\u{85}', '\u{2028}', '\u{2029}']) else { return Ok(()) };
    let character = part.text[at..].chars().next().unwrap_or_default();
    let number = u32::from(character);
    let escape = if number < 0x100 { format!("\\x{number:02x}") } else { format!("\\u{number:04x}") };
    let problem = Diagnostic::error(format!("the character U+{number:04X} ends a line for kubectl"))
        .hint(format!("remove it, or write `{escape}` in a string in double quotes"));
    Err((part.line + lines(&part.text[..at]), problem))
}

fn lines(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(u32, &str)]) {
        let (mut parts, rest) = json_values(text);
        parts.extend(yaml_documents(rest).unwrap());
        let found: Vec<_> = parts
            .iter()
            .filter(|part| !part.text.trim().is_empty())
            .map(|part| (part.line, part.text))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn parts_are_those_of_kubectl() {
        check("a: 1\n---\n\u{feff}b: 1\n--- # c\nc: 1", &[(1, "a: 1\n"), (3, "b: 1\n"), (5, "c: 1")]);
        check("---\r\na: 1\r\n---\t\r\n", &[(1, "---\r\na: 1\r\n")]);
        check("\u{feff}{\"a\":\n1}\n{\"b\":1}{}", &[(1, "{\"a\":\n1}"), (2, "\n{\"b\":1}"), (3, "{}")]);
        check("{\"a\":1}\n---\nb: 1\n", &[(1, "{\"a\":1}"), (2, "---\nb: 1\n")]);
        check("{\"a\":1}\n\n b: 1\n", &[(1, "{\"a\":1}"), (2, "\n b: 1\n")]);
        check("{a: 1}\n{b: 1}\n", &[(1, "{a: 1}\n{b: 1}\n")]);
        check("---\n{\"a\":1}\n{\"b\":1}", &[(1, "---\n{\"a\":1}\n{\"b\":1}")]);
    }

    #[test]
    fn text_after_a_separator_is_refused() {
        let (_, rest) = json_values("a: 1\n--- {b: 1}\n");
        let (line, problem) = yaml_documents(rest).unwrap_err();
        assert_eq!((line, &*problem.message), (2, "text after `---` on its line, which kubectl refuses"));
    }
}
