//! Completion in real shells, for `kubectl largescale` and for `kubectl-largescale`.

mod bash;
mod desk;
mod fish;
mod offers;
mod typing;
mod zsh;
