//! Reads the objects that make nodes, as `spec.pools.from` names them. If one list cannot be read, there is no answer.

use crate::cluster::{ApiCall, Cluster, ClusterError, Problem};
use crate::core::live::Resource;
use crate::core::pools::{Owner, OwnerList, read_owners};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::spec::{OwnerKind, PoolsFrom};
use crate::directory::{Project, read_text};
use crate::failure::Failure;

/// Reads the objects of every entry of `spec.pools.from`. `cluster` is the cluster whose nodes were read, if they are from a cluster.
pub(crate) fn read(project: &Project, cluster: Option<&Cluster>) -> Result<Vec<OwnerList>, Failure> {
    let entries = project.spec.spec.pools.owner_entries();
    entries.map(|(index, from)| read_entry(project, cluster, index, from)).collect()
}

fn read_entry(
    project: &Project,
    cluster: Option<&Cluster>,
    index: usize,
    from: &PoolsFrom,
) -> Result<OwnerList, Failure> {
    let owners = match (&from.file, cluster) {
        (Some(name), _) => {
            let (path, shown) = project.owners_file(index, name)?;
            read_owners(&shown, &read_text(&path, &shown)?, from.kind)?
        }
        (None, Some(cluster)) => list(cluster, from)?,
        (None, None) => {
            let kind = from.kind.name();
            let problem = Diagnostic::error(format!(
                "`spec.pools.from[{index}]` reads {kind}s from the cluster, but the nodes are from a file"
            ));
            let at = project.document.location(&format!("/spec/pools/from/{index}"));
            return Err(problem.at(at).hint(file_hint(from.kind)).into());
        }
    };
    Ok(OwnerList { from: from.clone(), index, owners })
}

fn file_hint(kind: OwnerKind) -> String {
    format!(
        "write them to a file, and set `file` to its name: `kubectl get {} -A -o json > owners.json`",
        kind.resource()
    )
}

fn list(cluster: &Cluster, from: &PoolsFrom) -> Result<Vec<Owner>, Failure> {
    let resource = served(cluster, from.kind)?;
    let namespace = from.namespace.clone().filter(|_| resource.namespaced);
    match cluster.call(&ApiCall::list(resource, namespace, None)) {
        Ok(answer) => Ok(answer.objects().into_iter().map(Owner::live).collect()),
        Err(error @ ClusterError::Request { problem: Problem::Forbidden { .. }, .. }) => {
            let mut failure = Failure::from(error);
            for problem in &mut failure.problems {
                problem.hint = Some(format!(
                    "ask a cluster administrator to bind docs/rbac/owners.yaml to you, read a file (`file` in `spec.pools.from`), or remove the entry for {}",
                    from.kind.name()
                ));
            }
            Err(failure)
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the kind in the newest known version that the cluster serves.
fn served(cluster: &Cluster, kind: OwnerKind) -> Result<Resource, Failure> {
    for version in kind.versions() {
        let (group, version) = (kind.group().to_owned(), (*version).to_owned());
        let kinds = cluster.call(&ApiCall::Resources { group, version })?.kinds();
        if let Some(resource) = kinds.into_iter().find(|found| found.kind == kind.name()) {
            return Ok(resource);
        }
    }
    let missing = format!("the cluster has no kind {} of {}", kind.name(), kind.group());
    let hint = match kind {
        OwnerKind::NodePool => {
            "remove the entry if Karpenter does not make the nodes of this cluster".to_owned()
        }
        OwnerKind::MachineDeployment => {
            format!("in a management cluster, {}", file_hint(kind))
        }
    };
    Err(Diagnostic::error(missing).hint(hint).into())
}
