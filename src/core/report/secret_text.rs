//! Finds and removes the values of Secrets in texts, such as messages of the API server.

use std::collections::BTreeSet;

/// Shorter values are only replaced in quotes: they may be a part of any word.
const SHORTEST: usize = 4;

/// Replaces the values of Secrets in a message, which may quote them.
pub fn redacted(message: &str, values: &BTreeSet<String>) -> String {
    let mut message = message.to_owned();
    // Longer values first: one may contain another.
    let mut values: Vec<&String> = values.iter().filter(|value| !value.is_empty()).collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for value in values {
        for text in spellings(value) {
            message = message.replace(&text, "<not shown>");
        }
    }
    message
}

/// Returns whether a text contains one of the values.
pub fn contains_one(text: &str, values: &BTreeSet<String>) -> bool {
    values
        .iter()
        .filter(|value| !value.is_empty())
        .any(|value| text == value || spellings(value).iter().any(|spelling| text.contains(spelling)))
}

/// Returns a value as it is and as Go and JSON quote it.
fn spellings(value: &str) -> Vec<String> {
    let quoted = serde_json::Value::from(value).to_string();
    if value.chars().count() < SHORTEST {
        return vec![quoted];
    }
    vec![value.to_owned(), quoted[1..quoted.len() - 1].to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_shown_without_the_values() {
        let values = ["hunter2", "hunter2 and more", "a\"b\n", "x", ""].map(str::to_owned).into();
        for (message, expected) in [
            ("Invalid value: \"hunter2\"", "Invalid value: \"<not shown>\""),
            ("got hunter2 and more, want hunter2.", "got <not shown>, want <not shown>."),
            (r#"at "a\"b\n": "x" is in extra"#, r#"at "<not shown>": <not shown> is in extra"#),
        ] {
            assert_eq!(redacted(message, &values), expected);
        }
    }
}
