//! Platforms: how to recognize the nodes of a cloud, and how to bind a Service to a pool. They are data, not code: the files
//! in `platforms/` are built in, and users write their own with the same schema.

mod answers;
mod builtin;
mod check;
pub mod choose;
mod cloud_config;
mod describe;
mod distribution;
pub mod evidence;
mod form;
mod limits;
mod node_rules;
mod proof;
mod protocols;
mod read;
mod selection;
mod service_marks;
mod service_rules;
mod settings;
mod shards;
mod vm_set;

pub use crate::core::platform::builtin::{builtin_names, builtin_text, read_builtin};
pub use crate::core::platform::cloud_config::{CloudConfigText, cloud_config};
pub use crate::core::platform::describe::{Fact, facts, protocols, selects};
pub use crate::core::platform::distribution::{Distribution, distributions};
pub use crate::core::platform::form::{
    AnswersWith, Backends, CloudConfig, CloudConfigFields, EntryByLabel, LabelChanges, LoadBalancers,
    OnlyLabels, PerPool, Platform, PlatformSpec, Refused, Relief, ShardSupport, ShardsGive, VmSetMatch,
    VmSetRule, VmSets,
};
pub use crate::core::platform::limits::{
    Limit, LimitName, Limits, OwnLimits, SerialUpdates, Workers, kubernetes_limits,
};
pub use crate::core::platform::node_rules::{
    ControlPlane, ControlPlaneBackends, ExcludeLabel, Lookalike, NodeRefusal, NotBackend, ProviderIds,
    Recognize,
};
pub use crate::core::platform::proof::{Grade, Proof};
pub use crate::core::platform::protocols::{Protocol, ProtocolRule, Together};
pub use crate::core::platform::selection::{
    Selected, Selection, SelectionForm, SelectionObjects, Spaces, Unset, WithoutValue,
};
pub use crate::core::platform::service_marks::ServiceMark;
pub use crate::core::platform::service_rules::{
    Broken, Condition, Level, Refusal, Requirement, Within, Written, broken_rules, is_set,
};
pub use crate::core::platform::settings::{Setting, SettingForm, SettingOf, setting_patterns};
pub use crate::core::platform::vm_set::{Derived, VmSetFinder};
