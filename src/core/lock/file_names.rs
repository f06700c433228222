//! The form of the names of rendered files. A lock that names another file is refused.

/// The longest file name, in bytes, that every file system accepts.
pub const MAX_FILE_NAME: usize = 255;

/// The ending of every rendered file.
pub const ENDING: &str = ".yaml";

/// The beginning of the name of a rule file of Prometheus.
const RULES: &str = "prometheus-";

/// The ending of a rule file of Prometheus. `kubectl apply -f DIRECTORY`, Argo CD and Flux read no files with this ending, and a
/// `kustomization.yaml` has none.
const RULES_ENDING: &str = ".rules";

/// Returns the name of the rule file of an app.
pub fn rule_file(app: &str) -> String {
    format!("{RULES}{app}{RULES_ENDING}")
}

/// Returns the app of a rule file; `None` if the file has an object.
pub fn app_of_rules(name: &str) -> Option<&str> {
    name.strip_prefix(RULES)?.strip_suffix(RULES_ENDING)
}

/// Returns whether a name has the form of a rendered file, `<kind>-<name>.yaml` or `prometheus-<app>.rules`: at most 255 lower-case
/// ASCII letters, digits, `-`, `.` and `_`. It is not hidden, and not a device on Windows.
pub fn is_file_name(name: &str) -> bool {
    let is_safe = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_');
    name.len() <= MAX_FILE_NAME
        && name.bytes().all(is_safe)
        && !name.starts_with('.')
        && (name.strip_suffix(ENDING).is_some_and(|stem| stem.contains('-')) || app_of_rules(name).is_some())
        && !is_device(name)
}

/// Returns whether Windows opens a device instead of a file of this name, in lower case, whatever follows its first dot
/// ("Naming Files, Paths, and Namespaces" of the Win32 documentation).
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let is_numbered =
        |prefix: &str| stem.strip_prefix(prefix).is_some_and(|rest| matches!(rest.as_bytes(), [b'0'..=b'9']));
    matches!(stem, "con" | "prn" | "aux" | "nul") || is_numbered("com") || is_numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rendered_files() {
        for name in [
            "service-nginx-agentpool1.yaml",
            "clusterrole-system_node-1a2b3c4d.yaml",
            "customresourcedefinition-a.example.com.yaml",
            "con-a.yaml",
            "_hidden-a.yaml",
            "com10.a-b.yaml",
            "prometheus-web.rules",
        ] {
            assert!(is_file_name(name), "{name}");
        }
        for name in [
            "",
            ".yaml",
            "a.yaml",
            "a-b",
            "a-b.rules",
            "prometheus.rules",
            "con.a-b.yaml",
            "lpt9.x-y.yaml",
            "../a-b.yaml",
            "a-b.yaml/",
        ] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
