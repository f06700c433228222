//! Tests of the cluster shell: with a fake server that misbehaves on demand, and with a real API server.

#[path = "../support/child.rs"]
mod child;
mod completion;
mod control_plane;
mod duplicates;
#[path = "../support/executable.rs"]
mod executable;
#[path = "../support/fake_server.rs"]
mod fake_server;
mod faults;
mod fields;
mod invalid_answers;
mod kubeconfig;
mod listing;
mod more_objects;
mod mutations;
mod node_pages;
mod objects;
mod plugin;
mod program;
mod random_edits;
mod real_server;
mod setup;
mod testdata;
mod unchanged;
