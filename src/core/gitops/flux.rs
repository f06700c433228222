//! A GitRepository and a Kustomization, in one file for each cluster.
//!
//! Fields: the APIs of source-controller and kustomize-controller v1.7. tests/go/gitops-proof parses the output of this module
//! into those types, builds and applies with it, and evaluates the health checks.

use crate::core::gitops::site::{Gateways, Site, SiteFile, SyncedTree, scalar};

/// Returns the files that make Flux sync the rendered directories.
pub fn flux(site: &Site) -> Vec<SiteFile> {
    site.trees.iter().map(|tree| file(site, tree)).collect()
}

/// kstatus reports a Service of type LoadBalancer as ready as soon as it has a cluster IP
/// (`serviceConditions` in fluxcd/cli-utils pkg/kstatus/status/core.go), so the health check also requires an address.
const HAS_ADDRESS: &str = "has(status.loadBalancer.ingress) && status.loadBalancer.ingress.size() > 0";

/// kstatus does not know Gateways, so they would count as ready as soon as they exist.
const GATEWAY_CHECK: &str = "  # Without this, a Gateway that its controller does not serve yet counts as ready.
  - apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    inProgress: \"!has(status.conditions) || !status.conditions.exists(c, c.type == 'Programmed' && c.status == 'True')\"
    current: has(status.conditions) && status.conditions.exists(c, c.type == 'Programmed' && c.status == 'True')
";

fn file(site: &Site, tree: &SyncedTree) -> SiteFile {
    let (name, cluster) = match &tree.cluster {
        Some(cluster) => (format!("flux-{cluster}.yaml"), format!(" in the cluster {cluster}")),
        None => ("flux.yaml".to_owned(), String::new()),
    };
    let app = scalar(&site.app);
    let text = format!(
        "# Flux syncs the tree of {}{cluster} by this. Written by `kubectl largescale init --gitops flux`; from now on it is yours.
#   kubectl apply -f {name}
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: {app}
  namespace: flux-system
spec:
  interval: 1m
  url: {}
  ref:
    branch: {}
  # secretRef: {{name: {app}-git}} # for a private repository
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: {app}
  namespace: flux-system
spec:
  interval: 10m
  retryInterval: 1m
  timeout: 15m # a cloud takes its time for a load balancer
  sourceRef:
    kind: GitRepository
    name: {app}
  path: {}
  prune: true # a pool that was forgotten loses its Service
  force: false # a Service that is made anew gets another address
  deletionPolicy: Orphan # who deletes this Kustomization keeps the load balancers and their addresses
  wait: true
  healthCheckExprs:
  # Without this, a load balancer that still has no address counts as ready.
  - apiVersion: v1
    kind: Service
    inProgress: spec.type == 'LoadBalancer' && !({HAS_ADDRESS})
    current: spec.type != 'LoadBalancer' || ({HAS_ADDRESS})
{}  # No postBuild: it would take every dollar sign with a brace behind it, in whatever you deploy, for a variable of its own.
",
        site.app,
        scalar(&site.repository),
        scalar(&site.branch),
        scalar(&format!("./{}", tree.path)),
        if site.gateways == Gateways::Present { GATEWAY_CHECK } else { "" },
    );
    SiteFile { name, text }
}
