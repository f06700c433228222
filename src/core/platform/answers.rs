//! What a platform file says about a Service, its nodes and its proof.

use serde_json::Value;

use crate::core::platform::node_rules::ControlPlaneBackends;
use crate::core::platform::proof::Grade;
use crate::core::platform::protocols::wrong_ports;
use crate::core::platform::service_rules;
use crate::core::platform::{Broken, PlatformSpec, Within};
use crate::core::pointer;

impl PlatformSpec {
    /// Returns the rules that the Service of a pool breaks.
    pub fn broken_rules<'a>(&'a self, service: &'a Value) -> impl Iterator<Item = Broken<'a>> {
        let rules = service_rules::broken_rules(&self.refuses, &self.requires, service);
        rules.chain(wrong_ports(&self.protocols, service))
    }

    /// Returns pointers to the fields of a Service that decide about its load balancer: the fields of the binding, and those
    /// that only one Service can have.
    pub fn load_balancer_fields(&self) -> Vec<String> {
        let patched = self.binding.iter().chain(&self.internal).filter_map(|step| step["path"].as_str());
        let mut fields: Vec<String> = patched.map(str::to_owned).chain(self.fields_of_one()).collect();
        fields.sort();
        fields.dedup();
        fields
    }

    /// Returns pointers to the fields of a Service whose value only one load balancer can have.
    pub fn fields_of_one(&self) -> impl Iterator<Item = String> {
        let rules = self.refuses.iter().filter(|rule| {
            rule.within == Within::Manifests && rule.keys.is_none() && !rule.path.contains("/*")
        });
        let addresses =
            self.address_annotations.iter().map(|key| pointer::join("/metadata/annotations", key));
        rules.map(|rule| rule.path.clone()).chain(addresses)
    }

    /// Whether the binding is documented only: no code of the provider ever read it.
    pub fn is_documented_only(&self) -> bool {
        self.refused.is_none() && self.proof.as_ref().is_some_and(|proof| proof.grade == Grade::Documented)
    }

    /// Returns the facts to warn about: those of a platform whose provider's code was never run.
    pub fn doubts(&self) -> &[String] {
        let was_run = self.proof.as_ref().is_some_and(|proof| proof.grade != Grade::Documented);
        if was_run { &[] } else { &self.unverified }
    }

    /// Whether a control-plane node may be a backend.
    pub fn takes_control_plane(&self) -> bool {
        let backends = self.control_plane.as_ref().map(|rule| rule.backends);
        backends == Some(ControlPlaneBackends::UnlessExcluded)
    }

    /// Returns the fields of a Service in the manifests that its copies cannot share.
    pub fn unshareable<'a>(&'a self, service: &'a Value) -> impl Iterator<Item = Broken<'a>> {
        let rules = service_rules::refused(&self.refuses, service, Within::Manifests);
        rules.chain(service_rules::addresses(&self.address_annotations, service))
    }
}
