//! The tests that need no server: cases in folders, the rules of the house, and the drift of docs.

mod architecture;
mod cases;
mod dns;
mod drift;
mod environment;
mod examples;
mod man;
mod models;
mod permissions;
mod platforms;
mod providers;
