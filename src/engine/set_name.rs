//! The `ApplySet` of a directory. The spec and the lock decide it, never the current context.

use crate::cluster::Cluster;
use crate::core::apply::ApplySet;
use crate::core::lock::SetName;
use crate::core::report::diagnostic::Diagnostic;
use crate::directory::Project;
use crate::engine::cluster_identity::named;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// What to do if neither spec nor lock names the namespace of the ApplySet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undecided {
    /// Refuse: the command changes a cluster, or shows what such a command would do.
    Refuse,
    /// Use the namespace of the context, with a warning.
    UseContext,
    /// Refuse, but accept an ApplySet that moves: the command moves it.
    Move,
}

/// Returns the ApplySet of a directory. If the ApplySet would move, refuses, or warns in commands that change
/// nothing.
pub(crate) fn set_of(
    scope: &Scope,
    project: &Project,
    cluster: &Cluster,
    undecided: Undecided,
) -> Result<ApplySet, Failure> {
    match moved(project).filter(|_| undecided != Undecided::Move) {
        Some(problem) if undecided == Undecided::Refuse => return Err(problem.into()),
        Some(problem) => terminal::diagnostic(&problem.into_warning()),
        None => {}
    }
    let namespace = namespace(scope, project, cluster, undecided)?;
    Ok(ApplySet { name: project.spec.metadata.name.clone(), namespace })
}

/// Returns the error if the spec has another name or namespace than the lock: the ApplySet would move.
pub(crate) fn moved(project: &Project) -> Option<Diagnostic> {
    let locked = project.lock.as_ref()?.set.as_ref()?;
    let spec = SetName {
        name: project.spec.metadata.name.clone(),
        namespace: project.spec.metadata.namespace.clone().or_else(|| locked.namespace.clone()),
    };
    let is_same =
        spec.name == locked.name && (locked.namespace.is_none() || spec.namespace == locked.namespace);
    if is_same {
        return None;
    }
    let field = if spec.name == locked.name { "namespace" } else { "name" };
    let flags = project.source.flags();
    Some(
        Diagnostic::refusal(format!(
            "the ApplySet would move: the lock belongs to {locked}, but the spec now names {spec}"
        ))
        .at(project.document.location(&format!("/metadata/{field}")))
        .hint(format!(
            "change `metadata.{field}` back, or move the ApplySet with `kubectl largescale move{flags}`, which deletes no object"
        )),
    )
}

/// Returns the namespace of the spec or of the lock; otherwise that of the command line.
fn namespace(
    scope: &Scope,
    project: &Project,
    cluster: &Cluster,
    undecided: Undecided,
) -> Result<String, Failure> {
    let given = scope.cluster.namespace.as_deref();
    let locked = project.lock.as_ref().and_then(|lock| lock.set.as_ref()?.namespace.as_deref());
    let (known, holder, location) = match project.spec.metadata.namespace.as_deref() {
        Some(spec) => (Some(spec), "`metadata.namespace`", project.document.location("/metadata/namespace")),
        None => (locked, "the namespace in the lock", project.document.location("/metadata")),
    };
    match (known, given) {
        (Some(known), Some(given)) if known != given => {
            Err(Diagnostic::refusal(format!("{holder} is {known}, but --namespace is {given}"))
                .at(location)
                .hint("omit --namespace; to use another namespace, write a separate spec")
                .into())
        }
        (Some(namespace), _) | (None, Some(namespace)) => Ok(namespace.to_owned()),
        (None, None) => {
            let context = named(cluster.context());
            let problem = Diagnostic::refusal(format!(
                "neither the spec nor the lock names a namespace; {context} has {}",
                cluster.namespace()
            ))
            .at(project.document.location("/metadata"))
            .hint(format!(
                "add `namespace: {}` below `metadata:` in the spec and render, or give it with -n",
                cluster.namespace()
            ));
            if undecided != Undecided::UseContext {
                return Err(problem.into());
            }
            terminal::diagnostic(&problem.into_warning());
            Ok(cluster.namespace().to_owned())
        }
    }
}
