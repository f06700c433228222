//! Objects of any kind: asked for, changed, and many of them at once.

mod call;
mod interrupt;
mod many;

pub use call::{At, Call, Certainty, Force};
pub(super) use interrupt::Interrupts;
pub use interrupt::Pause;
pub use many::{Fate, Next};
