//! Reads the objects of the rendered directory from the cluster.

use crate::cluster::{Cluster, ClusterError, Force, Problem};
use crate::commands::status::node_counts;
use crate::commands::status::node_counts::Nodes;
use crate::core::apply::ApplySet;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::status::{Drift, DriftSubject, Report, is_pool_gateway, is_workload, report_with_gateways};
use crate::core::tree::objects::Desired;
use crate::directory::Project;
use crate::engine::compare::{Comparer, DiffStrategy, State, compare_objects};
use crate::engine::events::of_waiting_services;
use crate::engine::gateway_services::GatewaySource;
use crate::engine::live_objects::{ManagedObject, ReadPolicy, read_each};
use crate::engine::served_kinds::ServedKinds;
use crate::engine::target::Item;
use crate::failure::Failure;

/// Requests sent at the same time.
const CONCURRENCY: usize = 16;

/// A refresh every two seconds sends few requests.
const POLICY: ReadPolicy = ReadPolicy { max_single_reads: 2, concurrency: CONCURRENCY };

/// Reads the same objects at each refresh.
pub(super) struct Observer<'a> {
    project: &'a Project,
    cluster: &'a Cluster,
    set: ApplySet,
    items: Vec<Item>,
    nodes: Nodes,
    unseen: Vec<Diagnostic>,
    decision: Decision,
}

/// How an object is compared with the directory if what was read does not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is not certain.
    ReadOnly,
    /// A server-side dry run decides.
    ServerSide,
}

impl<'a> Observer<'a> {
    /// Reads from the server which kinds it serves.
    pub fn new(
        project: &'a Project,
        cluster: &'a Cluster,
        set: ApplySet,
        objects: Vec<Desired>,
        decision: Decision,
    ) -> Result<Self, Failure> {
        let mut served = ServedKinds::default();
        for ((), answer) in cluster.call_small(ServedKinds::calls(&objects).map(|call| ((), call)).collect())
        {
            served.add(answer?.kinds());
        }
        let item = |object: Desired| {
            let resource = served.of(&object.value);
            let is_namespaced = resource.is_some_and(|resource| resource.namespaced);
            Item::locate(object, resource, is_namespaced.then_some(set.namespace.as_str()))
        };
        let items = objects.into_iter().map(item).collect();
        Ok(Self { project, cluster, set, items, nodes: Nodes::default(), unseen: Vec::new(), decision })
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
        let made = GatewaySource::of(self.project).made(self.cluster, &subjects, CONCURRENCY)?;
        for problem in &made.hidden {
            cannot_see(&mut self.unseen, &format!("cannot read the Services of Gateways: {problem}"));
        }
        let events = of_waiting_services(self.cluster, (&subjects, &made.services), CONCURRENCY)?;
        for problem in &events.hidden {
            cannot_see(
                &mut self.unseen,
                &format!("cannot read why load balancers have no address: {problem}"),
            );
        }
        let rules = &self.project.spec.spec.conflicts;
        let nodes = self.nodes.counts.as_ref();
        let mut report = report_with_gateways(&subjects, rules, &events.list, nodes, &made.services);
        if self.decision == Decision::ServerSide {
            self.ask_server(&subjects, &mut report.drift);
        }
        let binding: Vec<&str> = self.project.platform.binding.added_paths().collect();
        report.compare_bindings(&subjects, &binding);
        Ok(report)
    }

    /// Asks the server about each object that is not certain to be unchanged, as `diff --live` does.
    fn ask_server(&mut self, subjects: &[DriftSubject], drift: &mut Drift) {
        let items: Vec<Item> = self.items.iter().map(|item| self.marked(item)).collect();
        let objects: Vec<ManagedObject<'_>> = items
            .iter()
            .zip(subjects)
            .filter(|(_, subject)| subject.live.object().is_some())
            .map(|(item, subject)| ManagedObject { item, live: subject.live.clone() })
            .collect();
        let comparer = Comparer {
            takeover: None,
            cluster: self.cluster,
            rules: &self.project.spec.spec.conflicts,
            items: &items,
            strategy: DiffStrategy::Hybrid,
            force: Force::Never,
            concurrency: CONCURRENCY,
        };
        let comparisons = compare_objects(&comparer, &objects);
        let said = comparisons.iter().filter_map(|it| Some((it.key(), it.outlook()?)));
        drift.decide(&said.collect());
        for comparison in &comparisons {
            let ((State::Failed(problem), _) | (_, Some(problem))) = (&comparison.state, &comparison.refused)
            else {
                continue;
            };
            let text = match problem {
                ClusterError::Request { problem, .. } => problem.to_string(),
                error => error.to_string(),
            };
            cannot_see(
                &mut self.unseen,
                &format!("cannot compare all objects by a server-side dry run: {text}"),
            );
        }
    }

    /// Returns the object with the label of the ApplySet.
    fn marked(&self, item: &Item) -> Item {
        let mut item = item.clone();
        self.set.mark(&mut item.wanted);
        item
    }

    /// Returns what the last refresh could not read.
    pub fn unseen(&self) -> &[Diagnostic] {
        &self.unseen
    }

    /// Reads the objects. Objects that the user may not read are hidden, unless they affect the exit code.
    fn subjects(&mut self) -> Result<Vec<DriftSubject>, Failure> {
        let mut objects: Vec<_> = self.items.iter().map(ManagedObject::new).collect();
        let decides = |object: &&mut ManagedObject<'_>| {
            is_workload(&object.item.wanted)
                || is_pool_gateway(&object.item.wanted)
                || object.item.key.kind == "Service"
        };
        read_each(self.cluster, &mut objects, POLICY, |group, error| match error {
            ClusterError::Request { problem: problem @ Problem::Forbidden { .. }, .. }
                if !group.iter().any(decides) =>
            {
                cannot_see(
                    &mut self.unseen,
                    &format!("cannot compare all objects with the directory: {problem}"),
                );
                Ok(())
            }
            error => Err(error.into()),
        })?;
        let subject =
            |object: ManagedObject<'_>| DriftSubject::new(object.item.wanted.clone(), object.live, &self.set);
        Ok(objects.into_iter().map(subject).collect())
    }
}

fn cannot_see(unseen: &mut Vec<Diagnostic>, what: &str) {
    let warning = Diagnostic::warning(what);
    if !unseen.contains(&warning) {
        unseen.push(warning);
    }
}
