//! `init --gitops`: what makes Argo CD or Flux sync the tree, in files beside the spec.

use std::collections::BTreeSet;
use std::path::Path;

use clap::ValueEnum;
use serde_json::Value;

use crate::core::gitops::{Site, SiteFile, SyncedTree, argocd, flux, repository_url};
use crate::core::manifest::Object;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::directory::git::Repository;
use crate::directory::{Project, Source, make_directory, write_new};
use crate::failure::Failure;
use crate::output::terminal;

/// Who syncs the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Tracker {
    /// Argo CD: an Application, or an ApplicationSet for several clusters
    Argocd,
    /// Flux: a GitRepository and a Kustomization, for each cluster its own
    Flux,
}

/// What was typed about the repository.
#[derive(Debug, clap::Args)]
pub(super) struct GitopsArgs {
    /// Write what makes Argo CD or Flux sync the tree, into the directory `gitops` beside the spec
    #[arg(long, value_enum, value_name = "WHO")]
    pub(super) gitops: Option<Tracker>,
    /// The address of the repository [default: that of the remote `origin`]
    #[arg(long, requires = "gitops", value_name = "URL")]
    repo: Option<String>,
    /// The branch that is synced [default: the one that is checked out]
    #[arg(long, requires = "gitops", value_name = "NAME")]
    branch: Option<String>,
}

/// The directory of the files, beside the spec.
const DIRECTORY: &str = "gitops";

/// Writes the files; none that is there already is touched.
pub(super) fn write(directory: &Path, tracker: Tracker, args: &GitopsArgs) -> Result<(), Failure> {
    let source = Source { path: directory.to_owned(), cluster: None };
    let (spec, document) = source.read()?;
    let clusters: Vec<&str> = spec.cluster_names().collect();
    let sources: Vec<Source> = if clusters.is_empty() {
        vec![source]
    } else {
        clusters.iter().map(|name| source.of_cluster(name)).collect()
    };
    let projects: Vec<Project> = sources.iter().map(Project::open).collect::<Result<_, _>>()?;
    let repository = Repository::around(directory)?.ok_or_else(|| {
        Diagnostic::error(
            "there is no git repository around the spec, or git is not installed, so there is nothing to sync",
        )
        .at(Location::file(directory.display().to_string()))
        .hint("install git, run `git init`, then run this command again")
    })?;
    let namespace = spec.metadata.namespace.clone().ok_or_else(|| {
        Diagnostic::error("`metadata.namespace` is not set, and Argo CD and Flux have to know it")
            .at(document.location("/metadata"))
            .hint("write `namespace: default` if you mean that")
    })?;
    let mut trees = Vec::with_capacity(projects.len());
    for project in &projects {
        let path = repository.shown_path(&project.output())?;
        trees.push(SyncedTree { cluster: project.source.cluster.clone(), path });
    }
    // A spec that was written a moment ago may name manifests that are not there yet.
    let objects =
        sources.first().and_then(|source| Project::load(source).ok()).map(|project| project.objects);
    let autoscaled = autoscaled(&objects.unwrap_or_default());
    let site = Site {
        app: spec.metadata.name.clone(),
        namespace,
        repository: address(&repository, args.repo.as_deref())?,
        branch: branch(&repository, args.branch.as_deref())?,
        trees,
        autoscaled: autoscaled
            .iter()
            .map(|object| object.scaled.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    };
    let files = match tracker {
        Tracker::Argocd => vec![argocd(&site)],
        Tracker::Flux => {
            autoscaled
                .iter()
                .filter_map(Autoscaled::warning)
                .for_each(|warning| terminal::diagnostic(&warning));
            flux(&site)
        }
    };
    put(directory, &files)
}

fn put(directory: &Path, files: &[SiteFile]) -> Result<(), Failure> {
    let directory = directory.strip_prefix(".").unwrap_or(directory).join(DIRECTORY);
    if let Some(file) = files.iter().find(|file| directory.join(&file.name).exists()) {
        return Err(Diagnostic::refusal("the file is there already")
            .at(Location::file(directory.join(&file.name).display().to_string()))
            .hint("edit it, or remove it first")
            .into());
    }
    make_directory(&directory)?;
    for file in files {
        let path = directory.join(&file.name);
        let shown = path.display().to_string();
        write_new(&path, &shown, &file.text)?;
        terminal::data(&format!("{shown} {}\n", terminal::action("created")))?;
    }
    terminal::note(
        "next: render, commit and push the tree, then apply these files where Argo CD or Flux runs",
    );
    Ok(())
}

fn address(repository: &Repository, typed: Option<&str>) -> Result<String, Failure> {
    let origin = || repository.origin();
    let Some(remote) = typed.map(str::to_owned).or_else(origin) else {
        return Err(Diagnostic::error("the repository has no remote `origin`, so its address is not known")
            .hint("--repo https://git.example.com/team/deploy.git")
            .into());
    };
    repository_url(&remote).ok_or_else(|| {
        Diagnostic::error(format!("`{remote}` is no address that a cluster could reach"))
            .hint("--repo https://git.example.com/team/deploy.git")
            .into()
    })
}

fn branch(repository: &Repository, typed: Option<&str>) -> Result<String, Failure> {
    typed.map(str::to_owned).or_else(|| repository.branch()).ok_or_else(|| {
        Diagnostic::error("no branch is checked out, so the one to sync is not known")
            .hint("--branch main")
            .into()
    })
}

/// A workload whose replicas an autoscaler sets, while the manifests say how many.
struct Autoscaled {
    /// Its group and kind.
    scaled: (String, String),
    /// The workload.
    workload: Option<(String, Location)>,
}

impl Autoscaled {
    /// Flux knows no way to leave one field alone.
    fn warning(&self) -> Option<Diagnostic> {
        let (name, location) = self.workload.as_ref()?;
        Some(
            Diagnostic::warning(format!(
                "{name} has `replicas` and an autoscaler: Flux puts the number back at every look"
            ))
            .at(location.clone())
            .hint("take `replicas` out of the manifest; the autoscaler keeps what is there"),
        )
    }
}

fn autoscaled(objects: &[Object]) -> Vec<Autoscaled> {
    let scaler = |object: &&Object| object.key().kind == "HorizontalPodAutoscaler";
    objects
        .iter()
        .filter(scaler)
        .map(|object| {
            let target = &object.value()["spec"]["scaleTargetRef"];
            let text = |field: &str| target[field].as_str().unwrap_or_default().to_owned();
            let group =
                text("apiVersion").split_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default();
            let (kind, name) = (text("kind"), text("name"));
            let is_it = |other: &&Object| other.key().kind == kind && other.key().name == name;
            let with_replicas =
                objects.iter().find(is_it).filter(|it| it.value()["spec"]["replicas"] != Value::Null);
            Autoscaled {
                workload: with_replicas.map(|it| (it.key().to_string(), it.location("/spec/replicas"))),
                scaled: (group, kind),
            }
        })
        .collect()
}
