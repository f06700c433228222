//! Completion in real shells, for `kubectl largescale` and for `kubectl-largescale`.

mod bash;
mod desk;
#[path = "../support/executable.rs"]
mod executable;
mod fish;
mod offers;
mod typing;
mod zsh;
