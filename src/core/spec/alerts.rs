//! `spec.alerts`: Prometheus rules that watch the pools.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::kubernetes::names;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::Document;

/// Prometheus rules that watch the pools (docs/howto/alerts.md).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Alerts {
    /// What the file is.
    #[serde(default)]
    pub format: AlertFormat,
    /// The namespace of the `PrometheusRule`; default: `metadata.namespace`. For `prometheusRule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The labels by which the Prometheus selects the `PrometheusRule` (its `ruleSelector`). For `prometheusRule`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What the file with the rules is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlertFormat {
    /// A rule file of Prometheus, `prometheus-NAME.rules`. No tool applies it to a cluster.
    #[default]
    Rules,
    /// A `PrometheusRule` of the Prometheus Operator, which is applied like the other objects.
    PrometheusRule,
}

impl Alerts {
    /// Returns the problems of the values.
    pub(super) fn problems(&self, document: &Document) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut require = |field: &str, checked: Result<(), String>| {
            if let Err(message) = checked {
                let at = document.location(&format!("/spec/alerts/{field}"));
                problems.push(Diagnostic::error(message).at(at));
            }
        };
        if let Some(namespace) = &self.namespace {
            require("namespace", names::check_label("spec.alerts.namespace", namespace));
        }
        for (key, value) in &self.labels {
            require("labels", names::check_label_key("`spec.alerts.labels`", key));
            require("labels", names::check_label_value(&format!("the label `{key}`"), value));
        }
        if self.format == AlertFormat::Rules {
            let set = [("namespace", self.namespace.is_some()), ("labels", !self.labels.is_empty())];
            for (field, _) in set.iter().filter(|(_, is_set)| *is_set) {
                let message =
                    format!("`spec.alerts.{field}` has no effect: a rule file is not a Kubernetes object");
                let at = document.location(&format!("/spec/alerts/{field}"));
                let hint = "remove it, or set `format: prometheusRule`";
                problems.push(Diagnostic::error(message).at(at).hint(hint));
            }
        }
        problems
    }
}
