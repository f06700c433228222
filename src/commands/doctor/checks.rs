//! Checks of the machine, the directory and the cluster, as far as each of them can be read.

use std::path::Path;
use std::sync::Arc;

use crate::cluster::{ApiCall, Cluster, Identity};
use crate::commands::doctor::{directory, sets};
use crate::core::doctor::{Finding, Installed, Level, completion, git, kubectl, plugin, rights};
use crate::core::kubernetes::node::Node;
use crate::core::platform::choose::choose;
use crate::core::platform::{Platform, builtin_names, read_builtin};
use crate::core::pools::OwnerList;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::directory::git::Listed;
use crate::directory::{
    NamedBy, Project, beginning_with, is_same, nodes_from, on_path, refuse_replaced_lock, refuse_same_id,
    says, this_program,
};
use crate::engine::cluster_identity::named;
use crate::engine::owners::read as read_owners;
use crate::engine::set_name::moved;
use crate::failure::Failure;
use crate::scope::Scope;

/// Returns all findings; a check comes after those that it depends on.
pub(super) fn findings(scope: &Scope) -> Vec<Finding> {
    let mut findings = programs();
    let project = project(scope, &mut findings);
    if let Some(project) = &project {
        findings.extend(directory::tree(project));
        findings.extend(nodes_of_file(project));
    }
    let Some(cluster) = connected(scope, project.as_ref(), &mut findings) else { return findings };
    let locked = project.as_ref().and_then(|project| project.lock.as_ref()?.cluster.clone());
    if !identified(&cluster, locked.as_deref(), &mut findings) {
        return findings;
    }
    let namespace = project.as_ref().and_then(|project| project.spec.metadata.namespace.clone());
    let namespace = namespace.unwrap_or_else(|| cluster.namespace().to_owned());
    match cluster.call(&ApiCall::OwnRights { namespace: namespace.clone() }) {
        Ok(review) => findings.extend(rights(&review.rights(), &namespace)),
        Err(error) => findings.push(Finding::warn(
            "rights",
            error.to_string(),
            "`kubectl auth can-i --list` may show them",
        )),
    }
    findings.extend(sets::check(&cluster, project.as_ref()));
    match cluster.nodes() {
        Ok(nodes) => match &project {
            Some(project) if reads_file(project) => {}
            Some(project) => {
                let owners = owners(project, Some(&cluster), &mut findings);
                findings.extend(directory::nodes(&nodes, &owners, project));
            }
            None => findings.push(platform(&nodes)),
        },
        Err(error) => findings.push(Finding::warn(
            "platform",
            format!("cannot list nodes: {error}"),
            "read the nodes from a file instead (--nodes FILE)",
        )),
    }
    findings
}

fn programs() -> Vec<Finding> {
    let shown = |path: &Path| path.display().to_string();
    let this = this_program();
    let found: Vec<Installed> = on_path("kubectl-largescale")
        .iter()
        .map(|path| Installed {
            path: shown(path),
            is_this: this.as_deref().is_some_and(|this| is_same(this, path)),
        })
        .collect();
    let stray: Vec<String> = beginning_with("kubectl-largescale-").iter().map(|path| shown(path)).collect();
    let this = this.as_deref().map(shown).unwrap_or_default();
    let mut findings = plugin(&this, env!("CARGO_PKG_VERSION"), &found, &stray);
    findings.push(kubectl(says("kubectl", &["version", "--client", "--output=json"]).as_deref()));
    findings
        .push(completion(on_path("kubectl_complete-largescale").first().map(|path| shown(path)).as_deref()));
    findings.push(git(says("git", &["--version"]).as_deref()));
    findings
}

/// Reads the spec, if there is one.
fn project(scope: &Scope, findings: &mut Vec<Finding>) -> Option<Project> {
    let file = scope.source.file();
    let shown = file.display().to_string();
    if !file.exists() && scope.source.path == Path::new(".") {
        findings.push(Finding::ok("spec", "not found in this directory; use -f to name one"));
        return None;
    }
    match Project::load(&scope.source) {
        Ok(project) => {
            let name = &project.spec.metadata.name;
            findings
                .push(Finding::ok("spec", format!("{shown}: {name}, platform {}", project.platform.name)));
            findings.extend(moved(&project).map(|problem| Finding::of_problems("set", &[problem])));
            findings.extend(copied(&project).map(|problem| Finding::of_problems("lock", &[problem])));
            Some(project)
        }
        Err(problems) => {
            findings.push(Finding::of_problems("spec", &problems));
            None
        }
    }
}

