//! The invariants: what the cluster must contain.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use largescale::core::apply::ApplySet;
use serde_json::Value;

use crate::month::desk::Outcome;
use crate::month::life::Life;

const PART_OF: &str = "applyset.kubernetes.io/part-of";
const ID: &str = "applyset.kubernetes.io/id";

/// How long the controllers may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The namespace and the name of a Service.
pub(crate) type Key = (String, String);

/// What stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) uid: String,
    pub(crate) address: String,
}

/// A Service that the directory contains.
struct Expected {
    port: String,
    set: String,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn is_deleted(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

fn seen(service: &Value) -> Seen {
    let address = text(&service["status"]["loadBalancer"]["ingress"][0]["ip"]);
    Seen { uid: text(&service["metadata"]["uid"]), address }
}

impl Life<'_> {
    /// Returns all objects of a kind in the namespaces of this month.
    fn objects(&self, plural: &str) -> BTreeMap<Key, Value> {
        let mut found = BTreeMap::new();
        for namespace in &self.namespaces {
            for object in self.plane.list(&format!("/api/v1/namespaces/{namespace}/{plural}")) {
                found.insert((namespace.clone(), text(&object["metadata"]["name"])), object);
            }
        }
        found
    }

    /// Takes Services out of the model.
    pub(crate) fn leave(&mut self, is_left: impl Fn(&Key) -> bool) {
        let left =
            self.seen.iter().filter(|(key, _)| is_left(key)).map(|(key, seen)| (key.clone(), seen.clone()));
        self.left.extend(left);
        self.seen.retain(|key, _| !is_left(key));
    }

    /// Checks that each Service of the model is the same object with the same address, and a member of one set that exists. This holds
    /// at any moment.
    pub(crate) fn check_kept(&mut self) -> Outcome {
        let services = self.objects("services");
        let parents: BTreeSet<String> = self
            .objects("configmaps")
            .values()
            .map(|parent| text(&parent["metadata"]["labels"][ID]))
            .collect();
        for ((namespace, name), before) in &self.seen {
            let Some(service) = services.get(&(namespace.clone(), name.clone())).filter(|it| !is_deleted(it))
            else {
                return Err(format!("LOST: the Service {namespace}/{name} is deleted"));
            };
            let after = seen(service);
            if after != *before {
                return Err(format!("LOST: the Service {namespace}/{name} was {before:?} and is {after:?}"));
            }
            let set = text(&service["metadata"]["labels"][PART_OF]);
            if self.flux.is_none() && (set.is_empty() || !parents.contains(&set)) {
                return Err(format!(
                    "the Service {namespace}/{name} is in the set `{set}`, which has no parent"
                ));
            }
        }
        Ok(())
    }

    /// Returns the Services and the `ConfigMaps` that the directories contain, without code of the program.
    fn expected(&self) -> (BTreeMap<Key, Expected>, BTreeSet<Key>) {
        let (mut services, mut others) = (BTreeMap::new(), BTreeSet::new());
        for app in self.apps() {
            let (name, namespace) = self.name(&app);
            let set = ApplySet { name: name.clone(), namespace: namespace.clone() }.id();
            for (service, port) in &app.services {
                for pool in &self.pools {
                    let key = (namespace.clone(), format!("{service}-{pool}"));
                    services.insert(key, Expected { port: port.clone(), set: set.clone() });
                }
                others.insert((namespace.clone(), format!("settings-{service}")));
            }
            if self.flux.is_none() {
                others.insert((namespace, name));
            }
        }
        (services, others)
    }

    /// Checks the cluster after a successful synchronization, and remembers new Services.
    pub(crate) fn check_cluster(&mut self, is_pruned: bool) -> Outcome {
        self.check_kept()?;
        let began = Instant::now();
        loop {
            match self.compare(is_pruned) {
                Ok(()) => return Ok(()),
                // The service controller takes a moment for an address, and for the end of a Service.
                Err(problem) if began.elapsed() > PATIENCE => return Err(problem),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn compare(&mut self, is_pruned: bool) -> Outcome {
        let (services, others) = self.expected();
        let live = self.objects("services");
        for (key, expected) in &services {
            let (namespace, name) = key;
            let service = live.get(key).ok_or_else(|| format!("{namespace}/{name} is missing"))?;
            let actual =
                (service["spec"]["ports"][0]["port"].to_string(), &service["metadata"]["labels"][PART_OF]);
            let has_set = self.flux.is_some() || *actual.1 == expected.set;
            if actual.0 != expected.port || !has_set {
                return Err(format!(
                    "{namespace}/{name} has the port and set {actual:?}, not {}, {}",
                    expected.port, expected.set
                ));
            }
            let now = seen(service);
            if now.address.is_empty() {
                return Err(format!("{namespace}/{name} has no address"));
            }
            // A Service that came back before a prune is still the same object.
            let before = self.left.remove(key).unwrap_or_else(|| now.clone());
            if *self.seen.entry(key.clone()).or_insert(before) != now {
                return Err(format!("LOST: {namespace}/{name} came back as another object"));
            }
        }
        if is_pruned {
            let deleted = |key: &Key| live.get(key).is_none_or(is_deleted);
            if let Some((namespace, name)) = self.left.keys().find(|key| !deleted(key)) {
                return Err(format!("{namespace}/{name} is not pruned"));
            }
        }
        self.left.retain(|key, _| live.contains_key(key));
        let is_extra = |(key, object): &(&Key, &Value)| {
            !services.contains_key(*key) && !self.left.contains_key(*key) && !is_deleted(object)
        };
        if let Some(((namespace, name), _)) = live.iter().find(is_extra) {
            return Err(format!("the Service {namespace}/{name} is in no directory"));
        }
        self.compare_others(&others, is_pruned)
    }

    fn compare_others(&self, others: &BTreeSet<Key>, is_pruned: bool) -> Outcome {
        let mut live: BTreeSet<Key> = self.objects("configmaps").into_keys().collect();
        live.retain(|(_, name)| name != "kube-root-ca.crt");
        if let Some((namespace, name)) = others.difference(&live).next() {
            return Err(format!("the ConfigMap {namespace}/{name} is missing"));
        }
        match live.difference(others).next() {
            Some((namespace, name)) if is_pruned || !name.starts_with("settings-") => {
                Err(format!("the ConfigMap {namespace}/{name} is in no directory"))
            }
            _ => Ok(()),
        }
    }
}
