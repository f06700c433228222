//! Whether the rollout of a workload is complete, decided as in `kubectl rollout status`.

use serde_json::Value;

use crate::core::live::LiveObject;
use crate::core::status::event::one_line;

/// The progress of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// The rollout is complete.
    Done,
    /// The rollout is in progress; says what it waits for.
    Waiting(String),
    /// The rollout failed, for this reason.
    Failed(String),
}

impl Rollout {
    /// Returns the name of the state.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Waiting(_) => "waiting",
            Self::Failed(_) => "failed",
        }
    }
}

/// Whether an object has a rollout.
pub fn is_workload(object: &Value) -> bool {
    matches!(
        (object["apiVersion"].as_str(), object["kind"].as_str()),
        (Some("apps/v1"), Some("Deployment" | "StatefulSet" | "DaemonSet")) | (Some("batch/v1"), Some("Job"))
    )
}

/// Returns the progress of a live workload; `None` means that it does not exist. Other objects have no rollout.
pub fn rollout(live: Option<&LiveObject>) -> Rollout {
    let Some(live) = live else { return Rollout::Waiting("it is not in the cluster".to_owned()) };
    if live.is_being_deleted() {
        return Rollout::Waiting("it is being deleted".to_owned());
    }
    let workload = live.value();
    if !is_workload(workload) {
        return Rollout::Done;
    }
    if live.kind() == "Job" {
        return job(workload);
    }
    let observed = number(&workload["status"]["observedGeneration"]);
    if live.generation() > observed || observed == 0 {
        return Rollout::Waiting("its controller has not seen the last change".to_owned());
    }
    let waits_for = match live.kind() {
        "Deployment" => return deployment(workload),
        "StatefulSet" => stateful_set(workload),
        _ => daemon_set(workload),
    };
    waits_for.map_or(Rollout::Done, Rollout::Waiting)
}

fn deployment(workload: &Value) -> Rollout {
    let status = &workload["status"];
    if condition(status, "Progressing").is_some_and(|it| it["reason"] == "ProgressDeadlineExceeded") {
        return Rollout::Failed(format!("it exceeded its progress deadline{}", refused(status)));
    }
    let (wanted, updated) = (wanted(workload), number(&status["updatedReplicas"]));
    let (all, available) = (number(&status["replicas"]), number(&status["availableReplicas"]));
    let waits_for = if updated < wanted {
        format!("{updated} of {wanted} replicas are updated")
    } else if all > updated {
        format!("{} old replicas are still there", all - updated)
    } else if available < updated {
        format!("{available} of {updated} updated replicas are available")
    } else {
        return Rollout::Done;
    };
    let paused = if workload["spec"]["paused"] == true { ", and it is paused" } else { "" };
    Rollout::Waiting(format!("{waits_for}{paused}{}", refused(status)))
}

fn stateful_set(workload: &Value) -> Option<String> {
    let status = &workload["status"];
    let (wanted, ready) = (wanted(workload), number(&status["readyReplicas"]));
    if ready < wanted {
        return Some(format!("{ready} of {wanted} replicas are ready"));
    }
    let strategy = &workload["spec"]["updateStrategy"];
    if strategy["type"] == "OnDelete" {
        // Its pods are updated only when the user deletes them, so the rollout does not progress on its own.
        return None;
    }
    let updated = number(&status["updatedReplicas"]);
    let partition = number(&strategy["rollingUpdate"]["partition"]);
    let (wanted, of) = (wanted - partition, if partition > 0 { " of the partition" } else { "" });
    (updated < wanted).then(|| format!("{updated} of {wanted} replicas{of} are updated"))
}

fn daemon_set(workload: &Value) -> Option<String> {
    let status = &workload["status"];
    let (wanted, updated) =
        (number(&status["desiredNumberScheduled"]), number(&status["updatedNumberScheduled"]));
    let available = number(&status["numberAvailable"]);
    if updated < wanted && workload["spec"]["updateStrategy"]["type"] != "OnDelete" {
        return Some(format!("{updated} of {wanted} pods are updated"));
    }
    (available < wanted).then(|| format!("{available} of {wanted} pods are available"))
}

fn job(workload: &Value) -> Rollout {
    let status = &workload["status"];
    if condition(status, "Complete").is_some() {
        return Rollout::Done;
    }
    if let Some(failed) = condition(status, "Failed") {
        let reason = failed["reason"].as_str().unwrap_or("it failed");
        return Rollout::Failed(sentence(reason, failed["message"].as_str()));
    }
    if workload["spec"]["suspend"] == true {
        return Rollout::Waiting("it is suspended".to_owned());
    }
    let succeeded = number(&status["succeeded"]);
    Rollout::Waiting(match workload["spec"]["completions"].as_i64() {
        Some(wanted) => format!("{succeeded} of {wanted} pods have completed"),
        None => "no pod has completed".to_owned(),
    })
}

/// Returns the reason if pods cannot be created: a quota, a policy or a webhook.
fn refused(status: &Value) -> String {
    let failure = condition(status, "ReplicaFailure").and_then(|failure| failure["message"].as_str());
    failure.map(|message| format!(": {}", one_line(message))).unwrap_or_default()
}

fn sentence(reason: &str, message: Option<&str>) -> String {
    message.map_or_else(|| reason.to_owned(), |message| format!("{reason}: {}", one_line(message)))
}

/// Returns a condition that is true. For `Progressing`, the reason matters, whatever the status.
fn condition<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    let conditions = status["conditions"].as_array()?;
    conditions.iter().find(|it| it["type"] == name && (it["status"] == "True" || name == "Progressing"))
}

