//! Kubernetes' rules for names, nodes and selectors.

#[cfg(test)]
mod accepts;
pub mod formats;
pub mod name_rules;
pub mod names;
pub mod node;
pub mod object_shape;
pub mod rules;
pub mod selector;
pub mod workloads;
