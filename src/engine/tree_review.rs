//! Reviews as Markdown: what `diff -o markdown` prints and `render --summary-file` writes.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::cluster::{ApiCall, Cluster, ObjectRef};
use crate::core::live::Resource;
use crate::core::manifest::Key;
use crate::core::pools::{Merged, Observed};
use crate::core::render::RenderedFile;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::review::{Item, Review, ReviewedPool, Stake, address_risk};
use crate::core::status::address_state;
use crate::core::tree::plan::{Action, Plan};
use crate::core::yaml;
use crate::directory::Project;
use crate::output::changes::Change;
use crate::scope::Scope;

/// What a tree was and will be, for a review.
pub(crate) struct Trees<'a> {
    /// Which app, and in which cluster.
    pub(crate) scope: &'a Scope,
    /// What it is made from.
    pub(crate) project: &'a Project,
    /// The pools.
    pub(crate) merged: &'a Merged,
    /// What happens to each file.
    pub(crate) plan: &'a Plan,
    /// The files as they will be.
    pub(crate) rendered: &'a [RenderedFile],
    /// The files as they were.
    pub(crate) before: &'a BTreeMap<String, Vec<u8>>,
    /// The cluster, if it was asked for its nodes.
    pub(crate) asked: Option<&'a Cluster>,
}

impl Trees<'_> {
    /// The review; where the cluster was asked, it is asked for the addresses that are at stake, too.
    pub(crate) fn review(&self, changes: &[Change], against: &str, warnings: &[Diagnostic]) -> Review {
        let fields = self.project.platform.spec.load_balancer_fields();
        // By key: an object whose file gets another name is not lost.
        let rendered: HashMap<&Key, &str> =
            self.rendered.iter().map(|file| (&file.key, file.text.as_str())).collect();
        let changing = self.plan.steps.iter().filter(|step| step.action != Action::Unchanged);
        let mut items = Vec::with_capacity(changes.len());
        let mut at_stake = Vec::new();
        for (step, change) in changing.zip(changes) {
            let old = self.before.get(&step.path).map(|bytes| String::from_utf8_lossy(bytes));
            let old = old.map_or(Value::Null, |text| object(&text));
            let new = rendered.get(&Key::of(&old)).map_or(Value::Null, |text| object(text));
            let address_risk = address_risk(&old, &new, &fields);
            if address_risk.is_some() {
                at_stake.push((items.len(), Key::of(&old)));
            }
            items.push(item(change, step.pool.clone(), address_risk));
        }
        for ((index, _), address) in at_stake.iter().zip(addresses(self.asked, &at_stake)) {
            items[*index].address = address;
        }
        let pools = self.merged.reports.iter().map(|report| ReviewedPool {
            name: report.pool.name.clone(),
            // With --locked nobody was asked.
            state: if self.merged.nodes.is_some() { report.state.word() } else { "" },
            nodes: report.observed.as_ref().map(Observed::nodes),
        });
        Review {
            title: self.scope.title(),
            against: against.to_owned(),
            pools: pools.collect(),
            items,
            unchanged: self.plan.count(Action::Unchanged),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

/// One change as a reviewer sees it.
pub(crate) fn item(change: &Change, pool: Option<String>, address_risk: Option<Stake>) -> Item {
    Item {
        object: change.object.clone().unwrap_or_else(|| change.file.clone()),
        action: change.action,
        pool,
        diff: change.text(),
        address_risk,
        address: String::new(),
    }
}

/// The addresses of a live Service in words.
pub(crate) fn address_of(live: &Value) -> String {
    let state = address_state(live, &[]);
    let found: Vec<String> = state.addresses().iter().map(ToString::to_string).collect();
    match (found.is_empty(), live.is_null()) {
        (false, _) => found.join(", "),
        (true, true) => "none: it is not in the cluster".to_owned(),
        (true, false) => "none yet".to_owned(),
    }
}

fn addresses(asked: Option<&Cluster>, at_stake: &[(usize, Key)]) -> Vec<String> {
    let Some(cluster) = asked else {
        return vec!["not known: no cluster was asked".to_owned(); at_stake.len()];
    };
    let get = |(_, key): &(usize, Key)| {
        let namespace = if key.namespace.is_empty() { cluster.namespace() } else { &key.namespace };
        ApiCall::Get(ObjectRef {
            resource: Resource::core("Service", "services"),
            namespace: namespace.to_owned(),
            name: key.name.clone(),
        })
    };
    let calls: Vec<ApiCall> = at_stake.iter().map(get).collect();
    let answers = cluster.call_small(&calls);
    answers
        .into_iter()
        .map(|answer| {
            answer.map_or_else(|_| "not known: it may not be read".to_owned(), |live| address_of(&live))
        })
        .collect()
}

fn object(text: &str) -> Value {
    // Only Services have an address at stake; 10,000 ConfigMaps need not be parsed for that.
    if !text.contains("kind: Service") {
        return Value::Null;
    }
    yaml::read_one("", text).map(|document| document.value).unwrap_or_default()
}
