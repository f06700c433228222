//! Writes a review as Markdown for comments on pull requests in GitHub and GitLab.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::review::AddressRisk;

/// The content of a review.
#[derive(Clone, Debug, Default)]
pub struct Review {
    /// The app, and the cluster if there are several.
    pub title: String,
    /// The state that the changes are compared with.
    pub against: String,
    /// The pools, with their nodes if these were read.
    pub pools: Vec<ReviewedPool>,
    /// The changes, in order.
    pub items: Vec<Item>,
    /// The number of unchanged objects.
    pub unchanged: usize,
    /// Warnings for the reviewer.
    pub warnings: Vec<String>,
}

/// A pool in a review.
#[derive(Clone, Debug, Default)]
pub struct ReviewedPool {
    /// Its name.
    pub name: String,
    /// Its state, as a word.
    pub state: &'static str,
    /// The number of nodes; `None` if nodes were not read.
    pub nodes: Option<usize>,
}

/// One object in a review.
#[derive(Clone, Debug)]
pub struct Item {
    /// The object, or the file name if the object is unknown.
    pub object: String,
    /// The change, as a word.
    pub action: &'static str,
    /// The pool.
    pub pool: Option<String>,
    /// The unified diff.
    pub diff: String,
    /// The risk for the address of a load balancer.
    pub address_risk: Option<AddressRisk>,
    /// The current address, or the reason why it is unknown.
    pub address: String,
}

/// A comment on GitHub holds 65,536 characters (GitLab 1,000,000). The tables come first; the diffs share the rest.
const MOST: usize = 60_000;

/// The largest number of rows in a table; further rows are counted.
const ROWS: usize = 50;

/// Returns the review, with a newline at the end.
pub fn markdown(review: &Review) -> String {
    let mut out = format!("### {}\n\n{}", inline(&review.title), total(review));
    risks(review, &mut out);
    pools(review, &mut out);
    if !review.warnings.is_empty() {
        out.push_str("**Warnings**\n\n");
        for warning in &review.warnings {
            let _ = writeln!(out, "- {}", inline(warning));
        }
        out.push('\n');
    }
    diffs(review, &mut out);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Returns the review of an app that could not be rendered.
pub fn failed(title: &str, problems: &[Diagnostic]) -> String {
    let problems: String =
        problems.iter().map(|problem| format!("- {}\n", inline(&problem.to_string()))).collect();
    format!("### {}\n\n**Not rendered**; nothing was written:\n\n{problems}", inline(title))
}

fn total(review: &Review) -> String {
    let words = ["created", "changed", "configured", "removed", "pruned"];
    let mut counts: Vec<String> = words
        .iter()
        .map(|word| (review.items.iter().filter(|item| item.action == *word).count(), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if counts.is_empty() {
        return format!("Nothing changes, compared with {}.\n\n", inline(&review.against));
    }
    if review.unchanged > 0 {
        counts.push(format!("{} unchanged", review.unchanged));
    }
    format!("**{}**, compared with {}.\n\n", counts.join(", "), inline(&review.against))
}

fn risks(review: &Review, out: &mut String) {
    let at_risk: Vec<(&Item, &AddressRisk)> =
        review.items.iter().filter_map(|item| Some((item, item.address_risk.as_ref()?))).collect();
    if at_risk.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "**The {} at risk:**\n",
        match at_risk.len() {
            1 => "address of a load balancer is".to_owned(),
            count => format!("addresses of {count} load balancers are"),
        }
    );
    out.push_str("| Service | current address | change |\n| --- | --- | --- |\n");
    for (item, address_risk) in at_risk.iter().take(ROWS) {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            code(&item.object),
            cell(&item.address),
            cell(&address_risk.to_string())
        );
    }
    more(at_risk.len(), "load balancer", out);
}

/// Writes a row for each pool with changes, and one for objects without a pool; the other pools are counted.
fn pools(review: &Review, out: &mut String) {
    let mut by_pool: BTreeMap<Option<&str>, Vec<&Item>> = BTreeMap::new();
    for item in &review.items {
        by_pool.entry(item.pool.as_deref()).or_default().push(item);
    }
    let known: BTreeMap<&str, &ReviewedPool> =
        review.pools.iter().map(|pool| (pool.name.as_str(), pool)).collect();
    let still = review.pools.iter().filter(|pool| !by_pool.contains_key(&Some(pool.name.as_str()))).count();
    if !by_pool.is_empty() {
        out.push_str("| pool | state | nodes | changes |\n| --- | --- | ---: | --- |\n");
    }
    for (pool, items) in by_pool.iter().take(ROWS) {
        let what: Vec<String> =
            items.iter().map(|item| format!("{} {}", code(&item.object), item.action)).collect();
        let of = pool.and_then(|name| known.get(name));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            pool.map_or_else(|| "*shared by all*".to_owned(), code),
            of.map_or("", |pool| pool.state),
            of.and_then(|pool| pool.nodes).map_or_else(String::new, |nodes| nodes.to_string()),
            what.join(", "),
        );
    }
    if !by_pool.is_empty() {
        more(by_pool.len(), "pool", out);
    }
    if still > 0 {
        let changing = if by_pool.is_empty() { "" } else { " more" };
        let _ = writeln!(out, "{}{changing} without a change.\n", plural(still, "pool"));
    }
}

