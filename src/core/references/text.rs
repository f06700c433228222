//! Finds names of Services in free text: `NAME.NAMESPACE.svc`, `NAME.NAMESPACE`, `NAMESPACE/NAME` and `http://NAME`.

use serde_json::Value;

use crate::core::pointer;
use crate::core::references::known_namespace;

/// The longest DNS label.
const LONGEST_LABEL: usize = 63;

/// Which forms of a name count in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forms {
    /// All of them.
    All,
    /// Not `NAMESPACE/NAME`, which may as well be a path or an image.
    NoSlash,
}

/// Keys of strings in which programs read `NAMESPACE/NAME`: arguments, environment variables and configuration files.
const PROGRAM_TEXT: &[&str] = &["args", "command", "env", "data", "stringData"];

/// Keys of values that name no Service.
const NO_TEXT: &[&str] = &["image", "labels", "matchLabels", "selector", "managedFields", "binaryData"];

/// A name in a text that may be that of a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    /// The namespace; `default` if it is unknown.
    pub(super) namespace: &'a str,
    /// Whether only Services have such names: `NAME.NAMESPACE.svc`.
    pub(super) is_service: bool,
}

/// Calls `found` with each name in the text of an object that may be that of a Service, and the pointer of the text. Takes time
/// in proportion to the text.
pub(super) fn scan(object: &Value, own: &str, found: &mut dyn FnMut(&str, Named<'_>)) {
    let Value::Object(map) = object else { return };
    let is_secret = map.get("kind").is_some_and(|kind| kind == "Secret");
    let mut at = String::new();
    for (key, value) in map {
        at.clear();
        match key.as_str() {
            "apiVersion" | "kind" | "status" => {}
            // The values are in base64.
            "data" if is_secret => {}
            "metadata" => {
                if let Some(annotations) = value.get("annotations") {
                    at.push_str("/metadata/annotations");
                    strings(annotations, &mut at, Forms::NoSlash, own, found);
                }
            }
            _ => {
                pointer::push(&mut at, key);
                strings(value, &mut at, forms(key, Forms::NoSlash), own, found);
            }
        }
    }
}

fn forms(key: &str, otherwise: Forms) -> Forms {
    if PROGRAM_TEXT.contains(&key) { Forms::All } else { otherwise }
}

fn strings(
    value: &Value,
    at: &mut String,
    allowed: Forms,
    own: &str,
    found: &mut dyn FnMut(&str, Named<'_>),
) {
    let length = at.len();
    match value {
        Value::String(text) => names(text, allowed, own, &mut |named| found(at, named)),
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                at.push('/');
                at.push_str(&index.to_string());
                strings(item, at, allowed, own, found);
                at.truncate(length);
            }
        }
        Value::Object(map) => {
            for (key, value) in map.iter().filter(|(key, _)| !NO_TEXT.contains(&key.as_str())) {
                pointer::push(at, key);
                strings(value, at, forms(key, allowed), own, found);
                at.truncate(length);
            }
        }
        _ => {}
    }
}

