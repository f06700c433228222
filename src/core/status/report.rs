//! The complete status of an app in a cluster, as one value.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::core::live::LiveObject;
use crate::core::manifest::{Key, label};
use crate::core::render::{SERVICE_LABEL, pool_of};
use crate::core::report::plural::plural;
use crate::core::spec::ConflictRule;
use crate::core::status::address::{AddressState, address_state, ports};
use crate::core::status::drift::{Drift, DriftSubject, drift};
use crate::core::status::gateway::{
    MadeServices, RefusedRoute, gateway_state, is_pool_gateway, refused_routes,
};
use crate::core::status::workload::{Rollout, is_workload, rollout};

/// The status of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// A row for each Service of each pool, sorted by pool.
    pub pools: Vec<PoolRow>,
    /// The workloads.
    pub workloads: Vec<WorkloadRow>,
    /// The routes that a Gateway does not serve.
    pub refused_routes: Vec<RefusedRoute>,
    /// The objects that differ from the directory.
    pub drift: Drift,
}

/// The status of a pool's load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRow {
    /// The name of the pool; empty if an overlay removed the label.
    pub pool: String,
    /// The Service in the manifests that this one is a copy of.
    pub source: String,
    /// The Service, or the Gateway of the pool.
    pub service: Key,
    /// The Service that a controller made for the Gateway of the pool, if it was found.
    pub made: Option<Key>,
    /// The nodes of the pool, if they could be read.
    pub nodes: Option<NodeCount>,
    /// When the live Service was created.
    pub created: Option<String>,
    /// The ports in kubectl's format; those of the live Service if it exists.
    pub ports: String,
    /// The state of its load balancer.
    pub state: AddressState,
    /// Whether the live Service is bound to other nodes than the directory says.
    pub binding: Binding,
}

/// The binding of a live Service to the nodes of its pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// As in the directory, or not known.
    #[default]
    Same,
    /// Another one, so that the load balancer may have other nodes.
    Changed,
}

/// The number of nodes in a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCount {
    /// Nodes that a load balancer may use and that are Ready.
    pub ready: usize,
    /// All nodes.
    pub total: usize,
}

/// The status of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadRow {
    /// The workload.
    pub key: Key,
    /// The progress of its rollout.
    pub rollout: Rollout,
}

impl Report {
    /// Whether every pool has its address, its nodes and its binding, and every rollout is done.
    pub fn is_ready(&self) -> bool {
        self.pools.iter().all(PoolRow::is_ready)
            && self.workloads.iter().all(|row| row.rollout == Rollout::Done)
            && self.refused_routes.is_empty()
    }

    /// Compares the bindings of Services that differ from the directory. `paths` are the fields that the platform's binding writes.
    pub fn compare_bindings(&mut self, subjects: &[DriftSubject], paths: &[&str]) {
        let differing: HashSet<&Key> = self.drift.differing.iter().chain(&self.drift.uncertain).collect();
        let is_changed = |subject: &DriftSubject| {
            let Some(live) = subject.live.object() else { return false };
            paths.iter().any(|path| subject.desired.pointer(path) != live.value().pointer(path))
        };
        let changed: HashSet<Key> =
            subjects.iter().filter(|subject| is_changed(subject)).map(DriftSubject::key).collect();
        for row in &mut self.pools {
            if differing.contains(&row.service) && changed.contains(&row.service) {
                row.binding = Binding::Changed;
            }
        }
    }

    /// Returns the report without values that change while nothing happens. If two such reports are equal, nothing new happened.
    #[must_use]
    pub fn without_repetition(mut self) -> Self {
        self.pools = self.pools.into_iter().map(PoolRow::without_repetition).collect();
        self
    }
}

#[cfg(test)]
impl PoolRow {
    /// Returns the row of the Service `SOURCE-POOL` in the namespace `web`.
    pub(in crate::core) fn sample(pool: &str, source: &str, state: AddressState) -> Self {
        let service = Key {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: "web".to_owned(),
            name: format!("{source}-{pool}"),
        };
        Self {
            made: None,
            pool: pool.to_owned(),
            source: source.to_owned(),
            service,
            nodes: None,
            created: None,
            ports: String::new(),
            state,
            binding: Binding::Same,
        }
    }
}

