//! The user's project: spec, manifests, platform, overlays and lock.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::core::gateway;
use crate::core::gateway::Implementation;
use crate::core::lock::Lock;
use crate::core::manifest::{Object, read_manifests};
use crate::core::overlay;
use crate::core::overlay::Overlay;
use crate::core::platform::{Platform, builtin_names, read_builtin};
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::{LargeScale, OtherPools};
use crate::core::yaml::Document;
use crate::directory::Source;
use crate::directory::boundary::Boundary;
use crate::directory::damaged_lock::name_git;
use crate::directory::files::read_text;
use crate::directory::git::{Repository, RepositoryCell};
use crate::directory::manifests::{Paths, below, manifests};
use crate::directory::merged_lock::{Files, Found, MergeNote};
use crate::directory::read_files::ReadFiles;
use crate::directory::{git_made, merged_lock, rendered_file};

/// A loaded project.
#[derive(Debug)]
pub struct Project {
    /// The spec and its cluster, as the user named them.
    pub source: Source,
    /// The directory of the spec.
    pub directory: PathBuf,
    /// The spec, with the overrides of this cluster.
    pub spec: LargeScale,
    /// The spec's document, for locations.
    pub document: Document,
    /// The objects of the manifests.
    pub objects: Vec<Object>,
    /// The platform.
    pub platform: Platform,
    /// The overlays, in the order of the spec.
    pub overlays: Vec<Overlay>,
    /// The implementation of the Gateway API in the spec.
    pub implementation: Option<Implementation>,
    /// The lock, if there is one.
    pub lock: Option<Lock>,
    /// What the user should know about a merge of the lock.
    pub merge: Option<MergeNote>,
    /// The files of the spec, the manifests, the platform and the overlays.
    pub inputs: Vec<PathBuf>,
    /// The other clusters of the spec, by name.
    others: Vec<String>,
    boundary: Boundary,
    repository: RepositoryCell,
}

impl Project {
    /// Loads everything that a render needs. Reports all problems.
    pub fn load(source: &Source) -> Checked<Self> {
        Self::read(source, &Need::Everything)
    }

    /// Loads everything that a render needs. If git has a conflict in the lock, merges the locks of both branches.
    pub fn load_merging(source: &Source) -> Checked<Self> {
        Self::read(source, &Need::Merged)
    }

    /// Merges the locks of both branches that git joins, or that the last merge commit joined, if the lock is that of one of them.
    /// Returns whether it did: not if the lock was merged already.
    pub fn use_both_branches(&mut self) -> Checked<bool> {
        let Some((merged, next)) = self.of_both_branches()? else { return Ok(false) };
        self.replace_lock(merged, next);
        Ok(true)
    }

    /// As [`Project::use_both_branches`], if that brings back pools.
    pub fn use_pools_of_both_branches(&mut self) -> Checked<bool> {
        let Some((merged, next)) = self.of_both_branches()? else { return Ok(false) };
        let is_known = |pool: &String| self.lock.as_ref().is_some_and(|lock| lock.pools.contains_key(pool));
        if merged.pools.keys().all(is_known) {
            return Ok(false);
        }
        self.replace_lock(merged, next);
        Ok(true)
    }

    fn of_both_branches(&self) -> Checked<Option<(Lock, &'static str)>> {
        if matches!(self.merge, Some(MergeNote::Resolved { .. })) {
            return Ok(None);
        }
        let (output, lock) = (self.output(), self.lock_path());
        merged_lock::of_both_branches(self.files(&output, &lock))
    }

    fn replace_lock(&mut self, merged: Lock, next: &str) {
        let current = self.lock.replace(merged).map(Box::new);
        self.merge = Some(MergeNote::Resolved { next: next.to_owned(), current });
    }

