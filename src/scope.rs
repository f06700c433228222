//! The flags that every command takes, and the one spec and cluster that a command works on.

use std::path::PathBuf;

use clap::Args;

use crate::cluster::ClusterFlags;
use crate::directory::Source;
use crate::output::terminal::Color;

/// What a command works on: one spec, for one cluster
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The spec and its cluster.
    pub source: Source,
    /// The name of the workload; `None` where the spec cannot be read.
    pub app: Option<String>,
    /// How the cluster is reached.
    pub cluster: ClusterFlags,
    /// Which of several it is, from 0 on.
    pub index: usize,
}

impl Scope {
    /// The same flags for a spec.
    pub fn of(typed: &GlobalArgs, source: Source) -> Self {
        Self { source, app: None, cluster: typed.cluster.clone(), index: 0 }
    }

    /// The name of the workload, or else the path of the spec.
    pub fn name(&self) -> String {
        self.app.clone().unwrap_or_else(|| self.source.path.display().to_string())
    }

    /// What it is about, for people.
    pub fn title(&self) -> String {
        match &self.source.cluster {
            Some(cluster) => format!("{}, cluster {cluster}", self.name()),
            None => self.name(),
        }
    }
}

/// What every command takes, as it was typed
#[derive(Clone, Debug, Args)]
pub struct GlobalArgs {
    /// The spec, or the directory that holds largescale.yaml; may be repeated [default: .]
    #[arg(
        short = 'f',
        long = "file",
        alias = "filename",
        global = true,
        default_value = ".",
        value_name = "PATH",
        hide_default_value = true
    )]
    pub files: Vec<PathBuf>,
    /// Every largescale.yaml below the directories of -f
    #[arg(short = 'R', long, global = true, hide_short_help = true)]
    pub recursive: bool,
    /// Only these clusters of `spec.clusters`, a glob; may be repeated [default: all]
    #[arg(long, global = true, value_name = "CLUSTER", hide_short_help = true)]
    pub only: Vec<String>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// How the cluster is reached, as with kubectl
    #[command(flatten)]
    pub cluster: ClusterFlags,
}
