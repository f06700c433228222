//! Builds values from the events of the YAML parser, as go-yaml v2 builds them for kubectl.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{
    self, ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag,
};

use crate::core::bounds;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::budget::{Budget, check_depth, too_deep};
use crate::core::yaml::document::{Below, Lines};
use crate::core::yaml::node::{Node, Problem, Rules, duplicate};
use crate::core::yaml::scalar;
use crate::core::yaml::strict::{self, Refusal, Source};

/// The most times that one text is read, to replace tabs in it.
const ATTEMPTS: usize = 32;

/// The bytes that are read again to replace tabs.
const READ_AGAIN: usize = 64 << 20;

/// Reads the documents of a YAML text; its first line has this number.
pub(super) fn documents(
    text: &str,
    first_line: u32,
    rules: Rules,
    budget: &mut Budget,
) -> Result<Vec<Node>, Problem> {
    let mut without_tabs: Option<(String, Vec<usize>)> = None;
    let mut first_problem = None;
    for _ in 0..(READ_AGAIN / text.len().max(1)).clamp(2, ATTEMPTS) {
        let (text, replaced) = without_tabs.as_ref().map_or((text, &[][..]), |(text, lines)| (text, lines));
        let before = budget.clone();
        let mut composer = Composer::new(text, first_line, rules, budget);
        let problem = match composer.documents() {
            // kubectl accepts tabs as indentation in flow collections, which the parser refuses.
            Ok(found) if replaced.iter().all(|line| composer.source.is_in_flow(*line)) => return Ok(found),
            Ok(_) => break,
            Err(problem) => problem,
        };
        let tab = composer.tab;
        *budget = before;
        first_problem.get_or_insert(problem.clone());
        let Some((text, lines)) = tab.and_then(|at| strict::without_tabs(text, at)) else {
            return Err(problem);
        };
        let lines = [replaced, &lines].concat();
        without_tabs = Some((text, lines));
    }
    Err(first_problem.unwrap_or_else(|| (first_line, too_deep())))
}

struct Composer<'a, 'b> {
    parser: Parser<'a, StrInput<'a>>,
    source: Source<'a>,
    /// The byte with a tab that the parser refuses as indentation.
    tab: Option<usize>,
    /// The lines before the text.
    before: u32,
    rules: Rules,
    budget: &'b mut Budget,
    anchors: HashMap<usize, Anchored>,
}

/// A value that aliases repeat.
struct Anchored {
    node: Node,
    values: usize,
    bytes: usize,
    /// The levels of lists and maps in it.
    height: usize,
    is_map: bool,
}

/// The fields of a map while it is read.
#[derive(Default)]
struct Fields {
    map: Map<String, Value>,
    lines: Vec<(Box<str>, Lines)>,
    /// The keys whose values come from a merge key (`<<`).
    merged: HashSet<String>,
}

