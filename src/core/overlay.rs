//! Overlays: JSON Patches with targets, for the rendered objects. Data, like platforms: the files of `overlays/`,
//! built in, and a user's own in the same form.

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
