//! `capacity`: how much room there is, and what a larger cluster needs.

mod command;
mod elsewhere;
mod grow;
mod show;

pub use command::{Args, run};
