//! The report as tables, and the choice of the format.

use crate::commands::status::args::StatusFormat;
use crate::commands::status::json::as_json;
use crate::commands::status::summary::{Names, drift, readiness, reasons};
use crate::commands::status::view::Shown;
use crate::core::manifest::Key;
use crate::core::report::pool_words;
use crate::core::status::{Address, AddressState, PoolRow, Rollout, WorkloadRow, age, seconds};
use crate::output::{format, terminal};

/// Returns the report in a format.
pub(super) fn text(shown: &Shown<'_>, format: Option<StatusFormat>) -> String {
    match format {
        None => tables(shown, NARROW, Names::Counted),
        Some(StatusFormat::Wide) => tables(shown, WIDE, Names::Listed),
        Some(StatusFormat::Json) => format::json(shown.scope, as_json(shown)),
        Some(StatusFormat::Yaml) => format::yaml(shown.scope, as_json(shown)),
        // `kubectl get` accepts these names.
        Some(StatusFormat::Name) => {
            let kind = |row: &PoolRow| row.service.kind.to_lowercase();
            shown.report.pools.iter().map(|row| format!("{}/{}\n", kind(row), row.service.name)).collect()
        }
        Some(StatusFormat::Zone) => shown.zone().text(),
        Some(StatusFormat::Addresses) => shown.addresses().text(),
    }
}

const NARROW: &[&str] = &["POOL", "NODES", "SERVICE", "ADDRESS", "PORTS", "AGE", "STATE"];
const WIDE: &[&str] =
    &["POOL", "NODES", "SERVICE", "ADDRESS", "PORTS", "AGE", "STATE", "NAMESPACE", "DIRECTORY"];

