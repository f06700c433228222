//! A cluster model that grows.

use super::command::Args;
use crate::core::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::failure::Failure;

/// Prints the model with so many agent nodes.
pub(super) fn grow(_args: &Args, _nodes: Option<u32>) -> Result<Exit, Failure> {
    Err(Diagnostic::error("cluster models are not read yet").into())
}
