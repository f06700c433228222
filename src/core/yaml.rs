//! Reads and writes all YAML. What it writes has the same meaning for kubectl, Argo CD and Flux (YAML 1.1 readers), and it
//! reads a file as kubectl does. See docs/adr/0001.

mod budget;
mod compose;
mod document;
mod json;
mod node;
mod read;
mod scalar;
mod split;
mod strict;
mod typed;
mod write;

pub use crate::core::yaml::document::Document;
pub use crate::core::yaml::read::{read, read_one, read_own, read_own_one};
pub use crate::core::yaml::typed::{Misfit, fit, read_generated, read_typed, typed};
pub use crate::core::yaml::write::{write_object, write_plain, write_scalar};
