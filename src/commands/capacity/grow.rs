//! A cluster model that grows.

use super::command::Args;
use crate::core::diagnostic::Diagnostic;
use crate::core::model::{Growth, Model, cautions, grow as grow_model, old_settings, read_model, summary};
use crate::directory::{read_text, replace};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

/// What a Basic load balancer took, which the whole technique is about.
const PER_POOL: u32 = 100;

/// Prints the model with so many agents, or writes it; what it comes to is told beside it.
pub(super) fn grow(args: &Args, nodes: Option<u32>) -> Result<Exit, Failure> {
    let model = read(args)?;
    let growth = growth(args, nodes)?;
    let grown = grow_model(&model, growth)?;
    match &args.out {
        Some(path) => replace(path, &grown.text)?,
        None => ui::data(&grown.text)?,
    }
    summary(&model, &grown).iter().for_each(|line| ui::note(line));
    old_settings(&model).iter().for_each(|line| ui::note(line));
    cautions(&model, growth, grown.pools.len()).iter().for_each(ui::diagnostic);
    if grown.added + grown.filled.len() == 0 {
        ui::note("nothing changed: the model has them already");
    }
    Ok(Exit::Success)
}

fn read(args: &Args) -> Result<Model, Diagnostic> {
    let path = args.model.as_deref().unwrap_or_else(|| "-".as_ref());
    let shown = path.display().to_string();
    read_model(&shown, &read_text(path, &shown)?)
}

fn growth(args: &Args, nodes: Option<u32>) -> Result<Growth, Diagnostic> {
    match (nodes, args.nodes.as_deref()) {
        (Some(agents), _) if agents > 0 => Ok(Growth { agents, per_pool: args.per_pool.unwrap_or(PER_POOL) }),
        (_, Some(said)) => {
            Err(Diagnostic::error(format!("`--nodes {said}` is no number of agents for the model"))
                .hint("--nodes 2500 --per-pool 100"))
        }
        (_, None) => {
            Err(Diagnostic::error("`--model` needs the number of agents").hint("--nodes 2500 --per-pool 100"))
        }
    }
}
