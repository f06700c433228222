//! The reviewed directory joined with its cluster. The cluster is verified before anything else is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::cluster::{Answer, ApiCall, Cluster, ObjectRef};
use crate::core::apply::{ApplySet, Owner, PART_OF, Parent, Tool, check_lock_id, read_parent};
use crate::core::live::{LiveObject, Resource};
use crate::core::lock::Lock;
use crate::core::manifest::{Key, label, set_metadata};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::spec::{ConflictRule, Spec};
use crate::core::tree::objects::{Desired, duplicates};
use crate::directory::{Project, Reviewed};
use crate::engine::cluster_identity::{identity_of, identity_or_doubt, named};
use crate::engine::gateway_services::GatewaySource;
use crate::engine::interrupts;
use crate::engine::interrupts::Stage;
use crate::engine::peers::Peers;
use crate::engine::served_kinds::ServedKinds;
use crate::engine::set_name::{Undecided, set_of};
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// A directory and its cluster.
pub(crate) struct Target {
    /// The cluster, verified against the lock.
    pub(crate) cluster: Cluster,
    /// Its identity; empty if the user may not read it.
    pub(crate) identity: String,
    /// Our ApplySet.
    pub(crate) set: ApplySet,
    /// The live parent of the ApplySet, if it exists.
    pub(crate) parent_live: Option<LiveObject>,
    /// The parsed parent, if it exists and is ours.
    pub(crate) parent: Option<Parent>,
    /// The lock that the tree was rendered with.
    pub(crate) lock: Lock,
    /// The flags that name the spec on a command line, for hints.
    pub(crate) flags: String,
    /// The desired objects, with the label of the ApplySet.
    pub(crate) items: Vec<Item>,
    /// The digests of the files of the tree.
    pub(crate) digests: BTreeMap<String, String>,
    /// Pointers to the fields of a Service that decide about its load balancer.
    pub(crate) load_balancer_fields: Vec<String>,
    /// What the spec says about the Gateways.
    pub(crate) gateways: GatewaySource,
    /// The spec.
    pub(crate) spec: Spec,
    /// The spec's rules for fields of other managers.
    pub(crate) rules: Vec<ConflictRule>,
    /// The tools whose objects the user takes over.
    pub(crate) taken: Vec<Tool>,
    /// The tools that sync the same directory.
    pub(crate) shared: Vec<Tool>,
    /// The other directories of this run.
    pub(crate) peers: Peers,
}

/// One object of the tree.
#[derive(Clone)]
pub(crate) struct Item {
    /// Its key.
    pub(crate) key: Key,
    /// The desired object.
    pub(crate) wanted: Value,
    /// Its location in the tree.
    pub(crate) location: Location,
    /// Its reference in the cluster; `None` while the server does not serve its kind, which the tree defines.
    pub(crate) at: Option<ObjectRef>,
    /// The flags that name the spec on a command line, for hints; empty if no hint needs them.
    pub(crate) flags: Arc<str>,
}

/// How a command uses the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It only reads.
    ReadOnly,
    /// It reads to show what a change would do.
    DryRun,
    /// It changes the cluster.
    ReadWrite,
}

impl Target {
    /// Reads the tree, finds the cluster, and reads its kinds and the parent of our ApplySet. Refuses a parent that
    /// belongs to another directory or program.
    pub(crate) fn open(scope: &Scope, access: Access) -> Result<Self, Failure> {
        let mut target = Self::find(scope, access)?;
        target.parent = target.parent_live.as_ref().map(|live| target.own_parent(live)).transpose()?;
        Ok(target)
    }

    /// Parses a parent. Refuses one of another program or another directory.
    pub(crate) fn own_parent(&self, live: &LiveObject) -> Result<Parent, Diagnostic> {
        let parent = read_parent(&self.set, live, Owner::Ours)?;
        check_lock_id(&self.set, &parent, self.lock.id.as_ref(), &self.flags)?;
        Ok(parent)
    }

