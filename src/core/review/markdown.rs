//! Writes a review as Markdown for comments on pull requests in GitHub and GitLab.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::markdown::{Place, code_block, code_span, html_code, sentence};
use crate::core::report::plural::plural;
use crate::core::report::pool_words;
use crate::core::review::AddressRisk;
use crate::core::review::content::{Against, Item, Review, ReviewedPool};
use crate::core::review::diagram::of_review;

/// A comment on GitHub holds 65,536 characters (GitLab 1,000,000), and the summary of a step 1 MiB. The tables come first; the
/// diffs share the rest.
const MOST: usize = 60_000;

/// The sizes at which the parts of a review end.
#[derive(Clone, Copy)]
struct Sizes {
    risks: usize,
    pools: usize,
    warnings: usize,
    diffs: usize,
}

impl Sizes {
    fn within(most: usize) -> Self {
        Self { risks: most / 3, pools: most / 4 * 3, warnings: most / 15 * 13, diffs: most }
    }
}

/// The largest number of rows in a table; further rows are counted.
const ROWS: usize = 50;

/// The number of lines above which a diagram is folded.
const LONG_DIAGRAM: usize = 20;

/// The size at which the changes of a row end; further changes are counted.
const ROW: usize = 4_000;

/// Returns the review, with a newline at the end.
pub fn markdown(review: &Review) -> String {
    markdown_within(review, MOST)
}

