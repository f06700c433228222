//! The cluster side against servers: a fake one that misbehaves on demand, and a real one.

mod control_plane;
mod fake_server;
mod faults;
mod kubeconfig;
mod listing;
mod objects;
mod plugin;
mod program;
mod random_edits;
mod real_server;
mod setup;
mod unchanged;
