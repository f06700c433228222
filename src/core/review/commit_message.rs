//! Writes the commit message: the changes, by pool.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::core::report::escape::in_comment;
use crate::core::report::plural::plural;
use crate::core::report::pool_words;

/// A file in the commit.
#[derive(Clone, Debug)]
pub struct Line {
    /// The pool; `None` for files of all pools, and for removed files of unknown pools.
    pub pool: Option<String>,
    /// The object in the file, or the file name.
    pub what: String,
    /// `created`, `changed` or `removed`.
    pub action: &'static str,
}

/// The largest number of lines in a message.
const LINES: usize = 60;

/// The size at which a line ends, in bytes; further objects are counted.
const LINE: usize = 2_000;

/// The size at which the list ends, in bytes. Linux passes at most 128 KiB to git as one argument.
const MOST: usize = 60_000;

/// The longest name, in characters: a kind, a namespace and a name that the API server accepts fit.
const NAME: usize = 400;

/// Returns the message: the user's subject, or the app with the number of changes, then a line for each pool.
///
/// The names come from files under review. Each stays on its line, and no line looks like a trailer, a comment or another
/// part of a message that git, GitHub or GitLab acts on.
pub fn text(title: &str, subject: Option<&str>, changes: &[Line]) -> String {
    let count = |action: &str| changes.iter().filter(|line| line.action == action).count();
    let own = || match changes {
        [] => format!("{}: the lock", escaped(title)),
        [only] => format!("{}: {}", escaped(title), change(only)),
        _ => {
            let counts = ["created", "changed", "removed"].map(|action| (count(action), action));
            let counts: Vec<String> = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, action)| format!("{count} {action}"))
                .collect();
            format!("{}: {}", escaped(title), counts.join(", "))
        }
    };
    let mut text = subject.map_or_else(own, str::to_owned);
    let mut by_pool: BTreeMap<Option<&str>, Vec<&Line>> = BTreeMap::new();
    for line in changes {
        by_pool.entry(line.pool.as_deref()).or_default().push(line);
    }
    text.push_str("\n\n");
    let most = text.len() + MOST;
    let mut written = 0;
    for (pool, lines) in by_pool.iter().take(LINES) {
        let pool = pool.map_or_else(String::new, |pool| format!("{}: ", pool_words::named(&name(pool))));
        let line = format!("{pool}{}\n", joined(lines));
        if text.len() + line.len() > most {
            break;
        }
        text.push_str(&line);
        written += 1;
    }
    if by_pool.len() > written {
        let _ = writeln!(text, "and {} more", plural(by_pool.len() - written, "pool"));
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    text.push_str("Rendered by kubectl largescale.\n");
    text
}

/// Returns the changes of a line.
fn joined(lines: &[&Line]) -> String {
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let change = change(line);
        if index > 0 {
            text.push_str(", ");
        }
        if text.len() + change.len() > LINE {
            let _ = write!(text, "and {} more", plural(lines.len() - index, "object"));
            break;
        }
        text.push_str(&change);
    }
    text
}

fn change(line: &Line) -> String {
    format!("{} {}", name(&line.what), line.action)
}

/// Returns a name for any place in a line. With quotes around it, a line that begins with it is not a trailer
/// (`Signed-off-by: `), a comment (`#`), a scissors line, or the start of a patch (`---`, `diff `).
fn name(text: &str) -> String {
    let is_usual = |c: char| c.is_alphanumeric() || "._/:-+~%@".contains(c);
    // `git interpret-trailers` takes letters, digits and dashes in front of a colon for the key of a trailer.
    let is_key = |key: &str| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_trailer = text.split_once(':').is_some_and(|(key, _)| is_key(key));
    let escaped = escaped(text);
    if text.starts_with(char::is_alphanumeric) && text.chars().all(is_usual) && !is_trailer {
        return escaped;
    }
    format!("'{}'", escaped.replace('\'', "%27"))
}

