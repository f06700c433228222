//! One operation on the API server, in the words of its roles, and whether it may be repeated.

use std::borrow::Cow;

/// What is asked, in the words of the API server's roles.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Such as `list`.
    pub(super) verb: &'static str,
    /// Such as `nodes`.
    pub(super) resource: Cow<'static, str>,
    /// What it is about, for messages: `nodes`, `namespace kube-system`.
    pub(super) what: Cow<'static, str>,
    /// Whether it may be asked again when nobody knows what became of it.
    pub(super) repeat: Retry,
}

impl Operation {
    /// A question that changes nothing.
    pub(super) const fn read(verb: &'static str, resource: &'static str, what: &'static str) -> Self {
        Self { verb, resource: Cow::Borrowed(resource), what: Cow::Borrowed(what), repeat: Retry::Safe }
    }
}

/// What a second try may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// It comes to the same however often it is done.
    Safe,
    /// It might be done twice.
    Unsafe,
}
