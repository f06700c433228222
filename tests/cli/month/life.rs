//! A month: the directory, its nodes, and what the model knows.

use std::collections::BTreeSet;

use crate::month::conflicts::Way;
use crate::month::desk::{Desk, Outcome};
use crate::month::files::Lock;
use crate::month::known::Known;
use crate::month::nodes::{Kind, Nodes};
use crate::month::operation::Operation;
use crate::month::repository::{Objects, has_new_files};

/// The names of pools.
pub const POOLS: [&str; 9] = ["east", "west", "north", "south", "core", "edge", "blue", "green", "gold"];

/// The number of operations of a month.
pub const OPERATIONS: usize = 30;

pub struct Life {
    pub desk: Desk,
    pub nodes: Nodes,
    /// The pools that each lock must have.
    pub known: Known,
    /// Pools that a lock may have, because the user went a wrong way in a merge.
    pub allowed: Known,
    /// The pools that a new lock must have.
    pub new_lock: Option<BTreeSet<String>>,
    /// Whether a rendered file was edited by hand.
    pub may_overwrite: bool,
    /// Whether the answers of git matter to the render: git joins branches, or files are lost.
    pub is_joining: bool,
    /// A copy of a rendered file.
    pub copy: Option<String>,
    /// What the user does with a conflict in a lock.
    pub way: Way,
    /// The commits of the repository.
    objects: Objects,
    /// The number of the next name.
    next: usize,
}

impl Life {
    /// Lives a month.
    pub fn of(seed: u64) -> (Self, Outcome) {
        let kind = if seed.is_multiple_of(3) { Kind::VmSet } else { Kind::Label };
        let desk = Desk::new(seed, Vec::new());
        let mut life = Self {
            objects: Objects::of(desk.root()),
            desk,
            nodes: Nodes::new(kind),
            known: Known::new(),
            allowed: Known::new(),
            new_lock: None,
            may_overwrite: false,
            is_joining: false,
            copy: None,
            way: Way::Leave,
            next: 0,
        };
        let outcome = life.live();
        (life, outcome)
    }

    fn live(&mut self) -> Outcome {
        self.begin()?;
        let mut done = 0;
        while done < OPERATIONS {
            let operation = Operation::any(&mut self.desk);
            self.desk.note(format!("{done} {operation:?}"));
            self.is_joining = operation.needs_git();
            let Some(()) = operation.run(self).map_err(|problem| format!("{operation:?}: {problem}"))? else {
                continue;
            };
            self.desk.count(format!("done: {operation:?}"));
            done += 1;
        }
        Ok(())
    }

    fn begin(&mut self) -> Outcome {
        self.desk.must("git init -q -b main . && mkdir elsewhere && printf '/nodes.json\\n' > .gitignore")?;
        let (platform, label) = (self.nodes.kind.platform(), self.nodes.kind.label());
        let pools = match self.nodes.kind {
            Kind::Label => format!("  pools: {{label: {label}}}\n"),
            Kind::VmSet => String::new(),
        };
        self.desk.write(
            "web/largescale.yaml",
            &format!(
                "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: web, namespace: prod}}\nspec:\n  manifests: [site.yaml, api.yaml]\n  platform: {platform}\n{pools}  output: rendered\n  nodes: ../nodes.json\n"
            ),
        );
        for service in ["site", "api"] {
            self.desk.write(&format!("web/{service}.yaml"), &manifest(service, 80));
        }
        for pool in ["east", "west", "north", "south"] {
            self.nodes.add(pool);
        }
        self.write_nodes();
        self.new_lock = Some(self.alive());
        self.settle()?;
        self.commit("start")
    }

    pub fn write_nodes(&self) {
        self.desk.write("nodes.json", &self.nodes.json());
    }

    /// Returns the pools that have nodes.
    pub fn alive(&self) -> BTreeSet<String> {
        self.nodes.pools()
    }

    /// Returns a number that was not used before.
    pub fn next(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    /// Commits everything.
    pub fn commit(&mut self, subject: &str) -> Outcome {
        if has_new_files(&self.desk.root())? {
            self.desk.must("git add -A")?;
        }
        // It fails if nothing has changed.
        let said = self.desk.shell("", &format!("git commit -qam {}", subject.replace(' ', "-")));
        if said.is_ok() {
            return Ok(());
        }
        if !said.out.contains("nothing to commit") {
            return Err("the commit failed".to_owned());
        }
        // Without a commit, git leaves the index as it was: it may have a version that is not on the disk any more.
        self.desk.must("git add -A").map(drop)
    }

    /// Returns the pools of the locks of a commit.
    pub fn known_at(&mut self, revision: &str) -> Outcome<Known> {
        let mut known = Known::new();
        for text in self.objects.locks(revision)? {
            let lock = Lock::read(&text).unwrap_or_default();
            known.extend(lock.pools.into_iter().map(|pool| (lock.id.clone(), pool)));
        }
        Ok(known)
    }
}

/// Returns the manifest of a Service.
pub fn manifest(service: &str, port: usize) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {service}\n  labels: {{tier: front}}\nspec:\n  type: LoadBalancer\n  selector: {{app: {service}}}\n  ports: [{{port: {port}}}]\n"
    )
}
