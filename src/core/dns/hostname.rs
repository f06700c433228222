//! Rules for DNS names.

use crate::core::kubernetes::names;

/// The longest DNS name, without the final dot.
const MAX_NAME: usize = 253;

/// Checks that a text is a valid name for the round robin. The first label may be `*`, which external-dns allows.
pub(super) fn check(what: &str, name: &str) -> Result<(), String> {
    if name.ends_with('.') {
        return Err(format!(
            "`{what}` is `{name}`, expected no dot at the end, because external-dns adds it"
        ));
    }
    let rest = name.strip_prefix("*.").unwrap_or(name);
    let fits = name.len() <= MAX_NAME
        && rest.contains('.')
        && rest.split('.').all(|label| names::check_label(what, label).is_ok());
    if fits {
        return Ok(());
    }
    Err(format!(
        "`{what}` is `{name}`, expected a DNS name such as `www.example.com` or `*.example.com`: lower-case letters, digits and dashes between dots"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_names() {
        let long = format!("{}.example.com", "a".repeat(63));
        for name in
            ["www.example.com", "*.example.com", "a.b", "xn--bcher-kva.example", "1.example.com", &long]
        {
            assert_eq!(check("h", name), Ok(()), "{name}");
        }
    }

    #[test]
    fn invalid_names() {
        let label = format!("{}.example.com", "a".repeat(64));
        let long = "a.".repeat(126) + "bc";
        let several = "a.example.com,b.example.com";
        for name in [
            "",
            "www",
            "*",
            "*.com",
            "*.*.example.com",
            "www.*.com",
            "-a.example.com",
            "a..b",
            ".a.b",
            "WWW.example.com",
            "a_b.example.com",
            "a b.example.com",
            "bücher.example.com",
            several,
            &label,
            &long,
        ] {
            assert!(check("h", name).unwrap_err().contains("expected a DNS name"), "{name}");
        }
        assert_eq!(
            check("h", "www.example.com."),
            Err("`h` is `www.example.com.`, expected no dot at the end, because external-dns adds it"
                .to_owned())
        );
    }
}
