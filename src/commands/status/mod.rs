//! `status`: what became of the directory in the cluster. It only looks.

mod ask;
mod command;
mod json;
mod lines;
mod pools;
mod show;

pub use command::{Args, run};
