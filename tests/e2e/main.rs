//! The commands that ask and change a cluster, against a whole control plane, with faults on the way and parts that die.
//!
//! What a test needs: [`control_plane::ControlPlane`] is the cluster, [`app::App`] a rendered project with a namespace
//! of its own and the program in it, [`proxy::Proxy`] a way to the cluster that goes wrong on demand, and
//! [`wait::until`] waits for what takes a moment.

mod app;
mod apply;
mod capacity;
#[path = "../support/child.rs"]
mod child;
mod clusters;
mod control_plane;
mod docs;
mod doctor;
#[path = "../support/fake_server.rs"]
#[expect(dead_code, reason = "tests/cluster uses more of it")]
mod fake_server;
mod gitops;
mod harness;
mod identity;
mod inventory;
mod kinds;
mod nodes;
mod objects;
mod outage;
#[path = "../support/pages.rs"]
mod pages;
mod proxy;
mod rbac;
mod review;
mod run;
mod status;
mod story;
mod survive;
mod upstream;
mod wait;
