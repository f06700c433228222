//! `init --gitops`: writes manifests with which Argo CD or Flux syncs the rendered directory.

use std::collections::BTreeSet;
use std::path::Path;

use clap::ValueEnum;
use serde_json::Value;

use crate::commands::init::links::refuse_link;
use crate::core::gateway::{GATEWAY_GROUP, group_of};
use crate::core::gitops::{Gateways, Site, SiteFile, SyncedTree, argocd, flux, repository_url};
use crate::core::manifest::Object;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::directory::git::Repository;
use crate::directory::{Outside, Project, Source, make_directory, write_new};
use crate::failure::Failure;
use crate::output::styled::Styled;
use crate::output::terminal;

/// The controller that syncs the rendered directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GitopsTool {
    /// Argo CD: an Application, or an ApplicationSet for several clusters
    Argocd,
    /// Flux: a GitRepository and a Kustomization per cluster
    Flux,
}

/// Flags about the repository.
#[derive(Debug, clap::Args)]
pub(super) struct GitopsArgs {
    /// Write manifests for this tool to the directory `gitops` next to the spec
    #[arg(long, value_enum, value_name = "TOOL")]
    pub(super) gitops: Option<GitopsTool>,
    /// Address of the repository [default: the address of the remote `origin`]
    #[arg(long, requires = "gitops", value_name = "URL")]
    repo: Option<String>,
    /// Branch to sync [default: the current branch]
    #[arg(long, requires = "gitops", value_name = "NAME")]
    branch: Option<String>,
}

/// Directory of the manifests, next to the spec.
const DIRECTORY: &str = "gitops";

/// Writes the manifests. Refuses to overwrite a file.
pub(super) fn write(
    directory: &Path,
    outside: Outside,
    tool: GitopsTool,
    args: &GitopsArgs,
) -> Result<(), Failure> {
    let source = Source { path: directory.to_owned(), cluster: None, outside };
    let (spec, document) = source.read()?;
    let clusters: Vec<&str> = spec.cluster_names().collect();
    let sources: Vec<Source> = if clusters.is_empty() {
        vec![source]
    } else {
        clusters.iter().map(|name| source.of_cluster(name)).collect()
    };
    let projects: Vec<Project> = sources.iter().map(Project::open).collect::<Result<_, _>>()?;
    let repository = Repository::around(directory)?.ok_or_else(|| {
        Diagnostic::error("git repository not found, or git is not installed")
            .at(Location::file(directory.display().to_string()))
            .hint("install git, run `git init`, then run this command again")
    })?;
    let namespace = spec.metadata.namespace.clone().ok_or_else(|| {
        Diagnostic::error("`metadata.namespace` is required for Argo CD and Flux")
            .at(document.location("/metadata"))
            .hint("set it, for example to `namespace: default`")
    })?;
    let mut trees = Vec::with_capacity(projects.len());
    for project in &projects {
        let path = repository.shown_path(&project.output())?;
        trees.push(SyncedTree { cluster: project.source.cluster.clone(), path });
    }
    // A new spec may list manifests that do not exist yet.
    let objects =
        sources.first().and_then(|source| Project::load(source).ok()).map(|project| project.objects);
    let objects = objects.unwrap_or_default();
    let has_gateways = objects.iter().any(|object| group_of(object.value()) == GATEWAY_GROUP);
    let autoscaled = autoscaled(&objects);
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
        gateways: if has_gateways { Gateways::Present } else { Gateways::Absent },
    };
    let files = match tool {
        GitopsTool::Argocd => vec![argocd(&site)],
        GitopsTool::Flux => {
            autoscaled
                .iter()
                .filter_map(Autoscaled::warning)
                .for_each(|warning| terminal::diagnostic(&warning));
            flux(&site)
        }
    };
    put(directory, &files)
}

fn put(of: &Path, files: &[SiteFile]) -> Result<(), Failure> {
    let directory = of.strip_prefix(".").unwrap_or(of).join(DIRECTORY);
    if let Some(file) = files.iter().find(|file| directory.join(&file.name).exists()) {
        return Err(Diagnostic::refusal("the file already exists")
            .at(Location::file(directory.join(&file.name).display().to_string()))
            .hint("edit it, or remove it first")
            .into());
    }
    for file in files {
        refuse_link(of, &directory.join(&file.name))?;
    }
    make_directory(&directory)?;
    for file in files {
        let path = directory.join(&file.name);
        let shown = path.display().to_string();
        write_new(&path, &shown, &file.text)?;
        terminal::styled(&Styled::created(&shown))?;
    }
    terminal::note(
        "next: render, commit and push the tree, then apply these files where Argo CD or Flux runs",
    );
    Ok(())
}

fn address(repository: &Repository, typed: Option<&str>) -> Result<String, Failure> {
    let origin = || repository.origin();
    let Some(remote) = typed.map(str::to_owned).or_else(origin) else {
        return Err(Diagnostic::error("the repository has no remote `origin`")
            .hint("set the address, as in --repo https://git.example.com/team/deploy.git")
            .into());
    };
    repository_url(&remote).ok_or_else(|| {
        Diagnostic::error(format!("`{remote}` is not an address that a cluster can reach"))
            .hint("set the address, as in --repo https://git.example.com/team/deploy.git")
            .into()
    })
}

fn branch(repository: &Repository, typed: Option<&str>) -> Result<String, Failure> {
    typed.map(str::to_owned).or_else(|| repository.branch()).ok_or_else(|| {
        Diagnostic::error("HEAD is detached, so the branch to sync is unknown")
            .hint("set the branch, as in --branch main")
            .into()
    })
}

/// A workload that a HorizontalPodAutoscaler scales.
struct Autoscaled {
    /// The group and kind of the workload.
    scaled: (String, String),
    /// The workload and the location of its `replicas`, if the manifests set them.
    workload: Option<(String, Location)>,
}

impl Autoscaled {
    /// Returns a warning: Flux cannot ignore a single field.
    fn warning(&self) -> Option<Diagnostic> {
        let (name, location) = self.workload.as_ref()?;
        Some(
            Diagnostic::warning(format!(
                "{name} has `replicas` and an autoscaler: Flux resets the number at each sync"
            ))
            .at(location.clone())
            .hint("remove `replicas` from the manifest; the autoscaler sets the number"),
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
