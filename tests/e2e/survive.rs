//! What must survive: whatever goes wrong on the way, no object of others is touched, the report tells the truth about
//! every object, the exit code is 0 only if all is done, and running it again comes to an end. [`scene::Scene`]
//! asserts these four.

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
