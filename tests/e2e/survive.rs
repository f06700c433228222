//! Invariants under faults: foreign objects are not touched, the report is true for every object, the exit code
//! is 0 only if all is done, and a repeated run completes the work. [`scene::Scene`] asserts all four.

mod admission;
mod between;
mod faults;
mod interrupt;
mod kinds;
mod members;
mod nothing;
mod plan;
mod poll;
mod refused;
mod scene;
mod told;
