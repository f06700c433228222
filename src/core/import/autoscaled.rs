//! The workloads whose number of replicas an autoscaler sets.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::core::import::dropped::{Dropped, Topic};
use crate::core::manifest::Key;

/// Namespace, kind and name of the scaled workloads.
pub(crate) struct Autoscaled(BTreeSet<(String, String, String)>);

impl Autoscaled {
    /// Finds the workloads that autoscalers name: `HorizontalPodAutoscaler` and `ScaledObject`.
    pub(crate) fn of<'a>(objects: impl Iterator<Item = &'a Value>) -> Self {
        let scalers = objects
            .filter(|object| object["kind"] == "HorizontalPodAutoscaler" || object["kind"] == "ScaledObject");
        let target = |scaler: &Value| {
            let target = &scaler["spec"]["scaleTargetRef"];
            let text = |field: &str| target[field].as_str().map(str::to_owned);
            // The default of KEDA.
            let kind = text("kind").unwrap_or_else(|| "Deployment".to_owned());
            Some((Key::of(scaler).namespace, kind, text("name")?))
        };
        Self(scalers.filter_map(target).collect())
    }

    /// Drops the number of replicas that an autoscaler set: an apply of it would undo the next decision of the autoscaler.
    pub(crate) fn drop_replicas(&self, object: &mut Value, dropped: &mut Dropped) {
        let key = Key::of(object);
        let shown = key.to_string();
        if self.0.contains(&(key.namespace, key.kind, key.name)) {
            dropped.remove(Topic::Autoscalers, object, "/spec/replicas", &shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_scaled_workloads_lose_their_replicas() {
        let resource = json!({"kind": "HorizontalPodAutoscaler", "metadata": {"name": "h", "namespace": "a"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}});
        let keda = json!({"kind": "ScaledObject", "metadata": {"name": "k", "namespace": "b"}, "spec": {"scaleTargetRef": {"name": "web"}}});
        let scaled = Autoscaled::of([&resource, &keda].into_iter());
        for (kind, namespace, name, is_scaled) in [
            ("Deployment", "a", "web", true),
            ("Deployment", "b", "web", true),
            ("StatefulSet", "a", "web", false),
            ("Deployment", "c", "web", false),
            ("Deployment", "a", "api", false),
        ] {
            let mut object = json!({"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": {"replicas": 7}});
            scaled.drop_replicas(&mut object, &mut Dropped::default());
            assert_eq!(object["spec"]["replicas"].is_null(), is_scaled, "{kind} {namespace}/{name}");
        }
    }
}
