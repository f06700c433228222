//! Field paths as the API server prints them in conflicts: `.spec.ports[port=80,protocol="TCP"].nodePort`.
//!
//! A name is printed without quotes, even if it contains dots (kubernetes-sigs/structured-merge-diff
//! `fieldpath/element.go`), so a path such as `.metadata.annotations.a.b/c` is ambiguous. It is resolved against an object.

use serde_json::Value;

/// Returns the value at a path of an object.
pub fn get<'a>(path: &str, object: &'a Value) -> Option<&'a Value> {
    let mut value = object;
    for step in resolve(path, object)? {
        value = match step {
            Step::Field(name) => value.get(name)?,
            Step::Index(index) => value.get(index)?,
        };
    }
    Some(value)
}

/// Removes the value at a path, and every map and list above it that becomes empty. Returns whether there was a value.
pub fn remove(path: &str, object: &mut Value) -> bool {
    let Some(steps) = resolve(path, object) else { return false };
    // The steps borrow from the object, which is about to change.
    let steps: Vec<_> = steps.into_iter().map(Step::to_owned_step).collect();
    !steps.is_empty() && remove_at(&steps, object)
}

/// Returns whether a pattern matches a path or a part above it. In a pattern, `*` matches any text up to the next bracket.
/// Quotes and some of the fields of a key may be omitted.
pub fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (parts(pattern), parts(path));
    let Some((last, before)) = pattern.split_last() else { return false };
    let Some(here) = path.get(before.len()) else { return false };
    before.iter().zip(&path).all(|(pattern, part)| match (pattern, part) {
        (Part::Names(pattern), Part::Names(names)) => fits(pattern, names),
        (Part::Item(pattern), Part::Item(item)) => fits_item(pattern, item),
        _ => false,
    }) && match (last, here) {
        (Part::Names(pattern), Part::Names(names)) => {
            let above = names.match_indices('.').map(|(end, _)| &names[..end]);
            above.chain([*names]).any(|names| fits(pattern, names))
        }
        (Part::Item(pattern), Part::Item(item)) => fits_item(pattern, item),
        _ => false,
    }
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

enum OwnedStep {
    Field(String),
    Index(usize),
}

impl Step<'_> {
    fn to_owned_step(self) -> OwnedStep {
        match self {
            Self::Field(name) => OwnedStep::Field(name.to_owned()),
            Self::Index(index) => OwnedStep::Index(index),
        }
    }
}

fn remove_at(steps: &[OwnedStep], value: &mut Value) -> bool {
    let Some((step, below)) = steps.split_first() else { return false };
    let is_gone = |value: &mut Value| {
        below.is_empty()
            || remove_at(below, value)
                && (value == &Value::Object(serde_json::Map::new()) || value == &Value::Array(vec![]))
    };
    match (step, value) {
        (OwnedStep::Field(name), Value::Object(map)) => {
            if map.get_mut(name).is_some_and(is_gone) {
                map.remove(name);
            }
        }
        (OwnedStep::Index(index), Value::Array(list)) => {
            if list.get_mut(*index).is_some_and(is_gone) {
                list.remove(*index);
            }
        }
        _ => return false,
    }
    true
}

/// Returns the steps of a path in an object. If several readings are possible, the one with the longest names wins.
fn resolve<'a>(path: &str, value: &'a Value) -> Option<Vec<Step<'a>>> {
    if path.is_empty() {
        return Some(Vec::new());
    }
    let with = |step, rest: &str, value: &'a Value| {
        let mut steps = resolve(rest, value)?;
        steps.insert(0, step);
        Some(steps)
    };
    match value {
        Value::Object(map) => {
            let names = path.strip_prefix('.')?;
            let mut fitting: Vec<_> = map
                .iter()
                .filter_map(|(name, value)| {
                    let rest = names.strip_prefix(name.as_str())?;
                    (rest.is_empty() || rest.starts_with(['.', '['])).then_some((name, rest, value))
                })
                .collect();
            fitting.sort_by_key(|(name, ..)| std::cmp::Reverse(name.len()));
            fitting.into_iter().find_map(|(name, rest, value)| with(Step::Field(name), rest, value))
        }
        Value::Array(list) => {
            let (selector, rest) = selector(path)?;
            let index = selected(&selector, list)?;
            with(Step::Index(index), rest, &list[index])
        }
        _ => None,
    }
}

/// The content of brackets: a value, an index, or fields with their values.
enum Selector {
    Value(Literal),
    Index(usize),
    Key(Vec<(String, Literal)>),
}

/// A scalar as Go prints it.
enum Literal {
    Quoted(String),
    Bare(String),
}

impl Literal {
    fn is(&self, value: &Value) -> bool {
        match self {
            Self::Quoted(text) => value == text,
            Self::Bare(text) => match value {
                // Go prints 80.0 as 80, and a large float with an exponent.
                Value::Number(number) => {
                    number.to_string() == *text
                        || text.parse().is_ok_and(|printed: f64| number.as_f64() == Some(printed))
                }
                Value::Bool(is) => text == if *is { "true" } else { "false" },
                _ => false,
            },
        }
    }
}

