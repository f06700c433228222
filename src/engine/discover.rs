//! From nodes to pools, as `pools`, `render` and `diff` do it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::cluster::{Cluster, ClusterFlags};
use crate::core::bounds::MAX_OBJECTS;
use crate::core::capacity::{Demand, OtherServices, PoolNodes, Situation, Usage, measure, warnings};
use crate::core::gateway::choose::classes_to_read;
use crate::core::kubernetes::node::Node;
use crate::core::lock::file_names::app_of_rules;
use crate::core::lock::{Lock, LockedPool, RenderedKind, SetName};
use crate::core::pools::{
    Lookalikes, MergeOptions, Merged, OwnerList, PoolSet, Shrink, discover_for_spec, merge, merge_locked,
    wrong_platform,
};
use crate::core::render::{GatewayInput, Input, Rendered, cannot_bind, render};
use crate::core::report::diagnostic::{Checked, Diagnostic, Severity};
use crate::core::report::shell_quote;
use crate::core::tree::plan::{Action, Plan};
use crate::directory::{MergeNote, NamedBy, Project, new_lock_id, nodes_from};
use crate::engine::cluster_identity::identity_of;
use crate::engine::gateway_classes;
use crate::engine::interrupts;
use crate::engine::interrupts::Stage;
use crate::engine::owners;
use crate::failure::Failure;
use crate::output::terminal;

/// Source of the nodes
#[derive(Args, Debug)]
pub(crate) struct NodeArgs {
    /// Read the nodes from a file (`kubectl get nodes -o json`), from `-`, or from the `cluster`; overrides spec.nodes
    #[arg(long, help_heading = "Nodes", value_name = "FILE|-|cluster")]
    pub nodes: Option<String>,
    /// The node label whose value is the pool; overrides spec.pools.label
    #[arg(long, help_heading = "Nodes", value_name = "KEY")]
    pub label: Option<String>,
    /// Use the pools recorded in the lock file instead of reading nodes
    #[arg(long, help_heading = "Nodes", conflicts_with_all = ["nodes", "label", "forget", "new_pool", "allow_shrink"])]
    pub locked: bool,
    /// Remove a pool that no longer has nodes; may be repeated
    #[arg(long, help_heading = "Nodes", value_name = "POOL")]
    pub forget: Vec<String>,
    /// Confirm a new pool whose name looks like that of another pool; may be repeated
    #[arg(long, help_heading = "Nodes", value_name = "POOL")]
    pub new_pool: Vec<String>,
    /// Continue even if more than half of the known pools have no nodes
    #[arg(long, help_heading = "Nodes")]
    pub allow_shrink: bool,
}

/// Limit of a render
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RenderArgs {
    /// Refuse to render more objects than this
    #[arg(long, value_name = "NUMBER", default_value_t = MAX_OBJECTS, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_objects: u32,
}

impl NodeArgs {
    /// Returns the files of nodes, and of objects that make nodes, that the spec names and that are read.
    pub(crate) fn files_of_spec(&self, project: &Project) -> Vec<PathBuf> {
        if self.locked {
            return Vec::new();
        }
        let is_file = self.nodes.is_none() && project.spec.spec.nodes != "cluster";
        let nodes = is_file.then(|| project.nodes_file().ok()).flatten();
        let entries = project.spec.spec.pools.owner_entries();
        let owners =
            entries.filter_map(|(index, from)| project.owners_file(index, from.file.as_deref()?).ok());
        nodes.into_iter().chain(owners).map(|(path, _)| path).collect()
    }

    /// Returns the flags as a user would type them, except `--locked`, each with a space before it.
    pub(crate) fn repeated(&self) -> Vec<String> {
        let of = |flag: &str, value: &String| format!(" {flag} {}", shell_quote::word(value));
        let mut flags: Vec<String> = Vec::new();
        // Standard input was read.
        flags.extend(self.nodes.iter().filter(|nodes| *nodes != "-").map(|nodes| of("--nodes", nodes)));
        flags.extend(self.label.iter().map(|label| of("--label", label)));
        flags.extend(self.forget.iter().map(|pool| of("--forget", pool)));
        flags.extend(self.new_pool.iter().map(|pool| of("--new-pool", pool)));
        flags.extend(self.allow_shrink.then(|| " --allow-shrink".to_owned()));
        flags
    }

