//! Text from files and clusters in summaries and commit messages: what a parser of GitHub and GitLab, and git itself, read.

use std::fs;
use std::process::Command;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use largescale::core::report::diagnostic::{Diagnostic, Location};
use largescale::core::report::markdown::{Place, code_block, code_span, html_code, sentence};
use largescale::core::review::commit_message::{self, Line};
use largescale::core::review::{AddressRisk, Against, Item, Review, ReviewedPool, failed, markdown};
use regex_lite::Regex;

/// Parts of hostile texts. Random sequences of them reach what no list of cases has.
const PARTS: &[&str] = &[
    "`",
    "``",
    "```",
    "~~~",
    "|",
    "\\|",
    "\\",
    "\\\\",
    "<",
    ">",
    "&",
    "&lt;",
    "&#96;",
    "[",
    "]",
    "(",
    ")",
    "!",
    "*",
    "**",
    "_",
    "__",
    "~~",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{b}",
    "\u{c}",
    "\t",
    " ",
    "    ",
    "\0",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{feff}",
    "\u{200b}",
    "\u{a0}",
    "-->",
    "<!--",
    "<b>",
    "</b>",
    "</code>",
    "</summary></details>",
    "<details>",
    "<img src=x>",
    "<a href=\"`\">",
    "</details>\n\n",
    "@octocat",
    "@org/team",
    "#1",
    " #1",
    "GH-1",
    "o/r#2",
    "o/r@deadbeef",
    "deadbeef1",
    "0123456789abcdef0123456789abcdef01234567",
    "http://evil.example",
    "https://evil.example/x",
    "www.evil.example",
    "a@evil.example",
    "mailto:a@evil.example",
    "ftp://evil.example",
    "<https://evil.example>",
    "![x](https://evil.example/x.png)",
    "[x](https://evil.example)",
    "[x]: https://evil.example",
    "[^1]",
    "[^1]: x",
    "[[wiki]]",
    "# ",
    "- ",
    "+ ",
    "1. ",
    "1) ",
    "> ",
    ">>>\n",
    "---",
    "===",
    "- [ ] ",
    "| --- |",
    "\n| --- |\n",
    ":tada:",
    ":100:",
    "$x$",
    "$`x`$",
    "$$",
    "!1",
    "&1",
    "%1",
    "~bug",
    "{+",
    "+}",
    "[!NOTE]",
    "/close",
    "fixes ",
    "Closes: ",
    "a",
    "b",
    "Z",
    "0",
    "9",
    "é",
    "日本",
    ".",
    ":",
    "/",
    "-",
    "%0A",
    "'",
    "\"",
    "=",
];

/// A generator of pseudo-random numbers (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap()
    }

    fn text(&mut self) -> String {
        (0..=self.below(7)).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.table = true;
    extension.strikethrough = true;
    extension.autolink = true;
    extension.tasklist = true;
    extension.footnotes = true;
    extension.alerts = true;
    extension.shortcodes = true;
    extension.math_dollars = true;
    extension.math_code = true;
    extension.multiline_block_quotes = true;
    extension.wikilinks_title_after_pipe = true;
    options
}

/// What a reader sees of a document.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// The blocks with their children, without the text in them: the same for every input.
    shape: String,
    /// The code spans.
    code: Vec<String>,
    /// The blocks of code.
    blocks: Vec<String>,
    /// The text outside of code.
    text: Vec<String>,
    /// The text in blocks of HTML.
    html: Vec<String>,
}

/// Parses a document. Fails if it has a link, an image, HTML that we do not write, or anything else that is not expected.
fn seen(text: &str) -> Seen {
    let arena = Arena::new();
    let mut seen = Seen::default();
    visit(parse_document(&arena, text, &options()), &mut seen, text);
    seen
}

fn visit<'a>(node: &'a AstNode<'a>, seen: &mut Seen, whole: &str) {
    let value = node.data.borrow().value.clone();
    let block = match &value {
        NodeValue::Document => "document",
        NodeValue::List(_) => "list",
        NodeValue::Item(_) => "item",
        NodeValue::Paragraph => "paragraph",
        NodeValue::Heading(_) => "heading",
        NodeValue::Table(_) => "table",
        NodeValue::TableRow(_) => "row",
        NodeValue::TableCell => "cell",
        NodeValue::Strong => "strong",
        NodeValue::Emph => "emph",
        NodeValue::Text(text) => return seen.text.push(text.to_string()),
        NodeValue::Code(code) => return seen.code.push(code.literal.clone()),
        NodeValue::CodeBlock(block) => {
            assert!(block.fenced && block.closed, "{whole}");
            assert!(["diff", "mermaid"].contains(&block.info.as_str()), "{whole}");
            seen.shape.push_str("code ");
            return seen.blocks.push(block.literal.clone());
        }
        NodeValue::HtmlBlock(block) => return html(&block.literal, seen, whole),
        other => panic!("{other:?} in\n{whole}"),
    };
    seen.shape.push_str(&format!("{block}("));
    node.children().for_each(|child| visit(child, seen, whole));
    seen.shape.push(')');
}

