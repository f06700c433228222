//! Flags that several commands share, and the one spec and cluster that a command works on.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use clap::{Arg, Args};

use crate::cluster::{Cluster, ClusterFlags, Identity};
use crate::core::apply::Peer;
use crate::core::report::diagnostic::Checked;
use crate::core::report::message::MessageScope;
use crate::directory::{Outside, Source, read_peer};
use crate::output::messages::MessageFormat;
use crate::output::terminal::Color;

/// What a command works on: one spec, for one cluster
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The spec and its cluster.
    pub source: Source,
    /// The name of the workload; `None` if the spec cannot be read.
    pub app: Option<String>,
    /// How to connect to the cluster.
    pub cluster: ClusterFlags,
    /// The position among several, from 0 on.
    pub index: usize,
    /// The number of those after it.
    pub following: usize,
    /// All of them, in order.
    pub companions: Arc<Vec<Companion>>,
}

/// A rendered directory of a run with several. It is read once, whichever of the others asks first.
#[derive(Debug)]
pub struct Companion {
    source: Source,
    title: String,
    flags: ClusterFlags,
    content: OnceLock<Checked<Peer>>,
    identity: OnceLock<Option<String>>,
}

/// A directory of a run whose content is unknown.
#[derive(Clone, Copy, Debug)]
pub struct Unreadable<'a> {
    /// The app and its cluster, for people.
    pub title: &'a str,
}

impl Companion {
    /// Returns the directory of a scope, which is not read yet.
    pub fn of(scope: &Scope) -> Self {
        Self {
            source: scope.source.clone(),
            title: scope.title(),
            flags: scope.cluster.clone(),
            content: OnceLock::new(),
            identity: OnceLock::new(),
        }
    }

    /// Returns its spec.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Returns whether both have the same spec, for two of its clusters.
    pub fn is_of_the_spec_of(&self, other: &Self) -> bool {
        self.source.file() == other.source.file()
    }

    /// Returns its rendered objects.
    ///
    /// # Errors
    /// The directory cannot be read. The command reports the reason when it runs for that directory.
    pub fn content(&self) -> Result<&Peer, Unreadable<'_>> {
        let namespace = self.flags.namespace.as_deref();
        let read = || read_peer(&self.source, self.title.clone(), namespace);
        self.content.get_or_init(read).as_ref().map_err(|_| Unreadable { title: &self.title })
    }

    /// Returns the UID of its cluster: from its lock, or else from the cluster that its flags name. `None` if neither is known.
    pub fn identity(&self) -> Option<&str> {
        let ask = || match Cluster::connect(&self.flags, Arc::new(|_| ())).ok()?.identity() {
            Ok(Identity::Known(found)) => Some(found),
            _ => None,
        };
        let known = || self.content().ok().and_then(|peer| peer.cluster.clone()).or_else(ask);
        self.identity.get_or_init(known).as_deref()
    }
}

impl Scope {
    /// Returns the scope of a spec with the user's connection flags.
    pub fn of(args: &GlobalArgs, source: Source) -> Self {
        Self {
            source,
            app: None,
            cluster: args.cluster.clone(),
            index: 0,
            following: 0,
            companions: Arc::default(),
        }
    }

    /// Returns the name of the workload, or else the path of the spec.
    pub fn name(&self) -> String {
        self.app.clone().unwrap_or_else(|| self.source.path.display().to_string())
    }

    /// Returns the scope for messages that programs read.
    pub fn for_messages(&self) -> MessageScope {
        MessageScope {
            app: self.app.clone(),
            cluster: self.source.cluster.clone(),
            spec: self.source.file().display().to_string(),
        }
    }

    /// Returns the workload and its cluster, for people.
    pub fn title(&self) -> String {
        match &self.source.cluster {
            Some(cluster) => format!("{}, cluster {cluster}", self.name()),
            None => self.name(),
        }
    }
}

/// Flags that may precede the command. `cli.rs` refuses those that have no effect on it.
#[derive(Clone, Debug, Args)]
pub struct GlobalArgs {
    /// Which specs, and which of their clusters.
    #[command(flatten)]
    pub specs: SpecArgs,
    /// What a spec may name.
    #[command(flatten)]
    pub outside: OutsideArgs,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
    /// How to connect to the cluster, with kubectl's flags.
    #[command(flatten)]
    pub cluster: ClusterFlags,
}

/// How to print; every command accepts these flags
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// Color the output
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", display_order = 900)]
    pub color: Color,
    /// Print errors, warnings and notes in this format
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", display_order = 900)]
    pub message_format: MessageFormat,
}

/// Which specs, and which of their clusters
#[derive(Clone, Debug, Args)]
pub struct SpecArgs {
    /// Read this spec file, or largescale.yaml in this directory; may be repeated [default: .]
    #[arg(
        short = 'f',
        long = "file",
        alias = "filename",
        global = true,
        help_heading = "Spec",
        default_value = ".",
        value_name = "PATH",
        hide_default_value = true
    )]
    pub files: Vec<PathBuf>,
    /// Use every largescale.yaml below the directories given with -f
    #[arg(short = 'R', long, global = true, help_heading = "Spec")]
    pub recursive: bool,
    /// Use only these clusters of `spec.clusters` (name or glob); may be repeated [default: all]
    #[arg(long, global = true, help_heading = "Spec", value_name = "CLUSTER")]
    pub only: Vec<String>,
}

/// What a spec may name
#[derive(Clone, Copy, Debug, Args)]
pub struct OutsideArgs {
    /// Allow paths in the spec outside of its git repository (without git: outside of its directory)
    #[arg(long, global = true, help_heading = "Spec")]
    pub allow_outside: bool,
}

impl OutsideArgs {
    /// Returns whether a spec may name paths outside.
    pub fn outside(self) -> Outside {
        if self.allow_outside { Outside::Allow } else { Outside::Refuse }
    }
}

/// The shared flags that have an effect on a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedFlags {
    /// The spec (`-f`, `-R`, `--only`) and the connection.
    SpecAndConnection,
    /// The connection, and `--allow-outside` for a spec that already exists.
    Connection,
    /// Neither.
    Neither,
}

impl SharedFlags {
    /// Returns those of a command, by the first word of its name.
    pub fn of(command: &str) -> Self {
        match command {
            "init" => Self::Connection,
            "model" | "platforms" | "schema" | "completion" | "options" => Self::Neither,
            _ => Self::SpecAndConnection,
        }
    }

    /// Returns the flags that have no effect.
    pub fn unused(self) -> Vec<Arg> {
        let mut unused = Vec::new();
        if self != Self::SpecAndConnection {
            unused.extend(flags_of::<SpecArgs>());
        }
        if self == Self::Neither {
            unused.extend(flags_of::<OutsideArgs>());
            unused.extend(connection_flags());
        }
        unused
    }
}

/// Returns the flags that choose a cluster and a user.
pub fn connection_flags() -> Vec<Arg> {
    flags_of::<ClusterFlags>()
}

/// Returns the flags that every command accepts.
pub fn output_flags() -> Vec<Arg> {
    flags_of::<OutputArgs>()
}

fn flags_of<A: Args>() -> Vec<Arg> {
    A::augment_args(clap::Command::default()).get_arguments().cloned().collect()
}
