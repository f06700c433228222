//! Checks that the flags and the lock mean the same cluster, before anything else is read.

use crate::cluster::{Cluster, Identity};
use crate::core::report::diagnostic::Diagnostic;
use crate::failure::Failure;

/// Returns the identity of the cluster, or why it is hidden if the lock has none either. Refuses another cluster
/// than that of the lock, and a cluster whose identity is hidden if the lock has one.
pub(crate) fn identity_of(
    cluster: &Cluster,
    locked: Option<&str>,
) -> Result<Result<String, String>, Failure> {
    match (known_or_hidden(cluster, locked)?, locked) {
        (Identity::Known(found), _) => Ok(Ok(found)),
        (Identity::Hidden(why), Some(locked)) => Err(Diagnostic::refusal(unchecked(locked, &why))
            .hint("allow `get` on the namespace kube-system; or use a file of nodes (--nodes FILE) for pools and renders")
            .into()),
        (Identity::Hidden(why), None) => Ok(Err(why)),
    }
}

/// The same for commands that write nothing. A hidden identity is a warning here: users with rights in a single
/// namespace must be able to see their app.
pub(crate) fn identity_or_doubt(
    cluster: &Cluster,
    locked: Option<&str>,
) -> Result<(Option<String>, Option<Diagnostic>), Failure> {
    match (known_or_hidden(cluster, locked)?, locked) {
        (Identity::Known(found), _) => Ok((Some(found), None)),
        (Identity::Hidden(_), None) => Ok((None, None)),
        (Identity::Hidden(why), Some(locked)) => {
            let doubt = Diagnostic::warning(unchecked(locked, &why));
            Ok((None, Some(doubt.hint("allow `get` on the namespace kube-system"))))
        }
    }
}

fn known_or_hidden(cluster: &Cluster, locked: Option<&str>) -> Result<Identity, Failure> {
    match (cluster.identity()?, locked) {
        (Identity::Known(found), Some(locked)) if found != locked => {
            Err(Diagnostic::refusal(format!(
                "wrong cluster: the lock belongs to {locked}, but {} ({}) is {found}",
                named(cluster.context()),
                cluster.server()
            ))
            .hint("choose the right one with --context; to move the directory to another cluster, remove the line `cluster:` from the lock")
            .into())
        }
        (identity, _) => Ok(identity),
    }
}

fn unchecked(locked: &str, why: &str) -> String {
    format!("cannot check that this is the cluster of the lock ({locked}): {why}")
}

/// Returns the context for use in a sentence.
pub(crate) fn named(context: &str) -> String {
    if context.is_empty() { "the cluster".to_owned() } else { format!("context {context}") }
}
