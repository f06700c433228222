//! Grows a model: adds agents and changes no other byte.

use std::ops::Range;

use crate::core::cluster_model::growth_rules::{Growth, obstacles};
use crate::core::cluster_model::nodes::not_kubernetes;
use crate::core::cluster_model::pool::AgentPool;
use crate::core::cluster_model::pool_names::{LONGEST, pool_names};
use crate::core::cluster_model::read::{Model, read_model};
use crate::core::cluster_model::rules::refusals;
use crate::core::report::diagnostic::Checked;

/// A grown model.
#[derive(Clone, Debug)]
pub struct Grown {
    /// The text of the model.
    pub text: String,
    /// The name and number of agents of each pool.
    pub pools: Vec<(String, u32)>,
    /// How many pools, counted from the end, are new.
    pub added: usize,
    /// The existing pools that got more agents.
    pub filled: Vec<String>,
}

/// Grows a model. First fills up the pools that equal the last one in all fields except name and count, then appends copies
/// of the last pool. Other pools do not change, because more of their machines were not requested. Returns every rule of
/// the installer that the model or the grown model violates.
pub fn grow(model: &Model, growth: Growth) -> Checked<Grown> {
    if !model.is_kubernetes() {
        return Err(not_kubernetes(model).into());
    }
    let mut problems = refusals(model);
    problems.extend(obstacles(model, growth));
    if !problems.is_empty() {
        return Err(problems);
    }
    let grown = Sizes::of(model, growth).write(model);
    let mut problems = refusals(&read_model(&model.file, &grown.text)?);
    if problems.is_empty() {
        return Ok(grown);
    }
    // The line numbers are those of the grown text, which the user does not have.
    for problem in &mut problems {
        problem.location = Some(model.location(0));
    }
    Err(problems)
}

