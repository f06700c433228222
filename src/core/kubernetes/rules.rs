//! What every supported API server refuses in an object, beyond the types of its fields and the names in its metadata.
//!
//! The rules belong to the types of Kubernetes, such as `core.v1.Container`, so that they hold wherever the type is used.
//! [`constraints`] has the forms of single fields; the other modules compare fields with each other. Source: kubernetes
//! `pkg/apis/GROUP/validation`, 1.36. `tests/cluster/mutations.rs` compares the verdicts with an API server.

mod config;
mod constraints;
mod container;
mod job;
mod networking;
mod pod;
mod policy;
mod resources;
mod scheduling;
mod selector;
mod service;
mod storage;
mod volume;
mod workload;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::core::kubernetes::formats::Format;
use crate::core::report::suggest::did_you_mean;
use crate::core::schema::field::{Field, Report};
use crate::core::schema::shape::Rules;

/// Checks the fields of one object of a type.
type Rule = fn(&Field<'_>, &mut Report<'_>);

/// The rules of Kubernetes' types.
#[derive(Clone, Copy, Debug)]
pub struct KubernetesRules;

/// A type, a field of it, whether it is required, and its form.
#[derive(Clone, Copy, Debug)]
struct Constraint {
    field: &'static str,
    need: Need,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Required,
    /// It may be absent, or have Go's zero value: 0, or empty.
    Optional,
    /// It may be absent, but not empty.
    NotEmpty,
    /// The items of a list.
    EachItem,
}

/// What is checked in the objects of one type.
#[derive(Default)]
struct OfType {
    constraints: Vec<Constraint>,
    rules: Vec<Rule>,
}

impl Rules for KubernetesRules {
    fn check(&self, name: &str, object: &Field<'_>, report: &mut Report<'_>) {
        let Some(of_type) = by_type().get(name) else { return };
        for constraint in &of_type.constraints {
            constraint.check(object, report);
        }
        for rule in &of_type.rules {
            rule(object, report);
        }
    }
}

impl Constraint {
    fn check(&self, object: &Field<'_>, report: &mut Report<'_>) {
        let field = object.get(self.field);
        let has_form = |field: &Field<'_>, report: &mut Report<'_>| {
            if self.format == Format::Labels {
                selector::labels(field, report);
            } else if let Format::OneOf(known) = self.format
                && let Some(text) = field.value.as_str().filter(|text| !known.contains(text))
            {
                let near = did_you_mean(text, known.iter().copied());
                let is = report.is(field);
                let hint = format!("valid values: {}", known.join(", "));
                report.add(field, |field| format!("invalid value for {field}: {is}{near}"), Some(hint));
            } else if !self.format.accepts(field.value) {
                let digits = field.text().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                match digits.filter(|_| self.format == Format::PortOrName) {
                    Some(digits) => report.invalid_with_hint(
                        field,
                        "a number, or the name of a container port",
                        format!("write the number without quotes: {digits}"),
                    ),
                    None => report.invalid(field, &self.format.describe()),
                }
            }
        };
        match self.need {
            Need::EachItem => field.items().filter(Field::is_set).for_each(|item| has_form(&item, report)),
            Need::Required if field.is_empty() => report.missing(&field, None),
            Need::Optional if field.is_empty() || field.number() == Some(0) => {}
            Need::NotEmpty if !field.is_set() => {}
            _ => has_form(&field, report),
        }
    }
}

fn by_type() -> &'static HashMap<&'static str, OfType> {
    static BY_TYPE: OnceLock<HashMap<&str, OfType>> = OnceLock::new();
    BY_TYPE.get_or_init(|| {
        let mut by_type: HashMap<&str, OfType> = HashMap::new();
        for (name, field, need, format) in constraints::CONSTRAINTS {
            let constraint = Constraint { field, need: *need, format: *format };
            by_type.entry(name).or_default().constraints.push(constraint);
        }
        for (name, rule) in RULES {
            by_type.entry(name).or_default().rules.push(*rule);
        }
        by_type
    })
}

/// Rules that compare fields of a type with each other.
const RULES: &[(&str, Rule)] = &[
    ("admissionregistration.v1.WebhookClientConfig", networking::webhook_client),
    ("apps.v1.DaemonSetSpec", workload::daemon_set),
    ("apps.v1.DaemonSetUpdateStrategy", workload::daemon_set_strategy),
    ("apps.v1.DeploymentSpec", workload::deployment),
    ("apps.v1.DeploymentStrategy", workload::deployment_strategy),
    ("apps.v1.ReplicaSetSpec", workload::replica_set),
    ("apps.v1.StatefulSetSpec", workload::stateful_set),
    ("apps.v1.StatefulSetUpdateStrategy", workload::stateful_set_strategy),
    ("autoscaling.v1.HorizontalPodAutoscalerSpec", policy::autoscaler),
    ("autoscaling.v2.HorizontalPodAutoscalerSpec", policy::autoscaler),
    ("batch.v1.CronJobSpec", job::cron_job),
    ("batch.v1.JobSpec", job::job),
    ("core.v1.ConfigMap", config::config_map),
    ("core.v1.Container", container::container),
    ("core.v1.EnvFromSource", container::env_from),
    ("core.v1.EnvVar", container::env),
    ("core.v1.HTTPGetAction", container::http_get),
    ("core.v1.LifecycleHandler", container::lifecycle_handler),
    ("core.v1.ObjectFieldSelector", container::field_reference),
    ("core.v1.PersistentVolumeClaimSpec", storage::claim),
    ("core.v1.PersistentVolumeSpec", storage::persistent_volume),
    ("core.v1.PodDNSConfig", pod::dns_config),
    ("core.v1.PodSpec", pod::pod),
    ("core.v1.PodTemplateSpec", pod::template),
    ("core.v1.NodeSelectorRequirement", scheduling::node_requirement),
    ("core.v1.Probe", container::probe),
    ("core.v1.ReplicationControllerSpec", workload::replication_controller),
    ("core.v1.ResourceRequirements", resources::requirements),
    ("core.v1.Secret", config::secret),
    ("core.v1.Service", service::service),
    ("core.v1.Toleration", scheduling::toleration),
    ("core.v1.Volume", volume::volume),
    ("meta.v1.LabelSelectorRequirement", selector::requirement),
    ("networking.v1.HTTPIngressPath", networking::ingress_path),
    ("networking.v1.IngressBackend", networking::ingress_backend),
    ("networking.v1.IngressRule", networking::ingress_rule),
    ("networking.v1.IngressSpec", networking::ingress),
    ("networking.v1.NetworkPolicyPeer", networking::policy_peer),
    ("networking.v1.NetworkPolicyPort", networking::policy_port),
    ("policy.v1.PodDisruptionBudgetSpec", policy::budget),
    ("rbac.v1.ClusterRoleBinding", policy::cluster_role_binding),
    ("rbac.v1.PolicyRule", policy::policy_rule),
    ("rbac.v1.Role", policy::role),
    ("rbac.v1.RoleBinding", policy::role_binding),
    ("rbac.v1.Subject", policy::subject),
];
