//! JSON pointers (RFC 6901) and their form in messages.

/// Appends one key to a pointer.
pub fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    if !key.contains(['~', '/']) {
        pointer.push_str(key);
        return;
    }
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// Returns the pointer with one more key.
pub fn join(pointer: &str, key: &str) -> String {
    let mut joined = pointer.to_owned();
    push(&mut joined, key);
    joined
}

/// Returns the keys of a pointer.
pub fn keys(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~"))
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
        assert_eq!(field(&pointer), "metadata.annotations[a.b/c~d]");
        assert_eq!(field("/spec/ports/0/nodePort"), "spec.ports[0].nodePort");
        assert_eq!(field(""), "");
    }
}
