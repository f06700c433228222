//! Which names DNS takes.

use crate::core::kubernetes::names;

/// The longest name that DNS takes, without the dot at its end.
const MAX_NAME: usize = 253;

/// Says why a text is no name for the round robin. The first label may be `*`, as external-dns has it.
pub(super) fn check(what: &str, name: &str) -> Result<(), String> {
    if name.ends_with('.') {
        return Err(format!(
            "`{what}` is `{name}`, expected no dot at the end: external-dns writes it by itself"
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
    fn names_that_dns_takes() {
        let long = format!("{}.example.com", "a".repeat(63));
        for name in
            ["www.example.com", "*.example.com", "a.b", "xn--bcher-kva.example", "1.example.com", &long]
        {
            assert_eq!(check("h", name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_it_does_not() {
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
            Err("`h` is `www.example.com.`, expected no dot at the end: external-dns writes it by itself"
                .to_owned())
        );
    }
}
