//! Regular expressions of files under review. Their size has a limit, because a match takes time in proportion to it.

use regex_lite::{Error, Regex, RegexBuilder};

use crate::core::bounds::MAX_PATTERN_BYTES;

/// Compiles a regular expression.
pub fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_expression_is_refused() {
        assert!(compile("^aks-([a-z0-9]{1,12})-[0-9]{8}-vmss$").is_ok());
        for large in ["(a{1000}){1000}", "((((a{99}){99}){99}){99}){99}", "\\w{20000}"] {
            assert!(compile(large).is_err(), "{large}");
        }
    }
}
