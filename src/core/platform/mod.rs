//! Platforms: how pools are recognised and how a Service is bound to one. Data, not code: one file a
//! platform in `platforms/`, built in, and a user's own in the same form.

mod builtin;
mod form;
mod other_half;
mod vm_set;

pub use builtin::{builtin_names, builtin_text, read_builtin};
pub use form::{
    ExcludeLabel, Limit, NotBackend, OtherHalf, Platform, PlatformSpec, Recognise, Refusal, Refused,
    VmSetMatch, VmSetRule, VmSets,
};
pub use other_half::{OtherHalfText, other_half};
pub use vm_set::{Derived, VmSetFinder};
