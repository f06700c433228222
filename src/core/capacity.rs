//! Capacity: how much of each limit a pool and the cluster use.

mod demand;
mod measure;
mod other_services;
mod price;
mod remedy;
mod usage;
mod what_if;

pub use crate::core::capacity::demand::{Demand, demands};
pub use crate::core::capacity::measure::{PoolNodes, Situation, measure};
pub use crate::core::capacity::other_services::{OtherServices, PoolFinder};
pub use crate::core::capacity::price::Price;
pub use crate::core::capacity::usage::{Headroom, LimitSubject, Usage, warnings};
pub use crate::core::capacity::what_if::{largest_pool, pools_of};
