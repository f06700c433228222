//! Reads the objects of the rendered directory from the cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::cluster::{ApiCall, Cluster, ClusterError, ObjectRef, Problem};
use crate::commands::status::node_counts;
use crate::commands::status::node_counts::Nodes;
use crate::core::apply::ApplySet;
use crate::core::json;
use crate::core::live::Resource;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::status::{AddressState, DriftSubject, Report, address_state, is_workload, report};
use crate::core::tree::objects::Desired;
use crate::directory::Project;
use crate::failure::Failure;

/// Requests sent at the same time.
const CONCURRENCY: usize = 16;

/// Up to this number of objects of a kind, each is read separately; otherwise with one list.
const MAX_SINGLE_READS: usize = 2;

/// An object of the directory, and its location in the cluster.
struct Placed {
    desired: Value,
    /// `None` if the server does not serve its kind.
    at: Option<ObjectRef>,
}

/// Reads the same objects at each refresh.
pub(super) struct Observer<'a> {
    project: &'a Project,
    cluster: &'a Cluster,
    set: ApplySet,
    objects: Vec<Placed>,
    nodes: Nodes,
    unseen: Vec<Diagnostic>,
}

impl<'a> Observer<'a> {
    /// Reads from the server which kinds it serves.
    pub fn new(
        project: &'a Project,
        cluster: &'a Cluster,
        set: ApplySet,
        objects: Vec<Desired>,
    ) -> Result<Self, Failure> {
        let resources = resources(cluster, &objects)?;
        let placed = |Desired { value: mut desired, .. }: Desired| {
            let kind = (text(&desired["apiVersion"]), text(&desired["kind"]));
            let Some(resource) = resources.get(&kind) else { return Placed { desired, at: None } };
            if resource.namespaced && desired["metadata"]["namespace"].is_null() {
                json::put(&mut desired, &["metadata", "namespace"], set.namespace.as_str());
            }
            let metadata = &desired["metadata"];
            let (namespace, name) = (text(&metadata["namespace"]), text(&metadata["name"]));
            Placed { desired, at: Some(ObjectRef { resource: resource.clone(), namespace, name }) }
        };
        let objects = objects.into_iter().map(placed).collect();
        Ok(Self { project, cluster, set, objects, nodes: Nodes::default(), unseen: Vec::new() })
    }

    /// Counts the nodes, and keeps the counts for later refreshes.
    pub fn count_nodes(&mut self) -> Result<(), Failure> {
        self.nodes = node_counts::count(self.project, self.cluster)?;
        Ok(())
    }

    /// Reads everything except nodes.
    pub fn refresh(&mut self) -> Result<Report, Failure> {
        self.unseen.clone_from(&self.nodes.warnings);
        let subjects = self.subjects()?;
        let events = self.events(&subjects)?;
        let rules = &self.project.spec.spec.conflicts;
        Ok(report(&subjects, rules, &events, self.nodes.counts.as_ref()))
    }

    /// Returns what the last refresh could not read.
    pub fn unseen(&self) -> &[Diagnostic] {
        &self.unseen
    }

    fn subjects(&mut self) -> Result<Vec<DriftSubject>, Failure> {
        let mut groups: BTreeMap<(&Resource, &str), Vec<usize>> = BTreeMap::new();
        for (index, at) in
            self.objects.iter().enumerate().filter_map(|(index, it)| Some((index, it.at.as_ref()?)))
        {
            groups.entry((&at.resource, &at.namespace)).or_default().push(index);
        }
        let mut calls = Vec::new();
        let mut requested = Vec::new();
        for ((resource, namespace), members) in groups {
            if members.len() <= MAX_SINGLE_READS {
                calls.extend(
                    members.iter().filter_map(|index| self.objects[*index].at.clone()).map(ApiCall::Get),
                );
                requested.extend(members.into_iter().map(|index| vec![index]));
            } else {
                let namespace = Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty());
                calls.push(ApiCall::list(resource.clone(), namespace, None));
                requested.push(members);
            }
        }
        let mut live: Vec<Option<Value>> = vec![Some(Value::Null); self.objects.len()];
        for (members, response) in requested.into_iter().zip(self.cluster.call_all(&calls, CONCURRENCY)) {
            match self.allowed(response, &members)? {
                Some(Value::Array(list)) => {
                    let mut by_name: HashMap<String, Value> =
                        list.into_iter().map(|object| (text(&object["metadata"]["name"]), object)).collect();
                    for index in members {
                        let name = text(&self.objects[index].desired["metadata"]["name"]);
                        live[index] = Some(by_name.remove(&name).unwrap_or_default());
                    }
                }
                response => members.into_iter().for_each(|index| live[index].clone_from(&response)),
            }
        }
        let subjects = self.objects.iter().zip(live);
        Ok(subjects
            .map(|(object, live)| DriftSubject::new(object.desired.clone(), live, &self.set))
            .collect())
    }

    /// Returns the response, or `None` if the user may not read the objects and they do not affect the exit code.
    fn allowed(
        &mut self,
        response: Result<Value, ClusterError>,
        members: &[usize],
    ) -> Result<Option<Value>, Failure> {
        let decides = |object: &Value| is_workload(object) || object["kind"] == "Service";
        match response {
            Ok(value) => Ok(Some(value)),
            Err(ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. })
                if !members.iter().any(|index| decides(&self.objects[*index].desired)) =>
            {
                self.cannot_see(&format!("cannot compare all objects with the directory: {problem}"));
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the events of Services without an address, with one list per namespace.
    fn events(&mut self, subjects: &[DriftSubject]) -> Result<Vec<Value>, Failure> {
        let waits = |subject: &&DriftSubject| {
            let live = subject.live.as_ref().unwrap_or(&Value::Null);
            subject.desired["spec"]["type"] == "LoadBalancer"
                && matches!(address_state(live, &[]), AddressState::Pending { .. })
        };
        let namespaces: BTreeSet<String> =
            subjects.iter().filter(waits).map(|subject| subject.key().namespace).collect();
        let calls: Vec<ApiCall> = namespaces
            .into_iter()
            .map(|namespace| ApiCall::List {
                resource: Resource::core("Event", "events"),
                namespace: Some(namespace),
                labels: None,
                fields: Some("involvedObject.kind=Service".to_owned()),
            })
            .collect();
        let mut events = Vec::new();
        for response in self.cluster.call_all(&calls, CONCURRENCY) {
            match response {
                Ok(Value::Array(list)) => events.extend(list),
                Ok(_) => {}
                Err(ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. }) => {
                    self.cannot_see(&format!("cannot read why load balancers have no address: {problem}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(events)
    }

    fn cannot_see(&mut self, what: &str) {
        let warning = Diagnostic::warning(what);
        if !self.unseen.contains(&warning) {
            self.unseen.push(warning);
        }
    }
}

/// Returns the resources of the objects, by apiVersion and kind.
fn resources(cluster: &Cluster, objects: &[Desired]) -> Result<HashMap<(String, String), Resource>, Failure> {
    let versions: BTreeSet<String> = objects.iter().map(|object| text(&object.value["apiVersion"])).collect();
    let calls: Vec<ApiCall> = versions
        .iter()
        .map(|version| {
            let (group, version) = version.split_once('/').unwrap_or(("", version));
            ApiCall::Resources { group: group.to_owned(), version: version.to_owned() }
        })
        .collect();
    let mut resources = HashMap::new();
    for response in cluster.call_small(&calls) {
        for resource in Resource::all_of(&response?) {
            resources.insert((resource.api_version(), resource.kind.clone()), resource);
        }
    }
    Ok(resources)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
