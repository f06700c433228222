//! The built-in platforms: the files in `platforms/`.

use crate::core::platform::Platform;
use crate::core::report::diagnostic::Checked;

/// Pairs the name of each file with its text.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../platforms/", $name, ".yaml")))),*]
    };
}

/// Name and text of each platform, sorted by name.
const FILES: &[(&str, &str)] = files![
    "alibaba-clb",
    "alibaba-nlb",
    "aws-ccm",
    "aws-lbc",
    "azure-basic",
    "azure-multi-slb",
    "azure-service-gateway",
    "azure-standard",
    "cilium-bgp",
    "cilium-l2",
    "cilium-node-ipam",
    "civo",
    "digitalocean",
    "eks-auto-mode",
    "exoscale",
    "gke",
    "hetzner",
    "huawei",
    "ibm-classic",
    "ibm-satellite",
    "ibm-vpc",
    "k3s",
    "kube-vip",
    "linode",
    "metallb-bgp",
    "metallb-l2",
    "oci-lb",
    "oci-nlb",
    "openstack",
    "outscale",
    "ovh",
    "rke2",
    "scaleway",
    "tencent",
    "upcloud",
    "vultr",
];

/// Returns the names of the built-in platforms, sorted.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// Returns the text of a built-in platform.
pub fn builtin_text(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Reads a built-in platform; `None` if no platform has this name.
pub fn read_builtin(name: &str) -> Option<Checked<Platform>> {
    builtin_text(name).map(|text| Platform::read(&format!("platforms/{name}.yaml (built in)"), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_valid_and_named_like_their_files() {
        for name in builtin_names() {
            let platform = read_builtin(name).unwrap().unwrap();
            assert_eq!(platform.name, name);
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("platforms");
        assert_eq!(
            std::fs::read_dir(folder).unwrap().count(),
            FILES.len() + 2, // distributions.yaml and kubernetes-limits.yaml
            "a file in platforms/ is not built in"
        );
    }
}
