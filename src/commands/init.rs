//! `init`: writes a starter spec, and the manifests with which Argo CD or Flux syncs the rendered directory.

mod gitops;
mod links;
mod starter;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::commands::init::gitops::GitopsArgs;
use crate::commands::init::links::refuse_link;
use crate::commands::init::starter::{Starter, seen};
use crate::core::import::{ImportOptions, Imported, import_documents};
use crate::core::kubernetes::names;
use crate::core::kubernetes::node::Node;
use crate::core::manifest::{Key, ManifestFile, read_manifests};
use crate::core::platform::choose::{Choice, choose};
use crate::core::platform::{Platform, builtin_names, read_builtin};
use crate::core::pools::{MergeOptions, Merged, discover_pools, merge};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::escape::in_comment;
use crate::core::report::plural::plural;
use crate::core::report::shell_quote;
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::{LargeScale, Spec};
use crate::core::yaml;
use crate::directory::{
    NamedBy, Outside, SPEC_FILE, is_outside, is_regular_file, make_directory, nodes_from, read_text,
    read_text_of_user, write_new,
};
use crate::engine::discover::from_cluster;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::styled::Styled;
use crate::output::terminal;
use crate::scope::GlobalArgs;

/// Directory of manifests next to the spec.
const MANIFESTS: &str = "manifests";

/// Write a starter spec for a cluster, or from hand-written Services
///
/// Reads the nodes to detect the platform and the pools. Writes largescale.yaml with comments, and with --from a manifest.
/// Copies the file of nodes if the spec cannot name it where it is (docs/review.md, "Paths"). Never overwrites a file.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Write app/largescale.yaml for the cluster of the current context
  kubectl largescale init app

  # Detect pools from a list of nodes instead of the cluster
  kubectl get nodes -o json > nodes.json
  kubectl largescale init app --nodes nodes.json --platform azure-basic

  # Import hand-written Services, one per pool
  kubectl largescale init app --from services.yaml

  # Write the Application that makes Argo CD sync the rendered directory
  kubectl largescale init app --gitops argocd")]
pub struct Args {
    /// Directory to write largescale.yaml to [default: .]
    #[arg(default_value = ".", value_name = "DIRECTORY", hide_default_value = true)]
    directory: PathBuf,
    /// Read nodes from a file (`kubectl get nodes -o json`), from standard input or from the cluster
    #[arg(long, value_name = "FILE|-|cluster", default_value = "cluster")]
    nodes: String,
    /// Platform to use if it cannot be detected from the nodes
    #[arg(long, value_name = "NAME")]
    platform: Option<String>,
    /// Use the value of this node label as the pool, if no label of the platform matches
    #[arg(long, value_name = "KEY")]
    label: Option<String>,
    /// Name of the workload [default: the name of the Service or of the directory]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Import hand-written manifests: merge Services that differ only in name and binding, and keep their names
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Keep the fields of live objects that have the defaults of the API server
    #[arg(long, requires = "from")]
    keep_defaults: bool,
    #[command(flatten)]
    gitops: GitopsArgs,
}

