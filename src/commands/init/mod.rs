//! `init`: a starter spec, and what makes Argo CD or Flux sync the tree.

mod command;
mod gitops;

pub use command::{Args, run};