/// Calls `found` with each name in a text. `own` is the namespace of the object with the text.
fn names(text: &str, allowed: Forms, own: &str, found: &mut dyn FnMut(Named<'_>)) {
    let bytes = text.as_bytes();
    let mut next = 0;
    while next < bytes.len() {
        if !is_label(bytes[next]) {
            next += 1;
            continue;
        }
        let start = next;
        next = label_end(bytes, start);
        // A longer word is not a name; a part of it neither.
        if next - start > LONGEST_LABEL {
            while bytes.get(next).is_some_and(|byte| is_label(*byte)) {
                next += 1;
            }
            continue;
        }
        let name = &text[start..next];
        let in_path = || after_slash(text, start, next, allowed);
        let in_url = || is_host(bytes, start, next).then_some(OWN);
        let other = || in_path().or_else(in_url).map(|namespace| (namespace, false));
        if let Some((namespace, is_service)) = before_dot(text, start, next).or_else(other) {
            let namespace = if namespace == OWN { own } else { namespace };
            found(Named { name, namespace: known_namespace(namespace), is_service });
        }
    }
}

/// The namespace of the object with the text.
const OWN: &str = "";

/// Returns the namespace in `NAMESPACE/NAME`; the name is at `start..end`.
fn after_slash(text: &str, start: usize, end: usize, allowed: Forms) -> Option<&str> {
    let bytes = text.as_bytes();
    if allowed == Forms::NoSlash || start < 2 || bytes[start - 1] != b'/' {
        return None;
    }
    if bytes.get(end).is_some_and(|byte| continues(*byte) || matches!(byte, b'/' | b'.')) {
        return None;
    }
    let slash = start - 1;
    if matches!(bytes[slash - 1], b')' | b'}') {
        return Some(OWN); // `$(POD_NAMESPACE)/web`
    }
    let from = label_start(bytes, slash);
    let is_whole = from.checked_sub(1).is_none_or(|before| {
        let byte = bytes[before];
        !continues(byte) && !matches!(byte, b'/' | b'.' | b'@' | b'~')
    });
    (is_whole && from < slash).then(|| &text[from..slash])
}

/// Whether the name at `start..end` is the host of a URL: `http://web:8080`, `postgres://user:password@web/db`.
fn is_host(bytes: &[u8], start: usize, end: usize) -> bool {
    let after = bytes.get(end).copied();
    if after.is_some_and(|byte| continues(byte) || byte == b'.') {
        return false;
    }
    let is_authority = bytes[..start].ends_with(b"://");
    is_authority || bytes[..start].ends_with(b"@") && matches!(after, Some(b':' | b'/'))
}

/// Returns the namespace in `NAME.NAMESPACE` or `NAME.NAMESPACE.svc`, and whether it is the latter; the name is at `start..end`.
fn before_dot(text: &str, start: usize, end: usize) -> Option<(&str, bool)> {
    let bytes = text.as_bytes();
    if bytes.get(end) != Some(&b'.') {
        return None;
    }
    let before = start.checked_sub(1).map(|before| bytes[before]);
    if before.is_some_and(continues) {
        return None;
    }
    let from = end + 1;
    let is_variable = matches!(bytes.get(from..from + 2), Some(b"$(" | b"${"));
    let (namespace, rest) = if is_variable {
        let variable = &bytes[from..bytes.len().min(from + LONGEST_LABEL)];
        let length = variable.iter().position(|byte| matches!(byte, b')' | b'}'))?;
        (OWN, from + length + 1)
    } else {
        let to = label_end(bytes, from);
        (&text[from..to], to)
    };
    if rest == from {
        return None;
    }
    let ends = |at: usize| bytes.get(at).is_none_or(|byte| !continues(*byte));
    if bytes[rest..].starts_with(b".svc") && ends(rest + 4) {
        return Some((namespace, true));
    }
    // Without `.svc`, the name must be whole: not a path, a longer host name, or an address.
    let is_url = bytes[..start].ends_with(b"://");
    // `user@web.prod:80` is a host; `user@web.prod` is the address of a mail.
    let is_host = |before| before == b'@' && matches!(bytes.get(rest), Some(b':' | b'/'));
    let is_first = is_url || before.is_none_or(|byte| is_host(byte) || !matches!(byte, b'.' | b'/' | b'@'));
    let is_last = match bytes.get(rest) {
        None => true,
        Some(b'.') => bytes.get(rest + 1).is_none_or(u8::is_ascii_whitespace),
        Some(byte) => !continues(*byte),
    };
    (namespace != OWN && is_first && is_last).then_some((namespace, false))
}

/// Whether a byte may be in the name of a Service or namespace.
fn is_label(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}

/// Whether a byte continues a word, so that the word is not a name.
fn continues(byte: u8) -> bool {
    is_label(byte) || byte == b'_' || byte.is_ascii_uppercase() || !byte.is_ascii()
}

/// Returns the end of the label at `start`, at most one byte more than the longest label.
fn label_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let length = rest.iter().take(LONGEST_LABEL + 1).take_while(|byte| is_label(**byte)).count();
    start + length
}