    /// Returns the flag that is valid for a single cluster only: a file of nodes.
    pub(crate) fn of_one_cluster(&self) -> Option<&'static str> {
        self.nodes.as_ref().filter(|nodes| *nodes != "cluster").map(|_| "--nodes")
    }
}

/// Whether the directory keeps its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockIdentity {
    /// Keep the id and the ApplySet of the lock.
    Keep,
    /// Draw a new id, and take the ApplySet from the name and namespace of the spec (`--new-id`).
    New,
}

/// The pools, and where they come from.
pub(crate) struct Discovery {
    /// The pools.
    pub merged: Merged,
    /// The cluster whose nodes were read; `None` for a file or the lock.
    pub queried: Option<Cluster>,
    /// The identity of the cluster, as written to the lock.
    cluster: Option<String>,
    /// The nodes; `None` if the pools are those of the lock.
    nodes: Option<Vec<Node>>,
    /// The objects that make nodes.
    owners: Vec<OwnerList>,
    /// The controllers of the GatewayClasses that the Gateways need and the manifests lack, by name.
    classes: BTreeMap<String, String>,
}

/// Result of reading a cluster.
pub(crate) struct Asked {
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// The connection, for further requests.
    pub cluster: Cluster,
    /// Its identity; `None` if the user may not read it.
    identity: Option<String>,
}

/// Finds the pools according to the flags; `doubt` says how to handle a sudden loss of pools.
pub(crate) fn discover(
    project: &Project,
    flags: &ClusterFlags,
    args: &NodeArgs,
    doubt: Shrink,
) -> Result<Discovery, Failure> {
    if let Some(problem) = cannot_bind(&project.spec, &project.document, &project.platform) {
        if doubt == Shrink::Refuse {
            return Err(problem.into());
        }
        terminal::diagnostic(&Diagnostic { severity: Severity::Warning, ..problem });
    }
    let lock = project.lock.as_ref();
    let locked_cluster = lock.and_then(|lock| lock.cluster.clone());
    if args.locked {
        let Some(lock) = lock else {
            return Err(Diagnostic::error("--locked needs a lock file, and there is none yet")
                .hint("render once without --locked")
                .into());
        };
        let merged = merge_locked(&project.spec.spec, lock)?;
        let classes = classes_of(project, None)?;
        return Ok(Discovery {
            merged,
            queried: None,
            cluster: locked_cluster,
            nodes: None,
            owners: Vec::new(),
            classes,
        });
    }
    let spec = &project.spec.spec;
    let (nodes, queried, cluster) = match args.nodes.as_deref().unwrap_or(&spec.nodes) {
        "cluster" => {
            let Asked { nodes, cluster, identity } = from_cluster(flags, locked_cluster.as_deref())?;
            (nodes, Some(cluster), identity)
        }
        file if args.nodes.is_some() => {
            (nodes_from(file.as_ref(), file, NamedBy::User)?, None, locked_cluster)
        }
        _ => {
            let (path, shown) = project.nodes_file()?;
            (nodes_from(&path, &shown, NamedBy::Files)?, None, locked_cluster)
        }
    };
    cluster.iter().try_for_each(|identity| project.refuse_same_cluster(identity))?;
    let owners = owners::read(project, queried.as_ref())?;
    let merged = pools_of(project, (&nodes, &owners), args, doubt)?;
    let classes = classes_of(project, queried.as_ref())?;
    Ok(Discovery { merged, queried, cluster, nodes: Some(nodes), owners, classes })
}

/// Returns the controllers of the GatewayClasses that the manifests lack: those in the lock, and those of the cluster, which win.
fn classes_of(project: &Project, cluster: Option<&Cluster>) -> Result<BTreeMap<String, String>, Failure> {
    let wanted = classes_to_read(&project.spec.spec, &project.objects);
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut classes = project.lock.as_ref().map(|lock| lock.gateway_classes.clone()).unwrap_or_default();
    classes.retain(|name, _| wanted.iter().any(|(class, _)| class == name));
    if let Some(cluster) = cluster {
        let read = gateway_classes::read(cluster, wanted)?;
        for problem in &read.hidden {
            terminal::diagnostic(&Diagnostic::warning(format!("cannot read a GatewayClass: {problem}")));
        }
        classes.extend(read.controllers);
    }
    Ok(classes)
}

