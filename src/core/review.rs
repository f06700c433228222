//! Reviews of a change: a Markdown report, a commit message, and warnings about addresses and nodes.

mod address_risk;
mod adoption;
pub mod commit_message;
mod content;
mod diagram;
mod markdown;
mod rebound;
mod renamed;
mod several;

pub use crate::core::review::address_risk::{AddressRisk, address_risk};
pub use crate::core::review::adoption::Adoption;
pub use crate::core::review::content::{Against, Item, Review, ReviewedPool};
pub use crate::core::review::diagram::{Diagram, DrawnPool, mermaid};
pub use crate::core::review::markdown::{failed, markdown};
pub use crate::core::review::rebound::rebound;
pub use crate::core::review::renamed::Renamed;
pub use crate::core::review::several::{Reviewed, Slot, left_out, share};
