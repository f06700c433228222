//! `render`: spec, manifests, platform, overlays and pools in; the files of the tree out. A function: the same
//! input gives the same bytes on every machine.

mod copies;
mod dns;
mod extra;
mod patches;
mod paths;
mod per_pool;
#[expect(clippy::module_inception, reason = "it is the story that the module is named after")]
mod render;
mod rules;
mod spread;
mod synced;
mod tree;
mod twice_bound;
mod written;

pub use copies::{POOL_LABEL, SERVICE_LABEL};
use render::{Draft, Role};
pub use render::{Input, Rendered, cannot_bind, render};
pub use tree::{RenderedFile, is_rendered};
