//! Reviews as Markdown: what `diff -o markdown` prints and `render --summary-file` writes.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::cluster::{ApiCall, Cluster, ObjectRef};
use crate::core::live::Resource;
use crate::core::manifest::Key;
use crate::core::pools::{Merged, Observed};
use crate::core::render::RenderedFile;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::review::{Against, Item, Review, ReviewedPool, Stake, address_risk};
use crate::core::status::address_state;
use crate::core::tree::plan::{Action, Plan};
use crate::core::yaml;
use crate::directory::Project;
use crate::output::changes::Change;
use crate::scope::Scope;

/// The old and the new tree, for a review.
pub(crate) struct Trees<'a> {
    /// The app and its cluster.
    pub(crate) scope: &'a Scope,
    /// The project that was rendered.
    pub(crate) project: &'a Project,
    /// The pools.
    pub(crate) merged: &'a Merged,
    /// The action for each file.
    pub(crate) plan: &'a Plan,
    /// The new files.
    pub(crate) rendered: &'a [RenderedFile],
    /// The old files.
    pub(crate) before: &'a BTreeMap<String, Vec<u8>>,
    /// The cluster whose nodes were read; `None` for a file or the lock.
    pub(crate) asked: Option<&'a Cluster>,
}

impl Trees<'_> {
    /// Builds the review. Reads the addresses at risk from the cluster, if there is one.
    pub(crate) fn review(&self, changes: &[Change], against: Against, warnings: &[Diagnostic]) -> Review {
        let fields = self.project.platform.spec.load_balancer_fields();
        // Objects are matched by key, so a renamed file is not shown as a removal.
        let rendered: HashMap<&Key, &str> =
            self.rendered.iter().map(|file| (&file.key, file.text.as_str())).collect();
        let changing = self.plan.steps.iter().filter(|step| step.action != Action::Unchanged);
        let mut items = Vec::with_capacity(changes.len());
        let mut at_risk = Vec::new();
        for (step, change) in changing.zip(changes) {
            let old = self.before.get(&step.path).map(|bytes| String::from_utf8_lossy(bytes));
            let old = old.map_or(Value::Null, |text| object(&text));
            let new = rendered.get(&Key::of(&old)).map_or(Value::Null, |text| object(text));
            let address_risk = address_risk(&old, &new, &fields);
            if address_risk.is_some() {
                at_risk.push((items.len(), Key::of(&old)));
            }
            items.push(item(change, step.pool.clone(), address_risk));
        }
        for ((index, _), address) in at_risk.iter().zip(addresses(self.asked, &at_risk)) {
            items[*index].address = address;
        }
        let pools = self.merged.reports.iter().map(|report| ReviewedPool {
            name: report.pool.name.clone(),
            // With --locked no nodes were read.
            state: if self.merged.nodes.is_some() { report.state.word() } else { "" },
            nodes: report.observed.as_ref().map(Observed::nodes),
        });
        Review {
            title: self.scope.title(),
            against,
            pools: pools.collect(),
            items,
            unchanged: self.plan.count(Action::Unchanged),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Returns one change for the review.
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

/// Describes the addresses of a live Service.
pub(crate) fn address_of(live: &Value) -> String {
    let state = address_state(live, &[]);
    let found: Vec<String> = state.addresses().iter().map(ToString::to_string).collect();
    match (found.is_empty(), live.is_null()) {
        (false, _) => found.join(", "),
        (true, true) => "none: not in the cluster".to_owned(),
        (true, false) => "none yet".to_owned(),
    }
}

fn addresses(asked: Option<&Cluster>, at_risk: &[(usize, Key)]) -> Vec<String> {
    let Some(cluster) = asked else {
        return vec!["unknown: no cluster was read".to_owned(); at_risk.len()];
    };
    let get = |(_, key): &(usize, Key)| {
        let namespace = if key.namespace.is_empty() { cluster.namespace() } else { &key.namespace };
        ApiCall::Get(ObjectRef {
            resource: Resource::core("Service", "services"),
            namespace: namespace.to_owned(),
            name: key.name.clone(),
        })
    };
    let calls: Vec<ApiCall> = at_risk.iter().map(get).collect();
    let responses = cluster.call_small(&calls);
    responses
        .into_iter()
        .map(|response| {
            response.map_or_else(|_| "unknown: cannot read the Service".to_owned(), |live| address_of(&live))
        })
        .collect()
}

fn object(text: &str) -> Value {
    // Only Services have addresses; parsing 10,000 ConfigMaps would waste time.
    if !text.contains("kind: Service") {
        return Value::Null;
    }
    yaml::read_one("", text).map(|document| document.value).unwrap_or_default()
}
