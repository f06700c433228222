//! Tests of the test harness itself.

mod faults;
mod parts;
mod whole;