/// Escapes a text for one line, and takes the meaning from mentions (`@name`), links, and references to issues and merge
/// requests (`#1`, `!1`, `GH-1`): `Fixes #1` in a commit message closes the issue.
fn escaped(text: &str) -> String {
    let mut cut: String = text.chars().take(NAME).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    let line = in_comment(&cut).replace("://", "%3A//");
    let mut out = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        let in_word = out.ends_with(|c: char| c.is_ascii_alphanumeric());
        match c {
            '#' => out.push_str("%23"),
            '!' => out.push_str("%21"),
            '&' => out.push_str("%26"),
            '@' if !in_word => out.push_str("%40"),
            '-' if is_issue_key(&out) && line[at + 1..].starts_with(|c: char| c.is_ascii_digit()) => {
                out.push_str("%2D");
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether a text ends with `GH` as the first part of a word.
fn is_issue_key(text: &str) -> bool {
    let Some((rest, key)) = text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    key.eq_ignore_ascii_case("gh")
        && !rest.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(pool: Option<&str>, what: &str, action: &'static str) -> Line {
        Line { pool: pool.map(str::to_owned), what: what.to_owned(), action }
    }

    #[test]
    fn one_line_for_each_pool() {
        let changes = [
            line(None, "deployment/web", "changed"),
            line(Some("b"), "service/web-b", "created"),
            line(Some("a"), "service/web-a", "changed"),
            line(Some("a"), "service/api-a", "changed"),
            line(None, "service-web-c.yaml", "removed"),
        ];
        let expected = "web: 1 created, 3 changed, 1 removed\n\n\
            deployment/web changed, service-web-c.yaml removed\n\
            pool a: service/web-a changed, service/api-a changed\n\
            pool b: service/web-b created\n\n\
            Rendered by kubectl largescale.\n";
        assert_eq!(text("web", None, &changes), expected);
        assert!(text("web", Some("A new pool"), &changes).starts_with("A new pool\n\ndeployment/web"));
    }

    #[test]
    fn a_name_cannot_add_a_line() {
        let one = [line(Some("b\nFixes: #1"), "x\n\nSigned-off-by: a", "removed")];
        let expected = "web: 'x%0A%0ASigned-off-by: a' removed\n\npool 'b%0AFixes: %231': 'x%0A%0ASigned-off-by: a' removed\n\nRendered by kubectl largescale.\n";
        assert_eq!(text("web", None, &one), expected);
    }

    #[test]
    fn names_lose_their_meaning_and_valid_ones_stay() {
        for usual in [
            "service/web",
            "clusterrole/system:auth-delegator",
            "rolebinding/a/jane@example.com",
            "service/gh-1",
            "service-web.yaml",
            "日本/web",
        ] {
            assert_eq!(name(usual), usual);
        }
        for (hostile, expected) in [
            ("Signed-off-by: x", "'Signed-off-by: x'"),
            ("signed-off-by:x", "'signed-off-by:x'"),
            ("# comment", "'%23 comment'"),
            ("--- a", "'--- a'"),
            ("", "''"),
            ("a'b", "'a%27b'"),
            ("fixes #1", "'fixes %231'"),
            ("gh-1.yaml", "gh%2D1.yaml"),
            ("by @octocat", "'by %40octocat'"),
            ("https://evil.example/issues/1", "'https%3A//evil.example/issues/1'"),
        ] {
            assert_eq!(name(hostile), expected);
        }
    }

    #[test]
    fn long_names_and_lines_are_cut() {
        let long = line(None, &format!("service/{}", "x".repeat(1_000_000)), "created");
        assert!(text("web", None, &[long]).len() < 2_000);
        let many: Vec<Line> = (0..20_000)
            .map(|n| {
                line((n % 2 == 0).then_some("a"), &format!("service/{n}-{}", "x".repeat(300)), "created")
            })
            .collect();
        let text = text("web", None, &many);
        assert!(text.len() < 2 * LINE + 200 && text.contains(", and 9994 objects more\n"), "{text}");
    }

    #[test]
    fn a_single_change_is_the_subject_and_long_lists_are_cut() {
        let one = [line(Some("b"), "service/web-b", "removed")];
        assert!(
            text("web, cluster east", None, &one).starts_with("web, cluster east: service/web-b removed\n")
        );
        assert_eq!(text("web", None, &[]), "web: the lock\n\nRendered by kubectl largescale.\n");
        let many: Vec<Line> =
            (0..70).map(|n| line(Some(&format!("p{n:02}")), "service/x", "created")).collect();
        let text = text("web", None, &many);
        assert!(text.contains("pool p59: service/x created\nand 10 pools more\n\nRendered"), "{text}");
    }
}