/// Takes a block of HTML apart: our tags in our order, with text between them.
fn html(block: &str, seen: &mut Seen, whole: &str) {
    let ours = Regex::new("^<details><summary><code>([^<>]*)</code>([^<>`]*)</summary>\n$").unwrap();
    if let Some(found) = ours.captures(block) {
        seen.shape.push_str("details(");
        return seen.html.push(format!("{}|{}", &found[1], &found[2]));
    }
    assert_eq!(block, "</details>\n", "{whole}");
    seen.shape.push(')');
}

/// Fails if GitHub or GitLab would make a reference of the text outside of code.
fn no_references(seen: &Seen, whole: &str) {
    let reference =
        Regex::new(r#"(?i)[@#~$]|(^|[^0-9a-z])GH-\d|https?:|www\.|://|[!&]\d|%[\w"]|:(100|tada):"#).unwrap();
    let commit = Regex::new(r"(?i)(^|[^\w-])[0-9a-f]{7,64}($|[^\w-])").unwrap();
    for text in &seen.text {
        assert!(!reference.is_match(text) && !commit.is_match(text), "{text:?} in\n{whole}");
    }
}

/// Returns a review with these texts in each of its places.
fn review(text: &mut impl FnMut() -> String) -> Review {
    let field = text();
    let pools = [None, Some("one".to_owned()), Some(format!("two{field}"))];
    let risks = [None, Some(AddressRisk::Removed), Some(AddressRisk::Field(field))];
    let items = pools.into_iter().zip(risks).enumerate().map(|(index, (pool, address_risk))| Item {
        object: text(),
        action: "changed",
        pool,
        // As in a diff, each line has a sign. The number keeps the three apart.
        diff: format!("--- {}\n+++ b\n@@ -1 +1 @@\n+{index}{}", text(), text().replace('\n', "\n+")),
        address_risk,
        address: text(),
    });
    Review {
        items: items.collect(),
        title: text(),
        against: Against::Named(text()),
        host: Some(text()),
        pools: vec![ReviewedPool { name: text(), state: "present", nodes: Some(1), left_out: None }],
        unchanged: 1,
        warnings: vec![
            text(),
            format!("the pool {}: `spec.x` is {}", text(), text()),
            format!("`{}` is unknown", text()),
        ],
    }
}

/// Fails if a text of users is more than a label in the diagram: Mermaid's own parser is not needed for labels of these characters.
fn is_a_diagram(block: &str, whole: &str) {
    let label = r##""([^"#<>&`|(){}\[\];%$*\\=~!?@'^+]|#\d+;|<br/>)*""##;
    let pool = format!(
        r"dns -->( lb\d+\[{label}\](:::changed|:::removed)? --> pool\d+\[{label}\]| more\[{label}\])"
    );
    let line = format!(r"^(flowchart LR|  dns\(\[{label}\]\)|  {pool}|  classDef [a-z]+ [a-z0-9#:,-]+)$");
    let line = Regex::new(&line).unwrap();
    let mut lines = block.lines();
    assert_eq!(lines.next(), Some(r#"%%{init: {"flowchart": {"nodeSpacing": 15}}}%%"#), "{whole}");
    for text in lines {
        assert!(line.is_match(text), "{text:?} in\n{whole}");
    }
}

#[test]
fn hostile_text_does_not_change_the_structure_of_a_review() {
    let mut harmless = (0..).map(|n| format!("name-{n}"));
    let expected = seen(&markdown(&review(&mut || harmless.next().unwrap())));
    assert_eq!(expected.shape.matches("row(").count(), 7, "{}", expected.shape);
    assert_eq!(expected.shape.matches("details(code )").count(), 3, "{}", expected.shape);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..300 {
        let review = review(&mut || random.text());
        let text = markdown(&review);
        let found = seen(&text);
        assert_eq!(found.shape, expected.shape, "{review:#?}\n{text}");
        assert_eq!(found.blocks.len(), 4, "{text}");
        is_a_diagram(&found.blocks[0], &text);
        no_references(&found, &text);
        assert!(!text.contains(['\r', '\0', '\u{1b}', '\u{202e}', '\u{2028}', '\u{feff}']), "{text}");
    }
}

#[test]
fn hostile_problems_stay_in_their_item() {
    let mut random = Random(0x0123_4567_89AB_CDEF);
    for _ in 0..300 {
        let texts: Vec<String> = (0..4).map(|_| random.text()).collect();
        let problems: Vec<Diagnostic> = texts[1..]
            .iter()
            .map(|text| {
                Diagnostic::error(format!("`metadata.name` is `{text}`, expected {text}"))
                    .at(Location { file: texts[0].clone(), line: 100 })
            })
            .collect();
        let text = failed(&texts[0], &problems);
        let found = seen(&text);
        let expected =
            "document(heading()paragraph(strong())list(item(paragraph())item(paragraph())item(paragraph())))";
        assert_eq!(found.shape, expected, "{text}");
        no_references(&found, &text);
    }
}

/// Every writer, with the place in which its text is used.
#[test]
fn each_writer_keeps_its_text_in_its_place() {
    let mut random = Random(0x0BAD_CAFE_0BAD_CAFE);
    for _ in 0..500 {
        let (a, b) = (random.text(), random.text());
        let line = format!("x {} y {} z\n", code_span(&a, Place::Line), code_span(&b, Place::Line));
        let found = seen(&line);
        assert_eq!((found.shape.as_str(), found.code.len()), ("document(paragraph())", 2), "{line}");
        assert_eq!(found.text, ["x ", " y ", " z"], "{line}");

        let cells = format!(
            "| a | b |\n| --- | --- |\n| {}, {} | {} |\n| {} | x |\n",
            code_span(&a, Place::Cell),
            code_span(&b, Place::Cell),
            sentence(&b, Place::Cell),
            sentence(&a, Place::Cell)
        );
        let found = seen(&cells);
        let expected = "document(table(row(cell()cell())row(cell()cell())row(cell()cell())))";
        assert_eq!(found.shape, expected, "{cells}");
        assert_eq!(found.text[2], ", ", "{cells}");
        no_references(&found, &cells);

        let item = format!(
            "- {}\n- {}\n",
            sentence(&a, Place::Line),
            sentence(&format!("x {a} `{b}`"), Place::Line)
        );
        let found = seen(&item);
        let is_empty = a.trim().is_empty();
        assert!(is_empty || found.shape == "document(list(item(paragraph())item(paragraph())))", "{item}");
        no_references(&found, &item);

        let details = format!(
            "<details><summary>{} x</summary>\n\n{}\n</details>\n",
            html_code(&a),
            code_block("diff", &b)
        );
        let found = seen(&details);
        assert_eq!(found.shape, "document(details(code ))", "{details}");
        assert!(
            b.contains(|c: char| c.is_control()) || found.blocks[0].trim_end_matches('\n').len() >= b.len(),
            "{details}"
        );
    }
}

/// Names without control characters are readable to the letter.
#[test]
fn a_code_span_shows_the_whole_name() {
    for name in ["a|b", "`", "a``b`", " a ", "\\", "a\\`", "<b>&amp;", "*_~[x](y)", "a\\\\b", "||"] {
        assert_eq!(seen(&code_span(name, Place::Line)).code, [name]);
        let table = format!("| a |\n| --- |\n| {} |\n", code_span(name, Place::Cell));
        assert_eq!(seen(&table).code, [name], "{table}");
    }
}

#[test]
fn hostile_names_forge_no_trailers() {
    let mut random = Random(0xFEED_F00D_FEED_F00D);
    let forged = [
        "Signed-off-by: Mallory <m@evil.example>",
        "signed-off-by:x",
        "Co-authored-by : x",
        "(cherry picked from commit 1)",
        "# ------------------------ >8 ------------------------",
        "---",
        "diff --git a/x b/x",
        "Change-Id=1",
        "x\n\nFixes: #1",
        "x\u{85}Acked-by: y",
        "x\rAcked-by: y",
    ];
    let directory = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let mut write = |text: &str| {
        let path = directory.path().join(files.len().to_string());
        fs::write(&path, text).unwrap();
        files.push(path);
    };
    for index in 0..100 {
        let mut text = || match random.below(3) {
            0 => forged[random.below(forged.len())].to_owned(),
            1 => format!("{}{}", forged[random.below(forged.len())], random.text()),
            _ => random.text(),
        };
        let changes: Vec<Line> =
            (0..3).map(|n| Line { pool: (n > 0).then(&mut text), what: text(), action: "removed" }).collect();
        let changes = if index % 4 == 0 { &changes[..1] } else { &changes };
        let message = commit_message::text(&text(), None, changes);
        let lines: Vec<&str> = message.lines().collect();
        let pools = changes.len();
        assert_eq!(lines.len(), pools + 4 - usize::from(same_pool(changes)), "{message}");
        assert!(!message.contains(
            |c: char| c != '\n' && (c.is_control() || "\u{2028}\u{2029}\u{202e}\u{feff}".contains(c))
        ));
        for line in &lines {
            let refers = Regex::new(r"(?i)[#!&]|(^|[^a-z0-9])@[a-z0-9]|(^|[^a-z0-9/._-])gh-\d|://").unwrap();
            assert!(!refers.is_match(line), "{line:?} in\n{message}");
        }
        write(&message);
        // Each line at the end of a message, where git reads trailers.
        for line in &lines[2..] {
            write(&format!("Subject\n\nText.\n\n{line}\n"));
        }
    }
    let read = |options: &[&str]| {
        let output = Command::new("git")
            .args(options)
            .args(["interpret-trailers", "--parse"])
            .args(&files)
            .current_dir(directory.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(read(&[]), "");
    assert_eq!(read(&["-c", "trailer.separators=:=#"]), "");
    // The test would notice a trailer.
    fs::write(&files[0], "Subject\n\nSigned-off-by: x\n").unwrap();
    assert_eq!(read(&[]), "Signed-off-by: x\n");
}

fn same_pool(changes: &[Line]) -> bool {
    changes.len() == 3 && changes[1].pool == changes[2].pool
}