/// Parses brackets at the beginning of a text; also returns the rest.
fn selector(text: &str) -> Option<(Selector, &str)> {
    let text = text.strip_prefix('[')?;
    if let Some(value) = text.strip_prefix('=') {
        let (value, rest) = literal(value)?;
        return Some((Selector::Value(value), rest.strip_prefix(']')?));
    }
    if let Some((index, rest)) = text.split_once(']')
        && let Ok(index) = index.parse()
    {
        return Some((Selector::Index(index), rest));
    }
    let mut fields = Vec::new();
    let mut text = text;
    loop {
        let (name, value) = text.split_once('=')?;
        let (value, rest) = literal(value)?;
        fields.push((name.to_owned(), value));
        if let Some(rest) = rest.strip_prefix(']') {
            return Some((Selector::Key(fields), rest));
        }
        text = rest.strip_prefix(',')?;
    }
}

fn literal(text: &str) -> Option<(Literal, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([',', ']'])?);
        return Some((Literal::Bare(value.to_owned()), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return Some((Literal::Quoted(value), chars.as_str())),
            '\\' => value.push(unescaped(&mut chars)?),
            char => value.push(char),
        }
    }
}

/// Parses the character after a backslash, as in Go's `%q`.
fn unescaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match chars.next()? {
        'a' => return Some('\u{7}'),
        'b' => return Some('\u{8}'),
        'f' => return Some('\u{c}'),
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'v' => return Some('\u{b}'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        char => return Some(char),
    };
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + chars.next()?.to_digit(16)?;
    }
    char::from_u32(code)
}

fn selected(selector: &Selector, list: &[Value]) -> Option<usize> {
    match selector {
        Selector::Index(index) => Some(*index).filter(|index| *index < list.len()),
        Selector::Value(value) => list.iter().position(|item| value.is(item)),
        Selector::Key(key) => {
            let has = |item: &Value| {
                key.iter().all(|(name, value)| item.get(name).is_some_and(|field| value.is(field)))
            };
            if let Some(index) = list.iter().position(has) {
                return Some(index);
            }
            // The server adds the defaults of key fields that an item omits.
            let may_be = |item: &Value| {
                let mut given =
                    key.iter().filter_map(|(name, value)| Some(value.is(item.get(name)?))).peekable();
                given.peek().is_some() && given.all(|same| same)
            };
            let only = |fits: &dyn Fn(&Value) -> bool| {
                let mut fitting = (0..list.len()).filter(|index| fits(&list[*index]));
                fitting.next().filter(|_| fitting.next().is_none())
            };
            // In Kubernetes' key pairs, such as `port` and `protocol`, the first field has no default.
            let has_first = |item: &Value| key.first().is_some_and(|(name, _)| item.get(name).is_some());
            only(&may_be).or_else(|| only(&|item| may_be(item) && has_first(item)))
        }
    }
}

/// A sequence of names with their dots, or the content of one pair of brackets.
enum Part<'a> {
    Names(&'a str),
    Item(&'a str),
}

fn parts(path: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(item) = rest.strip_prefix('[') {
            let end = end_of_brackets(item);
            parts.push(Part::Item(&item[..end]));
            rest = item.get(end + 1..).unwrap_or_default();
        } else {
            let end = rest.find('[').unwrap_or(rest.len());
            let names = rest[..end].strip_prefix('.').unwrap_or(&rest[..end]);
            parts.push(Part::Names(names));
            rest = &rest[end..];
        }
    }
    parts
}

fn end_of_brackets(text: &str) -> usize {
    let mut is_quoted = false;
    let mut before = ' ';
    for (at, char) in text.char_indices() {
        match char {
            '"' if before != '\\' => is_quoted = !is_quoted,
            ']' if !is_quoted => return at,
            _ => {}
        }
        before = char;
    }
    text.len()
}

fn fits_item(pattern: &str, item: &str) -> bool {
    let (pattern, item) = (pattern.replace('"', ""), item.replace('"', ""));
    fits(&pattern, &item) || pattern.split(',').all(|wanted| item.split(',').any(|field| fits(wanted, field)))
}