impl PoolRow {
    /// Whether clients reach the nodes of the pool: the load balancer has an address and its binding, and a node is Ready. Nodes that
    /// could not be read do not count.
    pub fn is_ready(&self) -> bool {
        self.state.is_ready() && self.binding == Binding::Same && !self.lacks_nodes()
    }

    /// Returns the state in one or a few words.
    pub fn word(&self) -> &'static str {
        match self.nodes {
            _ if !self.state.is_ready() => self.state.word(),
            _ if self.binding == Binding::Changed => "other nodes",
            Some(NodeCount { total: 0, .. }) => "no nodes",
            Some(NodeCount { ready: 0, .. }) => "no ready nodes",
            _ => self.state.word(),
        }
    }

    /// Returns why the pool is not ready; `now` is in seconds since 1970.
    pub fn reason(&self, now: i64) -> Option<String> {
        if !self.state.is_ready() {
            return self.state.reason(now);
        }
        if let (Binding::Changed, Some(made)) = (self.binding, &self.made) {
            return Some(format!(
                "{made} lacks annotations of the Gateway, so the load balancer may have other nodes: kubectl describe service {} --namespace {}",
                made.name, made.namespace
            ));
        }
        if self.binding == Binding::Changed {
            return Some(
                "its binding differs from the directory, so it may have other nodes: kubectl largescale diff --live"
                    .to_owned(),
            );
        }
        let nodes = self.nodes.filter(|nodes| nodes.ready == 0)?;
        Some(match nodes.total {
            0 => "the pool has no nodes".to_owned(),
            total => format!("none of the {} of the pool is a ready backend", plural(total, "node")),
        })
    }

    fn lacks_nodes(&self) -> bool {
        self.nodes.is_some_and(|nodes| nodes.ready == 0)
    }

    /// Returns the row without the count and time of an event that a failing controller repeats.
    #[must_use]
    pub fn without_repetition(mut self) -> Self {
        if let AddressState::Pending { why: Some(event) } = &mut self.state {
            event.count = 0;
            event.last.clear();
        }
        self
    }
}

/// Reports the status of the objects in the directory. `nodes` are by pool name; `None` if they could not be read.
pub fn report(
    subjects: &[DriftSubject],
    rules: &[ConflictRule],
    events: &[LiveObject],
    nodes: Option<&BTreeMap<String, NodeCount>>,
) -> Report {
    report_with_gateways(subjects, rules, events, nodes, &MadeServices::new())
}

/// Reports the status like [`report`]. `made` are the Services that controllers made for Gateways.
pub fn report_with_gateways(
    subjects: &[DriftSubject],
    rules: &[ConflictRule],
    events: &[LiveObject],
    nodes: Option<&BTreeMap<String, NodeCount>>,
    made: &MadeServices,
) -> Report {
    let mut by_name: HashMap<&str, Vec<&LiveObject>> = HashMap::new();
    for event in events {
        let name = event.field("involvedObject")["name"].as_str().unwrap_or_default();
        by_name.entry(name).or_default().push(event);
    }
    let events_of = |name: &str| by_name.get(name).map_or(&[][..], Vec::as_slice);
    let of_pool = |subject: &DriftSubject| {
        let key = subject.key();
        if is_load_balancer(&subject.desired) {
            let live = subject.live.object();
            let state = address_state(live, events_of(&key.name));
            return Some(row(subject, key, state, live, nodes));
        }
        if !is_pool_gateway(&subject.desired) {
            return None;
        }
        let service = made.get(&key);
        let events = service.map_or(&[][..], |service| events_of(service.name()));
        let state = gateway_state(subject.live.object(), service, events);
        let mut row = row(subject, key, state, service, nodes);
        row.made = service.map(LiveObject::key);
        row.binding = service.map_or(Binding::Same, |service| binding_of_made(&subject.desired, service));
        Some(row)
    };
    let mut pools: Vec<PoolRow> = subjects.iter().filter_map(of_pool).collect();
    pools.sort_by(|a, b| (&a.pool, &a.source, &a.service).cmp(&(&b.pool, &b.source, &b.service)));
    let workloads = subjects.iter().filter(|subject| is_workload(&subject.desired));
    let workloads = workloads
        .map(|subject| WorkloadRow { key: subject.key(), rollout: rollout(subject.live.object()) })
        .collect();
    Report { pools, workloads, refused_routes: refused_routes(subjects), drift: drift(subjects, rules) }
}

