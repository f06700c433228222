//! The report for programs: stable field names, no ages.

use serde_json::{Value, json};

use crate::commands::status::view::Shown;
use crate::core::dns::Weighted;
use crate::core::json;
use crate::core::manifest::Key;
use crate::core::status::{Address, AddressState, Listed, PoolRow, RefusedRoute, Rollout, WorkloadRow};

/// Returns the report as a JSON value.
pub(super) fn as_json(shown: &Shown<'_>) -> Value {
    let report = shown.report;
    let zone = shown.zone();
    let records: Vec<Value> = zone
        .records
        .iter()
        .map(|record| {
            let mut item = json!({ "name": record.name, "ttl": zone.ttl, "type": record.kind });
            match &record.pool {
                Some(pool) => {
                    json::put(&mut item, &["address"], record.data.as_str());
                    json::put(&mut item, &["pool"], pool.as_str());
                }
                None => json::put(&mut item, &["target"], record.data.as_str()),
            }
            if let Some(Weighted { identifier, weight }) = &record.weighted {
                json::put(&mut item, &["setIdentifier"], identifier.as_str());
                json::put(&mut item, &["weight"], *weight);
            }
            item
        })
        .collect();
    let addresses: Vec<Value> = shown.addresses().addresses.iter().map(address_json).collect();
    let names = |keys: &[Key]| keys.iter().map(Key::to_string).collect::<Vec<_>>();
    let unseen: Vec<&str> = shown.unseen.iter().map(|problem| problem.message.as_str()).collect();
    json!({
        "apiVersion": "largescale.dev/v1alpha1",
        "kind": "Status",
        "name": shown.app,
        "ready": report.is_ready(),
        "pools": report.pools.iter().map(pool_json).collect::<Vec<_>>(),
        "routes": report.refused_routes.iter().map(route_json).collect::<Vec<_>>(),
        "workloads": report.workloads.iter().map(workload_json).collect::<Vec<_>>(),
        "drift": {
            "differing": names(&report.drift.differing),
            "uncertain": names(&report.drift.uncertain),
            "absent": names(&report.drift.absent),
            "unseen": names(&report.drift.unseen),
        },
        "dns": records,
        "addresses": addresses,
        "leftOut": shown.left_out,
        "warnings": unseen,
    })
}

fn address_json(listed: &Listed) -> Value {
    json!({ "address": listed.address.to_string(), "pools": listed.pools, "given": listed.is_given,
        "reserved": listed.is_reserved })
}

fn pool_json(row: &PoolRow) -> Value {
    let of = |wanted: fn(&Address) -> bool| -> Vec<String> {
        row.state.addresses().iter().filter(|address| wanted(address)).map(Address::to_string).collect()
    };
    let mut item = json!({
        "pool": row.pool,
        "ready": row.is_ready(),
        "state": row.word(),
        "service": { "namespace": row.service.namespace, "name": row.service.name, "copyOf": row.source },
        "addresses": of(|address| matches!(address, Address::Ip(_))),
        "hostnames": of(|address| matches!(address, Address::Hostname(_))),
        "ports": row.ports.split(',').filter(|port| !port.is_empty()).collect::<Vec<_>>(),
    });
    if row.service.kind == "Gateway" {
        let Key { namespace, name, .. } = &row.service;
        json::put(&mut item, &["gateway"], json!({ "namespace": namespace, "name": name }));
        let made = row.made.as_ref();
        let service =
            made.map(|made| json!({ "namespace": made.namespace, "name": made.name, "copyOf": row.source }));
        json::put(&mut item, &["service"], service.unwrap_or(Value::Null));
    }
    if let Some(nodes) = row.nodes {
        json::put(&mut item, &["nodes"], json!({ "ready": nodes.ready, "total": nodes.total }));
    }
    if let Some(created) = &row.created {
        json::put(&mut item, &["created"], created.as_str());
    }
    if let AddressState::Pending { why: Some(event) } = &row.state {
        let kind = if event.is_warning { "Warning" } else { "Normal" };
        json::put(
            &mut item,
            &["event"],
            json!({ "type": kind, "reason": event.reason, "message": event.message,
            "count": event.count, "last": event.last }),
        );
    }
    // The states of the address itself have no message; the event tells their reason.
    if let Some(message) = row.reason(0).filter(|_| row.state.is_ready()) {
        json::put(&mut item, &["message"], message);
    }
    item
}

