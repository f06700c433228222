//! Refuses YAML that kubectl refuses or reads otherwise, although YAML 1.2 allows it. The parser reads YAML 1.2; kubectl reads YAML 1.1
//! with go-yaml v2 (`scannerc.go`). The rules look at the text between and below the parser's events.

use std::ops::Range;

use serde_saphyr::granit_parser::{Event, ScalarStyle, Span, StructureStyle};

/// A byte of the text, and the rule against it.
pub(super) type Refusal = (usize, &'static Rule);

/// What kubectl refuses or reads otherwise, and what to write instead.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
}

const fn rule(message: &'static str, hint: &'static str) -> Rule {
    Rule { message, hint }
}

static TAB: Rule = rule("kubectl refuses a tab as indentation", "indent with spaces");
static ANCHOR: Rule = rule(
    "kubectl refuses the name of this anchor",
    "use only letters of ASCII, digits, `-` and `_` in the names of anchors",
);
static TAG: Rule = rule("kubectl reads a comma as part of the tag", "write a space after the tag");
static FLOW_KEY: Rule = rule(
    "kubectl refuses a key in braces that is not on one line with its colon",
    "write the key and the colon on one line",
);
static QUESTION_MARK: Rule =
    rule("kubectl reads `?` in braces or brackets as the sign of a key", "put the text in quotes");
static COLON_FIRST: Rule =
    rule("kubectl refuses text in braces or brackets that begins with a colon", "put the text in quotes");
static COLON_LAST: Rule = rule(
    "kubectl reads a colon as part of the key if no space follows",
    "write a space after the colon, or put the text in quotes",
);
static SLASH: Rule = rule("kubectl refuses the escape `\\/` in YAML", "write `/`");

/// The text of a document, and where its events are.
#[derive(Debug)]
pub(super) struct Source<'a> {
    text: &'a str,
    /// The end of the last event.
    end: usize,
    /// The open flow collections (`{}` and `[]`).
    flow: usize,
    /// The first bytes of outermost flow collections, with their ends.
    flows: Vec<Range<usize>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, end: 0, flow: 0, flows: Vec::new() }
    }

    /// Returns whether the byte is in a flow collection that was read.
    pub(super) fn is_in_flow(&self, at: usize) -> bool {
        let index = self.flows.partition_point(|flow| flow.end < at);
        self.flows.get(index).is_some_and(|flow| flow.start < at)
    }

    /// Returns a part of the text.
    pub(super) fn slice(&self, at: Range<usize>) -> &'a str {
        self.text.get(at).unwrap_or_default()
    }

    /// Checks an event and the text before it.
    pub(super) fn check(&mut self, event: &Event<'_>, span: Span) -> Result<(), Refusal> {
        let at = range(span);
        let found = self.refusal(event, span, at.clone());
        self.end = self.end.max(at.end);
        match event {
            Event::SequenceStart(StructureStyle::Flow, ..)
            | Event::MappingStart(StructureStyle::Flow, ..) => {
                if self.flow == 0 {
                    self.flows.push(at.start..self.text.len());
                }
                self.flow += 1;
            }
            Event::SequenceEnd | Event::MappingEnd if self.flow > 0 => {
                self.flow -= 1;
                if self.flow == 0
                    && let Some(flow) = self.flows.last_mut()
                {
                    flow.end = at.end;
                }
            }
            _ => {}
        }
        found
    }

    fn refusal(&self, event: &Event<'_>, span: Span, at: Range<usize>) -> Result<(), Refusal> {
        if at.start > self.end && self.flow == 0 {
            indentation(&self.text[self.end..at.start], self.end == 0)
                .map_err(|index| (self.end + index, &TAB))?;
        }
        let tag = span.tag_span().map(range);
        if let Some(tag) = tag.filter(|tag| self.text[tag.end..].starts_with(',')) {
            return Err((tag.start, &TAG));
        }
        match event {
            Event::Scalar(text, style, ..) => self.scalar(text, *style, at),
            Event::Anchor(_, name) => {
                let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                if name.chars().all(is_known) { Ok(()) } else { Err((at.start, &ANCHOR)) }
            }
            _ => Ok(()),
        }
    }

    /// Checks a key of a flow map: kubectl expects it and its colon on one line, except after `?`.
    pub(super) fn check_flow_key(&self, span: Span) -> Result<(), Refusal> {
        let Range { start, end } = range(span);
        if self.text[..start].trim_end().ends_with('?') {
            return Ok(());
        }
        let after = self.text[end..].trim_start_matches([' ', '\t']);
        let is_on_another_line =
            || after.starts_with(['\n', '\r', '#']) && without_comments(after).starts_with(':');
        if self.text[start..end].contains('\n') || is_on_another_line() {
            return Err((start, &FLOW_KEY));
        }
        Ok(())
    }

    fn scalar(&self, text: &str, style: ScalarStyle, at: Range<usize>) -> Result<(), Refusal> {
        let after = &self.text.as_bytes()[at.end..];
        match style {
            ScalarStyle::Plain if self.flow > 0 => {
                if text.contains('?') && !at.is_empty() {
                    return Err((at.start, &QUESTION_MARK));
                }
                if text.starts_with(':') {
                    return Err((at.start, &COLON_FIRST));
                }
                if let [b':', b',' | b'[' | b']' | b'{' | b'}', ..] = after {
                    return Err((at.start, &COLON_LAST));
                }
                Ok(())
            }
            ScalarStyle::Plain => match self.text[at.clone()].find("\n\t") {
                Some(index) => Err((at.start + index + 1, &TAB)),
                None => Ok(()),
            },
            ScalarStyle::DoubleQuoted => match escaped_slash(&self.text[at.clone()]) {
                Some(index) => Err((at.start + index, &SLASH)),
                None => Ok(()),
            },
            ScalarStyle::Literal | ScalarStyle::Folded => self.block_scalar(at),
            ScalarStyle::SingleQuoted => Ok(()),
        }
    }

    /// Checks that no tab is in the place of an indentation space.
    fn block_scalar(&self, at: Range<usize>) -> Result<(), Refusal> {
        // The scalar begins after its first indentation; its header is on the line before.
        let Some(header) = self.text[..at.start].rfind(['|', '>']) else { return Ok(()) };
        let Some(lines) = self.text[header..].find('\n').map(|end| header + end + 1) else { return Ok(()) };
        let has_indentation = self.text[header..lines].bytes().any(|byte| byte.is_ascii_digit());
        // Empty lines after the scalar belong to it, too.
        let end = at.end.max(lines);
        let after = self.text[end..].split_inclusive('\n').take_while(|line| line.trim().is_empty());
        let end = end + after.map(str::len).sum::<usize>();
        let (mut indentation, mut start) = (None, lines);
        for line in self.text[lines..end].split_inclusive('\n') {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            let is_short = indentation.map_or(!has_indentation, |known| spaces < known);
            if is_short && line[spaces..].starts_with('\t') {
                return Err((start, &TAB));
            }
            if indentation.is_none()
                && !has_indentation
                && !line.trim_end_matches(['\r', '\n']).trim_start_matches(' ').is_empty()
            {
                indentation = Some(spaces);
            }
            start += line.len();
        }
        Ok(())
    }
}

