//! JSON pointers (RFC 6901) and their form in messages.

use std::borrow::Cow;

use serde_json::Value;

/// Appends one key to a pointer.
pub fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    let mut rest = key;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'~' | b'/')) {
        pointer.push_str(&rest[..at]);
        pointer.push_str(if rest.as_bytes()[at] == b'~' { "~0" } else { "~1" });
        rest = &rest[at + 1..];
    }
    pointer.push_str(rest);
}

/// Returns the pointer with one more key.
pub fn join(pointer: &str, key: &str) -> String {
    let mut joined = pointer.to_owned();
    push(&mut joined, key);
    joined
}

/// Whether the value at one pointer contains the value at another one, or is the same.
pub fn contains(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the keys of a pointer.
pub fn keys(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer.split('/').skip(1).map(|key| if key.contains('~') { unescaped(key).into() } else { key.into() })
}

/// Returns a key without the escapes of a pointer. A `~` before another character is itself, as in [`Value::pointer`].
fn unescaped(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut rest = key;
    while let Some(at) = rest.find('~') {
        let (text, taken) = match rest.as_bytes().get(at + 1) {
            Some(b'0') => ("~", 2),
            Some(b'1') => ("/", 2),
            _ => ("~", 1),
        };
        out.push_str(&rest[..at]);
        out.push_str(text);
        rest = &rest[at + taken..];
    }
    out.push_str(rest);
    out
}

/// Returns the number of keys of a pointer.
pub fn depth(pointer: &str) -> usize {
    pointer.bytes().filter(|byte| *byte == b'/').count()
}

/// Returns what the pointer names, as [`Value::pointer`] does, which allocates memory for each key. For the code that runs
/// for each copy of an object.
pub fn find<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    if !pointer.starts_with('/') {
        return value.pointer(pointer);
    }
    keys(pointer).try_fold(value, |value, key| match value {
        Value::Object(map) => map.get(&*key),
        Value::Array(items) if !key.starts_with('+') && (key == "0" || !key.starts_with('0')) => {
            items.get(key.parse::<usize>().ok()?)
        }
        _ => None,
    })
}

/// Returns the field path in Kubernetes' form: `/spec/ports/0/nodePort` becomes `spec.ports[0].nodePort`.
pub fn field(pointer: &str) -> String {
    let mut out = String::new();
    for key in keys(pointer) {
        let is_index = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
        if is_index || key.contains(['.', '/']) {
            out.push_str(&format!("[{key}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&key);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_become_field_paths() {
        let pointer = join(&join("/metadata", "annotations"), "a.b/c~d");
        assert_eq!(pointer, "/metadata/annotations/a.b~1c~0d");
        assert_eq!(keys(&pointer).collect::<Vec<_>>(), ["metadata", "annotations", "a.b/c~d"]);
        assert_eq!((depth(""), depth(&pointer)), (0, 3));
        assert_eq!(field(&pointer), "metadata.annotations[a.b/c~d]");
        assert_eq!(field("/spec/ports/0/nodePort"), "spec.ports[0].nodePort");
        assert_eq!(field(""), "");
        for (outer, inner, expected) in [
            ("/a", "/a", true),
            ("/a", "/a/b", true),
            ("", "/a", true),
            ("/a", "/ab", false),
            ("/a/b", "/a", false),
        ] {
            assert_eq!(contains(outer, inner), expected, "{outer} {inner}");
        }
    }

    #[test]
    fn values_are_found_as_serde_json_finds_them() {
        let value = serde_json::json!({"a": [0, {"b": 1}], "": {"": 2}, "a~b/c": 3, "01": 4, "~1": 5, "/0": 6, "~": 7});
        for pointer in [
            "",
            "a",
            "/",
            "//",
            "/a",
            "/a/",
            "/a/0",
            "/a/1/b",
            "/a/2",
            "/a/-",
            "/a/+1",
            "/a/01",
            "/a/00",
            "/a/1/b/c",
            "/01",
            "/a~0b~1c",
            "/a~b~1c",
            "/a~0b/c",
            "/~01",
            "/~10",
            "/~",
            "/a/18446744073709551616",
        ] {
            assert_eq!(find(&value, pointer), value.pointer(pointer), "{pointer}");
        }
    }
}
