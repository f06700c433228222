//! `doctor`: what commonly goes wrong, looked for in one go.

mod command;
mod gather;

pub use command::{Args, run};
