//! The other apps of a command: they use the same load balancers and the same cluster, so each report counts all of them.

use std::path::PathBuf;

use crate::commands::capacity::args::Args;
use crate::commands::for_each;
use crate::core::capacity::{Demand, OtherServices, demands};
use crate::core::lock::Lock;
use crate::core::pools::PoolReport;
use crate::directory::Project;
use crate::scope::{GlobalArgs, Scope};

/// The apps that the user named.
#[derive(Debug, Default)]
pub(super) struct Apps(Vec<App>);

#[derive(Debug)]
struct App {
    spec: PathBuf,
    cluster: ClusterOf,
    /// What the copies for one pool require; the name is that of the Service in the manifests.
    once: Vec<Demand>,
    lock: Option<Lock>,
}

/// What tells the clusters of two apps apart.
#[derive(Debug, PartialEq, Eq)]
struct ClusterOf {
    name: Option<String>,
    context: Option<String>,
    platform: String,
    /// The file of nodes, if the user named none.
    nodes: Option<PathBuf>,
}

impl Apps {
    /// Reads the apps, if there are several. Problems of a spec are reported when its turn comes.
    pub(super) fn read(global: &GlobalArgs, args: &Args) -> Self {
        let scopes = for_each::scopes(global, None).unwrap_or_default();
        if scopes.len() < 2 {
            return Self::default();
        }
        Self(scopes.iter().filter_map(|scope| App::read(scope, args)).collect())
    }

    /// Returns the other apps of the same cluster, added to the Services that were read from it. `pools` are the pools of the report.
    pub(super) fn with_others(
        &self,
        (scope, args): (&Scope, &Args),
        project: &Project,
        pools: &[String],
        read: Option<OtherServices>,
    ) -> Option<OtherServices> {
        let (spec, cluster) = (scope.source.file(), ClusterOf::of(scope, args, project));
        let mut others = self.0.iter().filter(|app| app.spec != spec && app.cluster == cluster).peekable();
        others.peek()?;
        let mut all = read.unwrap_or_default();
        for app in others {
            for pool in pools.iter().filter(|pool| app.has(pool)) {
                for demand in &app.once {
                    all.add(Demand { pool: pool.clone(), ..demand.clone() });
                }
            }
        }
        Some(all)
    }
}

impl App {
    fn read(scope: &Scope, args: &Args) -> Option<Self> {
        let project = Project::load(&scope.source).ok()?;
        let namespace = project.spec.metadata.namespace.clone().unwrap_or_default();
        let mut once = for_one_pool(&project);
        for demand in once.iter_mut().filter(|demand| demand.key.0.is_empty()) {
            demand.key.0.clone_from(&namespace);
        }
        let cluster = ClusterOf::of(scope, args, &project);
        Some(Self { spec: scope.source.file(), cluster, once, lock: project.lock })
    }

    /// Whether the app has a pool; before its first render, it has every pool.
    fn has(&self, pool: &str) -> bool {
        let is_planned = pool.parse::<u32>().is_ok();
        let has = |lock: &Lock| lock.pools.values().any(|locked| locked.name == pool);
        is_planned || self.lock.as_ref().is_none_or(has)
    }
}

impl ClusterOf {
    fn of(scope: &Scope, args: &Args, project: &Project) -> Self {
        let nodes = project.nodes_file().ok().filter(|_| args.nodes.is_none());
        let is_file = project.spec.spec.nodes != "cluster";
        Self {
            name: scope.source.cluster.clone(),
            context: scope.cluster.context.clone(),
            platform: project.platform.name.clone(),
            nodes: nodes.filter(|_| is_file).map(|(path, _)| path.canonicalize().unwrap_or(path)),
        }
    }
}

/// Returns what the copies of an app's Services for one pool require.
pub(super) fn for_one_pool(project: &Project) -> Vec<Demand> {
    demands(project.objects.iter().map(|object| {
        let pool = object.is_load_balancer() || project.spec.spec.workload.per_pool;
        (pool.then_some(""), object.value())
    }))
}

/// Returns the names of the pools of a report.
pub(super) fn pool_names(reports: &[PoolReport]) -> Vec<String> {
    reports.iter().map(|report| report.pool.name.clone()).collect()
}
