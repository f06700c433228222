//! Makes an estate from a seed.

use std::fmt;

use largescale::core::platform::{Platform, builtin_names, read_builtin};
use serde_json::{Value, json};

use crate::estates::forms::{bind, binds, put, unbind};
use crate::estates::selecting;
use crate::provider_nodes::node;
use crate::random::Random;

/// A cluster that is already running.
pub(crate) struct Estate {
    pub(crate) seed: u64,
    pub(crate) platform: Platform,
    pub(crate) pools: Vec<String>,
    /// The nodes of the cluster, a `NodeList`.
    pub(crate) nodes: Value,
    /// One or more.
    pub(crate) namespaces: Vec<String>,
    pub(crate) services: Vec<Owned>,
    /// The objects that select the nodes of the Services, on platforms that need them.
    pub(crate) selecting: Vec<Value>,
    /// The Deployment whose pods all Services of a namespace select; each namespace has one.
    pub(crate) workload: Value,
    pub(crate) workload_by: Creator,
    pub(crate) source: Source,
}

/// What `init` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The output of `kubectl get -o json`.
    Dump,
    /// The cluster itself.
    Cluster,
}

/// A Service, as its author wrote it.
pub(crate) struct Owned {
    pub(crate) object: Value,
    pub(crate) namespace: String,
    /// The pool whose nodes its load balancer has; `None` if there is a mistake.
    pub(crate) pool: Option<String>,
    pub(crate) by: Creator,
    /// Annotations that a controller adds later.
    pub(crate) controller: Vec<(&'static str, &'static str)>,
}

/// How an object was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creator {
    /// `kubectl apply`.
    ClientSideApply,
    /// `kubectl create`.
    Create,
    /// `kubectl create`, and then `kubectl edit`.
    Edit,
    /// `kubectl create`, and then `kubectl replace`.
    Replace,
    /// `kubectl apply`, and then `kubectl edit`.
    ApplyThenEdit,
    /// Server-side apply by another program, which keeps its fields.
    Another,
}

/// What an author did wrong in one Service, so that nothing tells its pool or its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The binding selects nodes of two pools.
    TwoPools,
    /// The binding selects no node.
    NoPool,
    /// The binding still has the placeholder of an example.
    Placeholder,
    /// The Service has no binding.
    Unbound,
    /// A Helm release owns the Service.
    OfHelm,
}

const MISTAKES: [Mistake; 5] =
    [Mistake::TwoPools, Mistake::NoPool, Mistake::Placeholder, Mistake::Unbound, Mistake::OfHelm];

const CREATORS: [Creator; 5] =
    [Creator::ClientSideApply, Creator::Create, Creator::Edit, Creator::Replace, Creator::ApplyThenEdit];

const POOLS: [&str; 12] =
    ["blue", "green", "red", "gpu", "spot", "big", "edge-a", "edge-b", "pool1", "pool2", "a1", "zz"];

const BASES: [&str; 8] = ["web", "api", "nginx-service", "grpc", "edge", "shop-front", "v2", "public"];

