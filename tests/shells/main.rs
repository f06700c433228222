//! What real shells offer on TAB, to those who type `kubectl largescale` and to those who type `kubectl-largescale`.

mod bash;
mod desk;
mod fish;
mod offers;
mod typing;
mod zsh;
