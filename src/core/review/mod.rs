//! What a person who reviews a change wants to know of it.

pub mod commit_message;
