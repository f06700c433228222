//! What the other tests stand on, tested itself.

mod faults;
mod parts;
mod whole;
