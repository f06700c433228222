//! Whether the cluster of the flags is the cluster of the lock: asked before anything else is.

use crate::cluster::{Cluster, Identity};
use crate::core::report::diagnostic::Diagnostic;
use crate::failure::Failure;

/// The identity of the cluster, or why it is hidden where the lock knows none either. Another cluster than that of the
/// lock is refused, and one that cannot be told.
pub(crate) fn identity_of(
    cluster: &Cluster,
    locked: Option<&str>,
) -> Result<Result<String, String>, Failure> {
    match (known_or_hidden(cluster, locked)?, locked) {
        (Identity::Known(found), _) => Ok(Ok(found)),
        (Identity::Hidden(why), Some(locked)) => Err(Diagnostic::refusal(unchecked(locked, &why))
            .hint("allow `get` on the namespace kube-system; pools and renders can also be made from a file of nodes (--nodes FILE)")
            .into()),
        (Identity::Hidden(why), None) => Ok(Err(why)),
    }
}

/// The same for a command that writes nothing, neither there nor here: a cluster that cannot be told is looked at, with
/// this warning. Whoever has rights in one namespace only must see how his app is.
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
                "this is another cluster: the lock is of {locked}, {} at {} is {found}",
                named(cluster.context()),
                cluster.server()
            ))
            .hint("choose the right one with --context; for a directory that moves to another cluster remove the line `cluster:` from the lock")
            .into())
        }
        (identity, _) => Ok(identity),
    }
}

fn unchecked(locked: &str, why: &str) -> String {
    format!("whether this is the cluster of the lock ({locked}) cannot be checked: {why}")
}

/// The context in a sentence.
pub(crate) fn named(context: &str) -> String {
    if context.is_empty() { "the cluster".to_owned() } else { format!("context {context}") }
}