    /// Accepts the rendered files whose content git made when it joined two branches. Returns whether there are any.
    pub fn accept_files_of_git(&mut self) -> bool {
        let (output, lock) = (self.output(), self.lock_path());
        // If git cannot tell, the files stay refused, and that message helps more.
        let made = git_made::files(self.files(&output, &lock)).unwrap_or_default();
        let Some(lock) = self.lock.as_mut().filter(|_| !made.is_empty()) else { return false };
        // A pool that the lock lost needs its Service: the render must not take the file for that of a removed pool.
        let is_of_lost_pool = |(name, _): &(String, String)| {
            rendered_file::pool_of_file(&output.join(name)).is_some_and(|pool| !lock.has_pool(&pool))
        };
        let (lost, made) = made.into_iter().partition(is_of_lost_pool);
        lock.sides.push(made);
        lock.accepted.push(lost);
        true
    }

    /// Accepts the rendered files that an operation of git brought back without their lock. Returns whether there are any.
    pub fn accept_earlier_files(&mut self) -> bool {
        let (output, path) = (self.output(), self.lock_path());
        let Some(lock) = &self.lock else { return false };
        // If git cannot tell, the files stay refused, and that message helps more.
        let found = git_made::rendered_before(self.files(&output, &path), lock).unwrap_or_default();
        let Some(lock) = self.lock.as_mut().filter(|_| !found.is_empty()) else { return false };
        lock.accepted.push(found.into_iter().collect());
        true
    }

    /// Loads only what finding the pools needs, without manifests and overlays.
    pub fn open(source: &Source) -> Checked<Self> {
        Self::read(source, &Need::Pools)
    }

    fn read(source: &Source, need: &Need) -> Checked<Self> {
        let (whole, document) = source.read()?;
        let (mut spec, document) = match &source.cluster {
            Some(name) => whole.of_cluster(document, name)?,
            None => (whole.clone(), document),
        };
        let spec_path = source.file();
        let others =
            whole.cluster_names().filter(|name| Some(*name) != source.cluster.as_deref()).map(str::to_owned);
        let others: Vec<String> = others.collect();
        if source.cluster.is_some() {
            add_other_pools(&mut spec.spec.other_pools, source, &others);
        }
        let directory = spec_path.parent().map(Path::to_owned).unwrap_or_default();
        let boundary = Boundary::around(&directory, source.outside);
        let mut problems = Vec::new();
        let mut collect = |found: Checked<()>| problems.extend(found.err().into_iter().flatten());

        let mut objects = Vec::new();
        let mut platform = None;
        let mut overlays = Vec::new();
        let mut implementation = None;
        let mut found = Found::default();
        collect(
            boundary
                .check_output(&directory, &spec.spec.output, document.location("/spec/output"))
                .map_err(Vec::from),
        );
        let repository = RepositoryCell::of(&directory);
        let read_files = ReadFiles::default();
        read_files.note(&spec_path);
        let paths = Paths { directory: &directory, boundary: &boundary, read: &read_files };
        let is_sharded = spec.spec.shards.is_some();
        collect(load_platform(paths, &spec.spec.platform, &document).map(|read| {
            platform = Some(if is_sharded { read.for_shards() } else { read });
        }));
        if let Some(name) = spec.spec.gateways.as_ref().and_then(|it| it.implementation.as_deref()) {
            collect(load_implementation(paths, name, &document).map(|read| implementation = Some(read)));
        }
        if matches!(need, Need::Everything | Need::Merged) {
            collect(
                manifests(paths, &whole, &document, &spec_path)
                    .and_then(|files| read_manifests(&files))
                    .map(|read| objects = read),
            );
            for (index, name) in spec.spec.overlays.iter().enumerate() {
                let at = document.location(&format!("/spec/overlays/{index}"));
                collect(load_overlay(paths, name, at).map(|read| overlays.push(read)));
            }
        }
        let read = match need {
            Need::Merged => {
                let (output, lock) = (directory.join(&spec.spec.output), source.lock());
                let files =
                    Files { directory: &directory, output: &output, lock: &lock, repository: &repository };
                merged_lock::read_merging(files)
            }
            _ => load_lock(&source.lock()).map(|lock| Found { lock, ..Found::default() }),
        };
        let lock = source.lock();
        let named = |problems: Vec<Diagnostic>| problems.into_iter().map(|it| name_git(it, &lock)).collect();
        collect(read.map(|read| found = read).map_err(named));
        match platform {
            Some(platform) if problems.is_empty() => Ok(Self {
                source: source.clone(),
                directory,
                spec,
                document,
                objects,
                platform,
                overlays,
                implementation,
                lock: found.lock,
                merge: found.merge,
                inputs: read_files.into_paths(),
                others,
                boundary,
                repository,
            }),
            _ => Err(problems),
        }
    }

