//! Reads a JSON document into a value with its lines. The text is known to be valid JSON, except for the sizes of its numbers and
//! for halves of surrogate pairs.

use serde_json::{Map, Number, Value};

use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::budget::{Budget, check_depth};
use crate::core::yaml::document::{Below, Lines};
use crate::core::yaml::node::{Node, Problem, duplicate};
use crate::core::yaml::scalar;

/// Reads the value that is the whole text; its first line has this number.
pub(super) fn value(text: &str, line: u32, budget: &mut Budget) -> Result<Node, Problem> {
    Reader { rest: text, line, budget }.value(0)
}

struct Reader<'a, 'b> {
    rest: &'a str,
    line: u32,
    budget: &'b mut Budget,
}

impl<'a> Reader<'a, '_> {
    fn value(&mut self, depth: usize) -> Result<Node, Problem> {
        self.skip_space();
        let line = self.line;
        let (value, below) = match self.rest.bytes().next() {
            Some(b'{') => self.object(depth + 1)?,
            Some(b'[') => self.array(depth + 1)?,
            Some(b'"') => (Value::String(self.string()?), Below::Nothing),
            _ => (self.word()?, Below::Nothing),
        };
        Ok(Node { value, lines: Lines { line, below } })
    }

    fn object(&mut self, depth: usize) -> Result<(Value, Below), Problem> {
        self.open(depth)?;
        let (mut map, mut lines) = (Map::new(), Vec::new());
        while !self.ends(b'}') {
            let line = self.line;
            let key = self.string()?;
            self.skip_space();
            self.skip(1);
            let node = self.value(depth)?;
            lines.push((key.as_str().into(), Lines { line, below: node.lines.below }));
            if map.contains_key(&key) {
                return Err((line, duplicate(&key)));
            }
            map.insert(key, node.value);
        }
        Ok((Value::Object(map), Below::fields(lines)))
    }

    fn array(&mut self, depth: usize) -> Result<(Value, Below), Problem> {
        self.open(depth)?;
        let (mut values, mut lines) = (Vec::new(), Vec::new());
        while !self.ends(b']') {
            let node = self.value(depth)?;
            values.push(node.value);
            lines.push(node.lines);
        }
        values.shrink_to_fit();
        lines.shrink_to_fit();
        Ok((Value::Array(values), Below::Items(lines)))
    }

    fn open(&mut self, depth: usize) -> Result<(), Problem> {
        self.skip(1);
        check_depth(depth).and_then(|()| self.budget.take(1, 0)).map_err(|problem| (self.line, problem))
    }

    /// Goes to the next entry, or past the end.
    fn ends(&mut self, end: u8) -> bool {
        self.skip_space();
        let next = self.rest.bytes().next();
        if next == Some(b',') {
            self.skip(1);
            self.skip_space();
        }
        let ends = next.is_none_or(|byte| byte == end);
        if ends {
            self.skip(1);
        }
        ends
    }

    fn string(&mut self) -> Result<String, Problem> {
        let mut is_escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        });
        let text = self.token(end.map_or(self.rest.len(), |end| end + 2))?;
        // Most strings have no escapes.
        match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
            Some(inner) if !inner.contains('\\') => Ok(inner.to_owned()),
            _ => serde_json::from_str(text).map_err(|_| {
                let problem = Diagnostic::error("invalid JSON: a `\\u` escape is half of a surrogate pair");
                (self.line, problem.hint("write both halves, or the character itself"))
            }),
        }
    }

    /// Reads a number, a boolean or null.
    fn word(&mut self) -> Result<Value, Problem> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'));
        let text = self.token(end.unwrap_or(self.rest.len()))?;
        let value = match text {
            "null" => Value::Null,
            "true" => true.into(),
            "false" => false.into(),
            _ => number(text).map_err(|problem| (self.line, problem))?,
        };
        Ok(value)
    }

    fn token(&mut self, length: usize) -> Result<&'a str, Problem> {
        self.budget.take(1, length).map_err(|problem| (self.line, problem))?;
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(token)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn skip_space(&mut self) {
        let space = self.rest.bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
        let mut length = 0;
        for byte in space {
            length += 1;
            self.line += u32::from(byte == b'\n');
        }
        self.skip(length);
    }
}

fn number(text: &str) -> Result<Value, Diagnostic> {
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(whole.into());
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Err(Diagnostic::error(scalar::too_large(whole)).hint("write it as a string"));
    }
    let float = text.parse().ok().and_then(Number::from_f64);
    float.map(Value::Number).map(scalar::in_json).ok_or_else(|| {
        Diagnostic::error(format!("the number {text} is too large")).hint("write it as a string")
    })
}
