//! Tests without a server: transcripts of cases, rules of the source code, and drift of the docs.

mod adopted;
mod alerts;
mod architecture;
mod away;
mod bindings;
mod cases;
mod charts;
mod circles;
mod commands;
mod concurrent;
mod corpora;
mod dns;
mod docs;
mod drift;
mod environment;
mod examples;
#[path = "../support/executable.rs"]
mod executable;
mod external_diff;
mod follow;
mod foreign_text;
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
#[path = "../support/gateway_cases.rs"]
mod gateway_cases;
mod gateways;
mod git_made;
mod github;
mod gitops;
mod hints;
mod hostile;
mod limits;
mod live_fields;
mod man;
mod merges;
mod messages;
mod models;
mod month;
mod node_hints;
mod overlays;
#[path = "../support/pages.rs"]
mod pages;
mod permissions;
mod picture;
mod platforms;
#[path = "../support/provider_nodes.rs"]
mod provider_nodes;
mod providers;
mod proxies;
mod quoting;
#[path = "../kill/random.rs"]
mod random;
mod untrusted_git;
mod workflows;
