//! Shows YAML files without the values of their Secrets.

use crate::core::report::mask::{Mask, is_secret};
use crate::core::yaml;

impl Mask {
    /// Learns the values of Secrets in a YAML file, so that they are masked also in files that are shown before it.
    pub fn learn_from_text(&mut self, text: &str) {
        if may_hold_a_secret(text) {
            let documents = yaml::read("", text).unwrap_or_default();
            for document in documents {
                self.learn_from(&document.value);
            }
        }
    }

    /// Returns the text of a YAML file without the values of its Secrets. Hides text that may hold a Secret but is not valid
    /// YAML.
    pub fn text(&mut self, text: &str) -> String {
        if !may_hold_a_secret(text) {
            return text.to_owned();
        }
        let Ok(documents) = yaml::read("", text) else {
            return "# not shown: not valid YAML, and it may hold a Secret\n".to_owned();
        };
        let mut shown = Vec::with_capacity(documents.len());
        let mut is_masked = false;
        for document in documents {
            let masked = self.apply(&document.value);
            is_masked |= is_secret(&document.value) || masked != document.value;
            shown.push(yaml::write_object(&masked));
        }
        if !is_masked {
            return text.to_owned();
        }
        // Comments may hold secrets, too; the header of this program does not.
        let header = text.lines().next().filter(|line| line.starts_with("# Made by kubectl largescale "));
        header.map(|line| format!("{line}\n")).unwrap_or_default() + &shown.join("---\n")
    }
}

/// Whether a YAML file may have a kind that reads as Secret. Without an escape or a tag, a text holds the word as it is. A file
/// in UTF-16 has NULs, or bytes that are not UTF-8.
fn may_hold_a_secret(text: &str) -> bool {
    text.contains(['\\', '!', '\0', '\u{fffd}'])
        || text.as_bytes().windows(6).any(|word| word.eq_ignore_ascii_case(b"secret"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_shown_without_the_values_of_secrets() {
        let hidden = "# not shown: not valid YAML, and it may hold a Secret\n";
        let masked = "apiVersion: v1\nkind: Secret\ndata:\n  a: \"<value #1 not shown>\"\n";
        for (text, expected) in [
            ("kind: ConfigMap # x\n", "kind: ConfigMap # x\n"),
            (
                "kind: Deployment\nspec: {secretName: x} # y\n",
                "kind: Deployment\nspec: {secretName: x} # y\n",
            ),
            ("kind: A\nx: \"a\\tb\" # y\n", "kind: A\nx: \"a\\tb\" # y\n"),
            (
                "# Made by kubectl largescale from x.\n# pw: hunter2\napiVersion: v1\nkind: Secret\ndata: {a: hunter2}\n",
                &*format!("# Made by kubectl largescale from x.\n{masked}"),
            ),
            ("apiVersion: v1\nkind: \"Sec\\x72et\"\ndata: {a: hunter2}\n", masked),
            ("apiVersion: v1\nkind: !!str Secret\ndata: {a: hunter2}\n", masked),
            (
                "apiVersion: v1\nkind: Secret\ndata: {a: hunter2}\n---\nkind: A\n",
                &format!("{masked}---\nkind: A\n"),
            ),
            ("kind: secret\ndata: hunter2\n", "kind: secret\ndata: \"<value #1 not shown>\"\n"),
            ("# pw: hunter2\napiVersion: v1\nkind: Secret\ndata: {a: hunter2}\n", masked),
            (
                "kind: List\nitems:\n- kind: Secret\n  stringData: {a: hunter2}\n",
                "kind: List\nitems:\n- kind: Secret\n  stringData:\n    a: \"<value #1 not shown>\"\n",
            ),
            ("k\0i\0n\0d\0:\0 \0S\0e\0c\0r\0e\0t\0\n\0", hidden),
            ("kind: Secret\n<<<<<<< x\ndata: hunter2\n", hidden),
            ("kind: SECRET\ndata: [hunter2\n", hidden),
        ] {
            assert_eq!(Mask::default().text(text), expected, "{text}");
        }
    }
}
