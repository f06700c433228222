//! What `init` imports: files, directories, standard input and live objects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cluster::Cluster;
use crate::core::import::{services_of_gateways, unknown_classes};
use crate::core::platform::Platform;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml;
use crate::core::yaml::Document;
use crate::directory::read_inputs;
use crate::engine::adoptable::{ServiceQuery, read_adoptable, read_selecting};
use crate::engine::gateway_classes;
use crate::failure::Failure;
use crate::output::terminal;

/// Flags about what to import.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("import").multiple(true))]
pub(super) struct SourceArgs {
    /// Import manifests: a file, a directory with all manifests below it, or `-`; may be repeated. Merges Services that differ only in name and binding, and keeps their names
    #[arg(long, value_name = "FILE|DIRECTORY|-", group = "import", help_heading = "Import", value_hint = clap::ValueHint::AnyPath)]
    from: Vec<PathBuf>,
    /// Import the Services in the namespace of the cluster, the workloads that they select, and the autoscalers and disruption budgets of these
    #[arg(long, group = "import", help_heading = "Import")]
    pub(super) from_cluster: bool,
    /// Import only the Services with these labels, such as app=web
    #[arg(long, short = 'l', requires = "from_cluster", help_heading = "Import", value_name = "SELECTOR")]
    selector: Option<String>,
    /// Import only the Service with this name; may be repeated
    #[arg(
        long = "service",
        requires = "from_cluster",
        conflicts_with = "selector",
        help_heading = "Import",
        value_name = "NAME"
    )]
    services: Vec<String>,
    /// Keep the fields of live objects that have the defaults of the API server
    #[arg(long, requires = "import", help_heading = "Import")]
    pub(super) keep_defaults: bool,
}

/// The objects to import.
pub(super) struct Import {
    /// The documents, in the order of the flags.
    pub(super) documents: Vec<Document>,
    /// The inputs.
    pub(super) inputs: Vec<Input>,
    /// Live objects that select the nodes of Services. They are read, and not imported.
    pub(super) selecting: Vec<Value>,
    /// The controllers of the GatewayClasses that only the cluster has, by name.
    pub(super) classes: BTreeMap<String, String>,
}

impl Import {
    /// Returns the documents, and the Services in front of the Gateways among them, which show the platform and the pools, too.
    pub(super) fn with_services_of_gateways(&self) -> Vec<Document> {
        let mut all = self.documents.clone();
        all.extend(services_of_gateways(&self.documents, &self.classes, None));
        all
    }
}

/// One input.
pub(super) struct Input {
    /// Its name in messages, as in the locations of its documents.
    pub(super) shown: String,
    /// Its path below what the user named, or its name.
    pub(super) name: String,
    /// The flag that named it.
    pub(super) flag: &'static str,
}

impl SourceArgs {
    /// Whether the user asks for an import.
    pub(super) fn is_used(&self) -> bool {
        self.from_cluster || !self.from.is_empty()
    }

    /// Whether the import reads standard input.
    pub(super) fn reads_standard_input(&self) -> bool {
        self.from.iter().any(|path| path == Path::new("-"))
    }

    /// Reads everything. `--from-cluster` reads the cluster.
    pub(super) fn read(&self, cluster: Option<&Cluster>) -> Result<Import, Failure> {
        let mut import = Import {
            documents: Vec::new(),
            inputs: Vec::new(),
            selecting: Vec::new(),
            classes: BTreeMap::new(),
        };
        let mut problems = Vec::new();
        let mut paths: Vec<&PathBuf> = Vec::new();
        for path in &self.from {
            // Only once, because standard input and pipes end.
            if paths.contains(&path) {
                continue;
            }
            paths.push(path);
            match read_inputs(path) {
                Err(wrong) => problems.extend(wrong),
                Ok(files) => {
                    let is_directory = path.is_dir();
                    for file in files {
                        match yaml::read(&file.shown, &file.text) {
                            Err(problem) => problems.push(problem),
                            // kubectl skips such a file in a directory.
                            Ok(documents) if documents.is_empty() && is_directory => {}
                            Ok(documents) if documents.is_empty() => problems
                                .push(Diagnostic::error("the file is empty").at(Location::file(&file.shown))),
                            Ok(documents) => {
                                import.documents.extend(documents);
                                let (shown, name) = (file.shown, file.name);
                                import.inputs.push(Input { shown, name, flag: "--from" });
                            }
                        }
                    }
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if let Some(cluster) = cluster.filter(|_| self.from_cluster) {
            self.read_cluster(cluster, &mut import)?;
        }
        if import.documents.is_empty() {
            return Err(Diagnostic::error("--from names no object").into());
        }
        Ok(import)
    }

    /// Reads the live objects of the platform that select the nodes of Services.
    pub(super) fn read_selecting(
        &self,
        cluster: Option<&Cluster>,
        platform: &Platform,
        import: &mut Import,
    ) -> Result<(), Failure> {
        let Some(cluster) = cluster.filter(|_| self.from_cluster) else { return Ok(()) };
        let selecting = read_selecting(cluster, platform)?;
        selecting.notes.iter().for_each(|note| terminal::note(note));
        import.selecting.extend(selecting.objects.iter().map(|object| object.value().clone()));
        Ok(())
    }

    /// Reads the GatewayClasses of the Gateways that the documents do not have.
    pub(super) fn read_classes(cluster: Option<&Cluster>, import: &mut Import) -> Result<(), Failure> {
        let Some(cluster) = cluster else { return Ok(()) };
        let read = gateway_classes::read(cluster, unknown_classes(&import.documents))?;
        for problem in &read.hidden {
            terminal::note(&format!("cannot read which controllers the GatewayClasses have: {problem}"));
        }
        import.classes = read.controllers;
        Ok(())
    }

    fn read_cluster(&self, cluster: &Cluster, import: &mut Import) -> Result<(), Failure> {
        let namespace = cluster.namespace();
        let query = ServiceQuery { namespace, names: &self.services, selector: self.selector.as_deref() };
        let adoptable = read_adoptable(cluster, &query)?;
        for note in &adoptable.notes {
            terminal::note(note);
        }
        let shown = format!("namespace {namespace}");
        let documents = adoptable.objects.iter();
        import
            .documents
            .extend(documents.map(|object| Document::without_lines(object.value().clone(), &shown)));
        import.inputs.push(Input { shown, name: namespace.to_owned(), flag: "--from-cluster" });
        Ok(())
    }
}
