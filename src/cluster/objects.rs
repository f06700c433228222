//! Objects of any kind: asked for, changed, and many of them at once.

mod batch;
mod call;
mod interrupt;

pub use crate::cluster::objects::batch::{CallOutcome, Next};
pub use crate::cluster::objects::call::{ApiCall, DryRun, Force, ObjectRef};
pub(super) use crate::cluster::objects::interrupt::Interrupts;
pub use crate::cluster::objects::interrupt::Pause;
