//! The patterns in targets: globs, or regular expressions as in kustomize.
//!
//! `web-*` and `web-.*` are valid in both syntaxes but have different meanings. The form of the patch decides which syntax
//! applies: kustomize accepts a patch as a string or a file only, so a list means globs. A pattern that looks like the other
//! syntax is refused.

use glob::Pattern as Glob;
use regex_lite::Regex;

use crate::core::pattern;

/// The syntax of the patterns in a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Globs.
    Glob,
    /// Regular expressions that match the whole value.
    Kustomize,
}

/// A pattern in a target.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Glob(Glob),
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern; an error has a message and a hint.
    pub(super) fn read(text: &str, dialect: Dialect) -> Result<Self, (String, String)> {
        match dialect {
            Dialect::Glob => glob(text),
            Dialect::Kustomize => regex(text),
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.matches(text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

fn glob(text: &str) -> Result<Pattern, (String, String)> {
    // The values that patterns are compared with cannot hold these characters.
    if text.contains(['|', '(', ')', '^', '$', '+', '\\']) || text.contains(".*") {
        return Err((
            format!("`{text}` looks like a regular expression, but patterns are globs when `patch` is a list"),
            "write a glob, such as `web-*`, `web-?` or `[ab]*`; for regular expressions, write the patch as a string (`patch: |-`), as in kustomize".to_owned(),
        ));
    }
    Glob::new(text).map(Pattern::Glob).map_err(|error| {
        (
            format!("invalid glob `{text}`: {}", error.msg),
            "`*` matches any text, `?` any character".to_owned(),
        )
    })
}

fn regex(text: &str) -> Result<Pattern, (String, String)> {
    if let Some((before, quantifier)) = glob_like(text) {
        let repeated = if quantifier == '*' { "any number of" } else { "at most one" };
        let means = before.map_or_else(
            || format!("`{quantifier}` has nothing before it to repeat"),
            |before| format!("`{before}{quantifier}` matches {repeated} `{before}`"),
        );
        return Err((
            format!("`{text}` looks like a glob, but patterns are regular expressions when `patch` is a string or a `path`, as in kustomize: {means}"),
            before.map_or_else(
                || "write `.*` to match any text".to_owned(),
                |before| format!("write `.{quantifier}` to match any text, or `[{before}]{quantifier}` if you mean the repetition; or write the patch as a list, for globs"),
            ),
        ));
    }
    pattern::compile(&format!("^(?:{text})$")).map(Pattern::Regex).map_err(|error| {
        (format!("invalid regular expression `{text}`: {error}"), "kustomize would reject it, too".to_owned())
    })
}

/// Finds a `*` or `?` that follows a plain character or nothing: common in globs, and rare in regular expressions.
fn glob_like(text: &str) -> Option<(Option<char>, char)> {
    let mut before: Option<char> = None;
    let mut is_plain = true;
    for character in text.chars() {
        let is_escaped = before == Some('\\') && !is_plain;
        if matches!(character, '*' | '?') && is_plain {
            return Some((before, character));
        }
        is_plain = !is_escaped && (character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '/'));
        before = Some(character);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_mean_the_same_in_both_dialects() {
        for dialect in [Dialect::Glob, Dialect::Kustomize] {
            let pattern = Pattern::read("web-a", dialect).unwrap();
            assert!(pattern.matches("web-a") && !pattern.matches("web-ab") && !pattern.matches("a-web-a"));
        }
    }

    #[test]
    fn each_dialect_has_its_own_syntax() {
        let glob = Pattern::read("web-*", Dialect::Glob).unwrap();
        let regex = Pattern::read("web-.*", Dialect::Kustomize).unwrap();
        for name in ["web-", "web-a"] {
            assert!(glob.matches(name) && regex.matches(name));
        }
        assert!(!glob.matches("web") && !regex.matches("web"));
        for meant in ["a|b", "[ab]*", "(a-)?b", r"a\.b*", "a{2}?", ".*", r"\d*", "(?:a)*"] {
            let read = Pattern::read(meant, Dialect::Kustomize);
            assert_eq!(read.is_ok(), meant != r"a\.b*", "{meant}");
        }
        assert!(Pattern::read("a|b", Dialect::Kustomize).unwrap().matches("b"));
    }

    #[test]
    fn a_pattern_in_the_other_syntax_is_refused() {
        for text in ["web-.*", "a|b", "^web$", "(a)", "a+"] {
            let (why, _) = Pattern::read(text, Dialect::Glob).unwrap_err();
            assert!(why.contains("looks like a regular expression"), "{why}");
        }
        for (text, means) in [
            ("web-*", "`-*` matches any number of `-`"),
            ("*", "`*` has nothing before it to repeat"),
            ("web?", "`b?` matches at most one `b`"),
        ] {
            let (why, _) = Pattern::read(text, Dialect::Kustomize).unwrap_err();
            assert!(why.ends_with(means), "{why}");
        }
        assert!(
            Pattern::read("[", Dialect::Glob).is_err() && Pattern::read("(", Dialect::Kustomize).is_err()
        );
    }
}
