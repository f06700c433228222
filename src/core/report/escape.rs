//! Escapes untrusted text, such as file names, for comments in YAML files, for messages and for JSON.

use std::fmt::Write;

/// Escapes text for a one-line comment. Characters that end a comment for a YAML reader, that a YAML reader rejects
/// anywhere in a file, or that reorder the displayed text become `%XX` for each byte of UTF-8. Other characters, including
/// `%`, stay the same.
///
/// Line ends and rejected characters: chapters 5.1 and 5.4 of YAML 1.1, which kubectl, Argo CD and Flux read; go-yaml
/// takes a byte order mark for the start of a file. Directional characters: "Trojan Source", CVE-2021-42574.
pub fn in_comment(text: &str) -> String {
    encoded(text, is_unsafe)
}

/// The text as a message for a terminal: the same, but a line end or a tab stays as it is. Messages quote fields, and the
/// output of git, with several lines.
pub fn in_message(text: &str) -> String {
    encoded(text, |c| !matches!(c, '\n' | '\t') && is_unsafe(c))
}

/// Escapes text for JSON output: the same characters inside a JSON string, as four hexadecimal digits after `\u`. Keeps the line
/// ends and tabs of the layout.
///
/// JSON writes some of them as they are, but a terminal shows JSON, too.
pub fn in_json(json: &str) -> String {
    if !json.contains(|c: char| !matches!(c, '\n' | '\t') && is_unsafe(c)) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, '\n' | '\t') || !is_unsafe(c) {
            out.push(c);
        } else {
            // All of these characters are in the Basic Multilingual Plane, so none needs a surrogate pair.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
    }
    out
}

/// Whether a text contains a character that reorders it. Nearly every text is ASCII, which is found out much faster.
pub fn is_reordered(text: &str) -> bool {
    !text.is_ascii() && text.contains(reorders)
}

/// Whether a character reorders the displayed text. `in_comment` names the source.
pub fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn encoded(text: &str, is_unsafe: impl Fn(char) -> bool) -> String {
    // Nearly every text is printable ASCII, and outputs have thousands of lines.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.contains(&is_unsafe) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_unsafe(c) {
            out.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Whether a terminal shows a character, and neither moves the cursor nor reorders the text.
pub fn is_shown(c: char) -> bool {
    !is_unsafe(c)
}

fn is_unsafe(c: char) -> bool {
    let ends_a_line = matches!(c, '\u{2028}' | '\u{2029}');
    let is_refused = matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    // U+0085 ends a line, too; it is a control character.
    c.is_control() || ends_a_line || is_refused || reorders(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_encoded_and_no_others() {
        for safe in [
            "manifests/web.yaml",
            "a b%0A#'\"{x}",
            "日本語/é e\u{301}",
            "\u{1f468}\u{200d}\u{1f469}",
            "\u{a0}\u{fffd}",
        ] {
            assert_eq!(in_comment(safe), safe);
        }
        for (text, expected) in [
            ("a\nb\r\tc", "a%0Ab%0D%09c"),
            ("\0\u{1b}[31m\u{7f}", "%00%1B[31m%7F"),
            ("a\u{85}b\u{9f}", "a%C2%85b%C2%9F"),
            ("a\u{2028}b\u{2029}", "a%E2%80%A8b%E2%80%A9"),
            ("\u{feff}a\u{ffff}", "%EF%BB%BFa%EF%BF%BF"),
            ("a\u{202e}b\u{2066}", "a%E2%80%AEb%E2%81%A6"),
        ] {
            assert_eq!(in_comment(text), expected);
        }
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"a\u{202e}": ["\u{7f}\u{9b}31m\u{1b}[0m\n\u{2028}\u{feff}", "é\u{200d}\u{1f469}"]});
        let json = in_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!json.contains(|c: char| c != '\n' && is_unsafe(c)), "{json}");
        assert!(json.contains("\\u202e") && json.contains("\\u009b31m") && json.contains('é'), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }

    #[test]
    fn messages_keep_their_lines() {
        assert_eq!(in_message("a\n\tb\u{1b}]0;x\u{7}\u{202e}\u{85}é"), "a\n\tb%1B]0;x%07%E2%80%AE%C2%85é");
    }
}