    fn files<'a>(&'a self, output: &'a Path, lock: &'a Path) -> Files<'a> {
        Files { directory: &self.directory, output, lock, repository: &self.repository }
    }

    /// Returns the git repository that contains the directory of the spec; `None` if there is none, or if git is not installed.
    pub fn repository(&self) -> Result<Option<&Repository>, Diagnostic> {
        self.repository.get()
    }

    /// Returns the path of the lock.
    pub fn lock_path(&self) -> PathBuf {
        self.source.lock()
    }

    /// Refuses a cluster that another entry of the spec also names: two sets of one name would delete each
    /// other's Services.
    pub fn refuse_same_cluster(&self, identity: &str) -> Checked<()> {
        let lock_of = |name: &String| load_lock(&self.source.of_cluster(name).lock()).ok().flatten();
        let is_same =
            |name: &&String| lock_of(name).and_then(|lock| lock.cluster).as_deref() == Some(identity);
        let Some(same_cluster) = self.others.iter().find(is_same) else { return Ok(()) };
        let own = self.source.cluster.as_deref().unwrap_or_default();
        Err(Diagnostic::refusal(format!("{own} and {same_cluster} in `spec.clusters` are the same cluster"))
            .at(self.document.location("/spec/clusters"))
            .hint(format!(
                "the lock of {same_cluster} has the UID of its kube-system; check `context` of both, or remove one together with its lock"
            ))
            .into())
    }

    /// Returns whether the lock on disk is this one.
    pub fn has_written(&self, lock: &Lock) -> bool {
        match &self.merge {
            Some(MergeNote::Resolved { current, .. }) => current.as_deref() == Some(lock),
            _ => self.lock.as_ref() == Some(lock),
        }
    }

    /// Returns the output directory.
    pub fn output(&self) -> PathBuf {
        self.directory.join(&self.spec.spec.output)
    }

    /// Returns the file of nodes that the spec names, as a path and as a name for messages.
    pub fn nodes_file(&self) -> Result<(PathBuf, String), Diagnostic> {
        let name = &self.spec.spec.nodes;
        let path = self.directory.join(name);
        self.boundary
            .check(&format!("the file of nodes {name}"), &path)
            .map_err(|problem| problem.at(self.document.location("/spec/nodes")))?;
        let shown = path.display().to_string();
        Ok((path, shown))
    }

    /// Returns the file of an entry of `spec.pools.from`, as a path and as a name for messages.
    pub fn owners_file(&self, index: usize, name: &str) -> Result<(PathBuf, String), Diagnostic> {
        let path = self.directory.join(name);
        self.boundary.check(&format!("the file of `spec.pools.from` {name}"), &path).map_err(|problem| {
            problem.at(self.document.location(&format!("/spec/pools/from/{index}/file")))
        })?;
        let shown = path.display().to_string();
        Ok((path, shown))
    }
}

/// The parts of a project that a command needs.
enum Need {
    Everything,
    /// Everything, and a lock that git merges.
    Merged,
    Pools,
}

/// Adds the pools in the locks of the other clusters. Their problems are reported when their clusters are rendered.
fn add_other_pools(pools: &mut OtherPools, source: &Source, others: &[String]) {
    for name in others {
        match load_lock(&source.of_cluster(name).lock()) {
            Ok(Some(lock)) => pools.known.extend(lock.pools.into_keys()),
            Ok(None) | Err(_) => pools.is_incomplete = true,
        }
    }
}