/// Writes the spec.
pub fn run(global: &GlobalArgs, args: &Args) -> Result<Exit, Failure> {
    let outside = global.outside.outside();
    if outside == Outside::Allow && args.gitops.gitops.is_none() {
        return Err(Failure::usage(
            Diagnostic::error("--allow-outside has no effect without --gitops")
                .hint("only `init --gitops` reads a spec; `render --allow-outside` accepts its paths"),
        ));
    }
    let directory = args.directory.strip_prefix(".").unwrap_or(&args.directory);
    let spec_path = directory.join(SPEC_FILE);
    let shown = spec_path.display().to_string();
    if spec_path.exists() {
        if let Some(tool) = args.gitops.gitops {
            gitops::write(&args.directory, outside, tool, &args.gitops)?;
            return Ok(Exit::Success);
        }
        return Err(Diagnostic::refusal(format!("{shown} already exists"))
            .hint("edit it, or name another directory")
            .into());
    }
    let (nodes, context_namespace) = read_nodes(global, &args.nodes)?;
    let platforms: Vec<Platform> = builtin_names().filter_map(read_builtin).collect::<Result<_, _>>()?;
    let choice = choose_platform(&platforms, &nodes, args.platform.as_deref())?;
    let merged = pools(&choice, &nodes, args.label.as_deref())?;
    for warning in &merged.warnings {
        terminal::diagnostic(warning);
    }
    let namespace = global.cluster.namespace.as_deref().or(context_namespace.as_deref());
    let mut imported = args
        .from
        .as_deref()
        .map(|from| {
            let options = ImportOptions { keep_defaults: args.keep_defaults };
            read_and_import(from, choice.platform, &platforms, &merged, options)
        })
        .transpose()?;
    if let Some(imported) = &mut imported {
        imported.keep_referenced(namespace);
    }
    let manifest = args
        .from
        .as_deref()
        .map(|from| format!("{MANIFESTS}/{}", from.file_name().unwrap_or_default().to_string_lossy()));
    let name = name(args, imported.as_ref());
    let copy = copy_of_nodes(args);
    let copied = copy.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let source = copied.unwrap_or_else(|| nodes_source(args));
    let text = starter::text(&Starter {
        name: &name,
        namespace,
        manifests: manifest.as_deref().unwrap_or(MANIFESTS),
        nodes: &source,
        choice: &choice,
        merged: &merged,
        imported: imported.as_ref(),
    });
    // `render` must be able to read what `init` writes.
    LargeScale::read(&shown, &text)?;

    if let Some(manifest) = &manifest {
        refuse_link(&args.directory, &directory.join(manifest))?;
    }
    make_directory(&args.directory)?;
    if let (Some(imported), Some(manifest)) = (&imported, &manifest) {
        let path = directory.join(manifest);
        let shown = path.display().to_string();
        let text = manifest_text(imported, args.from.as_deref());
        read_manifests(&[ManifestFile {
            source: manifest.clone(),
            shown: shown.clone(),
            text: text.clone(),
        }])?;
        if let Some(parent) = path.parent() {
            make_directory(parent)?;
        }
        write_new(&path, &shown, &text)?;
        terminal::styled(&Styled::created(&shown))?;
    }
    if let Some(path) = &copy {
        let shown = path.display().to_string();
        write_new(path, &shown, &read_text(Path::new(&args.nodes), &args.nodes)?)?;
        terminal::styled(&Styled::created(&shown))?;
    }
    write_new(&spec_path, &shown, &text)?;
    terminal::styled(&Styled::created(&shown))?;
    report(&choice, &merged, imported.as_ref());
    if let Some(path) = &copy {
        terminal::note(&format!(
            "copied {} to {}, because a spec cannot name files outside of its git repository or directory",
            args.nodes,
            path.display()
        ));
    }
    report_next_step(args, &source);
    if let Some(tool) = args.gitops.gitops {
        gitops::write(&args.directory, outside, tool, &args.gitops)?;
    }
    Ok(Exit::Success)
}

/// Returns the nodes, and the namespace of the context if they are from a cluster.
fn read_nodes(global: &GlobalArgs, nodes: &str) -> Result<(Vec<Node>, Option<String>), Failure> {
    if nodes == "cluster" {
        let asked = from_cluster(&global.cluster, None)?;
        return Ok((asked.nodes, Some(asked.cluster.namespace().to_owned())));
    }
    Ok((nodes_from(Path::new(nodes), nodes, NamedBy::User)?, None))
}

fn choose_platform<'a>(
    platforms: &'a [Platform],
    nodes: &[Node],
    wanted: Option<&str>,
) -> Result<Choice<'a>, Failure> {
    let known = || builtin_names().collect::<Vec<_>>().join(", ");
    if let Some(wanted) = wanted {
        let Some(platform) = platforms.iter().find(|platform| platform.name == wanted) else {
            let near = did_you_mean(wanted, builtin_names());
            return Err(Diagnostic::error(format!("unknown platform `{wanted}`{near}"))
                .hint(format!("built in: {}", known()))
                .into());
        };
        return Ok(Choice { platform, is_certain: true, others: Vec::new() });
    }
    choose(platforms, nodes)?.ok_or_else(|| {
        Diagnostic::error(format!("cannot detect the platform from {}", plural(nodes.len(), "node")))
            .hint(format!(
                "choose one with --platform ({}); to use your own platform file, set it in the spec later",
                known()
            ))
            .into()
    })
}

fn pools(choice: &Choice<'_>, nodes: &[Node], label: Option<&str>) -> Result<Merged, Failure> {
    let found = discover_pools(nodes, choice.platform, label, None)?;
    Ok(merge(&Spec::new(&choice.platform.name), &found, None, &MergeOptions::default())?)
}

