//! A month: the directory, the nodes, and the model of the Services.

use std::collections::{BTreeMap, BTreeSet};

use crate::control_plane::ControlPlane;
use crate::flux::controller::Flux;
use crate::month::cluster::{Key, Seen};
use crate::month::desk::{Desk, Outcome};
use crate::month::files::{App, apps, manifests};
use crate::month::nodes::{Kind, Nodes};
use crate::month::operation::Operation;

/// The result of an operation; `None` if it is not possible now.
pub(crate) type Done = Outcome<Option<()>>;

/// The names of pools.
pub(crate) const POOLS: [&str; 7] = ["east", "west", "north", "south", "core", "edge", "blue"];

/// The number of operations of a month.
const OPERATIONS: usize = 12;

/// Every n-th month is synced by Flux.
const FLUX: u64 = 3;

pub(crate) struct Life<'a> {
    pub(crate) desk: Desk,
    pub(crate) plane: &'a ControlPlane,
    /// The controller that syncs the directory instead of `apply`.
    pub(crate) flux: Option<&'a Flux<'a>>,
    pub(crate) nodes: Nodes,
    /// The name of the first app, which is that of Flux's objects.
    pub(crate) first_app: String,
    /// The namespaces of this month.
    pub(crate) namespaces: Vec<String>,
    /// The pools that keep their Services: every pool that ever had nodes, and was not forgotten.
    pub(crate) pools: BTreeSet<String>,
    /// The Services that must stay as they are.
    pub(crate) seen: BTreeMap<Key, Seen>,
    /// Services that the model no longer has, and that no prune has deleted yet.
    pub(crate) left: BTreeMap<Key, Seen>,
    next: usize,
}

impl<'a> Life<'a> {
    pub(crate) fn new(plane: &'a ControlPlane, flux: &'a Flux<'a>, seed: u64) -> Self {
        let kind = if seed.is_multiple_of(2) { Kind::VmSet } else { Kind::Label };
        let environment = [("KUBECONFIG", plane.kubeconfig.clone()), ("HOME", plane.directory.clone())];
        Self {
            desk: Desk::new(seed, environment.into()),
            plane,
            flux: seed.is_multiple_of(FLUX).then_some(flux),
            nodes: Nodes::new(kind),
            first_app: format!("web{seed}"),
            namespaces: vec![format!("month-{seed}")],
            pools: BTreeSet::new(),
            seen: BTreeMap::new(),
            left: BTreeMap::new(),
            next: 0,
        }
    }

    /// Lives the month.
    pub(crate) fn live(&mut self) -> Outcome {
        self.begin().map_err(|problem| format!("begin: {problem}"))?;
        let mut done = 0;
        while done < OPERATIONS {
            let operation = Operation::any(self);
            self.desk.note(format!("{done} {operation:?}"));
            let Some(()) = operation.run(self).map_err(|problem| format!("{operation:?}: {problem}"))? else {
                self.desk.count(format!("not possible: {operation:?}"));
                continue;
            };
            self.desk
                .count(format!("done: {operation:?}{}", if self.flux.is_some() { " (Flux)" } else { "" }));
            done += 1;
        }
        Ok(())
    }

    fn begin(&mut self) -> Outcome {
        self.desk.must("git init -q -b main . && mkdir elsewhere")?;
        let (app, namespace) = (self.first_app.clone(), self.namespaces[0].clone());
        self.plane.create_namespace(&namespace);
        let pools = match self.nodes.kind {
            Kind::Label => format!("  pools: {{label: {}}}\n", self.nodes.kind.label()),
            Kind::VmSet => String::new(),
        };
        self.desk.write(
            "web/largescale.yaml",
            &format!(
                "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: {app}, namespace: {namespace}}}\nspec:\n  \
                 manifests: [site.yaml, api.yaml, docs.yaml]\n  platform: {}\n{pools}  output: rendered\n",
                self.nodes.kind.platform()
            ),
        );
        for service in ["site", "api", "docs"] {
            self.desk.write(&format!("web/{service}.yaml"), &manifest(service, 80));
        }
        for pool in ["east", "west", "north"] {
            self.nodes.add(pool);
        }
        self.write_nodes();
        self.settle()?;
        if self.flux.is_some() {
            self.desk.must(
                "kubectl largescale init web --gitops flux --repo https://git.example.com/team/deploy.git",
            )?;
        }
        self.configure_flux();
        self.sync()?;
        self.commit("start")
    }

    /// Removes what is left in the cluster.
    pub(crate) fn end(&mut self) {
        self.nodes = Nodes::new(self.nodes.kind);
        self.write_nodes();
        if let Some(flux) = self.flux {
            flux.forget(&self.first_app);
        }
        for namespace in &self.namespaces {
            self.plane.delete(&format!("/api/v1/namespaces/{namespace}"));
        }
    }

    /// Returns the pools that have nodes.
    pub(crate) fn alive(&self) -> BTreeSet<String> {
        self.nodes.pools()
    }

    /// Returns a number that was not used before.
    pub(crate) fn next(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    pub(crate) fn apps(&self) -> Vec<App> {
        apps(&self.desk.root())
    }

    pub(crate) fn some_app(&mut self) -> Outcome<App> {
        let apps = self.apps();
        self.desk.pick(&apps).ok_or_else(|| "no spec is left".to_owned())
    }

    /// Returns the name and the namespace of an app.
    pub(crate) fn name(&self, app: &App) -> (String, String) {
        let text = self.desk.read(&app.spec).unwrap();
        let after = |word: &str| {
            let rest = text.split_once(word).unwrap().1;
            rest.split([',', '}']).next().unwrap().to_owned()
        };
        (after("{name: "), after(", namespace: "))
    }

    /// Replaces text in a file; the text must exist.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.desk.read(path).unwrap();
        assert!(text.contains(from), "{path} does not contain `{from}`");
        self.desk.write(path, &text.replace(from, to));
    }

    pub(crate) fn set_manifests(&mut self, app: &App, change: impl FnOnce(&mut Vec<String>)) {
        let text = self.desk.read(&app.spec).unwrap();
        let before = manifests(&text);
        let mut after = before.clone();
        change(&mut after);
        let line = |listed: &[String]| format!("  manifests: [{}]", listed.join(", "));
        self.edit(&app.spec, &line(&before), &line(&after));
    }

    /// Commits everything.
    pub(crate) fn commit(&mut self, subject: &str) -> Outcome {
        let line = format!("git add -A && {{ git diff --cached --quiet || git commit -qm '{subject}'; }}");
        self.desk.must(&line).map(drop)
    }

    /// Renders, synchronizes and commits.
    pub(crate) fn settled(&mut self, subject: &str) -> Done {
        self.settle()?;
        self.sync()?;
        self.commit(subject).map(Some)
    }
}

/// Returns the manifest of a Service, and of a `ConfigMap` that all pools share.
pub(crate) fn manifest(service: &str, port: usize) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {service}\nspec:\n  type: LoadBalancer\n  selector: {{app: {service}}}\n  \
         ports: [{{port: {port}}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings-{service}}}\ndata: {{listen: \"{port}\"}}\n"
    )
}
