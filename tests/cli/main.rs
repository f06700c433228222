//! The tests that need no server: cases in folders, the rules of the house, and the drift of docs.

mod architecture;
mod bindings;
mod cases;
mod circles;
mod commands;
mod dns;
mod docs;
mod drift;
mod environment;
mod examples;
mod github;
mod gitops;
mod man;
mod models;
mod overlays;
#[path = "../support/pages.rs"]
mod pages;
mod permissions;
mod picture;
mod platforms;
mod providers;
mod untrusted_git;
mod workflows;