/// The number of agents of each pool.
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
            let size = growth.per_pool.clamp(1, missing);
            new.push(size);
            missing -= size;
        }
        Self { known, new }
    }

    fn write(self, model: &Model) -> Grown {
        let taken: Vec<&str> = model.pools.iter().map(|pool| pool.name.as_str()).collect();
        let last = &model.pools[model.pools.len() - 1];
        let names = pool_names(&last.name, &taken, self.new.len(), LONGEST);
        let mut edits = Edits::default();
        let mut filled = Vec::new();
        for (pool, size) in
            model.pools.iter().zip(&self.known).filter(|(pool, size)| pool.count != Some(**size))
        {
            edits.put(pool.count_span.clone(), size.to_string());
            filled.push(pool.name.clone());
        }
        let separator = separator(model);
        let copies: String = names
            .iter()
            .zip(&self.new)
            .map(|(name, size)| {
                let mut copy = Edits::default();
                copy.put(last.name_span.clone(), format!("\"{name}\""));
                copy.put(last.count_span.clone(), size.to_string());
                format!("{separator}{}", copy.apply(&model.text, last.span.clone()))
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

/// Returns the text between two pools: that between the last two, or else the whitespace before the first pool.
fn separator(model: &Model) -> String {
    let [.., before, last] = model.pools.as_slice() else {
        let first = model.pools[0].span.start;
        let start = model.text[..first].trim_end().len();
        return format!(",{}", &model.text[start..first]);
    };
    model.text[before.span.end..last.span.start].to_owned()
}

/// Replacements of spans in a text.
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
    /// Returns whether the pools are equal in all fields except name and count.
    fn is_like(&self, other: &Self) -> bool {
        let rest = |pool: &Self| {
            let mut fields = pool.fields.as_object().cloned().unwrap_or_default();
            fields.retain(|key, _| !key.eq_ignore_ascii_case("name") && !key.eq_ignore_ascii_case("count"));
            fields
        };
        rest(self) == rest(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::text_diff::unified;

    const ONE: &str = "{\r\n  \"apiVersion\": \"vlabs\",\n\t\"properties\": { \"x\": 1.50,\n    \"agentPoolProfiles\": [\n      {\n        \"name\": \"agentpool1\",\n        \"count\": 3,\n        \"vmSize\": \"Standard_D2_v2\",\n        \"availabilityProfile\": \"AvailabilitySet\"\n      }\n    ],\n    \"y\": \"\\u00e9\"\n  }\n}\n\n";

    #[track_caller]
    fn grown(text: &str, agents: u32, per_pool: u32) -> Result<Grown, String> {
        let model = read_model("m.json", text).unwrap();
        grow(&model, Growth { agents, per_pool }).map_err(|problems| {
            let messages = problems.iter().map(|p| format!("{p}; {}", p.hint.as_deref().unwrap_or_default()));
            messages.collect::<Vec<_>>().join("\n")
        })
    }

    fn pools(grown: &Grown) -> String {
        grown.pools.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_current_size_changes_no_byte() {
        let grown = grown(ONE, 3, 2).unwrap();
        assert_eq!((grown.text.as_str(), grown.added, grown.filled.len()), (ONE, 0, 0));
    }

    #[test]
    fn copies_of_the_last_pool() {
        let grown = grown(ONE, 250, 100).unwrap();
        assert_eq!(pools(&grown), "agentpool1 100, agentpool2 100, agentpool3 50");
        assert_eq!((grown.added, grown.filled.join(" ").as_str()), (2, "agentpool1"));
        let pool = |number, count| {
            format!(
                "{{\n        \"name\": \"agentpool{number}\",\n        \"count\": {count},\n        \"vmSize\": \"Standard_D2_v2\",\n        \"availabilityProfile\": \"AvailabilitySet\"\n      }}"
            )
        };
        let expected = ONE.replace(&pool(1, 3), &[pool(1, 100), pool(2, 100), pool(3, 50)].join(",\n      "));
        assert_eq!(grown.text, expected);
    }

    #[test]
    fn a_model_on_one_line() {
        let text = r#"{"apiVersion":"vlabs","properties":{"agentPoolProfiles":[{"name":"a","count":1},{"count":2,"name":"b"}]}}"#;
        let grown = grown(text, 7, 3).unwrap();
        assert_eq!(pools(&grown), "a 3, b 3, b2 1");
        let expected = r#"[{"name":"a","count":3},{"count":3,"name":"b"},{"count":1,"name":"b2"}]"#;
        assert_eq!(grown.text, text.replace(r#"[{"name":"a","count":1},{"count":2,"name":"b"}]"#, expected));
    }

    #[test]
    fn pools_of_another_kind_do_not_change() {
        let text = r#"{"apiVersion":"vlabs","properties":{"agentPoolProfiles":[{"name":"gpu","count":1,"vmSize":"NC6"},{"name":"linux","count":2,"vmSize":"D2"}]}}"#;
        assert_eq!(pools(&grown(text, 11, 5).unwrap()), "gpu 1, linux 5, linux2 5");
    }

    #[test]
    fn larger_pools_do_not_shrink() {
        assert_eq!(pools(&grown(ONE, 5, 2).unwrap()), "agentpool1 3, agentpool2 2");
    }

    #[test]
    fn text_outside_the_pools_does_not_change() {
        let grown = grown(ONE, 2500, 100).unwrap();
        let lines = unified(ONE, &grown.text, "before", "after");
        let removed = lines.iter().filter(|line| line.sign() == "-").count();
        assert_eq!((removed, grown.pools.len()), (1, 25));
        let again = read_model("m.json", &grown.text).unwrap();
        assert_eq!(again.agents(), 2500);
        assert!(refusals(&again).is_empty());
        assert_eq!(grow(&again, Growth { agents: 2500, per_pool: 100 }).unwrap().text, grown.text);
    }

    #[test]
    fn invalid_growth_is_refused() {
        assert_eq!(
            grown(ONE, 2, 100).unwrap_err(),
            "m.json: the model already has 3 agents, more than 2; this command never removes agents; lower `count` of a pool in the model yourself"
        );
        let dcos = ONE.replace("\"x\": 1.50", "\"orchestratorProfile\":{\"orchestratorType\":\"DCOS\"}");
        assert_eq!(
            grown(&dcos, 5, 100).unwrap_err(),
            "m.json: the model describes a DCOS cluster, expected Kubernetes; load balancers for node pools need Kubernetes; models of other clusters can be read but not grown"
        );
        let acs = ONE.replace("\"x\": 1.50", "\"orchestratorProfile\":{\"orchestratorType\":\"Kubernetes\"}");
        assert_eq!(
            grown(&acs, 5, 300).unwrap_err(),
            "300 agents in a pool: ACS-Engine allows at most 100; the rule is in MaxAgentCount in vlabs/const.go; lower --per-pool\n300 agents in a pool: an availability set allows at most 200; the rule is in Azure's limits of virtual machines; lower --per-pool"
        );
    }
}
