//! All YAML goes through here, so that what is written means the same to kubectl, Argo CD and Flux
//! (YAML 1.1 readers) and what is read means what kubectl would have read. See docs/adr/0001.

mod read;
mod write;

pub use crate::core::yaml::read::{Document, read, read_one, read_typed};
pub use crate::core::yaml::write::{write_object, write_plain, write_scalar};
