//! Writes text from files and clusters into Markdown, so that it cannot leave its place.
//!
//! In a code span, GitHub and GitLab make no link, image, mention, reference or emoji of a text. So everything is written as
//! code, except a sentence that has nothing of this kind in it. Sources: the GitHub Flavored Markdown specification
//! (github.github.com/gfm), GitHub's "Autolinked references and URLs", GitLab's "GitLab-specific references".

use crate::core::report::escape::{in_comment, in_message};

/// The longest name, in characters: a kind, a namespace and a name that the API server accepts fit.
const NAME: usize = 400;

/// The longest sentence, in characters.
const SENTENCE: usize = 4_000;

/// Where a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a heading, a paragraph or the item of a list.
    Line,
    /// In the cell of a table.
    Cell,
}

/// Returns a name as a code span.
pub fn code_span(name: &str, place: Place) -> String {
    span(&in_comment(&shortened(name, NAME)), place)
}

/// Returns a sentence with its code spans, or all of it as one code span if anything outside of them could have a meaning.
pub fn sentence(text: &str, place: Place) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = in_comment(&shortened(&line, SENTENCE));
    if line.is_empty() && place == Place::Cell {
        return line;
    }
    // Without a text, an item of a list would have no paragraph.
    if line.is_empty() || !is_plain(&line, place) {
        return span(&line, place);
    }
    let part = |(index, part): (usize, &str)| if index % 2 == 0 { html(part) } else { part.to_owned() };
    line.split('`').enumerate().map(part).collect::<Vec<_>>().join("`")
}

/// Returns a name as a code element of HTML, for a block of HTML.
pub fn html_code(name: &str) -> String {
    format!("<code>{}</code>", html(&in_comment(&shortened(name, NAME))))
}

/// Returns a block of code with a fence that the text cannot close.
pub fn code_block(language: &str, text: &str) -> String {
    let text = in_message(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{end}{fence}\n")
}

/// Returns a code span. In a table, `\|` is a pipe, also in code, but parsers disagree on a backslash in front of it.
fn span(text: &str, place: Place) -> String {
    let mut code = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '|' if place == Place::Cell && code.ends_with('\\') => code.push_str("%7C"),
            '|' if place == Place::Cell => code.push_str("\\|"),
            c => code.push(c),
        }
    }
    let fence = "`".repeat(longest_run(&code) + 1);
    // A parser removes a space from both ends, if there is one at both.
    let is_blank = code.trim_matches(' ').is_empty();
    let is_stripped = code.starts_with(' ') && code.ends_with(' ') && !is_blank;
    let pad = if is_stripped || code.starts_with('`') || code.ends_with('`') { " " } else { "" };
    if code.is_empty() {
        code.push(' ');
    }
    format!("{fence}{pad}{code}{pad}{fence}")
}

/// Whether the text outside of code spans is only text, also for GitHub's and GitLab's references.
fn is_plain(line: &str, place: Place) -> bool {
    let parts: Vec<&str> = line.split('`').collect();
    // In a table, a pipe ends a cell even in code.
    let fits = |code: &&str| !code.is_empty() && (place == Place::Line || !code.contains('|'));
    parts.len() % 2 == 1
        && !begins_a_block(line)
        && parts.iter().step_by(2).all(|text| is_plain_text(text))
        && parts.iter().skip(1).step_by(2).all(fits)
}

/// Whether a line could begin a list, a quote, a heading or a rule.
fn begins_a_block(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = rest.len() < line.len()
        && rest.starts_with(['.', ')'])
        && matches!(rest[1..].chars().next(), None | Some(' '));
    is_numbered || line.starts_with(['-', '+', '=', '>'])
}

fn is_plain_text(text: &str) -> bool {
    let is_known = |c: char| c.is_alphanumeric() || !c.is_ascii() || " .,;:?()'\"/+-=<>_%".contains(c);
    let lower = text.to_ascii_lowercase();
    text.chars().all(is_known)
        && !["www.", "://"].iter().any(|link| lower.contains(link))
        && !has_emphasis(text)
        && !has_milestone(text)
        && !has_emoji(&lower)
        && !words(text).any(is_reference)
}

/// `_a_`; an underscore between letters or digits is only text.
fn has_emphasis(text: &str) -> bool {
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        if c == '_' && !(before.is_alphanumeric() && after.is_alphanumeric()) {
            return true;
        }
        before = c;
    }
    false
}

/// GitLab's `%1` and `%"name"`.
fn has_milestone(text: &str) -> bool {
    text.split('%').skip(1).any(|after| after.starts_with(|c: char| c.is_alphanumeric() || c == '"'))
}

