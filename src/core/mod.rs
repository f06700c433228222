//! The pure core: values in, values out.
//!
//! Nothing below knows the file system, the clock, the environment, an async runtime or a Kubernetes
//! client; `tests/it/architecture.rs` holds that.

pub mod diagnostic;
pub mod node;
