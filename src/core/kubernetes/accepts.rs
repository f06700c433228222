//! Compares a rule for texts with examples, in tests.

/// Panics unless a rule accepts all valid texts, and no invalid one.
#[track_caller]
pub(super) fn check(accepts: impl Fn(&str) -> bool, valid: &[&str], invalid: &[&str]) {
    for text in valid {
        assert!(accepts(text), "{text:?} is valid");
    }
    for text in invalid {
        assert!(!accepts(text), "{text:?} is invalid");
    }
}