/// Returns the review with about this size in bytes at most, if its heading fits.
pub(super) fn markdown_within(review: &Review, most: usize) -> String {
    let sizes = Sizes::within(most.min(MOST));
    let mut out = format!("### {}\n\n{}", sentence(&review.title, Place::Line), total(review));
    risks(review, sizes, &mut out);
    pools(review, sizes, &mut out);
    picture(review, sizes, &mut out);
    if !review.warnings.is_empty() {
        out.push_str("**Warnings**\n\n");
        list(&review.warnings, "warning", sizes.warnings, &mut out);
        out.push('\n');
    }
    diffs(review, sizes.diffs, &mut out);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Returns the review of an app that could not be rendered.
pub fn failed(title: &str, problems: &[Diagnostic]) -> String {
    failed_within(title, problems, MOST)
}

/// Returns it with about this size in bytes at most, if its heading fits.
pub(super) fn failed_within(title: &str, problems: &[Diagnostic], most: usize) -> String {
    let title = sentence(title, Place::Line);
    let mut out = format!("### {title}\n\n**Not rendered**; nothing was written:\n\n");
    let errors = problems.iter().filter(|problem| problem.severity != Severity::Warning);
    let problems: Vec<String> = errors.map(ToString::to_string).collect();
    list(&problems, "problem", Sizes::within(most.min(MOST)).warnings, &mut out);
    out
}

/// Writes an item for each sentence, until the part is full.
fn list(sentences: &[String], what: &str, most: usize, out: &mut String) {
    for (index, text) in sentences.iter().enumerate() {
        let item = sentence(text, Place::Line);
        if out.len() + item.len() > most {
            let _ = writeln!(out, "- and {} more", plural(sentences.len() - index, what));
            return;
        }
        let _ = writeln!(out, "- {item}");
    }
}

fn total(review: &Review) -> String {
    let words = ["created", "changed", "configured", "removed", "pruned"];
    let mut counts: Vec<String> = words
        .iter()
        .map(|word| (review.items.iter().filter(|item| item.action == *word).count(), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let against = match &review.against {
        Against::Cluster => "the cluster".to_owned(),
        Against::Named(name) => code_span(name, Place::Line),
        Against::Before(name) => format!("{} before", code_span(name, Place::Line)),
    };
    if counts.is_empty() {
        return format!("Nothing changes, compared with {against}.\n\n");
    }
    if review.unchanged > 0 {
        counts.push(format!("{} unchanged", review.unchanged));
    }
    format!("**{}**, compared with {against}.\n\n", counts.join(", "))
}

fn risks(review: &Review, sizes: Sizes, out: &mut String) {
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
    let row = |(item, risk): &(&Item, &AddressRisk)| {
        let [address, risk] = [&item.address, &risk.to_string()].map(|text| sentence(text, Place::Cell));
        format!("| {} | {address} | {risk} |\n", code_span(&item.object, Place::Cell))
    };
    rows(at_risk.iter().map(row), sizes.risks, "load balancer", out);
}

/// Writes a row for each pool with changes, and one for objects without a pool; the other pools are counted.
fn pools(review: &Review, sizes: Sizes, out: &mut String) {
    let mut by_pool: BTreeMap<Option<&str>, Vec<&Item>> = BTreeMap::new();
    for item in &review.items {
        by_pool.entry(item.pool.as_deref()).or_default().push(item);
    }
    let known: BTreeMap<&str, &ReviewedPool> =
        review.pools.iter().map(|pool| (pool.name.as_str(), pool)).collect();
    let still = review.pools.iter().filter(|pool| !by_pool.contains_key(&Some(pool.name.as_str()))).count();
    let word = pool_words::word(known.keys().copied());
    if !by_pool.is_empty() {
        let _ = writeln!(out, "| {word} | state | nodes | changes |\n| --- | --- | ---: | --- |");
        let row = |(pool, items): (Option<&str>, &Vec<&Item>)| {
            let of = pool.and_then(|name| known.get(name));
            format!(
                "| {} | {} | {} | {} |\n",
                pool.map_or_else(|| "*shared by all*".to_owned(), |name| code_span(name, Place::Cell)),
                of.map_or("", |pool| pool.state),
                of.and_then(|pool| pool.nodes).map_or_else(String::new, |nodes| nodes.to_string()),
                changes(items),
            )
        };
        rows(by_pool.iter().map(|(pool, items)| (*pool, items)).map(row), sizes.pools, word, out);
    }
    if still > 0 {
        let changing = if by_pool.is_empty() { "" } else { " more" };
        let _ = writeln!(out, "{}{changing} without a change.\n", plural(still, word));
    }
}

/// Writes the diagram, if a load balancer changes and there is room.
fn picture(review: &Review, sizes: Sizes, out: &mut String) {
    let Some(diagram) = of_review(review) else { return };
    let block = code_block("mermaid", &diagram);
    // A long one would push the warnings off the screen.
    let block = if diagram.lines().count() > LONG_DIAGRAM {
        format!("<details><summary>Diagram</summary>\n\n{block}\n</details>\n")
    } else {
        block
    };
    if out.len() + block.len() <= sizes.pools {
        let _ = writeln!(out, "{block}");
    }
}

/// Returns the changes of a pool, for its cell.
fn changes(items: &[&Item]) -> String {
    let mut cell = String::new();
    for (index, item) in items.iter().enumerate() {
        let change = format!("{} {}", code_span(&item.object, Place::Cell), item.action);
        if index > 0 {
            cell.push_str(", ");
        }
        if cell.len() + change.len() > ROW {
            let _ = write!(cell, "and {} more", plural(items.len() - index, "object"));
            break;
        }
        cell.push_str(&change);
    }
    cell
}

/// Writes the rows of a table until it is full, and counts the others.
fn rows(rows: impl ExactSizeIterator<Item = String>, most: usize, what: &str, out: &mut String) {
    let count = rows.len();
    let mut written = 0;
    for row in rows.take(ROWS) {
        if out.len() + row.len() > most {
            break;
        }
        out.push_str(&row);
        written += 1;
    }
    if count > written {
        let _ = writeln!(out, "\nand {} more", plural(count - written, what));
    }
    out.push('\n');
}

/// Writes each diff once: a change that is the same in many objects is shown for the first one.
fn diffs(review: &Review, most: usize, out: &mut String) {
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
        let same = if others > 0 { format!(", and the same change in {others} more") } else { String::new() };
        let text = format!(
            "<details><summary>{} {}{same}</summary>\n\n{}\n</details>\n\n",
            html_code(&item.object),
            item.action,
            code_block("diff", &item.diff)
        );
        if out.len() + text.len() > most {
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
        let pool = ReviewedPool { name: "a".to_owned(), state: "present", nodes: Some(3), left_out: None };
        let review = Review {
            title: "web".to_owned(),
            against: Against::Named("the tree".to_owned()),
            pools: vec![pool],
            ..Review::default()
        };
        let expected = "### web\n\nNothing changes, compared with `the tree`.\n\n1 pool without a change.\n";
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
        assert_eq!(text.matches("<details><summary><code>").count(), 2);
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
    fn long_names_and_many_changes_keep_the_size_of_a_comment() {
        let long = "x".repeat(100_000);
        let mut items: Vec<Item> =
            (0..300).map(|n| item(&format!("{n}{long}"), "created", None, "")).collect();
        for n in 0..100 {
            let mut item = item(&format!("{n}{long}"), "removed", Some(&format!("{n}{long}")), &long);
            (item.address, item.address_risk) = (long.clone(), Some(AddressRisk::Removed));
            items.push(item);
        }
        let warnings = vec![long.clone(); 100];
        let text = markdown(&Review { title: long, items, warnings, ..Review::default() });
        assert!(text.len() < 65_000, "{}", text.len());
        assert!(text.contains("objects more |") && text.contains("load balancers more\n"), "{text}");
        assert!(text.contains("pools more\n") && text.contains("- and 9"), "{text}");
        let problems = vec![Diagnostic::error("x".repeat(100_000)); 100];
        assert!(failed("web", &problems).len() < 60_000);
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
        assert!(text.starts_with("### `a|b <script>`\n"), "{text}");
        assert!(text.contains("- use `<pool>` or &lt;b&gt; not\n"), "{text}");
        assert!(text.contains("`````diff\n+```\n+````\n`````\n"), "{text}");
    }
}
