//! A model with more agents, and every other byte as it was.

use std::ops::Range;

use super::pool::AgentPool;
use super::pool_names::pool_names;
use super::read::Model;
use super::rules::{over_pool_limits, refusals};
use crate::core::diagnostic::{Checked, Diagnostic};
use crate::core::plural::thousands;

/// How large the cluster shall be.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// How many agents it shall have.
    pub agents: u32,
    /// How many of them a pool has at most.
    pub per_pool: u32,
}

/// The larger model.
#[derive(Clone, Debug)]
pub struct Grown {
    /// Its text.
    pub text: String,
    /// Its pools, each with its number of agents.
    pub pools: Vec<(String, u32)>,
    /// How many of these, from the end, are new.
    pub added: usize,
    /// The pools that were there and have more agents now.
    pub filled: Vec<String>,
}

/// Grows a model. Pools like the last one, alike in all but name and count, are filled up first; then copies of the last
/// are added behind it. Pools of another kind stay as they are: nobody asked for more machines of theirs. What the
/// installer refuses is told all at once.
pub fn grow(model: &Model, growth: Growth) -> Checked<Grown> {
    if !model.is_kubernetes() {
        return Err(Diagnostic::error(format!(
            "the model makes a cluster of {}, expected Kubernetes",
            model.orchestrator
        ))
        .at(model.place(0))
        .hint("load balancers for node pools are Kubernetes' own; other clusters are read but not grown")
        .into());
    }
    let mut problems = refusals(model);
    let is_growing = model.agents() < growth.agents;
    if is_growing {
        problems.extend(over_pool_limits(model, growth.per_pool));
    }
    if model.agents() > growth.agents {
        problems.push(
            Diagnostic::error(format!(
                "the model has {} agents already, more than {}",
                thousands(model.agents().into()),
                thousands(growth.agents.into())
            ))
            .at(model.place(0))
            .hint("which agents go is not for this program to say; lower the counts of their pools in the model"),
        );
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Sizes::of(model, growth).write(model))
}

/// How many agents each pool gets.
struct Sizes {
    known: Vec<u32>,
    new: Vec<u32>,
}

impl Sizes {
    fn of(model: &Model, growth: Growth) -> Self {
        let mut known: Vec<u32> = model.pools.iter().map(|pool| pool.count.unwrap_or(0)).collect();
        let mut missing = growth.agents - known.iter().sum::<u32>();
        for (pool, size) in model.pools.iter().zip(&mut known) {
            if model.pools.last().is_some_and(|last| pool.is_like(last)) {
                let more = growth.per_pool.saturating_sub(*size).min(missing);
                *size += more;
                missing -= more;
            }
        }
        let mut new = Vec::new();
        while missing > 0 {
            let size = growth.per_pool.min(missing);
            new.push(size);
            missing -= size;
        }
        Self { known, new }
    }

    fn write(self, model: &Model) -> Grown {
        let taken: Vec<&str> = model.pools.iter().map(|pool| pool.name.as_str()).collect();
        let last = &model.pools[model.pools.len() - 1];
        let names = pool_names(&last.name, &taken, self.new.len());
        let mut edits = Edits::default();
        let mut filled = Vec::new();
        for (pool, size) in
            model.pools.iter().zip(&self.known).filter(|(pool, size)| pool.count != Some(**size))
        {
            edits.put(pool.count_span.clone(), size.to_string());
            filled.push(pool.name.clone());
        }
        let between = separator(model);
        let copies: String = names
            .iter()
            .zip(&self.new)
            .map(|(name, size)| {
                let mut copy = Edits::default();
                copy.put(last.name_span.clone(), format!("\"{name}\""));
                copy.put(last.count_span.clone(), size.to_string());
                format!("{between}{}", copy.apply(&model.text, last.span.clone()))
            })
            .collect();
        edits.put(Some(last.span.end..last.span.end), copies);
        let known = taken.iter().map(|name| (*name).to_owned()).zip(self.known);
        Grown {
            text: edits.apply(&model.text, 0..model.text.len()),
            added: names.len(),
            pools: known.chain(names.into_iter().zip(self.new)).collect(),
            filled,
        }
    }
}

/// What stands between two pools: as between the last two, or else as before the first.
fn separator(model: &Model) -> String {
    let [.., before, last] = model.pools.as_slice() else {
        let first = model.pools[0].span.start;
        let start = model.text[..first].trim_end().len();
        return format!(",{}", &model.text[start..first]);
    };
    model.text[before.span.end..last.span.start].to_owned()
}

/// Pieces of a text that become others.
#[derive(Default)]
struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    fn put(&mut self, span: Option<Range<usize>>, new: String) {
        self.0.extend(span.map(|span| (span, new)));
    }

    fn apply(mut self, text: &str, whole: Range<usize>) -> String {
        self.0.sort_by_key(|(span, _)| span.start);
        let mut out = String::new();
        let mut at = whole.start;
        for (span, new) in &self.0 {
            out.push_str(&text[at..span.start]);
            out.push_str(new);
            at = span.end;
        }
        out.push_str(&text[at..whole.end]);
        out
    }
}

impl AgentPool {
    /// Alike in all but name and count.
    fn is_like(&self, other: &Self) -> bool {
        let rest = |pool: &Self| {
            let mut fields = pool.fields.as_object().cloned().unwrap_or_default();
            fields.retain(|key, _| !key.eq_ignore_ascii_case("name") && !key.eq_ignore_ascii_case("count"));
            fields
        };
        rest(self) == rest(other)
    }
}
