//! Which workloads a Service selects, by the labels of their pod templates.

use std::collections::HashMap;

use serde_json::Value;

/// Workloads by the labels of their pods, so that a Service is compared only with those that share a label with its selector.
#[derive(Clone, Debug)]
pub struct Workloads<'a, T> {
    all: Vec<(&'a Value, T)>,
    /// Positions in `all` by namespace, key and value of a label.
    by_label: HashMap<[&'a str; 3], Vec<usize>>,
}

impl<'a, T> Workloads<'a, T> {
    /// Indexes workloads. Each comes with what [`Self::selected_by`] returns for it.
    pub fn of(workloads: impl IntoIterator<Item = (&'a Value, T)>) -> Self {
        let all: Vec<(&Value, T)> = workloads.into_iter().collect();
        let mut by_label: HashMap<[&str; 3], Vec<usize>> = HashMap::new();
        for (position, (workload, _)) in all.iter().enumerate() {
            let labels = pod_labels(workload).as_object();
            for (key, value) in labels.into_iter().flatten() {
                let Some(value) = value.as_str() else { continue };
                by_label.entry([namespace(workload), key, value]).or_default().push(position);
            }
        }
        Self { all, by_label }
    }

    /// Returns the workloads whose pods have all labels of a Service's selector, in their order. A Service without a selector
    /// selects none.
    pub fn selected_by<'s>(&'s self, service: &'s Value) -> impl Iterator<Item = &'s T> {
        let selector = service["spec"]["selector"].as_object();
        let with = |(key, value): (&'s String, &'s Value)| {
            self.by_label.get(&[namespace(service), key.as_str(), value.as_str()?])
        };
        // All labels must match, so the rarest one has every workload that can.
        let rarest = selector
            .filter(|selector| !selector.is_empty())
            .and_then(|selector| selector.iter().map(with).collect::<Option<Vec<_>>>())
            .and_then(|found| found.into_iter().min_by_key(|positions| positions.len()));
        rarest.into_iter().flatten().map(|position| &self.all[*position]).filter_map(
            move |(workload, of_it)| {
                let labels = pod_labels(workload);
                let has = |(key, value): (&String, &Value)| labels.get(key) == Some(value);
                selector?.iter().all(has).then_some(of_it)
            },
        )
    }
}

/// Returns the labels of the pods that an object makes, or that a Pod has.
fn pod_labels(object: &Value) -> &Value {
    let of = if object["kind"] == "Pod" { object } else { &object["spec"]["template"] };
    &of["metadata"]["labels"]
}

fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_labels_of_the_selector_must_match() {
        let workload = |namespace: &str, labels: &Value| json!({"metadata": {"namespace": namespace}, "spec": {"template": {"metadata": {"labels": labels}}}});
        let all = [
            workload("web", &json!({"app": "a", "tier": "front"})),
            workload("web", &json!({"app": "a"})),
            workload("web", &json!({"app": "b", "tier": "front"})),
            workload("", &json!({"app": "a"})),
            workload("web", &Value::Null),
            json!({"kind": "ConfigMap"}),
        ];
        let workloads = Workloads::of(all.iter().zip(0..));
        for (namespace, selector, expected) in [
            ("web", json!({"app": "a"}), &[0, 1][..]),
            ("web", json!({"app": "a", "tier": "front"}), &[0]),
            ("web", json!({"tier": "front"}), &[0, 2]),
            ("", json!({"app": "a"}), &[3]),
            ("other", json!({"app": "a"}), &[]),
            ("web", json!({"app": "c"}), &[]),
            ("web", json!({"app": "a", "x": "y"}), &[]),
            ("web", json!({"app": 1}), &[]),
            ("web", json!({}), &[]),
            ("web", Value::Null, &[]),
        ] {
            let service = json!({"metadata": {"namespace": namespace}, "spec": {"selector": selector}});
            let selected: Vec<i32> = workloads.selected_by(&service).copied().collect();
            assert_eq!(selected, expected, "{service}");
        }
        let nowhere = json!({"spec": {"selector": {"app": "a"}}});
        assert_eq!(workloads.selected_by(&nowhere).count(), 1, "no namespace is the empty one");
    }
}