/// Finds the pools of nodes, and merges them with the lock.
fn pools_of(
    project: &Project,
    (nodes, owners): (&[Node], &[OwnerList]),
    args: &NodeArgs,
    doubt: Shrink,
) -> Result<Merged, Failure> {
    let (spec, lock) = (&project.spec.spec, project.lock.as_ref());
    if let Some(problem) = wrong_platform(nodes, &project.platform, lock.map(|lock| lock.platform.as_str())) {
        return Err(problem.at(project.document.location("/spec/platform")).into());
    }
    if let (Some(_), Some(label)) = (spec.shards, &args.label) {
        return Err(Diagnostic::error(format!(
            "--label {label} is about pools, and `spec.shards` renders Services without pools"
        ))
        .hint("leave out --label")
        .into());
    }
    let label = args.label.as_deref().or(spec.pools.label.as_deref());
    let discovered = discover_for_spec(spec, (nodes, owners), &project.platform, label, lock)?;
    let shrink = if args.allow_shrink { Shrink::Accept } else { doubt };
    let lookalikes = if doubt == Shrink::Refuse { Lookalikes::Refuse } else { Lookalikes::Warn };
    let options =
        MergeOptions { forget: args.forget.clone(), new_pools: args.new_pool.clone(), lookalikes, shrink };
    let mut merged = merge(spec, &discovered, lock, &options)?;
    let (wrong, warnings): (Vec<_>, Vec<_>) =
        merged.warnings.into_iter().partition(|warning| warning.severity != Severity::Warning);
    if doubt == Shrink::Refuse && !wrong.is_empty() {
        return Err(wrong.into());
    }
    let wrong = wrong.into_iter().map(|problem| Diagnostic { severity: Severity::Warning, ..problem });
    merged.warnings = wrong.chain(warnings).collect();
    Ok(merged)
}

/// Renders a project for these pools. Refuses more than `max_objects` objects.
pub(crate) fn render_project(
    project: &Project,
    pools: &PoolSet,
    classes: &BTreeMap<String, String>,
    max_objects: u32,
) -> Checked<Rendered> {
    render(Input {
        spec: &project.spec,
        document: &project.document,
        objects: &project.objects,
        platform: &project.platform,
        overlays: &project.overlays,
        gateways: GatewayInput { implementation: project.implementation.as_ref(), classes },
        pools,
        max_objects: usize::try_from(max_objects).unwrap_or(usize::MAX),
    })
}

/// Reads the nodes of the cluster that the flags name, and its identity. Refuses the wrong cluster before reading
/// nodes.
pub(crate) fn from_cluster(flags: &ClusterFlags, locked: Option<&str>) -> Result<Asked, Failure> {
    interrupts::report(Stage::NodesUnread, None)?;
    let asked = ask(flags, locked);
    interrupts::answered();
    asked
}

fn ask(flags: &ClusterFlags, locked: Option<&str>) -> Result<Asked, Failure> {
    let cluster = Cluster::connect(flags, std::sync::Arc::new(terminal::note))?;
    let identity = match identity_of(&cluster, locked)? {
        Ok(identity) => Some(identity),
        Err(why) => {
            terminal::diagnostic(
                &Diagnostic::warning(format!("cannot record the cluster identity in the lock file: {why}"))
                    .hint("allow `get` on the namespace kube-system"),
            );
            None
        }
    };
    Ok(Asked { nodes: cluster.nodes()?, cluster, identity })
}

impl Discovery {
    /// Finds the pools again, after the lock of the project changed.
    pub(crate) fn again(&mut self, project: &Project, args: &NodeArgs, doubt: Shrink) -> Result<(), Failure> {
        self.merged = match (&self.nodes, &project.lock) {
            (Some(nodes), _) => pools_of(project, (nodes, &self.owners), args, doubt)?,
            (None, Some(lock)) => merge_locked(&project.spec.spec, lock)?,
            (None, None) => return Ok(()),
        };
        Ok(())
    }

    /// Renders for these pools. Prints warnings, including exceeded limits.
    pub(crate) fn render(&self, project: &Project, args: RenderArgs) -> Result<Rendered, Failure> {
        let rendered = self.render_silently(project, args)?;
        self.tell(project, &rendered);
        Ok(rendered)
    }

    /// Prints warnings, including exceeded limits, and notes.
    pub(crate) fn tell(&self, project: &Project, rendered: &Rendered) {
        self.tell_found(rendered);
        self.passed(project, rendered).iter().for_each(terminal::diagnostic);
    }