impl Estate {
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let below = |random: &mut Random, end: usize| usize::try_from(random.below(end as u64)).unwrap();
        let platforms: Vec<Platform> =
            builtin_names().map(|name| read_builtin(name).unwrap().unwrap()).filter(binds).collect();
        let platform = platforms[below(&mut random, platforms.len())].clone();
        let mut pools: Vec<String> = POOLS.map(str::to_owned).to_vec();
        while pools.len() > 1 && random.below(5) > 0 {
            pools.remove(below(&mut random, pools.len()));
        }
        let nodes: Vec<Value> = pools
            .iter()
            .flat_map(|pool| {
                [0, 1].map(|number| node(&platform, &format!("{pool}-{number}"), Some(pool), &[]))
            })
            .collect();
        let has_mistake = random.below(4) == 0;
        let source = if random.below(3) == 0 { Source::Cluster } else { Source::Dump };
        let mut namespaces = vec![format!("estate-{seed}")];
        // `--from-cluster` reads one namespace.
        if source == Source::Dump {
            let more = ["shop", "blog"].iter().take(usize::try_from(random.below(3)).unwrap());
            namespaces.extend(more.map(|name| format!("estate-{seed}-{name}")));
        }
        let beginning = namespaces[0].clone();
        let selecting = selecting::objects(&platform, &pools, &beginning);
        let mut services = Vec::new();
        let mut bases = BASES.to_vec();
        for _ in 0..=random.below(4) {
            let base = bases.remove(below(&mut random, bases.len()));
            let namespace = &namespaces[below(&mut random, namespaces.len())];
            services.extend(group(base, namespace, &platform, (&pools, &beginning), &mut random));
            // Two namespaces may have Services of the same name, for the same pools or not.
            let other = &namespaces[below(&mut random, namespaces.len())];
            if other != namespace {
                services.extend(group(base, other, &platform, (&pools, &beginning), &mut random));
            }
        }
        services.truncate(40);
        // Every namespace has a Service.
        namespaces.retain(|namespace| services.iter().any(|service| service.namespace == *namespace));
        let at = below(&mut random, services.len());
        if has_mistake && pools.len() > 1 {
            let mistake = MISTAKES[below(&mut random, MISTAKES.len())];
            if unbind(&mut services[at].object, &platform, &pools, &beginning, mistake) {
                services[at].pool = None;
            }
        } else if random.below(8) == 0 {
            services[at].by = Creator::Another;
        }
        let workload_by = CREATORS[below(&mut random, CREATORS.len())];
        let nodes = json!({"kind": "NodeList", "apiVersion": "v1", "items": nodes});
        Self {
            seed,
            platform,
            pools,
            nodes,
            namespaces,
            services,
            selecting,
            workload: workload(),
            workload_by,
            source,
        }
    }
}

/// Returns Services that differ in their names and pools, and sometimes in more.
fn group(
    base: &str,
    namespace: &str,
    platform: &Platform,
    (pools, beginning): (&[String], &str),
    random: &mut Random,
) -> Vec<Owned> {
    let count = 1 + usize::try_from(random.below(pools.len() as u64)).unwrap();
    let form = random.below(4);
    let ports: Vec<Value> = (0..=random.below(3))
        .map(|port| json!({"name": format!("p{port}"), "port": 80 + port, "targetPort": 8080 + port}))
        .collect();
    let differ = random.below(5) == 0;
    // `helm template` writes these labels, too. Only the annotations of a release say that Helm installed an object.
    let labels = if random.below(4) == 0 {
        json!({"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "web-1.2.3", "team": "a"})
    } else {
        json!({"team": "a"})
    };
    let mut free: Vec<&String> = pools.iter().collect();
    (0..count)
        .map(|number| {
            let pool = free.remove(usize::try_from(random.below(free.len() as u64)).unwrap());
            let name = match form {
                0 => format!("{base}-{pool}"),
                1 => format!("{base}{}", number + 1),
                2 => format!("{base}-{}", number + 1),
                _ => format!("lb-{base}-{pool}"),
            };
            let mut object = json!({"apiVersion": "v1", "kind": "Service",
                "metadata": {"name": name, "labels": labels},
                "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": ports}});
            bind(&mut object, platform, pool, beginning, random);
            if differ {
                put(
                    &mut object,
                    "/metadata/annotations/example.com~1owner",
                    format!("owner-{number}").into(),
                );
            }
            let by = CREATORS[usize::try_from(random.below(CREATORS.len() as u64)).unwrap()];
            Owned {
                object,
                namespace: namespace.to_owned(),
                pool: Some(pool.clone()),
                by,
                controller: controller(random),
            }
        })
        .collect()
}

/// Returns annotations as controllers add them to a Service that exists.
fn controller(random: &mut Random) -> Vec<(&'static str, &'static str)> {
    match random.below(3) {
        0 => vec![("metallb.io/ip-allocated-from-pool", "first")],
        1 => vec![("argocd.example.com/checked", "yes")],
        _ => Vec::new(),
    }
}

fn workload() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "nginx",
                "env": [{"name": "KEEP", "value": "1"}, {"name": "REMOVE", "value": "2"}]}]}}}})
}

impl fmt::Display for Estate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespaces, pools) = (self.namespaces.len(), self.pools.len());
        write!(
            f,
            "{}, {namespaces} namespaces, {pools} pools, {} Services, {:?}",
            self.platform.name,
            self.services.len(),
            self.source
        )
    }
}
