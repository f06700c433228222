//! The command `completion`, and the answers that shells get while somebody types.

mod command;
mod known;
mod line;
mod offers;
mod protocol;

pub use command::{Args, run};
pub use protocol::{KUBECTL_NAME, SHELL_VARIABLE, complete, complete_for_shell};
