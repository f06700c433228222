//! Finds the spans of values in a JSON text, so that an edit can replace them and keep every other byte.
//!
//! The text must be valid JSON; nothing here reports errors.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Returns the members of the object that starts at `start`, in order.
pub(crate) fn members(text: &str, start: usize) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = next(text, start + 1);
    while text[at..].starts_with('"') {
        let Some((key, end)) = value::<String>(text, at) else { break };
        let Some((_, span)) = spanned(text, next(text, end)) else { break };
        at = next(text, span.end);
        found.push((key, span));
    }
    found
}

/// Returns the elements of the array that starts at `start`.
pub(crate) fn elements(text: &str, start: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = next(text, start + 1);
    while !text[at..].starts_with(']') {
        let Some((_, span)) = spanned(text, at) else { break };
        at = next(text, span.end);
        found.push(span);
    }
    found
}

/// Returns the last member with this name, which is the one that takes effect. Keys are compared without case, as in Go's
/// decoder, which all installers use.
pub(crate) fn member(text: &str, start: usize, key: &str) -> Option<Range<usize>> {
    let found = members(text, start).into_iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(key));
    found.map(|(_, span)| span)
}

/// Returns the 1-based line of an offset.
pub(crate) fn line(text: &str, at: usize) -> u32 {
    let breaks = text[..at].bytes().filter(|byte| *byte == b'\n').count();
    u32::try_from(breaks + 1).unwrap_or(0)
}

fn spanned(text: &str, start: usize) -> Option<(IgnoredAny, Range<usize>)> {
    value(text, start).map(|(value, end)| (value, start..end))
}

fn value<'t, T: Deserialize<'t>>(text: &'t str, start: usize) -> Option<(T, usize)> {
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, start + values.byte_offset()))
}

/// Returns the offset of the next value, key or closing bracket.
fn next(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    from + rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n', ',', ':']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_members_and_elements() {
        let text = "{ \"a\\u0062\" :\n[1.50 , {\"x\":[]},\"]\"],\"n\":-1e3,\"N\" : null }";
        let shown: Vec<_> = members(text, 0).into_iter().map(|(key, span)| (key, &text[span])).collect();
        let expected = [("ab", "[1.50 , {\"x\":[]},\"]\"]"), ("n", "-1e3"), ("N", "null")]
            .map(|(k, v)| (k.to_owned(), v));
        assert_eq!(shown, expected);
        let array = member(text, 0, "AB").unwrap();
        let shown: Vec<_> = elements(text, array.start).into_iter().map(|span| &text[span]).collect();
        assert_eq!(shown, ["1.50", "{\"x\":[]}", "\"]\""]);
        assert_eq!(member(text, 0, "n").map(|span| &text[span]), Some("null"));
        assert_eq!(member(text, 0, "z"), None);
        assert_eq!((line(text, 0), line(text, array.start)), (1, 2));
        assert_eq!((members("{ }", 0).len(), elements("[ ]", 0).len()), (0, 0));
    }
}
