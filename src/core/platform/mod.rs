//! Platforms: how pools are recognised and how a Service is bound to one. Data, not code: one file a
//! platform in `platforms/`, built in, and a user's own in the same form.

mod builtin;
mod check;
mod distribution;
mod form;
mod limits;
mod other_half;
mod recognise;
mod rules;
mod selection;
mod settings;
mod vm_set;

pub use builtin::{builtin_names, builtin_text, read_builtin};
pub use distribution::{Distribution, distributions};
pub use form::{
    AnswersWith, LabelChanges, LoadBalancers, OnlyLabels, OtherHalf, PerPool, Platform, PlatformSpec,
    Refused, Relief, VmSetMatch, VmSetRule, VmSets,
};
pub use limits::{Limit, LimitName, Limits, OwnLimits, kubernetes_limits};
pub use other_half::{OtherHalfText, other_half};
pub use recognise::{
    ControlPlane, ControlPlaneBackends, ExcludeLabel, Lookalike, NotBackend, ProviderIds, Recognise,
};
pub use rules::{Broken, Condition, Level, Refusal, Requirement, Within, broken_rules, is_set};
pub use selection::{Selected, Selection, SelectionForm, SelectionObjects, Spaces, Unset, WithoutValue};
pub use settings::{Setting, SettingForm, SettingOf, setting_patterns};
pub use vm_set::{Derived, VmSetFinder};
