//! How much room there is: what is used of each limit, by each pool and by the cluster.

mod demand;
mod gauge;
mod measure;
mod what_if;

pub use demand::{Demand, demands};
pub use gauge::{Gauge, Room, Subject, warnings};
pub use measure::{Elsewhere, PoolNodes, Situation, measure};
pub use what_if::pools_of;
