//! `init`: writes a starter spec, and the manifests with which Argo CD or Flux syncs the rendered directory.

mod adopt;
mod gitops;
mod links;
mod manifests;
mod no_op;
mod nodes_file;
mod proof;
mod source;
mod starter;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cluster::Cluster;
use crate::commands::init::adopt::AdoptArgs;
use crate::commands::init::gitops::GitopsArgs;
use crate::commands::init::manifests::{ImportFiles, MANIFESTS};
use crate::commands::init::nodes_file::{copy_of_nodes, nodes_source};
use crate::commands::init::source::{Import, SourceArgs};
use crate::commands::init::starter::{Starter, seen};
use crate::core::import::{EmptyPool, ImportOptions, Imported};
use crate::core::kubernetes::names;
use crate::core::kubernetes::node::Node;
use crate::core::manifest::Key;
use crate::core::platform::choose::Choice;
use crate::core::platform::evidence::{Witness, choose_with_services};
use crate::core::platform::{Platform, builtin_names, read_builtin};
use crate::core::pools::{Discovered, Lookalikes, MergeOptions, Merged, discover_pools, merge};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::plural;
use crate::core::report::shell_quote;
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::{DeclaredPool, LargeScale, Spec};
use crate::core::yaml::Document;
use crate::directory::{
    NamedBy, Outside, SPEC_FILE, is_outside, make_directory, nodes_from, read_text, write_new,
};
use crate::engine::discover::from_cluster;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::styled::Styled;
use crate::output::terminal;
use crate::scope::GlobalArgs;

/// Write a starter spec for a cluster, or from existing Services
///
/// Reads the nodes to detect the platform and the pools. Writes largescale.yaml with comments. With --from or --from-cluster, imports
/// existing Services and workloads, and writes manifests without what servers and controllers wrote.
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

  # Import the live Services of a namespace, and the workloads that they select
  kubectl largescale init app --from-cluster --namespace web

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
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    adopt: AdoptArgs,
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
    let (nodes, cluster) = read_nodes(global, args)?;
    let platforms: Vec<Platform> = builtin_names().filter_map(read_builtin).collect::<Result<_, _>>()?;
    let cluster = match cluster {
        None if args.source.from_cluster => {
            Some(Cluster::connect(&global.cluster, Arc::new(terminal::note))?)
        }
        cluster => cluster,
    };
    let mut import = args.source.is_used().then(|| args.source.read(cluster.as_ref())).transpose()?;
    if let Some(import) = &mut import {
        SourceArgs::read_classes(cluster.as_ref(), import)?;
    }
    let documents = import.as_ref().map(Import::with_services_of_gateways);
    let choice = choose_platform(&platforms, &nodes, args.platform.as_deref(), documents.as_deref())?;
    if let Some(import) = &mut import {
        args.source.read_selecting(cluster.as_ref(), choice.platform, import)?;
    }
    let context_namespace = cluster.as_ref().map(|cluster| cluster.namespace().to_owned());
    let stated = global.cluster.namespace.as_deref().or(context_namespace.as_deref());
    let discovered = discover_pools(&nodes, choice.platform, args.label.as_deref(), None)?;
    let (merged, empty) = all_pools(args, &choice, &discovered, import.as_ref(), stated)?;
    let options = ImportOptions { keep_defaults: args.source.keep_defaults, namespace: stated };
    let mut imported = import
        .as_ref()
        .map(|import| {
            let place = (&merged.set, nodes.as_slice());
            adopt::import(&args.adopt, import, (choice.platform, &platforms), place, options)
        })
        .transpose()?;
    let shared = imported.as_ref().and_then(|imported| imported.namespace.clone());
    let namespace = global.cluster.namespace.clone().or(shared).or(context_namespace);
    let namespace = namespace.as_deref();
    if let Some(imported) = &mut imported {
        imported.keep_referenced(namespace);
    }
    let files =
        imported.as_ref().zip(import.as_ref()).map(|(imported, import)| ImportFiles::of(imported, import));
    let name = name(args, imported.as_ref());
    let copy = copy_of_nodes(args);
    let copied = copy.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let source = copied.unwrap_or_else(|| nodes_source(args));
    let text = starter::text(&Starter {
        name: &name,
        namespace,
        manifests: files.as_ref().map_or(MANIFESTS, ImportFiles::in_spec),
        overlays: files.as_ref().map(ImportFiles::overlays).unwrap_or_default(),
        nodes: &source,
        choice: &choice,
        merged: &merged,
        empty: &empty,
        imported: imported.as_ref(),
    });
    // `render` must be able to read what `init` writes. The file does not exist, so its lines say nothing.
    let nowhere = |problem: Diagnostic| Diagnostic { location: None, ..problem };
    LargeScale::read(&shown, &text)
        .map_err(|problems| problems.into_iter().map(nowhere).collect::<Vec<_>>())?;
    let place = no_op::Place {
        spec: &text,
        platform: choice.platform,
        nodes: &nodes,
        classes: &import.as_ref().map(|import| import.classes.clone()).unwrap_or_default(),
        namespace,
        may_create: args.adopt.may_create(),
    };
    no_op::check(files.as_ref(), imported.as_ref(), &place)?;
    write(args, files.as_ref(), copy.as_deref(), (&spec_path, &text))?;
    report(&choice, &merged, &empty, imported.as_ref());
    if let Some(path) = &copy {
        terminal::note(&format!(
            "copied {} to {}, because a spec cannot name files outside of its git repository or directory",
            args.nodes,
            path.display()
        ));
    }
    let proof = prove(args, imported.is_some(), cluster.as_ref(), &place)?;
    report_next_step(args, &source);
    if let Some(tool) = args.gitops.gitops {
        gitops::write(&args.directory, outside, tool, &args.gitops)?;
    }
    Ok(proof)
}

