//! Overlays: JSON Patches with targets for the rendered objects. They are data, like platforms: the files in `overlays/`
//! are built in, and users write their own with the same schema.

mod builtin;
mod form;
mod kustomize;
mod pattern;
mod read;
mod target;

pub use crate::core::overlay::builtin::{BUILT_IN, builtin_names, read_builtin};
pub use crate::core::overlay::form::OverlaySpec;
pub use crate::core::overlay::read::{Overlay, TargetedPatch};
pub use crate::core::overlay::target::PatchSubject;