fn range(span: Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}

/// Finds a tab where kubectl expects indentation: at the beginning of a line, and after `-` and `?`.
fn indentation(between: &str, is_first: bool) -> Result<(), usize> {
    let mut is_indentation = is_first;
    let mut is_comment = false;
    let mut is_after_space = true;
    for (index, byte) in between.bytes().enumerate() {
        match byte {
            b'\n' | b'\r' => (is_indentation, is_comment) = (true, false),
            _ if is_comment => {}
            b'\t' if is_indentation => return Err(index),
            b' ' | b'\t' | b':' => {}
            b'#' if is_after_space => is_comment = true,
            b'-' | b'?' => is_indentation = true,
            _ => is_indentation = false,
        }
        // A colon after a key is not at the beginning of a line.
        is_after_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    }
    Ok(())
}

fn escaped_slash(quoted: &str) -> Option<usize> {
    let mut is_escaped = false;
    quoted.bytes().position(|byte| {
        let found = is_escaped && byte == b'/';
        is_escaped = byte == b'\\' && !is_escaped;
        found
    })
}

/// Returns the text after white space and comments.
fn without_comments(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        if !text.starts_with('#') {
            return text;
        }
        text = text.find('\n').map_or("", |end| &text[end..]);
    }
}

/// Replaces the tabs at the beginning of a line and of the following ones by spaces, byte for byte. Returns the text and the lines'
/// bytes, or `None` if nothing changes.
pub(super) fn without_tabs(text: &str, at: usize) -> Option<(String, Vec<usize>)> {
    let mut start = text[..at.min(text.len())].rfind('\n').map_or(0, |end| end + 1);
    // kubectl refuses a tab after a plain scalar.
    let before = text[..start].trim_end().chars().next_back();
    if !before.is_some_and(|last| matches!(last, ',' | ':' | '[' | ']' | '{' | '}' | '"' | '\'')) {
        return None;
    }
    let mut changed = text.to_owned();
    let mut lines = Vec::new();
    for line in text[start..].split_inclusive('\n') {
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        if !line[..blanks].contains('\t') {
            break;
        }
        changed.replace_range(start..start + blanks, &" ".repeat(blanks));
        lines.push(start + blanks);
        start += line.len();
    }
    (!lines.is_empty()).then_some((changed, lines))
}
