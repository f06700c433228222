//! An Application, or an ApplicationSet for several clusters.
//!
//! Fields and options: `pkg/apis/application/v1alpha1/types.go` of Argo CD v3.2. tests/go/gitops-proof parses the output of
//! this module into those types and syncs with it.

use crate::core::gitops::site::{Gateways, Site, SiteFile, scalar};

/// Returns the file that makes Argo CD sync the rendered directories.
pub fn argocd(site: &Site) -> SiteFile {
    let text = match site.trees.as_slice() {
        [tree] if tree.cluster.is_none() => application(site, &tree.path),
        _ => application_set(site),
    };
    SiteFile { name: "argocd.yaml".to_owned(), text }
}

fn application(site: &Site, path: &str) -> String {
    let app = scalar(&site.app);
    format!(
        "{}apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {app}
  namespace: argocd
{}  # No finalizer: who deletes this Application keeps the load balancers and their addresses.
spec:
{}",
        header(site),
        annotations(site, 2),
        spec(site, &scalar(path), "server: https://kubernetes.default.svc", 2)
    )
}

fn application_set(site: &Site) -> String {
    let elements: String = site
        .trees
        .iter()
        .map(|tree| {
            let cluster = tree.cluster.as_deref().unwrap_or("in-cluster");
            format!("      - cluster: {}\n        path: {}\n", scalar(cluster), scalar(&tree.path))
        })
        .collect();
    let app = &site.app;
    format!(
        "{}apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: {}
  namespace: argocd
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
  - list:
      elements:
      # The names under which Argo CD knows the clusters: `argocd cluster list`.
{elements}  syncPolicy:
    # A cluster that leaves the list keeps its load balancers and their addresses.
    preserveResourcesOnDeletion: true
  template:
    metadata:
      name: {app}-{{{{.cluster}}}}
{}    spec:
{}",
        header(site),
        scalar(app),
        annotations(site, 6),
        spec(site, "'{{.path}}'", "name: '{{.cluster}}'", 6)
    )
}

/// Returns the annotations of an Application. Argo CD's usual comparison does not know the defaults that the API server adds to
/// Gateways and routes, and calls them out of sync after each sync (argoproj/argo-cd#22151).
fn annotations(site: &Site, indent: usize) -> String {
    if site.gateways == Gateways::Absent {
        return String::new();
    }
    let pad = " ".repeat(indent);
    format!(
        "{pad}annotations:\n{pad}  # The API server compares: it knows the defaults of Gateways and routes.\n{pad}  argocd.argoproj.io/compare-options: ServerSideDiff=true\n"
    )
}

fn header(site: &Site) -> String {
    format!(
        "# Argo CD syncs the tree of {} by this. Written by `kubectl largescale init --gitops argocd`; from now on it is yours.\n\
         #   kubectl apply --namespace argocd -f {}\n",
        site.app, "argocd.yaml"
    )
}

fn spec(site: &Site, path: &str, destination: &str, indent: usize) -> String {
    let namespace = scalar(&site.namespace);
    let mut text = format!(
        "project: default
source:
  repoURL: {}
  targetRevision: {}
  path: {path}
  directory:
    recurse: false # the tree has no directories
destination:
  {destination}
  namespace: {namespace}
syncPolicy:
  automated:
    prune: true # a pool that was forgotten loses its Service
    selfHeal: true # what somebody changes by hand is put right
    allowEmpty: false # an empty directory deletes nothing
  syncOptions:
  - ServerSideApply=true # fields of others stay theirs, as with `kubectl largescale apply`
  - CreateNamespace=true
  - PruneLast=true # nothing goes before everything else is there and healthy
  - ApplyOutOfSyncOnly=true # one changed Service is one request, not one for each pool
  # No Replace and no Force: a Service that is made anew gets another address.
",
        scalar(&site.repository),
        scalar(&site.branch),
    );
    if !site.autoscaled.is_empty() {
        text.push_str("  - RespectIgnoreDifferences=true\n");
        text.push_str("# An autoscaler sets the replicas.\nignoreDifferences:\n");
        for (group, kind) in &site.autoscaled {
            text.push_str(&format!(
                "- group: {}\n  kind: {}\n  jsonPointers: [/spec/replicas]\n",
                scalar(group),
                scalar(kind)
            ));
        }
    }
    let pad = " ".repeat(indent);
    text.lines().map(|line| format!("{pad}{line}\n")).collect()
}