fn more(count: usize, what: &str, out: &mut String) {
    if count > ROWS {
        let _ = writeln!(out, "\nand {} more", plural(count - ROWS, what));
    }
    out.push('\n');
}

/// Writes each diff once: a change that is the same in many objects is shown for the first one.
fn diffs(review: &Review, out: &mut String) {
    let mut groups: Vec<(&Item, usize)> = Vec::new();
    let mut by_change: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for item in review.items.iter().filter(|item| !item.diff.is_empty()) {
        let group = *by_change.entry((item.action, changed_lines(&item.diff))).or_insert(groups.len());
        match groups.get_mut(group) {
            Some((_, others)) => *others += 1,
            None => groups.push((item, 0)),
        }
    }
    let mut left_out = 0;
    for (item, others) in groups {
        let fence = "`".repeat(longest_run(&item.diff).max(2) + 1);
        let same = if others > 0 { format!(", and the same change in {others} more") } else { String::new() };
        let text = format!(
            "<details><summary><code>{}</code> {}{same}</summary>\n\n{fence}diff\n{}{fence}\n\n</details>\n\n",
            html(&item.object),
            item.action,
            item.diff
        );
        if out.len() + text.len() > MOST {
            left_out += 1 + others;
        } else {
            out.push_str(&text);
        }
    }
    if left_out > 0 {
        let _ = writeln!(
            out,
            "The diffs of {} are omitted, because the comment would be too long. `kubectl largescale diff` shows all.",
            plural(left_out, "object")
        );
    }
}

/// Returns the changed lines of a diff, without their positions.
fn changed_lines(diff: &str) -> String {
    let is_header = |line: &&str| line.starts_with("--- ") || line.starts_with("+++ ");
    let lines = diff.lines().skip_while(is_header);
    lines.filter(|line| line.starts_with(['+', '-'])).flat_map(|line| [line, "\n"]).collect()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Formats text for a table cell.
fn cell(text: &str) -> String {
    inline(text).replace('|', "\\|")
}

/// Formats a name as code, in a table cell or elsewhere.
fn code(name: &str) -> String {
    format!("`{}`", name.replace(['\n', '\r', '`'], " ").replace('|', "\\|"))
}

/// Formats text on one line. Outside of code, `<` would start an HTML tag.
fn inline(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = line.split('`').enumerate();
    parts
        .map(|(index, part)| if index % 2 == 0 { html(part) } else { part.to_owned() })
        .collect::<Vec<_>>()
        .join("`")
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(object: &str, action: &'static str, pool: Option<&str>, diff: &str) -> Item {
        Item {
            object: object.to_owned(),
            action,
            pool: pool.map(str::to_owned),
            diff: diff.to_owned(),
            address_risk: None,
            address: String::new(),
        }
    }

    #[test]
    fn a_review_without_changes_is_one_line() {
        let pool = ReviewedPool { name: "a".to_owned(), state: "present", nodes: Some(3) };
        let review = Review {
            title: "web".to_owned(),
            against: "the tree".to_owned(),
            pools: vec![pool],
            ..Review::default()
        };
        let expected = "### web\n\nNothing changes, compared with the tree.\n\n1 pool without a change.\n";
        assert_eq!(markdown(&review), expected);
    }

    #[test]
    fn the_same_change_is_shown_once() {
        let diff =
            |name: &str| format!("--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-  port: 80\n+  port: 81\n");
        let mut items: Vec<Item> = (0..500)
            .map(|n| {
                item(&format!("service/{n}"), "changed", Some(&format!("p{n:03}")), &diff(&n.to_string()))
            })
            .collect();
        items.push(item("deployment/web", "changed", None, "--- a/d\n+++ b/d\n-x\n+y\n"));
        let text = markdown(&Review { items, ..Review::default() });
        assert!(text.contains("<code>service/0</code> changed, and the same change in 499 more"), "{text}");
        assert!(text.contains("<code>deployment/web</code> changed</summary>"), "{text}");
        assert_eq!(text.matches("<details>").count(), 2);
        assert!(text.contains("and 451 pools more"), "{text}");
        assert!(text.len() < MOST);
    }

    #[test]
    fn diffs_beyond_the_size_limit_are_counted() {
        let long = |n: usize| format!("+{n}{}\n", "x".repeat(20_000));
        let items = (0..5).map(|n| item(&format!("service/{n}"), "created", None, &long(n))).collect();
        let text = markdown(&Review { items, ..Review::default() });
        assert!(text.contains("The diffs of 3 objects are omitted"), "{}", &text[text.len() - 300..]);
        assert!(text.len() < 65_536);
    }

    #[test]
    fn text_from_files_cannot_inject_markup() {
        let review = Review {
            title: "a|b <script>".to_owned(),
            warnings: vec!["use `<pool>` or <b>\nnot".to_owned()],
            items: vec![item("configmap/x", "changed", None, "+```\n+````\n")],
            ..Review::default()
        };
        let text = markdown(&review);
        assert!(text.starts_with("### a|b &lt;script&gt;\n"), "{text}");
        assert!(text.contains("- use `<pool>` or &lt;b&gt; not\n"), "{text}");
        assert!(text.contains("`````diff\n+```\n+````\n`````\n"), "{text}");
    }
}
