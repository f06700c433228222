//! `init --from`: flags about existing Services, and the import.

use std::path::{Path, PathBuf};

use crate::commands::init::source::Import;
use crate::core::apply::{Tool, refuse_owned, tools_of};
use crate::core::import::{
    EmptyPool, ImportInput, ImportOptions, Imported, PoolChoice, PoolsWithoutService, empty_pools,
    import_documents,
};
use crate::core::kubernetes::node::Node;
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml;
use crate::core::yaml::Document;
use crate::directory::read_text_of_user;
use crate::engine::ownership::{TakeOverArgs, note_unused};
use crate::failure::Failure;
use crate::output::terminal;

/// Flags about existing Services.
#[derive(Debug, clap::Args)]
pub(super) struct AdoptArgs {
    /// State the pool whose nodes an existing Service uses, if its binding does not tell; may be repeated
    #[arg(long, requires = "import", help_heading = "Import", value_name = "SERVICE=POOL")]
    pool: Vec<String>,
    /// Create Services for the pools that have no existing Service, instead of excluding them
    #[arg(long, requires = "import", help_heading = "Import")]
    all_pools: bool,
    /// Read which nodes the cloud's load balancers use from the configuration of the cloud provider
    #[arg(long, requires = "import", help_heading = "Import", value_name = "FILE")]
    cloud_config: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Import")]
    take_over: TakeOverArgs,
}

impl AdoptArgs {
    /// Returns the tools whose objects are taken over.
    pub(super) fn taken(&self) -> Vec<Tool> {
        self.take_over.taken()
    }

    /// Whether pools without an existing Service get one.
    pub(super) fn may_create(&self) -> bool {
        self.all_pools
    }

    /// Returns the pools that the user states, and the problems of these flags.
    fn choices(&self) -> (Vec<PoolChoice>, Vec<Diagnostic>) {
        let mut choices = Vec::new();
        let mut problems = Vec::new();
        for text in &self.pool {
            match PoolChoice::of_flag(text) {
                Ok(choice) => choices.push(choice),
                Err(problem) => problems.push(problem),
            }
        }
        (choices, problems)
    }

    /// Returns the pools without nodes that the user states. `namespace` is that of objects that state none.
    pub(super) fn empty_pools(
        &self,
        import: &Import,
        platform: &Platform,
        known: &PoolSet,
        namespace: Option<&str>,
    ) -> Vec<EmptyPool> {
        empty_pools(&import.with_services_of_gateways(), &self.choices().0, platform, known, namespace)
    }
}

/// Imports the documents.
pub(super) fn import(
    args: &AdoptArgs,
    import: &Import,
    (platform, platforms): (&Platform, &[Platform]),
    (pools, nodes): (&PoolSet, &[Node]),
    options: ImportOptions<'_>,
) -> Result<Imported, Failure> {
    let (choices, mut problems) = args.choices();
    let objects = objects(&import.documents);
    let taken = args.taken();
    problems.extend(refuse_owned(&objects, &taken));
    if !problems.is_empty() {
        return Err(problems.into());
    }
    note_unused(&taken, &tools_of(&objects));
    let cloud_config = args.cloud_config.as_deref().map(read_configuration).transpose()?;
    let input = ImportInput {
        platform,
        platforms,
        pools,
        nodes,
        choices: &choices,
        selecting: &import.selecting,
        classes: &import.classes,
        cloud_config: cloud_config.as_ref(),
        without_service: if args.all_pools {
            PoolsWithoutService::Include
        } else {
            PoolsWithoutService::Exclude
        },
        options,
    };
    let imported = import_documents(import.documents.clone(), input)?;
    for warning in &imported.warnings {
        terminal::diagnostic(warning);
    }
    if imported.objects.is_empty() {
        imported.changes.iter().for_each(|sentence| terminal::note(sentence));
        return Err(Diagnostic::error("the input has no object to import")
            .hint("name a file with Services and workloads with --from")
            .into());
    }
    Ok(imported)
}

/// Returns the objects of the input, without lists around them.
fn objects(documents: &[Document]) -> Vec<Document> {
    documents.iter().cloned().flat_map(Document::into_objects).collect()
}

fn read_configuration(file: &Path) -> Result<Document, Failure> {
    let shown = file.display().to_string();
    Ok(yaml::read_one(&shown, &read_text_of_user(file, &shown)?)?)
}