fn read_and_import(
    from: &Path,
    platform: &Platform,
    platforms: &[Platform],
    merged: &Merged,
    options: ImportOptions,
) -> Result<Imported, Failure> {
    let shown = from.display().to_string();
    let documents = yaml::read(&shown, &read_text_of_user(from, &shown)?)?;
    if documents.is_empty() {
        return Err(Diagnostic::error(format!("{shown}: the file is empty")).into());
    }
    let imported = import_documents(documents, platform, platforms, &merged.set, options)?;
    for warning in &imported.warnings {
        terminal::diagnostic(warning);
    }
    Ok(imported)
}

/// Returns `--name`, or the name of the first imported Service or of the directory as a DNS label.
fn name(args: &Args, imported: Option<&Imported>) -> String {
    if let Some(name) = &args.name {
        return name.clone();
    }
    let service =
        imported.and_then(|imported| imported.objects.iter().find(|object| object["kind"] == "Service"));
    let from_service = service.map(|service| Key::of(service).name).filter(|name| !name.is_empty());
    let directory = || {
        std::path::absolute(&args.directory)
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
    };
    let name = names::pool_name(&from_service.or_else(directory).unwrap_or_default());
    if name.is_empty() { "app".to_owned() } else { name }
}

fn manifest_text(imported: &Imported, from: Option<&Path>) -> String {
    let from = in_comment(&from.and_then(Path::file_name).unwrap_or_default().to_string_lossy());
    let objects: Vec<String> = imported.objects.iter().map(yaml::write_object).collect();
    format!(
        "# From {from}, by `kubectl largescale init --from`. This file is yours.\n{}",
        objects.join("---\n")
    )
}

/// Returns the file of nodes relative to the directory of the spec.
fn nodes_source(args: &Args) -> String {
    if args.nodes == "cluster" || args.nodes == "-" {
        return "cluster".to_owned();
    }
    let from = |path: &Path| std::path::absolute(path).ok();
    let (Some(file), Some(directory)) = (from(Path::new(&args.nodes)), from(&args.directory)) else {
        return args.nodes.clone();
    };
    if let Ok(below) = file.strip_prefix(&directory) {
        return below.display().to_string();
    }
    let shared = file.components().zip(directory.components()).take_while(|(a, b)| a == b).count();
    let up = directory.components().skip(shared).map(|_| "..".to_owned());
    let down = file.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Returns where to copy the file of nodes, if the spec may not name it where it is.
fn copy_of_nodes(args: &Args) -> Option<PathBuf> {
    let file = Path::new(&args.nodes);
    let is_file = !["cluster", "-"].contains(&args.nodes.as_str()) && is_regular_file(file);
    let copy = args.directory.strip_prefix(".").unwrap_or(&args.directory).join(file.file_name()?);
    (is_file && is_outside(&args.directory, file) && !copy.exists()).then_some(copy)
}

fn report(choice: &Choice<'_>, merged: &Merged, imported: Option<&Imported>) {
    terminal::note(&format!("pools by {}: {}", merged.set.label, seen(merged)));
    for sentence in imported.into_iter().flat_map(|imported| &imported.changes) {
        terminal::note(sentence);
    }
    if choice.is_certain {
        terminal::note(&format!("platform {}: {}", choice.platform.name, choice.platform.spec.title));
    } else {
        let mut warning = format!(
            "cannot detect from the nodes which load balancers this cluster has; wrote {}, choose one of",
            choice.platform.name
        );
        for platform in std::iter::once(&choice.platform).chain(&choice.others) {
            let _ = write!(warning, "\n    {}: {}", platform.name, platform.spec.choose);
        }
        terminal::diagnostic(&Diagnostic::warning(warning));
    }
}

fn report_next_step(args: &Args, nodes: &str) {
    let directory = args.directory.as_path();
    let manifests = directory.join(MANIFESTS);
    let manifests = shell_quote::path(manifests.strip_prefix(".").unwrap_or(&manifests));
    let first = if directory.join(MANIFESTS).exists() {
        String::new()
    } else {
        format!("put the Kubernetes YAML of the workload into {manifests}, then ")
    };
    let file = if directory == Path::new(".") {
        String::new()
    } else {
        format!(" -f {}", shell_quote::path(directory))
    };
    let allow = if is_outside(directory, &directory.join(nodes)) { " --allow-outside" } else { "" };
    terminal::note(&format!("next: {first}kubectl largescale render{file}{allow}"));
}
