//! The pure core: values in, values out.
//!
//! Modules below do not use the file system, the clock, the environment, an async runtime or a Kubernetes client.
//! `tests/cli/architecture.rs` checks this.

pub mod apply;
pub mod bounds;
pub mod capacity;
pub mod cluster_model;
pub mod dns;
pub mod doctor;
pub mod duration;
pub mod encoding;
pub mod gateway;
pub mod gitops;
pub mod import;
pub mod json;
pub mod kubernetes;
pub mod live;
pub mod lock;
pub mod manifest;
pub mod node_list;
pub mod overlay;
pub mod patch;
pub mod pattern;
pub mod platform;
pub mod pointer;
pub mod pools;
pub mod probe;
pub mod references;
pub mod render;
pub mod report;
pub mod review;
pub mod schema;
pub mod settings;
pub mod spec;
pub mod status;
pub mod tree;
pub mod yaml;
