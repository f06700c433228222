//! Operations on nodes.

use serde_json::{Value, json};

use crate::month::life::{Done, Life, POOLS};
use crate::month::nodes::Kind;
use crate::objects::Patch;

impl Life<'_> {
    /// Makes the nodes of the cluster equal to those of the model.
    pub(crate) fn write_nodes(&mut self) {
        let wanted: Vec<Value> =
            self.nodes.json().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let actual = self.plane.list("/api/v1/nodes");
        let label = self.nodes.kind.label();
        let with_name = |nodes: &[Value], name: &Value| -> Option<Value> {
            nodes.iter().find(|node| node["metadata"]["name"] == *name).cloned()
        };
        for node in &actual {
            let name = &node["metadata"]["name"];
            if with_name(&wanted, name).is_none() {
                self.plane.delete(&format!("/api/v1/nodes/{}", name.as_str().unwrap()));
            }
        }
        for node in &wanted {
            let (name, pool) = (&node["metadata"]["name"], &node["metadata"]["labels"][label]);
            match with_name(&actual, name) {
                None => drop(self.plane.create("/api/v1/nodes", node)),
                Some(old) if old["metadata"]["labels"][label] != *pool => {
                    let path = format!("/api/v1/nodes/{}", name.as_str().unwrap());
                    self.plane.patch(&path, Patch::Merge, &json!({"metadata": {"labels": {label: pool}}}));
                }
                Some(_) => {}
            }
        }
        self.desk.note(format!("    nodes: {:?}", self.alive()));
    }

    fn nodes_changed(&mut self, subject: &str) -> Done {
        self.write_nodes();
        self.settled(subject)
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

    /// Returns the pools without nodes.
    pub(crate) fn empty_pools(&self) -> Vec<String> {
        let alive = self.alive();
        self.pools.iter().filter(|pool| !alive.contains(*pool)).cloned().collect()
    }

    pub(crate) fn add_pool(&mut self) -> Done {
        if self.pools.len() > 5 {
            return Ok(None);
        }
        let Some(pool) = self.unused() else { return Ok(None) };
        self.nodes.add(&pool);
        self.nodes_changed(&format!("add pool {pool}"))
    }

    pub(crate) fn empty_pool(&mut self) -> Done {
        if self.alive().len() < 2 {
            return Ok(None);
        }
        let Some(pool) = self.some_alive() else { return Ok(None) };
        self.nodes.remove(&pool);
        self.nodes_changed(&format!("nodes of {pool} are gone"))
    }

    pub(crate) fn return_pool(&mut self) -> Done {
        let empty = self.empty_pools();
        let Some(pool) = self.desk.pick(&empty) else { return Ok(None) };
        self.nodes.add(&pool);
        self.nodes_changed(&format!("nodes of {pool} are back"))
    }

    /// Moves all nodes, or half of them, of a pool to another one.
    pub(crate) fn relabel_pool(&mut self) -> Done {
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

    /// Gives one node a label that is misspelled; the hint labels it again.
    pub(crate) fn mislabel_node(&mut self) -> Done {
        let (Kind::Label, Some(pool)) = (self.nodes.kind, self.some_alive()) else { return Ok(None) };
        let nodes = self.nodes.of(&pool);
        if nodes.len() < 2 {
            return Ok(None);
        }
        let wrong = format!("{}{}", pool[..1].to_uppercase(), &pool[1..]);
        self.nodes.label(&nodes[0], &wrong);
        self.write_nodes();
        self.nodes.label(&nodes[0], &pool);
        self.settle()?;
        let node = self.plane.get(&format!("/api/v1/nodes/{}", nodes[0])).ok_or("the node is gone")?;
        if node["metadata"]["labels"][self.nodes.kind.label()] != pool {
            return Err("no hint has labeled the node".to_owned());
        }
        self.settled("a label was wrong")
    }

    pub(crate) fn forget_pool(&mut self) -> Done {
        let empty = self.empty_pools();
        let Some(pool) = self.desk.pick(&empty) else { return Ok(None) };
        self.pools.remove(&pool);
        let end = format!("-{pool}");
        self.leave(|(_, name)| name.ends_with(&end));
        self.settle_with(&format!(" --forget {pool}"))?;
        self.settled(&format!("forget {pool}"))
    }
}
