//! `inventory`: the set of objects that an app is, and who looks after it.

mod adopt;
mod command;
mod disband;
mod handover;
mod list;
mod members;
mod verify;
mod view;

pub use command::{Args, run};
