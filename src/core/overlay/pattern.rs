//! The patterns of targets: globs of our own, regular expressions of kustomize.
//!
//! `web-*` and `web-.*` mean something in both, and not the same. Which of them a patch has is told by its form: kustomize
//! takes a patch as a text or a file only, and a list only we take. What reads like the other is refused.

use glob::Pattern as Glob;
use regex_lite::Regex;

/// How the patterns of a target are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Globs.
    Ours,
    /// Regular expressions over the whole value.
    Kustomize,
}

/// A pattern of a target.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Glob(Glob),
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern; the error is a sentence and a hint.
    pub(super) fn read(text: &str, dialect: Dialect) -> Result<Self, (String, String)> {
        match dialect {
            Dialect::Ours => glob(text),
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
    // None of these can be in what targets are compared with.
    if text.contains(['|', '(', ')', '^', '$', '+', '\\']) || text.contains(".*") {
        return Err((
            format!("`{text}` reads like a regular expression, and patterns are globs where `patch` is a list"),
            "write a glob, such as `web-*`, `web-?` or `[ab]*`; or give the patch as a text (`patch: |-`), as kustomize has it, for regular expressions".to_owned(),
        ));
    }
    Glob::new(text).map(Pattern::Glob).map_err(|error| {
        (format!("`{text}` is no glob: {}", error.msg), "`*` is any text, `?` any character".to_owned())
    })
}

fn regex(text: &str) -> Result<Pattern, (String, String)> {
    if let Some((before, quantifier)) = glob_like(text) {
        let repeated = if quantifier == '*' { "any number of" } else { "at most one" };
        let means = before.map_or_else(
            || format!("`{quantifier}` has nothing before it to repeat"),
            |before| format!("`{before}{quantifier}` means {repeated} `{before}`"),
        );
        return Err((
            format!("`{text}` reads like a glob, and patterns are regular expressions where `patch` is a text or a `path`, as in kustomize: {means}"),
            before.map_or_else(
                || "write `.*` for any text".to_owned(),
                |before| format!("write `.{quantifier}` for any text, or `[{before}]{quantifier}` if it is meant; or give the patch as a list, for globs"),
            ),
        ));
    }
    Regex::new(&format!("^(?:{text})$")).map(Pattern::Regex).map_err(|error| {
        (format!("`{text}` is no regular expression: {error}"), "kustomize would refuse it too".to_owned())
    })
}

/// A `*` or `?` behind a plain character, or behind nothing: what a glob has, and a regular expression hardly ever.
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
    fn plain_words_mean_the_same_in_both() {
        for dialect in [Dialect::Ours, Dialect::Kustomize] {
            let pattern = Pattern::read("web-a", dialect).unwrap();
            assert!(pattern.matches("web-a") && !pattern.matches("web-ab") && !pattern.matches("a-web-a"));
        }
    }

    #[test]
    fn each_reads_its_own() {
        let glob = Pattern::read("web-*", Dialect::Ours).unwrap();
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
    fn what_reads_like_the_other_is_refused() {
        for text in ["web-.*", "a|b", "^web$", "(a)", "a+"] {
            let (why, _) = Pattern::read(text, Dialect::Ours).unwrap_err();
            assert!(why.contains("reads like a regular expression"), "{why}");
        }
        for (text, means) in [
            ("web-*", "`-*` means any number of `-`"),
            ("*", "`*` has nothing before it to repeat"),
            ("web?", "`b?` means at most one `b`"),
        ] {
            let (why, _) = Pattern::read(text, Dialect::Kustomize).unwrap_err();
            assert!(why.ends_with(means), "{why}");
        }
        assert!(
            Pattern::read("[", Dialect::Ours).is_err() && Pattern::read("(", Dialect::Kustomize).is_err()
        );
    }
}