/// Returns a problem if another directory of the repository has the same lock id, or if a merge mixed two locks up. Ignores errors of
/// git: `render` reports them.
fn copied(project: &Project) -> Option<Diagnostic> {
    let id = project.lock.as_ref()?.id.as_ref()?;
    let repository = project.repository().ok()??;
    let listing = repository.listing(Listed::Locks, None).ok()?;
    refuse_replaced_lock(project).and_then(|()| refuse_same_id(project, id, repository, &listing)).err()
}

/// Connects to the cluster. A failure is only a warning if the spec reads its nodes from a file.
fn connected(scope: &Scope, project: Option<&Project>, findings: &mut Vec<Finding>) -> Option<Cluster> {
    match Cluster::connect(&scope.cluster, Arc::new(|_| ())) {
        Ok(cluster) => {
            let location = format!("{} at {}", named(cluster.context()), cluster.server());
            findings.push(Finding::ok("context", location));
            let weak = cluster.insecurities().iter();
            findings.extend(weak.map(|weak| Finding::warn("transport", weak.to_string(), weak.hint())));
            Some(cluster)
        }
        Err(error) => {
            let failed = Finding::of_problems("context", &Failure::from(error).problems);
            let needs_none = project.is_some_and(|project| project.spec.spec.nodes != "cluster");
            findings.push(if needs_none { Finding { level: Level::Warn, ..failed } } else { failed });
            None
        }
    }
}

/// Checks that the cluster responds and is the cluster of the lock file.
fn identified(cluster: &Cluster, locked: Option<&str>, findings: &mut Vec<Finding>) -> bool {
    let finding = match (cluster.identity(), locked) {
        (Err(error), _) => {
            findings.push(Finding::of_problems("cluster", &Failure::from(error).problems));
            return false;
        }
        (Ok(Identity::Known(found)), Some(locked)) if found != locked => Finding::fail(
            "cluster",
            format!("wrong cluster: the lock file belongs to {locked}, but this is {found}"),
            "choose the right cluster with --context; if the directory moves to another cluster, remove the line `cluster:` from the lock file",
        ),
        (Ok(Identity::Known(_)), Some(_)) => {
            Finding::ok("cluster", "responds, and is the cluster of the lock file")
        }
        (Ok(Identity::Known(found)), None) => Finding::ok("cluster", format!("responds: {found}")),
        (Ok(Identity::Hidden(why)), _) => Finding::warn(
            "cluster",
            format!("responds, but its identity is unknown: {why}"),
            "allow `get` on the namespace kube-system",
        ),
    };
    findings.push(finding);
    true
}

fn reads_file(project: &Project) -> bool {
    project.spec.spec.nodes != "cluster"
}

/// Checks the nodes in the file that the spec names.
fn nodes_of_file(project: &Project) -> Vec<Finding> {
    if !reads_file(project) {
        return Vec::new();
    }
    let file = project.nodes_file();
    match file.and_then(|(path, shown)| nodes_from(&path, &shown, NamedBy::Files)) {
        Ok(nodes) => {
            let mut findings = Vec::new();
            let owners = owners(project, None, &mut findings);
            findings.extend(directory::nodes(&nodes, &owners, project));
            findings
        }
        Err(problem) => vec![Finding::of_problems("nodes", &[problem])],
    }
}

/// Reads the objects that make nodes, if the spec names some.
fn owners(project: &Project, cluster: Option<&Cluster>, findings: &mut Vec<Finding>) -> Vec<OwnerList> {
    match read_owners(project, cluster) {
        Ok(lists) => {
            findings.extend(lists.iter().map(|list| {
                let count = plural(list.owners.len(), list.from.kind.name());
                Finding::ok("owners", format!("spec.pools.from[{}]: {count}", list.index))
            }));
            lists
        }
        Err(failure) => {
            findings.push(Finding::of_problems("owners", &failure.problems));
            Vec::new()
        }
    }
}

/// Detects the platform from the nodes.
fn platform(nodes: &[Node]) -> Finding {
    let platforms: Vec<Platform> = builtin_names().filter_map(|name| read_builtin(name)?.ok()).collect();
    match choose(&platforms, nodes) {
        Ok(Some(choice)) if choice.is_certain => {
            Finding::ok("platform", format!("detected from the nodes: {}", choice.platform.name))
        }
        Ok(Some(choice)) => {
            let others = choice.others.iter().map(|platform| platform.name.as_str());
            let names: Vec<&str> = std::iter::once(choice.platform.name.as_str()).chain(others).collect();
            Finding::warn(
                "platform",
                format!("cannot detect from the nodes which of {} to use", names.join(", ")),
                "`kubectl largescale init` explains how they differ; choose one with --platform",
            )
        }
        Ok(None) => Finding::warn(
            "platform",
            "no built-in platform matches these nodes",
            "docs/platforms.md lists the platforms; you can also write a platform file",
        ),
        Err(problem) => Finding::of_problems("platform", &[problem]),
    }
}
