//! Envoy Gateway as a controller: what it makes of rendered Gateways, and where its proxies run.
//!
//! The controller takes 10 minutes to build, so `make record-gateway` runs these tests, and the others compare with its record in
//! `tests/fixtures/gateway`.

mod applied;
mod checks;
pub(crate) mod controller;
mod crds;
mod envoy;
mod made;
mod record;