    /// The same without checking the parent.
    pub(crate) fn find(scope: &Scope, access: Access) -> Result<Self, Failure> {
        let undecided = if access == Access::ReadOnly { Undecided::UseContext } else { Undecided::Refuse };
        Self::find_set(scope, access, undecided)
    }

    /// The same for a spec that may have another name or namespace than the lock.
    pub(crate) fn open_moved(scope: &Scope, access: Access) -> Result<Self, Failure> {
        let mut target = Self::find_set(scope, access, Undecided::Move)?;
        target.parent = target.parent_live.as_ref().map(|live| target.own_parent(live)).transpose()?;
        Ok(target)
    }

    fn find_set(scope: &Scope, access: Access, undecided: Undecided) -> Result<Self, Failure> {
        let project = Project::open(&scope.source)?;
        let reviewed = Reviewed::read(&project)?;
        reviewed.warnings.iter().for_each(terminal::diagnostic);
        let mut cluster = Cluster::connect(&scope.cluster, Arc::new(terminal::note))?;
        if access == Access::ReadWrite {
            warn_of_insecurities(&cluster);
            // A command that changes the cluster waits for an API server that restarts, also with its first request.
            cluster.be_patient();
        }
        let stage = if access == Access::ReadWrite { Stage::Unchanged } else { Stage::Unanswered };
        interrupts::report(stage, Some(scope))?;
        let identity = checked_identity(&cluster, &reviewed, access)?;
        project.refuse_same_cluster(&identity)?;
        cluster.be_patient();
        let set = set_of(scope, &project, &cluster, undecided)?;

        let parent = std::iter::once(ApiCall::Get(parent_at(&set)));
        let calls = parent.chain(ServedKinds::calls(&reviewed.objects)).map(|call| ((), call)).collect();
        let mut parent_live = None;
        let mut served = ServedKinds::default();
        for ((), answer) in cluster.call_small(calls) {
            match answer? {
                Answer::Object(live) => parent_live = Some(live),
                answer => served.add(answer.kinds()),
            }
        }
        if access != Access::ReadWrite {
            interrupts::answered();
        }
        let mut items = items(reviewed.objects, &served, &set)?;
        let flags: Arc<str> = scope.source.flags().into();
        for item in &mut items {
            item.flags = Arc::clone(&flags);
        }
        Ok(Self {
            cluster,
            identity,
            set,
            parent_live,
            parent: None,
            items,
            digests: reviewed.digests,
            lock: reviewed.lock,
            flags: scope.source.flags(),
            load_balancer_fields: project.platform.spec.load_balancer_fields(),
            gateways: GatewaySource::of(&project),
            spec: project.spec.spec.clone(),
            rules: project.spec.spec.conflicts.clone(),
            taken: Vec::new(),
            shared: Vec::new(),
            peers: Peers::of(scope),
        })
    }

    /// Returns the keys of the desired objects.
    pub(crate) fn wanted(&self) -> BTreeSet<Key> {
        self.items.iter().map(|item| item.key.clone()).collect()
    }
}

fn warn_of_insecurities(cluster: &Cluster) {
    for weak in cluster.insecurities() {
        terminal::diagnostic(&Diagnostic::warning(weak.to_string()).hint(weak.hint()));
    }
}

fn checked_identity(cluster: &Cluster, reviewed: &Reviewed, access: Access) -> Result<String, Failure> {
    let locked = reviewed.lock.cluster.as_deref();
    if access != Access::ReadWrite {
        let (found, doubt) = identity_or_doubt(cluster, locked)?;
        doubt.iter().for_each(terminal::diagnostic);
        return Ok(found.unwrap_or_default());
    }
    let found = identity_of(cluster, locked)?;
    if locked.is_none() {
        let location = format!("{} at {}", named(cluster.context()), cluster.server());
        terminal::diagnostic(
            &Diagnostic::warning(format!(
                "the lock does not name the cluster of the rendered directory; this is {location}"
            ))
            .hint("render with nodes from the cluster to record it in the lock"),
        );
    }
    Ok(found.unwrap_or_default())
}

