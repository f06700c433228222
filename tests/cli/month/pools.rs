//! Operations on nodes.

use std::collections::BTreeSet;

use crate::month::desk::Outcome;
use crate::month::life::{Life, POOLS};
use crate::month::nodes::Kind;

type Done = Outcome<Option<()>>;

impl Life {
    /// Writes the nodes, renders, and commits.
    fn nodes_changed(&mut self, subject: &str) -> Done {
        self.write_nodes();
        // A change of nodes alone is what `render --commit` is for.
        let flags = if self.desk.one_in(4) { " --commit --all" } else { "" };
        self.settle_with(flags)?;
        if flags.is_empty() {
            return self.commit(subject).map(Some);
        }
        let is_clean = self.desk.must("git status --porcelain")?.is_empty();
        if is_clean { Ok(Some(())) } else { Err("render --commit leaves changes".to_owned()) }
    }

    fn unused(&mut self) -> Option<String> {
        let alive = self.alive();
        let unused: Vec<&str> = POOLS.into_iter().filter(|pool| !alive.contains(*pool)).collect();
        self.desk.pick(&unused).map(str::to_owned)
    }

    fn some_alive(&mut self) -> Option<String> {
        let alive: Vec<String> = self.alive().into_iter().collect();
        self.desk.pick(&alive)
    }

    pub fn add_pool(&mut self) -> Done {
        let Some(pool) = self.unused() else { return Ok(None) };
        self.nodes.add(&pool);
        self.nodes_changed(&format!("add pool {pool}"))
    }

    pub fn empty_pool(&mut self) -> Done {
        let alive = self.alive();
        let known: BTreeSet<&String> = self.known.iter().map(|(_, pool)| pool).collect();
        // A render that drops most pools is refused, which is seldom what this is about.
        if alive.len() < 2 || (alive.len() - 1) * 2 < known.len() && !self.desk.one_in(6) {
            return Ok(None);
        }
        let Some(pool) = self.some_alive() else { return Ok(None) };
        self.nodes.remove(&pool);
        self.nodes_changed(&format!("nodes of {pool} are gone"))
    }

    pub fn return_pool(&mut self) -> Done {
        let alive = self.alive();
        let empty: Vec<String> =
            self.known.iter().map(|(_, pool)| pool.clone()).filter(|pool| !alive.contains(pool)).collect();
        let Some(pool) = self.desk.pick(&empty) else { return Ok(None) };
        self.nodes.add(&pool);
        self.nodes_changed(&format!("nodes of {pool} are back"))
    }

    /// Moves all nodes, or half of them, of a pool to another one.
    pub fn relabel_pool(&mut self) -> Done {
        let (Kind::Label, Some(from), Some(to)) =
            (self.nodes.kind, self.some_alive(), self.desk.pick(&POOLS))
        else {
            return Ok(None);
        };
        let nodes = self.nodes.of(&from);
        let count = if self.desk.one_in(2) { nodes.len() } else { nodes.len().div_ceil(2) };
        for node in nodes.iter().take(count) {
            self.nodes.label(node, to);
        }
        self.nodes_changed(&format!("nodes of {from} are in {to}"))
    }

    /// Gives one node a label that is misspelled.
    pub fn mislabel_node(&mut self) -> Done {
        let Some(pool) = self.some_alive() else { return Ok(None) };
        let nodes = self.nodes.of(&pool);
        if nodes.len() < 2 {
            return Ok(None);
        }
        let wrong = format!("{}{}", pool[..1].to_uppercase(), &pool[1..]);
        self.nodes.label(&nodes[0], &wrong);
        match self.nodes.kind {
            Kind::Label => self.nodes_changed("a label was wrong"),
            Kind::VmSet => {
                // The node is left out with a warning; the model has no such pool.
                self.write_nodes();
                self.nodes.label(&nodes[0], &pool);
                self.settle()?;
                self.write_nodes();
                self.settle().map(Some)
            }
        }
    }

    pub fn forget_pool(&mut self) -> Done {
        let alive = self.alive();
        let empty: Vec<(String, String)> =
            self.known.iter().filter(|(_, pool)| !alive.contains(pool)).cloned().collect();
        let Some((_, pool)) = self.desk.pick(&empty) else { return Ok(None) };
        let all = self.apps().len();
        if self.known.iter().filter(|(_, known)| *known == pool).count() < all {
            return Ok(None);
        }
        self.known.retain(|(_, known)| *known != pool);
        self.settle_with(&format!(" --forget {pool}"))?;
        self.commit(&format!("forget {pool}")).map(Some)
    }

    /// Kills a render of a change that every file shows.
    pub fn interrupt(&mut self) -> Done {
        let Some(app) = self.apps().into_iter().next() else { return Ok(None) };
        if let Some(pool) = self.unused() {
            self.nodes.add(&pool);
            self.write_nodes();
        }
        for service in app.services.keys() {
            self.set_port(&app, service);
        }
        for _ in 0..=self.desk.below(2) {
            // A render without questions to git takes a third of the time of one with them.
            let after = self.desk.took * u32::try_from(self.desk.below(300)).unwrap() / 100;
            self.desk.kill(&format!("render -f {}", app.spec), after);
        }
        self.settle()?;
        self.commit("after a kill").map(Some)
    }
}