/// Compares the directory of an import with the cluster, if there is one.
fn prove(
    args: &Args,
    is_import: bool,
    cluster: Option<&Cluster>,
    place: &no_op::Place<'_>,
) -> Result<Exit, Failure> {
    let Some(cluster) = cluster.filter(|_| is_import) else { return Ok(Exit::Success) };
    proof::show(&args.directory, (cluster, place), &args.adopt.taken())
}

/// Writes all files, or none if one of them exists already.
fn write(
    args: &Args,
    files: Option<&ImportFiles>,
    copy: Option<&Path>,
    (spec_path, text): (&Path, &str),
) -> Result<(), Failure> {
    let shown = spec_path.display().to_string();
    if let Some(files) = files {
        files.check()?;
        files.refuse_existing(&args.directory)?;
    }
    make_directory(&args.directory)?;
    if let Some(files) = files {
        files.write(&args.directory)?;
    }
    if let Some(path) = copy {
        let copied = path.display().to_string();
        write_new(path, &copied, &read_text(Path::new(&args.nodes), &args.nodes)?)?;
        terminal::styled(&Styled::created(&copied))?;
    }
    write_new(spec_path, &shown, text)?;
    terminal::styled(&Styled::created(&shown))?;
    Ok(())
}

/// Returns the nodes, and the cluster if they are from one.
fn read_nodes(global: &GlobalArgs, args: &Args) -> Result<(Vec<Node>, Option<Cluster>), Failure> {
    let nodes = args.nodes.as_str();
    if nodes == "-" && args.source.reads_standard_input() {
        return Err(Failure::usage(
            Diagnostic::error("--nodes and --from both read standard input")
                .hint("write one of them to a file"),
        ));
    }
    if nodes == "cluster" {
        let asked = from_cluster(&global.cluster, None)?;
        return Ok((asked.nodes, Some(asked.cluster)));
    }
    Ok((nodes_from(Path::new(nodes), nodes, NamedBy::User)?, None))
}

fn choose_platform<'a>(
    platforms: &'a [Platform],
    nodes: &[Node],
    wanted: Option<&str>,
    documents: Option<&[Document]>,
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
    let witnesses = Witness::all(documents.unwrap_or_default());
    choose_with_services(platforms, nodes, &witnesses)?.ok_or_else(|| {
        Diagnostic::error(format!("cannot detect the platform from {}", plural(nodes.len(), "node")))
            .hint(format!(
                "choose one with --platform ({}); to use your own platform file, set it in the spec later",
                known()
            ))
            .into()
    })
}

/// Returns the pools of the nodes, and those without nodes that the user states for a Service. `namespace` is that of objects that
/// state none.
fn all_pools(
    args: &Args,
    choice: &Choice<'_>,
    discovered: &Discovered,
    import: Option<&Import>,
    namespace: Option<&str>,
) -> Result<(Merged, Vec<EmptyPool>), Failure> {
    let mut merged = pools(choice, discovered, &[])?;
    let empty = import.map_or_else(Vec::new, |import| {
        args.adopt.empty_pools(import, choice.platform, &merged.set, namespace)
    });
    if !empty.is_empty() {
        merged = pools(choice, discovered, &empty)?;
    }
    merged.warnings.iter().for_each(terminal::diagnostic);
    Ok((merged, empty))
}

/// Returns the pools of the nodes, and those without nodes.
fn pools(choice: &Choice<'_>, discovered: &Discovered, empty: &[EmptyPool]) -> Result<Merged, Failure> {
    let mut spec = Spec::new(&choice.platform.name);
    for EmptyPool { value, vm_set } in empty {
        spec.pools.declare.push(DeclaredPool { name: value.clone() });
        spec.pools.vm_sets.extend(vm_set.clone().map(|vm_set| (value.clone(), vm_set)));
    }
    Ok(merge(
        &spec,
        discovered,
        None,
        &MergeOptions { lookalikes: Lookalikes::Warn, ..MergeOptions::default() },
    )?)
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

fn report(choice: &Choice<'_>, merged: &Merged, empty: &[EmptyPool], imported: Option<&Imported>) {
    terminal::note(&format!("pools by {}: {}", merged.set.label, seen(merged)));
    for EmptyPool { value, .. } in empty {
        terminal::note(&format!("pool {value} has no nodes now; `spec.pools.declare` keeps its Service"));
    }
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