/// Returns the start of the label that ends at `end`, at most one byte before the longest label.
fn label_start(bytes: &[u8], end: usize) -> usize {
    let before = bytes[..end].iter().rev();
    end - before.take(LONGEST_LABEL + 1).take_while(|byte| is_label(**byte)).count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(text: &str, allowed: Forms) -> Vec<String> {
        let mut all = Vec::new();
        names(text, allowed, "own", &mut |it| all.push(format!("{}/{}", it.namespace, it.name)));
        all.retain(|name| name.ends_with("/web"));
        all
    }

    #[test]
    fn forms_of_a_name() {
        for (text, expected) in [
            ("--publish-service=prod/web", Some("prod/web")),
            ("--publish-service=$(POD_NAMESPACE)/web", Some("own/web")),
            ("9000: prod/web:8080", Some("prod/web")),
            ("prod/web", Some("prod/web")),
            ("registry/prod/web", None),
            ("registry.example/web", None),
            ("prod/web/x", None),
            ("prod/web.yaml", None),
            ("/web", None),
            ("prod/webb", None),
            ("http://web.prod.svc.cluster.local:80/a", Some("prod/web")),
            ("web.prod.svc", Some("prod/web")),
            ("st-0.web.prod.svc.cluster.local", Some("prod/web")),
            ("web.prod.svcs", None),
            ("a-web.prod.svc", None),
            ("web.prod", Some("prod/web")),
            ("web.prod.", Some("prod/web")),
            ("use web.prod, then", Some("prod/web")),
            ("http://web.prod/a", Some("prod/web")),
            ("web.prod.example.com", None),
            ("web.prod-2.svc", Some("prod-2/web")),
            ("x.web.prod", None),
            ("conf/web.prod", None),
            ("web.$(NS).svc:80", Some("own/web")),
            ("web.${NS}.svc", Some("own/web")),
            ("web.$(NS", None),
            ("http://web", Some("own/web")),
            ("http://web:80/", Some("own/web")),
            ("postgres://u:p@web:5432/db", Some("own/web")),
            ("postgres://u:p@web.prod:5432/db", Some("prod/web")),
            ("me@web.prod", None),
            ("me@web", None),
            ("web", None),
            ("web:80", None),
            ("the web.", None),
            ("web.", None),
            ("Xweb.prod.svc", None),
            ("\u{e9}web.prod.svc", None),
            ("web.prod.svc\u{e9}", None),
        ] {
            let found = found(text, Forms::All);
            assert_eq!(found.first().map(String::as_str), expected, "{text}: {found:?}");
        }
        assert_eq!(found("prod/web", Forms::NoSlash), [""; 0]);
        let long = "web".repeat(40);
        for text in
            [long.clone(), format!("{long}.prod.svc"), format!("web.{long}.svc"), format!("{long}/web")]
        {
            assert!(found(&text, Forms::All).is_empty(), "{text}");
        }
    }

    #[test]
    fn text_of_objects() {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "web.prod", "labels": {"a": "web.prod"}, "annotations": {"a/b": "web.prod.svc prod/web"}},
            "data": {"f": "a\nweb.prod.svc\n"},
            "spec": {"image": "web.prod", "x": ["prod/web", {"args": ["prod/web"]}]},
        });
        let mut all = Vec::new();
        scan(&object, "own", &mut |at, it| all.push(format!("{at} {}/{}", it.namespace, it.name)));
        all.retain(|it| it.ends_with(" prod/web"));
        assert_eq!(
            all,
            ["/data/f prod/web", "/metadata/annotations/a~1b prod/web", "/spec/x/1/args/0 prod/web"]
        );
        let secret =
            json!({"kind": "Secret", "data": {"a": "web.prod.svc"}, "stringData": {"b": "web.prod.svc"}});
        let mut all = Vec::new();
        scan(&secret, "own", &mut |at, _| all.push(at.to_owned()));
        all.dedup();
        assert_eq!(all, ["/stringData/b"]);
    }
}
