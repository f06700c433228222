//! Tests of the commands that read and change a cluster, with a complete control plane, injected faults and parts
//! that die.
//!
//! Building blocks: [`control_plane::ControlPlane`] is the cluster, [`app::App`] a rendered project with its own
//! namespace, [`proxy::Proxy`] a proxy that injects faults, and [`wait::until`] waits for a condition.

mod alerts;
mod announcements;
mod app;
mod apply;
mod capacity;
#[path = "../support/certificates.rs"]
#[expect(dead_code, reason = "tests/network uses more of it")]
mod certificates;
#[path = "../support/child.rs"]
mod child;
mod clusters;
mod control_plane;
mod docs;
mod doctor;
#[path = "../cli/environment.rs"]
#[expect(dead_code, reason = "tests/cli uses more of it")]
mod environment;
mod estates;
#[path = "../support/fake_server.rs"]
#[expect(dead_code, reason = "tests/cluster uses more of it")]
mod fake_server;
mod flux;
mod follow;
mod gateway;
#[path = "../support/gateway_cases.rs"]
#[expect(dead_code, reason = "tests/cli uses more of it")]
mod gateway_cases;
mod gateway_status;
mod gitops;
mod harness;
mod hostile;
mod identity;
mod import;
mod inventory;
mod kinds;
mod managers;
mod messages;
mod month;
#[path = "../support/name_server.rs"]
#[expect(dead_code, reason = "tests/network uses more of it")]
mod name_server;
mod nodes;
mod objects;
mod outage;
mod owners;
#[path = "../support/pages.rs"]
mod pages;
mod probe;
#[path = "../support/provider_nodes.rs"]
mod provider_nodes;
mod proxy;
mod published;
#[path = "../kill/random.rs"]
mod random;
mod rbac;
mod release;
mod review;
mod run;
mod sets;
mod shards;
mod status;
mod story;
mod survive;
mod upstream;
mod wait;
mod walks;