/// Returns whether a text matches a pattern with `*` for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((begin, mut rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(begin) else { return false };
    while let Some((middle, further)) = rest.split_once('*') {
        let Some(at) = text.find(middle) else { return false };
        text = &text[at + middle.len()..];
        rest = further;
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service() -> Value {
        json!({
            "metadata": {"name": "a", "finalizers": ["x/y", "q\"]"], "annotations": {
                "service.beta.kubernetes.io/azure-load-balancer-mode": "pool1",
                "service.beta.kubernetes.io/azure": "x", "service": "y"}},
            "spec": {"ports": [{"port": 80, "nodePort": 30000}, {"port": 53, "protocol": "UDP", "nodePort": 30001}],
                "on": [{"flag": true, "name": "a, \"b\"]\n"}]},
        })
    }

    #[test]
    fn paths_are_resolved_against_an_object() {
        let service = service();
        let at = |path: &str| get(path, &service).map(Value::to_string).unwrap_or_default();
        assert_eq!(
            at(".metadata.annotations.service.beta.kubernetes.io/azure-load-balancer-mode"),
            "\"pool1\""
        );
        assert_eq!(at(".metadata.annotations.service.beta.kubernetes.io/azure"), "\"x\"");
        assert_eq!(at(".metadata.annotations.service"), "\"y\"");
        assert_eq!(at(".metadata.annotations.service.beta"), "");
        assert_eq!(at(".spec.ports[port=53,protocol=\"UDP\"].nodePort"), "30001");
        assert_eq!(
            at(".spec.ports[port=80,protocol=\"TCP\"].nodePort"),
            "30000",
            "the item omits the default"
        );
        assert_eq!(at(".spec.ports[port=53,protocol=\"TCP\"].nodePort"), "", "the protocol differs");
        assert_eq!(get("[a=80]", &json!([{"a": 80.0}])), Some(&json!({"a": 80.0})), "80.0 is printed as 80");
        let without_port = json!([{"protocol": "TCP"}, {"port": 80}]);
        assert_eq!(get("[port=80,protocol=\"TCP\"]", &without_port), Some(&without_port[1]));
        assert_eq!(at(".spec.ports[1].port"), "53");
        assert_eq!(at(".spec.ports[2].port"), "");
        assert_eq!(at(".metadata.finalizers[=\"x/y\"]"), "\"x/y\"");
        assert_eq!(at(".metadata.finalizers[=\"q\\\"]\"]"), "\"q\\\"]\"");
        assert_eq!(at(".spec.on[flag=true,name=\"a, \\\"b\\\"]\\n\"].flag"), "true");
        for broken in
            ["spec", ".spec.", ".spec.ports[", ".spec.ports[port=80", ".spec.ports[port]", ".spec[0]"]
        {
            assert_eq!(at(broken), "", "{broken}");
        }
    }

    #[test]
    fn escapes_in_go_strings() {
        let list = json!([{"name": "\u{7}\t\u{1}é\u{200b}\\"}]);
        assert!(get("[name=\"\\a\\t\\x01é\\u200b\\\\\"].name", &list).is_some());
    }

    #[test]
    fn parents_that_become_empty_are_removed() {
        let mut object = service();
        assert!(remove(".metadata.annotations.service", &mut object));
        assert!(remove(".metadata.annotations.service.beta.kubernetes.io/azure", &mut object));
        assert_eq!(object["metadata"]["annotations"].as_object().unwrap().len(), 1);
        let last = ".metadata.annotations.service.beta.kubernetes.io/azure-load-balancer-mode";
        assert!(remove(last, &mut object));
        assert!(!remove(last, &mut object), "it is already removed");
        assert!(object["metadata"].get("annotations").is_none());
        assert!(remove(".spec.ports[port=80,protocol=\"TCP\"]", &mut object));
        assert!(remove(".spec.ports[port=53,protocol=\"UDP\"].nodePort", &mut object));
        assert_eq!(object["spec"]["ports"], json!([{"port": 53, "protocol": "UDP"}]));
        assert!(remove(".spec", &mut object));
        assert!(!remove("", &mut object));
    }

    #[test]
    fn patterns_match_paths_below_them() {
        for (pattern, path) in [
            (".spec.replicas", ".spec.replicas"),
            (".spec", ".spec.ports[port=80,protocol=\"TCP\"].nodePort"),
            (".spec.ports", ".spec.ports[port=80,protocol=\"TCP\"].nodePort"),
            (".spec.ports[*].nodePort", ".spec.ports[port=80,protocol=\"TCP\"].nodePort"),
            (".spec.ports[port=80]", ".spec.ports[port=80,protocol=\"TCP\"].nodePort"),
            (".spec.c[name=nginx].image", ".spec.c[name=\"nginx\"].image"),
            (".spec.c[name=\"a]*\"].image", ".spec.c[name=\"a]b\"].image"),
            (".metadata.annotations.*", ".metadata.annotations.a.b/c"),
            (".metadata.annotations.a.b/*", ".metadata.annotations.a.b/c.d"),
            ("metadata.labels.app", ".metadata.labels.app"),
            (".metadata.finalizers[*]", ".metadata.finalizers[=\"x\"]"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("", ".spec"),
            (".spec.replicas", ".spec"),
            (".spec.replica", ".spec.replicas"),
            (".spec.ports[*].port", ".spec.ports[port=80].nodePort"),
            (".spec.ports[port=8]", ".spec.ports[port=80]"),
            (".spec.*.image", ".spec.c[name=\"nginx\"].image"),
            (".spec.ports[*]", ".spec.ports"),
            (".spec.replicas[*]", ".spec.replicas.x"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }
}
