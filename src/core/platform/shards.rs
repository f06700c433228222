//! What a platform does with `spec.shards`: several Services without a choice of nodes.

use crate::core::patch::placeholder;
use crate::core::platform::{LoadBalancers, Platform, PlatformSpec, Refused, ShardsGive, VmSets};

impl ShardsGive {
    /// Returns what a shard has, as a phrase.
    pub fn words(self) -> &'static str {
        match self {
            Self::LoadBalancer => "a load balancer for each shard",
            Self::Address => "an address for each shard, and one load balancer for all",
            Self::Nothing => "refused",
        }
    }
}

impl PlatformSpec {
    /// Returns what each shard has for itself.
    pub fn shards_give(&self) -> ShardsGive {
        self.shards.as_ref().map_or(ShardsGive::LoadBalancer, |shards| shards.give)
    }
}

impl Platform {
    /// Returns the platform for Services without a choice of nodes. Of the binding, the operations with a value that is the same for
    /// all pools stay: they choose the controller or the kind of load balancer.
    #[must_use]
    pub fn for_shards(self) -> Self {
        let is_common = |operation: &serde_json::Value| placeholder::names(operation).is_empty();
        let refused = self.spec.shards.as_ref().filter(|shards| shards.give == ShardsGive::Nothing);
        let refused = refused.map(|shards| Refused {
            because: format!("`spec.shards` has no effect on platform {}: {}", self.name, shards.because),
            hint: "remove `spec.shards`".to_owned(),
        });
        let is_shared = self.spec.shards_give() == ShardsGive::Address;
        let spec = PlatformSpec {
            load_balancers: if is_shared { LoadBalancers::PerCluster } else { LoadBalancers::PerService },
            refused,
            per_pool: None,
            // These are about pools and their bindings.
            proof: None,
            unverified: Vec::new(),
            only_labels: None,
            settings: Vec::new(),
            vm_sets: VmSets::default(),
            pool_annotation: None,
            binding: self.spec.binding.iter().filter(|operation| is_common(operation)).cloned().collect(),
            selection: None,
            objects: Vec::new(),
            cloud_config: Vec::new(),
            ..self.spec
        };
        Self { binding: self.binding.without_placeholders(), spec, ..self }
    }
}

#[cfg(test)]
mod tests {
    use crate::core::platform::{builtin_names, read_builtin};

    #[test]
    fn only_what_all_pools_have_in_common_stays_of_the_binding() {
        let bound = |name: &str| {
            let platform = read_builtin(name).unwrap().unwrap().for_shards();
            let paths: Vec<String> = platform.binding.added_paths().map(str::to_owned).collect();
            assert_eq!(paths.len(), platform.spec.binding.len(), "{name}");
            paths.join(" ")
        };
        let type_ = "/metadata/annotations/service.beta.kubernetes.io~1aws-load-balancer-nlb-target-type";
        for (name, expected) in [
            ("hetzner", ""),
            ("azure-basic", ""),
            ("exoscale", ""),
            ("metallb-l2", ""),
            ("gke", ""),
            ("aws-lbc", &format!("/spec/loadBalancerClass {type_}")),
            ("oci-nlb", "/metadata/annotations/oci.oraclecloud.com~1load-balancer-type"),
            ("ovh", "/metadata/annotations/loadbalancer.ovhcloud.com~1class"),
        ] {
            assert_eq!(bound(name), expected, "{name}");
        }
    }

    #[test]
    fn no_builtin_platform_chooses_nodes_for_a_shard() {
        for name in builtin_names() {
            let platform = read_builtin(name).unwrap().unwrap().for_shards();
            let left = serde_json::to_string(&(&platform.spec.binding, &platform.spec.objects)).unwrap();
            assert!(!left.contains("${"), "{name}: {left}");
        }
    }
}
