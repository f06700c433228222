//! Objects that users made with kubectl become members: nothing changes by it, and the next change works.

mod adopted;
mod left;
mod released;