/// Returns the tables, then the lines that need action. In a watch, only rows that changed.
fn tables(shown: &Shown<'_>, headings: &[&str], names: Names) -> String {
    let report = shown.report;
    let is_new = |row: &&PoolRow| {
        shown.before.is_none_or(|before| !before.pools.contains(&(*row).clone().without_repetition()))
    };
    let pools: Vec<Vec<String>> = report
        .pools
        .iter()
        .filter(is_new)
        .map(|row| headings.iter().map(|heading| cell(shown, row, heading)).collect())
        .collect();
    let is_new = |row: &&WorkloadRow| shown.before.is_none_or(|before| !before.workloads.contains(row));
    let workloads: Vec<Vec<String>> = report
        .workloads
        .iter()
        .filter(is_new)
        .map(|row| vec![row.key.to_string(), rollout(&row.rollout)])
        .collect();
    let table = |headings: &[&str], rows: &[Vec<String>]| {
        if rows.is_empty() { String::new() } else { terminal::table(headings, rows) }
    };
    let lines = |lines: Vec<String>| lines.into_iter().map(|line| line + "\n").collect::<String>();
    let parts = [
        table(&pool_words::headings(headings, || report.pools.iter().map(|row| row.pool.as_str())), &pools),
        table(&["WORKLOAD", "ROLLOUT"], &workloads),
        lines(reasons(shown)),
        lines(shown.left_out.to_vec()),
        lines(drift(report, names)),
        lines(readiness(shown)),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn cell(shown: &Shown<'_>, row: &PoolRow, heading: &str) -> String {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    match heading {
        "POOL" => or_dash(row.pool.clone()),
        "NODES" => {
            or_dash(row.nodes.map(|nodes| format!("{}/{}", nodes.ready, nodes.total)).unwrap_or_default())
        }
        "SERVICE" => row.made.as_ref().unwrap_or(&row.service).name.clone(),
        "ADDRESS" => address(&row.state),
        "PORTS" => or_dash(row.ports.clone()),
        "AGE" => {
            let created = row.created.as_deref().and_then(seconds);
            or_dash(created.map(|created| age(created, shown.now)).unwrap_or_default())
        }
        "NAMESPACE" => or_dash(row.made.as_ref().unwrap_or(&row.service).namespace.clone()),
        "DIRECTORY" => {
            let drift = &shown.report.drift;
            let is_in = |keys: &[Key]| keys.contains(&row.service);
            if is_in(&drift.differing) {
                "differs"
            } else if is_in(&drift.uncertain) {
                "not certain"
            } else if is_in(&drift.absent) {
                "absent"
            } else {
                "same"
            }
            .to_owned()
        }
        _ => row.word().to_owned(),
    }
}

fn address(state: &AddressState) -> String {
    let addresses: Vec<String> = state.addresses().iter().map(Address::to_string).collect();
    match state {
        AddressState::Pending { .. } => "<pending>".to_owned(),
        _ if addresses.is_empty() => "<none>".to_owned(),
        _ => addresses.join(","),
    }
}

fn rollout(rollout: &Rollout) -> String {
    match rollout {
        Rollout::Done => "done".to_owned(),
        Rollout::Waiting(why) | Rollout::Failed(why) => format!("{}: {why}", rollout.word()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;
    use crate::core::live::{LiveObject, LiveState};
    use crate::core::status::{DriftSubject, NodeCount, report};
    use crate::scope::Scope;

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

    fn shown(subjects: &[DriftSubject], format: Option<StatusFormat>) -> String {
        let event = |pool: &str| {
            json!({"type": "Warning", "reason": "SyncLoadBalancerFailed", "message": "quota",
            "lastTimestamp": "1970-01-01T00:04:00Z", "count": 4,
            "involvedObject": {"kind": "Service", "name": format!("web-{pool}"), "namespace": "web"}})
        };
        let nodes = BTreeMap::from([("a".to_owned(), NodeCount { ready: 2, total: 3 })]);
        let report = report(
            subjects,
            &[],
            &[LiveObject::sample(&event("b")), LiveObject::sample(&event("c"))],
            Some(&nodes),
        );
        text(
            &Shown {
                scope: &Scope::default(),
                app: "nginx",
                report: &report,
                before: None,
                unseen: &[],
                ttl: 60,
                round_robin: None,
                left_out: &[],
                now: 300,
            },
            format,
        )
    }

    #[test]
    fn the_second_time_only_changes_are_shown() {
        let again = |before: &[DriftSubject], after: &[DriftSubject]| {
            let (before, after) =
                (report(before, &[], &[], None).without_repetition(), report(after, &[], &[], None));
            let shown = Shown {
                scope: &Scope::default(),
                app: "nginx",
                report: &after,
                before: Some(&before),
                unseen: &[],
                ttl: 60,
                round_robin: None,
                left_out: &[],
                now: 300,
            };
            text(&shown, None)
        };
        let with = |ingress: &Value| [service("a", &json!([{"ip": "192.0.2.1"}])), service("b", ingress)];
        assert_eq!(
            again(&with(&json!([])), &with(&json!([{"ip": "192.0.2.2"}]))),
            "POOL   NODES   SERVICE   ADDRESS     PORTS    AGE   STATE
b      -       web-b     192.0.2.2   80/TCP   5m    ready

ready: 2 of 2 load balancers have an address, 0 of 0 workloads rolled out
"
        );
        assert_eq!(
            again(&with_trouble(), &with(&json!([]))),
            "web-b: no event says why

not ready: 1 of 2 load balancers have an address, 0 of 0 workloads rolled out
"
        );
    }

    fn with_trouble() -> Vec<DriftSubject> {
        let mut changed = service("d", &json!([{"ip": "192.0.2.4"}, {"ip": "2001:db8::4"}]));
        let mut live = changed.live.object().unwrap().value().clone();
        live["spec"]["ports"][0]["port"] = 81.into();
        changed.live = LiveState::Present(LiveObject::sample(&live));
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "web"}});
        let workload = DriftSubject { desired, live: LiveState::Absent };
        let pending = |pool| service(pool, &json!([]));
        vec![service("a", &json!([{"ip": "192.0.2.1"}])), pending("b"), pending("c"), changed, workload]
    }

    #[test]
    fn a_ready_app_has_rows_only() {
        assert_eq!(
            shown(&[service("a", &json!([{"ip": "192.0.2.1"}]))], None),
            "POOL   NODES   SERVICE   ADDRESS     PORTS    AGE   STATE
a      2/3     web-a     192.0.2.1   80/TCP   5m    ready
"
        );
    }

    #[test]
    fn problems_follow_the_tables() {
        assert_eq!(
            shown(&with_trouble(), None),
            "POOL   NODES   SERVICE   ADDRESS                 PORTS    AGE   STATE
a      2/3     web-a     192.0.2.1               80/TCP   5m    ready
b      0/0     web-b     <pending>               80/TCP   5m    pending
c      0/0     web-c     <pending>               80/TCP   5m    pending
d      0/0     web-d     192.0.2.4,2001:db8::4   81/TCP   5m    no nodes

WORKLOAD             ROLLOUT
deployment/web/web   waiting: it is not in the cluster

web-b, web-c: SyncLoadBalancerFailed: quota
web-d: the pool has no nodes

1 object differs from the directory: kubectl largescale diff --live
1 object of the directory not found in the cluster

not ready: 2 of 4 load balancers have an address (1 without ready nodes or with other nodes), 0 of 1 workload rolled out
"
        );
    }

    #[test]
    fn wide_lists_names() {
        let wide = shown(&with_trouble(), Some(StatusFormat::Wide));
        assert!(wide.contains("STATE      NAMESPACE   DIRECTORY\n"), "{wide}");
        assert!(wide.contains("no nodes   web         differs\n"), "{wide}");
        assert!(wide.contains("diff --live\n  service/web/web-d\n1 object of the directory not found in the cluster\n  deployment/web/web\n"), "{wide}");
    }

    #[test]
    fn kubectl_accepts_the_names() {
        let names = shown(&with_trouble(), Some(StatusFormat::Name));
        assert_eq!(names, "service/web-a\nservice/web-b\nservice/web-c\nservice/web-d\n");
    }
}