/// Every Service of this type in the directory is the copy for one pool.
fn is_load_balancer(object: &Value) -> bool {
    object["apiVersion"] == "v1" && object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer"
}

/// Compares the annotations of a Gateway for its Service with those of the Service: an implementation that has not copied them, or a
/// change by another client, gives the load balancer other nodes.
fn binding_of_made(gateway: &Value, service: &LiveObject) -> Binding {
    let wanted = gateway["spec"]["infrastructure"]["annotations"].as_object();
    let is_same = wanted.into_iter().flatten().all(|(key, value)| service.annotation(key) == value.as_str());
    if is_same { Binding::Same } else { Binding::Changed }
}

fn row(
    subject: &DriftSubject,
    key: Key,
    state: AddressState,
    service: Option<&LiveObject>,
    nodes: Option<&BTreeMap<String, NodeCount>>,
) -> PoolRow {
    let label = |name: &str| label(&subject.desired, name);
    let pool = pool_of(&subject.desired).unwrap_or_default();
    let created = subject.live.object().and_then(LiveObject::created);
    PoolRow {
        pool: pool.to_owned(),
        source: label(SERVICE_LABEL).unwrap_or(&key.name).to_owned(),
        // A pool without observed nodes has none. A Service without a pool has no nodes to count.
        nodes: nodes.filter(|_| !pool.is_empty()).map(|nodes| nodes.get(pool).copied().unwrap_or_default()),
        created: created.map(str::to_owned),
        ports: ports(service.map_or(&subject.desired, LiveObject::value)),
        state,
        binding: Binding::default(),
        service: key,
        made: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::live::LiveState;

    fn service(pool: &str, ingress: &Value) -> DriftSubject {
        let desired = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": format!("web-{pool}"), "namespace": "web",
                "labels": {"largescale.dev/pool": pool, "largescale.dev/service": "web"}},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
        let mut live = desired.clone();
        live["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
        live["spec"]["ports"][0]["nodePort"] = 30_000.into();
        live["status"] = json!({"loadBalancer": {"ingress": ingress}});
        DriftSubject { desired, live: LiveState::Present(LiveObject::sample(&live)) }
    }

    fn deployment(ready: u32) -> DriftSubject {
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "web"}, "spec": {"replicas": 3}});
        let mut live = desired.clone();
        live["metadata"]["generation"] = 1.into();
        live["status"] =
            json!({"observedGeneration": 1, "updatedReplicas": 3, "replicas": 3, "availableReplicas": ready});
        DriftSubject { desired, live: LiveState::Present(LiveObject::sample(&live)) }
    }

    fn with_address(pool: &str) -> DriftSubject {
        service(pool, &json!([{"ip": "192.0.2.1"}]))
    }

    #[test]
    fn one_row_for_each_pool() {
        let event = json!({"type": "Warning", "reason": "SyncLoadBalancerFailed", "message": "quota",
            "lastTimestamp": "2026-01-01T00:00:00Z",
            "involvedObject": {"kind": "Service", "name": "web-b", "namespace": "web"}});
        let mut absent = with_address("c");
        absent.live = LiveState::Absent;
        let nodes = BTreeMap::from([("a".to_owned(), NodeCount { ready: 2, total: 3 })]);
        let subjects = [service("b", &json!([])), absent, with_address("a"), deployment(3)];
        let report = report(&subjects, &[], &[LiveObject::sample(&event)], Some(&nodes));
        let shown: Vec<_> = report
            .pools
            .iter()
            .map(|row| {
                let nodes = row.nodes.unwrap();
                let reason = row.state.reason(1_767_225_605);
                format!(
                    "{} {} {}/{} {} {}{}",
                    row.pool,
                    row.service,
                    nodes.ready,
                    nodes.total,
                    row.ports,
                    row.state.word(),
                    reason.map(|reason| format!(" {reason}")).unwrap_or_default()
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "a service/web/web-a 2/3 80:30000/TCP ready",
                "b service/web/web-b 0/0 80:30000/TCP pending SyncLoadBalancerFailed: quota (5s ago)",
                "c service/web/web-c 0/0 80/TCP absent it is not in the cluster",
            ]
        );
        assert_eq!(report.workloads[0].rollout, Rollout::Done);
        assert_eq!(report.drift.absent, [Key::of(&with_address("c").desired)]);
        assert_eq!(report.drift.differing, []);
    }

    #[test]
    fn a_report_is_ready_if_all_its_parts_are() {
        let is_ready = |subjects: &[DriftSubject]| report(subjects, &[], &[], None).is_ready();
        assert!(is_ready(&[with_address("a"), with_address("b"), deployment(3)]));
        assert!(!is_ready(&[with_address("a"), service("b", &json!([])), deployment(3)]));
        assert!(!is_ready(&[with_address("a"), deployment(2)]));
        let mut hidden = deployment(3);
        hidden.live = LiveState::Hidden;
        assert!(
            !is_ready(&[with_address("a"), hidden]),
            "an object that could not be read is not known to be done"
        );
    }

    #[test]
    fn a_pool_without_ready_nodes_is_not_ready() {
        for (ready, total, word, reason) in [
            (2, 3, "ready", None),
            (0, 3, "no ready nodes", Some("none of the 3 nodes of the pool is a ready backend")),
            (0, 0, "no nodes", Some("the pool has no nodes")),
        ] {
            let nodes = BTreeMap::from([("a".to_owned(), NodeCount { ready, total })]);
            let report = report(&[with_address("a")], &[], &[], Some(&nodes));
            assert_eq!(report.is_ready(), reason.is_none(), "{ready}/{total}");
            let row = &report.pools[0];
            assert_eq!((row.word(), row.reason(0).as_deref()), (word, reason));
        }
        assert!(report(&[with_address("a")], &[], &[], None).is_ready(), "nodes that could not be read");
    }

    #[test]
    fn a_changed_binding_is_not_ready() {
        const MODE: &str = "/metadata/annotations/mode";
        let bound = |live: &Value, paths: &[&str]| {
            let mut subject = with_address("a");
            subject.desired["metadata"]["annotations"] = json!({"mode": "set-a"});
            let mut object = subject.live.object().unwrap().value().clone();
            object["metadata"]["annotations"] = live.clone();
            subject.live = LiveState::Present(LiveObject::sample(&object));
            let subjects = [subject];
            let mut report = report(&subjects, &[], &[], None);
            report.compare_bindings(&subjects, paths);
            (report.is_ready(), report.pools[0].word())
        };
        assert_eq!(bound(&json!({"mode": "set-a"}), &[MODE]), (true, "ready"));
        assert_eq!(bound(&json!({"mode": "set-b"}), &[MODE]), (false, "other nodes"));
        assert_eq!(bound(&json!({}), &[MODE]), (false, "other nodes"));
        assert_eq!(bound(&json!({"mode": "set-a", "more": "x"}), &[MODE]), (true, "ready"));
        assert_eq!(
            bound(&json!({"mode": "set-b"}), &[]),
            (true, "ready"),
            "a difference that is not in the binding"
        );
    }

    #[test]
    fn a_repeated_failure_is_not_a_change() {
        let with = |message: &str, count: u32| {
            let event = json!({"type": "Warning", "reason": "SyncLoadBalancerFailed", "message": message,
                "count": count, "lastTimestamp": format!("2026-01-01T00:00:{count:02}Z"),
                "involvedObject": {"kind": "Service", "name": "web-a", "namespace": "web"}});
            report(&[service("a", &json!([]))], &[], &[LiveObject::sample(&event)], None)
        };
        assert_ne!(with("quota", 1), with("quota", 2));
        assert_eq!(with("quota", 1).without_repetition(), with("quota", 2).without_repetition());
        assert_ne!(with("quota", 1).without_repetition(), with("no subnet", 1).without_repetition());
    }

    #[test]
    fn services_without_a_pool_label_or_load_balancer() {
        let mut unlabeled = with_address("a");
        unlabeled.desired["metadata"]["labels"] = Value::Null;
        let mut inner = with_address("b");
        inner.desired["spec"]["type"] = "ClusterIP".into();
        let nodes = BTreeMap::new();
        let report = report(&[unlabeled, inner], &[], &[], Some(&nodes));
        assert_eq!(report.pools.len(), 1);
        let row = &report.pools[0];
        assert_eq!((row.pool.as_str(), row.source.as_str(), row.nodes), ("", "web-a", None));
    }
}
