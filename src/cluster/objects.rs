//! Reads and changes objects of any kind, one or many at a time.

mod answer;
mod batch;
mod call;
mod interrupt;

pub use crate::cluster::objects::answer::Answer;
pub use crate::cluster::objects::batch::{CallOutcome, Next};
pub use crate::cluster::objects::call::{ApiCall, DryRun, Force, ObjectRef};
pub(super) use crate::cluster::objects::interrupt::Interrupts;
pub use crate::cluster::objects::interrupt::Pause;