/// `:name:`, which needs no space around it. Numbers, as in `file:12: ` and in IPv6 addresses, are not names, except two.
fn has_emoji(lower: &str) -> bool {
    let is_name = |name: &str| {
        let is_known = |c: char| c.is_ascii_alphanumeric() || "_+-".contains(c);
        let is_number =
            name.bytes().all(|b| b.is_ascii_hexdigit()) && name.bytes().any(|b| b.is_ascii_digit());
        let is_number = is_number && !matches!(name, "100" | "1234");
        !name.is_empty() && !is_number && name.chars().all(is_known)
    };
    let parts: Vec<&str> = lower.split(':').collect();
    parts.len() > 2 && parts[1..parts.len() - 1].iter().any(|name| is_name(name))
}

/// Returns the words of a text, with dashes in them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| !word.is_empty())
}

/// Whether a word is a reference to a commit, or to an issue as `GH-1` or `KEY-1`.
fn is_reference(word: &str) -> bool {
    let is_commit =
        |part: &str| (7..=64).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    // A number with a name in front of it is not a commit: Azure's `pool1-availabilitySet-42344502`.
    if is_commit(word) || word.split('-').any(|part| is_commit(part) && !is_number(part)) {
        return true;
    }
    let parts: Vec<&str> = word.split('-').collect();
    parts.windows(2).any(|pair| {
        let is_key = pair[0].len() > 1
            && pair[0].bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && pair[0].starts_with(|c: char| c.is_ascii_uppercase());
        let is_issue = is_key || ["gh", "ghsa", "cve"].contains(&pair[0].to_ascii_lowercase().as_str());
        is_issue && !STANDARDS.contains(&pair[0]) && pair[1].starts_with(|c: char| c.is_ascii_alphanumeric())
    })
}

/// Words in our own sentences that look like the key of an issue, such as `UTF-8`.
const STANDARDS: [&str; 4] = ["DNS", "RFC", "SHA", "UTF"];

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans() {
        let line = |text: &str| code_span(text, Place::Line);
        let cell = |text: &str| code_span(text, Place::Cell);
        assert_eq!(line("service/web"), "`service/web`");
        assert_eq!(line("a|b"), "`a|b`");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(cell("a\\|b"), "`a\\%7Cb`");
        assert_eq!(line("a`b"), "``a`b``");
        assert_eq!(line("``"), "``` `` ```");
        assert_eq!(line(" a "), "`  a  `");
        assert_eq!((line(""), line(" ")), ("` `".to_owned(), "` `".to_owned()));
        assert_eq!(line("a\nb\u{202e}"), "`a%0Ab%E2%80%AE`");
        assert_eq!(line(&"x".repeat(500)), format!("`{}…`", "x".repeat(400)));
    }

    #[test]
    fn sentences_that_are_only_text_stay() {
        for text in [
            "gone.json: no such file or directory",
            "largescale.yaml:14: unknown platform `azure-basik`, did you mean `azure-basic`?",
            "the pool a: `spec.pools.vmSets` is x, but its nodes indicate a-availabilitySet-42344502; using the spec",
            "m.yaml:3: `/a[0]` is \"x\", a string (UTF-8), 100% of node_pool",
            "`metadata.annotations[a.b/c]` changes, which may replace the load balancer",
            "192.0.2.1, 2001:db8::1, a.elb.example.com",
        ] {
            assert_eq!(sentence(text, Place::Line), text);
            assert_eq!(sentence(text, Place::Cell), text);
        }
        assert_eq!(sentence("use  `<pool>` or\n<b>", Place::Line), "use `<pool>` or &lt;b&gt;");
    }

    #[test]
    fn sentences_with_a_meaning_become_code() {
        for text in [
            "by @octocat",
            "fixes #1",
            "see GH-1",
            "see gh-12",
            "JIRA-12",
            "CVE-2021-25743",
            "at deadbee",
            "4234450",
            "a www.evil.example",
            "https://evil.example",
            "![x](y)",
            "[a]",
            "a*b*",
            "a _b_",
            "~~a~~",
            "a|b",
            "a\\b",
            ":tada: x",
            "m.yaml:100: x",
            "$x$",
            "a & b",
            "%1",
            "{+ a +}",
            "!1",
            "- a",
            "1. a",
            "> a",
            "a `b",
            "a `` b",
        ] {
            assert_eq!(sentence(text, Place::Line), span(text, Place::Line), "{text}");
        }
        assert_eq!(sentence("has `a|b`", Place::Line), "has `a|b`");
        assert_eq!(sentence("has `a|b`", Place::Cell), "`` has `a\\|b` ``");
    }

    #[test]
    fn blocks_and_html() {
        assert_eq!(code_block("diff", "+```\n+````"), "`````diff\n+```\n+````\n`````\n");
        assert_eq!(code_block("diff", "+a\u{1b}[0m\tb\r\n"), "```diff\n+a%1B[0m\tb%0D\n```\n");
        assert_eq!(html_code("a</code>&\n\n"), "<code>a&lt;/code&gt;&amp;%0A%0A</code>");
    }
}
