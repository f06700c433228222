//! The pure core: values in, values out.
//!
//! Nothing below knows the file system, the clock, the environment, an async runtime or a Kubernetes
//! client; `tests/it/architecture.rs` holds that.

pub mod apply;
pub mod capacity;
pub mod choose;
pub mod comment;
pub mod desired;
pub mod diagnostic;
pub mod dns;
pub mod doctor;
pub mod fold;
pub mod form;
pub mod gitops;
pub mod immutable;
pub mod item_path;
pub mod live;
pub mod lock;
pub mod manifest;
pub mod mask;
pub mod model;
pub mod names;
pub mod nearest;
pub mod node;
pub mod node_list;
pub mod overlay;
pub mod patch;
pub mod placeholder;
pub mod plan;
pub mod platform;
pub mod plural;
pub mod pointer;
pub mod pools;
pub mod render;
pub mod review;
pub mod selector;
pub mod settings;
pub mod shape;
pub mod spec;
pub mod status;
pub mod text_diff;
pub mod yaml;