/// Gives every object its reference in the cluster and the label of the ApplySet. Reports all problems.
fn items(objects: Vec<Desired>, served: &ServedKinds, set: &ApplySet) -> Result<Vec<Item>, Failure> {
    let coming = kinds_of_definitions(&objects);
    let mut problems = Vec::new();
    let mut items = Vec::with_capacity(objects.len());
    for object in objects {
        let resource = served.of(&object.value);
        let group_kind = (object.key.group.clone(), object.key.kind.clone());
        let is_namespaced = match (resource, coming.get(&group_kind)) {
            (Some(resource), _) => resource.namespaced,
            (None, Some(is_namespaced)) => *is_namespaced,
            (None, None) => {
                problems.push(unknown_kind(&object));
                true
            }
        };
        let mut item = Item::locate(object, resource, is_namespaced.then_some(set.namespace.as_str()));
        if label(&item.wanted, PART_OF).is_some() {
            problems.push(
                Diagnostic::refusal(format!("{} carries the label {PART_OF}", item.key))
                    .at(item.location.clone())
                    .hint("remove it from the manifests; the tool that applies them adds it"),
            );
        }
        if item.key == parent_key(set) {
            problems.push(
                Diagnostic::refusal(format!("{} has the name of the inventory", item.key))
                    .at(item.location.clone())
                    .hint("rename the ConfigMap or the spec (`metadata.name`)"),
            );
        }
        set.mark(&mut item.wanted);
        items.push(item);
    }
    problems.extend(duplicates(items.iter().map(|item| (&item.key, &item.location))));
    if problems.is_empty() { Ok(items) } else { Err(problems.into()) }
}

impl Item {
    /// Finds the location of an object in the cluster. `namespace` is for an object without one; `None` if its kind is
    /// cluster-scoped.
    pub(crate) fn locate(object: Desired, resource: Option<&Resource>, namespace: Option<&str>) -> Self {
        let Desired { mut key, value: mut wanted, location } = object;
        if let Some(namespace) = namespace.filter(|_| key.namespace.is_empty()) {
            namespace.clone_into(&mut key.namespace);
            set_metadata(&mut wanted, "namespace", namespace);
        }
        let at = resource.map(|resource| ObjectRef {
            resource: resource.clone(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
        });
        Self { key, wanted, location, at, flags: Arc::default() }
    }
}

/// Returns the reference of the parent of an ApplySet.
pub(crate) fn parent_at(set: &ApplySet) -> ObjectRef {
    let (namespace, name) = (set.namespace.clone(), set.name.clone());
    ObjectRef { resource: Resource::config_map(), namespace, name }
}

/// Returns the key of the parent of an ApplySet.
pub(crate) fn parent_key(set: &ApplySet) -> Key {
    Key {
        group: String::new(),
        kind: "ConfigMap".to_owned(),
        namespace: set.namespace.clone(),
        name: set.name.clone(),
    }
}

/// Returns group and kind of each CustomResourceDefinition in the tree, and whether it is namespaced.
fn kinds_of_definitions(objects: &[Desired]) -> BTreeMap<(String, String), bool> {
    let definitions = objects.iter().filter(|object| object.key.kind == "CustomResourceDefinition");
    definitions
        .map(|definition| {
            let text = |pointer: &str| {
                definition.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            ((text("/spec/group"), text("/spec/names/kind")), text("/spec/scope") != "Cluster")
        })
        .collect()
}

fn unknown_kind(object: &Desired) -> Diagnostic {
    let version = object.value["apiVersion"].as_str().unwrap_or_default();
    Diagnostic::error(format!("the cluster does not serve {} of {version}", object.key.kind))
        .at(object.location.clone())
        .hint("install its CustomResourceDefinition, or check `apiVersion` and the cluster's version")
}

/// Describes the namespace and cluster for a message.
pub(crate) fn location(target: &Target) -> String {
    format!("namespace {}, {}", target.set.namespace, named(target.cluster.context()))
}
