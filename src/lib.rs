//! `kubectl largescale`: one workload, one load balancer per node pool, reviewed in git.
//!
//! A pure [`core`] between two shells: [`directory`] (files and git) and [`cluster`] (kube).
//! ARCHITECTURE.md is the map.

pub mod cluster;
pub mod core;
