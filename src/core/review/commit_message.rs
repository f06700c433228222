//! Writes the commit message: the changes, by pool.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::core::report::escape::in_comment;
use crate::core::report::plural::plural;

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

/// Returns the message: the user's subject, or the app with the number of changes, then a line for each pool.
pub fn text(title: &str, subject: Option<&str>, changes: &[Line]) -> String {
    let count = |action: &str| changes.iter().filter(|line| line.action == action).count();
    let own = || match changes {
        [] => format!("{title}: the lock"),
        [only] => format!("{title}: {} {}", only.what, only.action),
        _ => {
            let counts = ["created", "changed", "removed"].map(|action| (count(action), action));
            let counts: Vec<String> = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, action)| format!("{count} {action}"))
                .collect();
            format!("{title}: {}", counts.join(", "))
        }
    };
    let mut text = subject.map_or_else(|| in_comment(&own()), str::to_owned);
    let mut by_pool: BTreeMap<Option<&str>, Vec<&Line>> = BTreeMap::new();
    for line in changes {
        by_pool.entry(line.pool.as_deref()).or_default().push(line);
    }
    text.push_str("\n\n");
    let more = by_pool.len().saturating_sub(LINES);
    for (pool, lines) in by_pool.into_iter().take(LINES) {
        let what: Vec<String> = lines.iter().map(|line| format!("{} {}", line.what, line.action)).collect();
        let what = what.join(", ");
        let line = pool.map_or_else(|| what.clone(), |pool| format!("pool {pool}: {what}"));
        // A line break in a name would add a line to the message, such as a trailer.
        let _ = writeln!(text, "{}", in_comment(&line));
    }
    if more > 0 {
        let _ = writeln!(text, "and {} more", plural(more, "pool"));
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    text.push_str("Rendered by kubectl largescale.\n");
    text
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
        let expected = "web: x%0A%0ASigned-off-by: a removed\n\npool b%0AFixes: #1: x%0A%0ASigned-off-by: a removed\n\nRendered by kubectl largescale.\n";
        assert_eq!(text("web", None, &one), expected);
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