impl<'a, 'b> Composer<'a, 'b> {
    fn new(text: &'a str, first_line: u32, rules: Rules, budget: &'b mut Budget) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_anchor_events: true,
            // One more than the depth, so that the limit of the depth is reached first.
            flow_nesting_limit: bounds::MAX_DEPTH + 1,
            block_nesting_limit: bounds::MAX_DEPTH + 1,
        };
        let parser = Parser::new_from_str_with_options(text, options);
        let before = first_line.saturating_sub(1);
        Self { parser, source: Source::new(text), tab: None, before, rules, budget, anchors: HashMap::new() }
    }

    fn documents(&mut self) -> Result<Vec<Node>, Problem> {
        let mut found = Vec::new();
        let mut is_first = true;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(..) if !is_first && self.rules == Rules::Kubectl => {
                    return Err((self.line(span), ignored()));
                }
                Event::DocumentStart(..) => {
                    is_first = false;
                    let node = match self.next()? {
                        Some((event, span)) => self.node(event, span, 0)?,
                        None => return Ok(found),
                    };
                    self.anchors.clear();
                    found.extend((!node.value.is_null()).then_some(node));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Problem> {
        loop {
            let next = self.parser.next_event().transpose().map_err(|error| self.syntax_error(&error))?;
            let Some((event, span)) = next else { return Ok(None) };
            let checked = self.source.check(&event, span);
            if self.rules == Rules::Kubectl {
                checked.map_err(|refusal| self.refused(refusal, span))?;
            }
            if !matches!(event, Event::Anchor(..)) {
                return Ok(Some((event, span)));
            }
        }
    }

    /// Returns the error for text that kubectl refuses; the event after it has this place.
    fn refused(&self, (at, rule): Refusal, event: Span) -> Problem {
        let start = event.start.byte_offset().unwrap_or(at);
        let lines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
        // Counted from the event, so that the time does not depend on the text before it.
        let line = match at.cmp(&start) {
            Ordering::Less => event.start.line() - lines(self.source.slice(at..start)),
            _ => event.start.line() + lines(self.source.slice(start..at)),
        };
        (self.line_at(line), Diagnostic::error(rule.message).hint(rule.hint))
    }

    /// Returns the next event inside of a document.
    fn inside(&mut self) -> Result<(Event<'a>, Span), Problem> {
        self.next()?.ok_or_else(|| (self.before + 1, Diagnostic::error("invalid YAML: the text ends early")))
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        let line = self.line(span);
        let before = self.budget.taken();
        let (value, below, anchor) = match event {
            Event::Alias(id) => return self.alias(id, line, depth),
            Event::Scalar(text, style, anchor, tag) => {
                self.take(line, 1, text.len())?;
                let value = scalar_value(text, style, tag.as_deref())
                    .map_err(|why| (line, Diagnostic::error(why).hint("write it as a string, in quotes")))?;
                (value, Below::Nothing, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.open(line, depth)?;
                let (values, lines) = self.items(depth + 1)?;
                (Value::Array(values), Below::Items(lines), anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                self.open(line, depth)?;
                let (value, below) = self.fields(style, depth + 1)?;
                (value, below, anchor)
            }
            _ => return Err((line, Diagnostic::error("invalid YAML: a value is missing"))),
        };
        let node = Node { value, lines: Lines { line, below } };
        if anchor != 0 {
            self.keep(anchor, &node, before)?;
        }
        Ok(node)
    }

    fn items(&mut self, depth: usize) -> Result<(Vec<Value>, Vec<Lines>), Problem> {
        let (mut values, mut lines) = (Vec::new(), Vec::new());
        loop {
            let (event, span) = self.inside()?;
            if event == Event::SequenceEnd {
                break;
            }
            let node = self.node(event, span, depth)?;
            values.push(scalar::in_json(node.value));
            lines.push(node.lines);
        }
        values.shrink_to_fit();
        lines.shrink_to_fit();
        Ok((values, lines))
    }

    fn fields(&mut self, style: StructureStyle, depth: usize) -> Result<(Value, Below), Problem> {
        let mut fields = Fields::default();
        loop {
            let (event, span) = self.inside()?;
            if event == Event::MappingEnd {
                break;
            }
            let line = self.line(span);
            if style == StructureStyle::Flow && self.rules == Rules::Kubectl {
                self.source.check_flow_key(span).map_err(|refusal| self.refused(refusal, span))?;
            }
            if is_merge(&event) {
                self.take(line, 1, 2)?;
                self.merge(&mut fields, depth)?;
                continue;
            }
            let key = self.key(event, span, depth)?;
            let (event, span) = self.inside()?;
            let node = self.node(event, span, depth)?;
            if !fields.merged.remove(&key) && fields.map.contains_key(&key) {
                return Err((line, duplicate(&key)));
            }
            // The line of a field is that of its key.
            fields.lines.push((key.as_str().into(), Lines { line, below: node.lines.below }));
            fields.map.insert(key, scalar::in_json(node.value));
        }
        Ok(fields.end())
    }

    /// Reads a key as the string that it is in JSON.
    fn key(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<String, Problem> {
        let line = self.line(span);
        let text = match &event {
            Event::Scalar(text, ScalarStyle::Plain, 0, None) if self.rules == Rules::Own => {
                Some(text.clone().into_owned())
            }
            _ => None,
        };
        if let Some(text) = text {
            self.take(line, 1, text.len())?;
            return Ok(text);
        }
        let node = self.node(event, span, depth)?;
        scalar::key(&node.value).ok_or_else(|| {
            let what = match &node.value {
                Value::Null => "null",
                Value::Array(_) => "a list",
                Value::Object(_) => "a map",
                _ => "a number that no key can be",
            };
            (
                line,
                Diagnostic::error(format!("a key is {what}, expected a string"))
                    .hint("put the key in quotes"),
            )
        })
    }

    /// Adds the fields of the value of a merge key.
    fn merge(&mut self, fields: &mut Fields, depth: usize) -> Result<(), Problem> {
        let (event, span) = self.inside()?;
        let line = self.line(span);
        let is_list = matches!(event, Event::SequenceStart(..));
        // Of a list, the values themselves must be maps: an alias of a list of maps is not enough.
        let is_alias_of_list =
            matches!(&event, Event::Alias(id) if self.anchors.get(id).is_some_and(|known| !known.is_map));
        let Node { value, lines } = self.node(event, span, depth)?;
        let not_maps = || {
            let problem = Diagnostic::error("the value of `<<` is not a map");
            (line, problem.hint("write `<<: *name`, or `<<: [*name, *other]` for several maps"))
        };
        match (value, lines.below) {
            (Value::Object(map), below) => fields.add(map, below, self.rules),
            (Value::Array(items), Below::Items(lines)) if is_list && !is_alias_of_list => {
                // Earlier maps win.
                for (item, lines) in items.into_iter().zip(lines).rev() {
                    let Value::Object(map) = item else { return Err(not_maps()) };
                    fields.add(map, lines.below, self.rules);
                }
            }
            _ => return Err(not_maps()),
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, line: u32, depth: usize) -> Result<Node, Problem> {
        let Some(Anchored { node, values, bytes, height, .. }) = self.anchors.get(&id) else {
            let problem = Diagnostic::error("an alias is inside of the value that it repeats");
            return Err((line, problem.hint("write the value instead of the alias (`*name`)")));
        };
        check_depth(depth + height)
            .and_then(|()| self.budget.take(*values, *bytes))
            .map_err(|problem| (line, problem))?;
        Ok(Node { value: node.value.clone(), lines: Lines { line, below: node.lines.below.clone() } })
    }

    /// Keeps a value for its aliases.
    fn keep(&mut self, anchor: usize, node: &Node, before: (usize, usize)) -> Result<(), Problem> {
        let now = self.budget.taken();
        let (values, bytes) = (now.0 - before.0, now.1 - before.1);
        self.budget.keep(values).map_err(|problem| (node.lines.line, problem))?;
        let kept = Anchored {
            values,
            bytes,
            height: height(&node.value),
            is_map: node.value.is_object(),
            node: Node { value: node.value.clone(), lines: node.lines.clone() },
        };
        self.anchors.insert(anchor, kept);
        Ok(())
    }

    fn open(&mut self, line: u32, depth: usize) -> Result<(), Problem> {
        check_depth(depth + 1).map_err(|problem| (line, problem))?;
        self.take(line, 1, 0)
    }

    fn take(&mut self, line: u32, values: usize, bytes: usize) -> Result<(), Problem> {
        self.budget.take(values, bytes).map_err(|problem| (line, problem))
    }

    fn line(&self, span: Span) -> u32 {
        self.line_at(span.start.line())
    }

    fn line_at(&self, line: usize) -> u32 {
        u32::try_from(line).unwrap_or(0).saturating_add(self.before)
    }

    fn syntax_error(&mut self, error: &ScanError) -> Problem {
        if *error.kind() == ErrorKind::TabInBlockIndentation {
            self.tab = error.marker().byte_offset();
        }
        let problem = match error.kind() {
            // The scanner is ahead of the values, which have a limit for their depth.
            ErrorKind::RecursionLimitExceeded => too_deep(),
            ErrorKind::ExpectedDocumentStart if self.rules == Rules::Kubectl => ignored(),
            _ => Diagnostic::error(format!("invalid YAML: {}", error.info())),
        };
        (self.line_at(error.marker().line()), problem)
    }
}

impl Fields {
    /// Adds the fields of a merged map. In kubectl a merge key replaces fields before it; in YAML, and in kustomize, it does not.
    fn add(&mut self, map: Map<String, Value>, below: Below, rules: Rules) {
        let Below::Fields(mut lines) = below else { return };
        for (key, value) in map {
            let is_explicit = self.map.contains_key(&key) && !self.merged.contains(&key);
            if is_explicit && rules == Rules::Own {
                continue;
            }
            if let Ok(index) = lines.binary_search_by(|(known, _)| (**known).cmp(&key)) {
                self.lines.push((key.as_str().into(), std::mem::take(&mut lines[index].1)));
            }
            self.merged.insert(key.clone());
            self.map.insert(key, value);
        }
    }

    fn end(mut self) -> (Value, Below) {
        if self.lines.len() != self.map.len() {
            // The last of several lines is that of the value.
            self.lines.reverse();
            self.lines.sort_by(|(a, _), (b, _)| a.cmp(b));
            self.lines.dedup_by(|(a, _), (b, _)| a == b);
        }
        (Value::Object(self.map), Below::fields(self.lines))
    }
}

fn ignored() -> Diagnostic {
    Diagnostic::error("another document begins here, which kubectl ignores")
        .hint("write `---` on a line before it, or remove it")
}

fn scalar_value(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match (tag.map(tag_name), style) {
        // The tag `!` makes a string of any scalar.
        (Some(tag), _) if tag == "!" => Ok(Value::String(text.into_owned())),
        (Some(tag), _) => scalar::tagged(&tag, &text),
        (None, ScalarStyle::Plain) => scalar::plain(&text),
        (None, _) => Ok(Value::String(text.into_owned())),
    }
}

fn is_merge(event: &Event<'_>) -> bool {
    let Event::Scalar(text, style, _, tag) = event else { return false };
    text == "<<"
        && tag
            .as_deref()
            .map_or(*style == ScalarStyle::Plain, |tag| tag_name(tag) == format!("{}merge", scalar::TAGS))
}

fn tag_name(tag: &Tag) -> String {
    format!("{}{}", tag.handle(), tag.suffix())
}

/// Returns the levels of lists and maps in a value.
fn height(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(height).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(height).max().unwrap_or(0),
        _ => 0,
    }
}