fn route_json(route: &RefusedRoute) -> Value {
    json!({ "object": route.key.to_string(), "ready": false, "message": route.why })
}

fn workload_json(row: &WorkloadRow) -> Value {
    let mut item = json!({
        "object": row.key.to_string(),
        "ready": row.rollout == Rollout::Done,
        "state": row.rollout.word(),
    });
    if let Rollout::Waiting(why) | Rollout::Failed(why) = &row.rollout {
        json::put(&mut item, &["message"], why.as_str());
    }
    item
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::core::live::{LiveObject, LiveState};
    use crate::core::status::{DriftSubject, NodeCount, report};

    fn service(pool: &str, ingress: &Value) -> DriftSubject {
        let desired = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": format!("web-{pool}"), "namespace": "web",
                "labels": {"largescale.dev/pool": pool, "largescale.dev/service": "web"}},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP"}]}});
        let mut live = desired.clone();
        live["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z".into();
        live["status"] = json!({"loadBalancer": {"ingress": ingress}});
        DriftSubject { desired, live: LiveState::Present(LiveObject::sample(&live)) }
    }

    #[test]
    fn json_has_all_fields() {
        let mut changed = service("a", &json!([{"ip": "192.0.2.1"}, {"hostname": "a.example"}]));
        let mut live = changed.live.object().unwrap().value().clone();
        live["spec"]["ports"][0]["port"] = 81.into();
        changed.live = LiveState::Present(LiveObject::sample(&live));
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "web"}});
        let workload = DriftSubject { desired, live: LiveState::Absent };
        let event = json!({"type": "Warning", "reason": "SyncLoadBalancerFailed", "message": "quota",
            "lastTimestamp": "1970-01-01T00:04:00Z", "count": 4,
            "involvedObject": {"kind": "Service", "name": "web-b", "namespace": "web"}});
        let nodes = BTreeMap::from([("a".to_owned(), NodeCount { ready: 2, total: 3 })]);
        let report = report(
            &[changed, service("b", &json!([])), workload],
            &[],
            &[LiveObject::sample(&event)],
            Some(&nodes),
        );
        let shown = Shown {
            scope: &crate::scope::Scope::default(),
            app: "nginx",
            report: &report,
            before: None,
            unseen: &[],
            ttl: 60,
            round_robin: None,
            left_out: &[],
            now: 300,
        };
        assert_eq!(
            as_json(&shown),
            json!({
                "apiVersion": "largescale.dev/v1alpha1",
                "kind": "Status",
                "name": "nginx",
                "ready": false,
                "addresses": [{"address": "192.0.2.1", "pools": ["a"], "given": true, "reserved": false}],
                "leftOut": [],
                "pools": [
                    {
                        "pool": "a", "ready": true, "state": "ready",
                        "service": {"namespace": "web", "name": "web-a", "copyOf": "web"},
                        "addresses": ["192.0.2.1"], "hostnames": ["a.example"], "ports": ["81/TCP"],
                        "nodes": {"ready": 2, "total": 3}, "created": "1970-01-01T00:00:00Z",
                    },
                    {
                        "pool": "b", "ready": false, "state": "pending",
                        "service": {"namespace": "web", "name": "web-b", "copyOf": "web"},
                        "addresses": [], "hostnames": [], "ports": ["80/TCP"],
                        "nodes": {"ready": 0, "total": 0}, "created": "1970-01-01T00:00:00Z",
                        "event": {"type": "Warning", "reason": "SyncLoadBalancerFailed", "message": "quota",
                            "count": 4, "last": "1970-01-01T00:04:00Z"},
                    },
                ],
                "routes": [],
                "workloads": [{"object": "deployment/web/web", "ready": false, "state": "waiting",
                    "message": "it is not in the cluster"}],
                "drift": {"differing": ["service/web/web-a"], "uncertain": [], "absent": ["deployment/web/web"], "unseen": []},
                "dns": [{"name": "nginx", "ttl": 60, "type": "A", "address": "192.0.2.1", "pool": "a"}],
                "addresses": [{"address": "192.0.2.1", "pools": ["a"], "given": true, "reserved": false}],
                "warnings": [],
            })
        );
    }
}