fn wanted(workload: &Value) -> i64 {
    workload["spec"]["replicas"].as_i64().unwrap_or(1)
}

/// Reads a count; Kubernetes omits a count of 0.
fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(api_version: &str, kind: &str, spec: &Value, status: &Value) -> String {
        let mut live = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "generation": 2},
            "spec": spec, "status": {"observedGeneration": 2}});
        json_patch::merge(&mut live["status"], status);
        match rollout(Some(&LiveObject::sample(&live))) {
            Rollout::Done => "done".to_owned(),
            Rollout::Waiting(why) => why,
            Rollout::Failed(why) => format!("failed: {why}"),
        }
    }

    #[test]
    fn deployments() {
        let quota = json!({"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"});
        let late = json!({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"});
        let cases = [
            (json!({"observedGeneration": 1}), "its controller has not seen the last change"),
            (json!({"observedGeneration": null}), "its controller has not seen the last change"),
            (json!({}), "0 of 3 replicas are updated"),
            (json!({"updatedReplicas": 3, "replicas": 5}), "2 old replicas are still there"),
            (
                json!({"updatedReplicas": 3, "replicas": 3, "availableReplicas": 1}),
                "1 of 3 updated replicas are available",
            ),
            (json!({"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}), "done"),
            (json!({"conditions": [quota]}), "0 of 3 replicas are updated: exceeded quota"),
            (json!({"conditions": [late]}), "failed: it exceeded its progress deadline"),
            (
                json!({"conditions": [late, quota]}),
                "failed: it exceeded its progress deadline: exceeded quota",
            ),
        ];
        for (status, expected) in cases {
            assert_eq!(
                state("apps/v1", "Deployment", &json!({"replicas": 3}), &status),
                expected,
                "{status}"
            );
        }
        let paused = json!({"replicas": 3, "paused": true});
        assert_eq!(
            state("apps/v1", "Deployment", &paused, &json!({})),
            "0 of 3 replicas are updated, and it is paused"
        );
        assert_eq!(state("apps/v1", "Deployment", &json!({"replicas": 0}), &json!({})), "done");
    }

    #[test]
    fn stateful_sets() {
        let rolling = json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}});
        let partitioned = json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
        let by_hand = json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}});
        let behind =
            json!({"readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"});
        let none = json!({"readyReplicas": 3, "updateRevision": "b", "currentRevision": "a"});
        let cases = [
            (&rolling, json!({"readyReplicas": 2}), "2 of 3 replicas are ready"),
            (&rolling, behind.clone(), "1 of 3 replicas are updated"),
            (
                &rolling,
                json!({"readyReplicas": 3, "updatedReplicas": 3, "updateRevision": "b", "currentRevision": "b"}),
                "done",
            ),
            (&partitioned, behind.clone(), "done"),
            (&partitioned, none, "0 of 1 replicas of the partition are updated"),
            (&by_hand, behind, "done"),
            (&by_hand, json!({}), "0 of 3 replicas are ready"),
        ];
        for (spec, status, expected) in cases {
            assert_eq!(state("apps/v1", "StatefulSet", spec, &status), expected, "{spec} {status}");
        }
    }

    #[test]
    fn daemon_sets() {
        let rolling = json!({"updateStrategy": {"type": "RollingUpdate"}});
        let by_hand = json!({"updateStrategy": {"type": "OnDelete"}});
        let counts = |updated: u32, available: u32| json!({"desiredNumberScheduled": 4, "updatedNumberScheduled": updated, "numberAvailable": available});
        let cases = [
            (&rolling, counts(1, 4), "1 of 4 pods are updated"),
            (&rolling, counts(4, 3), "3 of 4 pods are available"),
            (&rolling, counts(4, 4), "done"),
            (&rolling, json!({}), "done"),
            (&by_hand, counts(1, 4), "done"),
            (&by_hand, counts(1, 2), "2 of 4 pods are available"),
        ];
        for (spec, status, expected) in cases {
            assert_eq!(state("apps/v1", "DaemonSet", spec, &status), expected, "{spec} {status}");
        }
    }

    #[test]
    fn jobs() {
        let complete = json!({"conditions": [{"type": "Complete", "status": "True"}]});
        let failed = json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
            "message": "Job has reached the specified backoff limit"}]});
        let cases = [
            (json!({"completions": 2}), json!({"succeeded": 1}), "1 of 2 pods have completed"),
            (json!({}), json!({}), "no pod has completed"),
            (json!({"suspend": true}), json!({}), "it is suspended"),
            (json!({}), complete, "done"),
            (json!({}), failed, "failed: BackoffLimitExceeded: Job has reached the specified backoff limit"),
        ];
        for (spec, status, expected) in cases {
            assert_eq!(state("batch/v1", "Job", &spec, &status), expected, "{spec} {status}");
        }
    }

    #[test]
    fn missing_objects_and_other_kinds() {
        assert_eq!(rollout(None), Rollout::Waiting("it is not in the cluster".to_owned()));
        assert_eq!(state("v1", "ConfigMap", &json!({}), &json!({})), "done");
        assert_eq!(state("example.com/v1", "Deployment", &json!({}), &json!({})), "done");
        let leaving =
            json!({"kind": "Deployment", "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert_eq!(
            rollout(Some(&LiveObject::sample(&leaving))),
            Rollout::Waiting("it is being deleted".to_owned())
        );
    }
}
