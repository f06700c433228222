//! The object names of pools and copies, and checks of names that a spec chooses. `name_rules` has the rules.

use sha2::{Digest, Sha256};

use crate::core::kubernetes::name_rules::{is_label, is_label_key, is_label_value};
use crate::core::report::escape::in_comment;

/// The maximum length of a Service name and of a label value.
pub const MAX_LABEL: usize = 63;

/// Returns a pool's value as a part of object names: in lower case, with a dash for every other character.
pub fn pool_name(value: &str) -> String {
    let dashed: String =
        value.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    shortened(dashed.trim_matches('-'))
}

/// Returns the name of a pool's copy of a Service.
pub fn copy_name(service: &str, pool: &str) -> String {
    shortened(&format!("{service}-{pool}"))
}

/// Shortens a name to at most 63 characters. A longer name ends in eight digits of its own digest, so that different
/// long names stay different and equal names stay equal.
fn shortened(name: &str) -> String {
    if name.len() <= MAX_LABEL {
        return name.to_owned();
    }
    let digest = hex(&Sha256::digest(name.as_bytes()));
    format!("{}-{}", name[..MAX_LABEL - 9].trim_end_matches('-'), &digest[..8])
}

/// Returns bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)] as char, DIGITS[usize::from(byte & 15)] as char])
        .collect()
}

/// Returns the SHA-256 of bytes in hexadecimal, as in the lock file.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Checks that a text is an RFC 1123 label, as the names of namespaces and most objects must be.
pub fn check_label(what: &str, name: &str) -> Result<(), String> {
    if is_label(name) {
        return Ok(());
    }
    let name = in_comment(name);
    Err(format!(
        "`{what}` is `{name}`, expected at most 63 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
    ))
}

/// Checks that a text is a valid Service name.
pub fn check_service_name(what: &str, name: &str) -> Result<(), String> {
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if begins && check_label(what, name).is_ok() {
        return Ok(());
    }
    let name = in_comment(name);
    Err(format!(
        "{what} is `{name}`, which is not a valid Service name: at most 63 lower-case letters, digits and dashes, beginning with a letter"
    ))
}

/// Checks that a text is a valid label value.
pub fn check_label_value(what: &str, value: &str) -> Result<(), String> {
    if is_label_value(value) {
        return Ok(());
    }
    let value = in_comment(value);
    Err(format!(
        "{what} is `{value}`, which is not a valid label value: at most 63 letters, digits, `.`, `_` and `-`, beginning and ending with a letter or digit"
    ))
}

/// Checks that a text is a valid label key.
pub fn check_label_key(what: &str, key: &str) -> Result<(), String> {
    if is_label_key(key) {
        return Ok(());
    }
    let key = in_comment(key);
    Err(format!(
        "{what} has the key `{key}`, expected NAME or PREFIX/NAME: a DNS subdomain, and at most 63 letters, digits, `.`, `_` and `-`, beginning and ending with a letter or digit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_names_and_copy_names() {
        assert_eq!(pool_name("agentpool1"), "agentpool1");
        assert_eq!(pool_name("Pool_A.b"), "pool-a-b");
        let long = copy_name("nginx", &"x".repeat(80));
        assert_eq!(long.len(), 63);
        assert_ne!(long, copy_name("nginx", &"x".repeat(81)));
        assert!(check_service_name("it", &long).is_ok());
    }

    #[test]
    fn invalid_names_are_refused() {
        assert!(check_label("x", "web").is_ok());
        for bad in ["", "Web", "-a", "a-", "a_b", "日本", &"a".repeat(64)] {
            assert!(check_label("x", bad).is_err(), "{bad}");
        }
        assert!(check_service_name("x", "1web").is_err());
        assert!(check_label_key("x", "example.com/team").is_ok());
        assert!(check_label_key("x", "a b").is_err());
        assert!(check_label("x", "a\nerror: b").unwrap_err().contains("`a%0Aerror: b`"));
        assert!(check_label_value("x", "Pool_A.1").is_ok());
        for bad in ["a b", "_a", "a/b", "é", &"a".repeat(64)] {
            assert!(check_label_value("x", bad).is_err(), "{bad}");
        }
    }
}
