//! `init`: a starter spec, and what makes Argo CD or Flux sync the tree.

mod command;
mod gitops;
mod starter;

pub use command::{Args, run};
