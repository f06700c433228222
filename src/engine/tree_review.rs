//! Reviews as Markdown: what `diff -o markdown` prints and `render --summary-file` writes.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::cluster::{ApiCall, Cluster, ObjectRef};
use crate::core::dns::Exclusion;
use crate::core::live::{LiveObject, Resource};
use crate::core::manifest::Key;
use crate::core::pools::{Merged, Observed};
use crate::core::render::RenderedFile;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::review::{AddressRisk, Against, Item, Review, ReviewedPool, address_risk};
use crate::core::status::address_state;
use crate::core::tree::plan::{Action, Plan, Step};
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
    pub(crate) queried: Option<&'a Cluster>,
}

impl Trees<'_> {
    /// Builds the review. Reads the addresses at risk from the cluster, if there is one.
    pub(crate) fn review(
        &self,
        changes: &[(&Step, Change)],
        against: Against,
        warnings: &[Diagnostic],
    ) -> Review {
        let fields = self.project.platform.spec.load_balancer_fields();
        // Objects are matched by key, so a renamed file is not shown as a removal.
        let rendered: HashMap<&Key, &str> =
            self.rendered.iter().map(|file| (&file.key, file.text.as_str())).collect();
        let reviewed = |(step, change): &(&Step, Change)| {
            let old = self.before.get(&step.path).map(|bytes| String::from_utf8_lossy(bytes));
            let old = old.map_or(Value::Null, |text| object(&text));
            let key = Key::of(&old);
            let new = rendered.get(&key).map_or(Value::Null, |text| object(text));
            (key, item(change, step.pool.clone(), address_risk(&old, &new, &fields)))
        };
        let mut items: Vec<(Key, Item)> = changes.iter().map(reviewed).collect();
        let at_risk = items.iter_mut().filter(|(_, item)| item.address_risk.is_some());
        read_addresses(self.queried, at_risk);
        let dns = self.project.spec.spec.dns.as_ref();
        let pools = self.merged.reports.iter().map(|report| ReviewedPool {
            name: report.pool.name.clone(),
            // With --locked no nodes were read.
            state: if self.merged.nodes.is_some() { report.state.word() } else { "" },
            nodes: report.observed.as_ref().map(Observed::nodes),
            left_out: dns.and_then(|dns| dns.exclusion(&report.pool)).map(Exclusion::words),
        });
        Review {
            title: self.scope.title(),
            against,
            host: dns.map(|dns| dns.hostname.clone()),
            pools: pools.collect(),
            items: items.into_iter().map(|(_, item)| item).collect(),
            unchanged: self.plan.count(Action::Unchanged),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Returns one change for the review.
pub(crate) fn item(change: &Change, pool: Option<String>, address_risk: Option<AddressRisk>) -> Item {
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
pub(crate) fn address_of(live: Option<&LiveObject>) -> String {
    let state = address_state(live, &[]);
    let found: Vec<String> = state.addresses().iter().map(ToString::to_string).collect();
    match (found.is_empty(), live) {
        (false, _) => found.join(", "),
        (true, None) => "none: not in the cluster".to_owned(),
        (true, Some(_)) => "none yet".to_owned(),
    }
}

/// Reads the addresses of Services from the cluster, if there is one.
fn read_addresses<'a>(cluster: Option<&Cluster>, services: impl Iterator<Item = &'a mut (Key, Item)>) {
    let Some(cluster) = cluster else {
        for (_, item) in services {
            "unknown: no cluster was read".clone_into(&mut item.address);
        }
        return;
    };
    let get = |(key, item): &'a mut (Key, Item)| {
        let namespace = if key.namespace.is_empty() { cluster.namespace() } else { &key.namespace };
        let at = ObjectRef {
            resource: Resource::core("Service", "services"),
            namespace: namespace.to_owned(),
            name: key.name.clone(),
        };
        (item, ApiCall::Get(at))
    };
    for (item, answer) in cluster.call_small(services.map(get).collect()) {
        item.address = match answer {
            Ok(answer) => address_of(answer.object().as_ref()),
            Err(_) => "unknown: cannot read the Service".to_owned(),
        };
    }
}

fn object(text: &str) -> Value {
    // Only Services have addresses; parsing 10,000 ConfigMaps would waste time.
    if !text.contains("kind: Service") {
        return Value::Null;
    }
    yaml::read_one("", text).map(|document| document.value).unwrap_or_default()
}
