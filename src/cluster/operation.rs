//! An operation on the API server, in the vocabulary of its roles, and whether it may be retried.

use std::borrow::Cow;

/// An operation, in the vocabulary of the API server's roles.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Such as `list`.
    pub(super) verb: &'static str,
    /// Such as `nodes`.
    pub(super) resource: Cow<'static, str>,
    /// Its subject in messages: `nodes`, `namespace kube-system`.
    pub(super) what: Cow<'static, str>,
    /// Whether it may be retried when its result is unknown.
    pub(super) repeat: Retry,
}

impl Operation {
    /// Returns an operation that changes nothing.
    pub(super) const fn read(verb: &'static str, resource: &'static str, what: &'static str) -> Self {
        Self { verb, resource: Cow::Borrowed(resource), what: Cow::Borrowed(what), repeat: Retry::Safe }
    }
}

/// The effect of a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// The operation is idempotent.
    Safe,
    /// The operation might be done twice.
    Unsafe,
}
