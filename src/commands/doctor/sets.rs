//! Reads the `ApplySets` of the cluster, and the lock IDs of the directories around.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cluster::{ApiCall, Cluster};
use crate::core::apply::{ApplySet, ID};
use crate::core::doctor::{Finding, FoundSet, sets};
use crate::core::live::Resource;
use crate::directory::git::Repository;
use crate::directory::{Project, lock_ids_below};

/// Checks that a directory manages each ApplySet of this program.
pub(super) fn check(cluster: &Cluster, project: Option<&Project>) -> Vec<Finding> {
    let call = ApiCall::list(Resource::config_map(), None, Some(ID.to_owned()));
    let found: Vec<FoundSet> = match cluster.call(&call) {
        Ok(answer) => answer.objects().iter().filter_map(FoundSet::read).collect(),
        Err(error) => {
            return vec![Finding::warn(
                "sets",
                format!("cannot look for ApplySets: {error}"),
                "allow `list` on configmaps in all namespaces",
            )];
        }
    };
    let ids: Vec<&str> = found.iter().filter_map(FoundSet::lock_id).collect();
    let directory = project.map_or(Path::new("."), |project| &project.directory);
    let mut known = known_ids(directory, &ids);
    let lock = project.and_then(|project| project.lock.as_ref());
    known.extend(lock.and_then(|lock| lock.id.as_ref()).map(|id| id.as_str().to_owned()));
    let own = project.map(|project| {
        let metadata = &project.spec.metadata;
        let of_lock = || lock?.set.as_ref()?.namespace.clone();
        let namespace = metadata.namespace.clone().or_else(of_lock);
        ApplySet {
            name: metadata.name.clone(),
            namespace: namespace.unwrap_or_else(|| cluster.namespace().to_owned()),
        }
    });
    sets(&found, own.as_ref(), &known)
}

/// Returns the lock IDs that a directory of the repository has; without a repository, a directory below the current one.
fn known_ids(directory: &Path, ids: &[&str]) -> BTreeSet<String> {
    match Repository::around(directory) {
        Ok(Some(repository)) => repository.known_lock_ids(ids).unwrap_or_default(),
        _ => lock_ids_below(Path::new(".")),
    }
}