    /// Returns all warnings.
    pub(crate) fn warnings(&self, project: &Project, rendered: &Rendered) -> Vec<Diagnostic> {
        let said = self.merged.warnings.iter().chain(&rendered.warnings).cloned();
        said.chain(self.passed(project, rendered)).collect()
    }

    /// Returns the exceeded limits.
    fn passed(&self, project: &Project, rendered: &Rendered) -> Vec<Diagnostic> {
        warnings(&self.measure(project, Some(&rendered.demands), None))
    }

    /// Renders for these pools without printing limits, for callers that report them in another way.
    pub(crate) fn render_quietly(&self, project: &Project, args: RenderArgs) -> Result<Rendered, Failure> {
        let rendered = self.render_silently(project, args)?;
        self.tell_found(&rendered);
        Ok(rendered)
    }

    fn tell_found(&self, rendered: &Rendered) {
        self.merged.warnings.iter().chain(&rendered.warnings).for_each(terminal::diagnostic);
        rendered.notes.iter().for_each(|note| terminal::note(note));
    }

    /// Renders for these pools. Prints the warnings about pools if that fails, and nothing if it does not.
    pub(crate) fn render_silently(&self, project: &Project, args: RenderArgs) -> Result<Rendered, Failure> {
        let rendered = render_project(project, &self.merged.set, &self.classes, args.max_objects);
        if rendered.is_err() {
            self.merged.warnings.iter().for_each(terminal::diagnostic);
        }
        Ok(rendered?)
    }

    /// Returns the usage of each limit; empty if no nodes were read.
    pub(crate) fn measure(
        &self,
        project: &Project,
        services: Option<&[Demand]>,
        other_services: Option<&OtherServices>,
    ) -> Vec<Usage> {
        let Some(nodes) = self.merged.nodes else { return Vec::new() };
        let spec = &project.spec.spec;
        measure(&Situation {
            platform: &project.platform,
            own: &spec.limits,
            workload_per_pool: spec.workload.per_pool,
            nodes,
            pools: &PoolNodes::of(&self.merged.reports, &project.platform),
            services,
            other_services,
        })
    }

    /// Returns the lock for these pools and files; the old lock if it records the same facts.
    pub(crate) fn lock(
        &self,
        project: &Project,
        plan: &Plan,
        identity: LockIdentity,
    ) -> Result<Lock, Failure> {
        let old = project.lock.as_ref().filter(|_| identity == LockIdentity::Keep);
        let spec_set = SetName {
            name: project.spec.metadata.name.clone(),
            namespace: project.spec.metadata.namespace.clone(),
        };
        // If the spec no longer names a namespace, the one in the lock stays.
        let mut set = old.and_then(|lock| lock.set.clone()).unwrap_or_else(|| spec_set.clone());
        if set.namespace.is_none() && set.name == spec_set.name {
            set = spec_set;
        }
        let mut rendered = old.map(|lock| lock.rendered.clone()).unwrap_or_default();
        let steps =
            plan.steps.iter().filter(|step| identity == LockIdentity::Keep || step.action != Action::Removed);
        // A rule file has no object.
        let steps = steps.filter(|step| app_of_rules(&step.path).is_none());
        rendered.extend(steps.filter_map(|step| step.key.as_ref()).map(RenderedKind::of));
        let pools = self
            .merged
            .set
            .pools
            .iter()
            .map(|pool| {
                (
                    pool.value.clone(),
                    LockedPool {
                        name: pool.name.clone(),
                        vm_set: pool.vm_set.clone(),
                        empty: pool.withdrawn,
                        kind: self.merged.set.kind,
                    },
                )
            })
            .collect();
        let mut lock = Lock {
            id: old.and_then(|lock| lock.id.clone()),
            set: Some(set),
            platform: project.platform.name.clone(),
            cluster: self.cluster.clone(),
            label: self.merged.set.label.clone(),
            gateway_classes: self.classes.clone(),
            pools,
            rendered,
            files: plan.files.clone(),
            ..Lock::default()
        };
        let is_written = !matches!(project.merge, Some(MergeNote::Resolved { .. }));
        if let Some(old) = old.filter(|old| is_written && old.records_the_same(&lock)) {
            return Ok(old.clone());
        }
        if lock.id.is_none() {
            lock.id = Some(new_lock_id()?);
        }
        Ok(lock)
    }
}