fn load_lock(path: &Path) -> Checked<Option<Lock>> {
    if matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let shown = path.display().to_string();
    let text = read_text(path, &shown)?;
    Ok(Some(Lock::read(&shown, &text)?))
}

/// Loads a built-in platform by name, or a file: any name with a `/` or a YAML extension.
fn load_platform(paths: Paths<'_>, name: &str, document: &Document) -> Checked<Platform> {
    if is_file_name(name) {
        let path = below(paths.directory, name);
        paths
            .boundary
            .check(&format!("the platform {name}"), &path)
            .map_err(|problem| problem.at(document.location("/spec/platform")))?;
        let shown = path.display().to_string();
        return Platform::read(&shown, &paths.read.read_text(&path, &shown)?);
    }
    read_builtin(name).unwrap_or_else(|| {
        let near = did_you_mean(name, builtin_names());
        let known = builtin_names().collect::<Vec<_>>().join(", ");
        Err(Diagnostic::error(format!("unknown platform `{name}`{near}"))
            .at(document.location("/spec/platform"))
            .hint(format!("built-in platforms: {known}; for your own file use its path: ./{name}.yaml"))
            .into())
    })
}

/// Loads a built-in implementation of the Gateway API by name, or a file.
fn load_implementation(paths: Paths<'_>, name: &str, document: &Document) -> Checked<Implementation> {
    let at = || document.location("/spec/gateways/implementation");
    if is_file_name(name) {
        let path = below(paths.directory, name);
        paths
            .boundary
            .check(&format!("the implementation {name}"), &path)
            .map_err(|problem| problem.at(at()))?;
        let shown = path.display().to_string();
        return Implementation::read(&shown, &paths.read.read_text(&path, &shown)?);
    }
    gateway::read_builtin(name).unwrap_or_else(|| {
        let near = did_you_mean(name, gateway::builtin_names());
        let known = gateway::builtin_names().collect::<Vec<_>>().join(", ");
        Err(Diagnostic::error(format!("unknown implementation of the Gateway API `{name}`{near}"))
            .at(at())
            .hint(format!("built in: {known}; for your own file use its path: ./{name}.yaml"))
            .into())
    })
}

fn load_overlay(paths: Paths<'_>, name: &str, at: Location) -> Checked<Overlay> {
    if is_file_name(name) {
        let path = below(paths.directory, name);
        paths
            .boundary
            .check(&format!("the overlay {name}"), &path)
            .map_err(|problem| problem.at(at.clone()))?;
        let shown = path.display().to_string();
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let beside = |name: &str| {
            if Path::new(name).is_absolute() {
                return Err(Diagnostic::error(format!(
                    "the patch {name} is an absolute path, which would differ between machines"
                ))
                .hint("use a path relative to the overlay")
                .into());
            }
            let path = below(&folder, name);
            // `Overlay::read` adds the location.
            paths.boundary.check(&format!("the patch {name}"), &path)?;
            let shown = path.display().to_string();
            let text = paths.read.read_text(&path, &shown)?;
            Ok((shown, text))
        };
        return Overlay::read(&shown, &paths.read.read_text(&path, &shown)?, &beside);
    }
    overlay::read_builtin(name).unwrap_or_else(|| {
        let near = did_you_mean(name, overlay::builtin_names());
        let known = overlay::builtin_names().collect::<Vec<_>>().join(", ");
        Err(Diagnostic::error(format!("unknown overlay `{name}`{near}"))
            .at(at)
            .hint(format!("built-in overlays: {known}; for your own file use its path: ./{name}.yaml"))
            .into())
    })
}

/// Returns whether a name in the spec is a file: it contains a `/` or has a YAML extension.
pub(super) fn is_file_name(name: &str) -> bool {
    let lower = name.to_lowercase();
    name.contains('/')
        || name.contains('\\')
        || [".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending))
}
