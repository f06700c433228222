//! What can go wrong before and while a cluster is asked, in data; the wording is here and in [`Problem`].
//!
//! Messages name the file, the server and what was asked. They never hold contents of a kubeconfig or of
//! an answer, and never the `Debug` form of kube's errors, which holds both.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::request_error::Problem;
use crate::core::report::suggest::did_you_mean;

/// Why the cluster could not be asked, or what came instead of an answer.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A kubeconfig exists, or was asked for, and cannot be read.
    #[error("cannot read kubeconfig {file}: {source}", file = .file.display())]
    KubeconfigUnreadable {
        /// Its path.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A kubeconfig is not YAML, or not a kubeconfig.
    #[error("kubeconfig {location} is broken: {reason}", location = at_line(.file, *.line))]
    KubeconfigBroken {
        /// Its path.
        file: PathBuf,
        /// 1-based.
        line: Option<u64>,
        /// What was expected; without the text that stands there, which may be a secret.
        reason: String,
    },
    /// Neither a kubeconfig nor the service account of a pod.
    #[error("no kubeconfig found{places}", places = none_of(.looked_at))]
    NoKubeconfig {
        /// The files that do not exist.
        looked_at: Vec<PathBuf>,
    },
    /// The kubeconfig has no current context and none was named.
    #[error("the kubeconfig has no current context")]
    NoContext {
        /// The contexts to choose from.
        known: Vec<String>,
    },
    /// A context, cluster or user that the kubeconfig does not have.
    #[error("the kubeconfig has no {what} `{name}`{near}", near = did_you_mean(.name, .known.iter().map(String::as_str)))]
    UnknownName {
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A cluster without an address.
    #[error("cluster `{cluster}` of the kubeconfig has no server")]
    NoServer {
        /// Its name.
        cluster: String,
    },
    /// A setting of the kubeconfig or a flag that cannot be used.
    #[error("cannot use {what}: {reason}")]
    Unusable {
        /// Such as ``the certificate authority of cluster `a` ``.
        what: String,
        /// Why.
        reason: String,
    },
    /// `--as-group` or `--as-uid` without `--as`.
    #[error("a group or UID to act as needs a user to act as")]
    ImpersonationWithoutUser,
    /// The credential plugin did not give credentials.
    #[error("credential plugin `{command}` of user `{user}` {problem}")]
    Plugin {
        /// The user of the kubeconfig that names the plugin.
        user: String,
        /// The program.
        command: String,
        /// What it did instead.
        problem: PluginProblem,
        /// What the kubeconfig says about installing it.
        install_hint: Option<String>,
    },
    /// The server was asked and no usable answer came.
    #[error("cannot {ask} at {server}: {problem}")]
    Request {
        /// Such as `list nodes`.
        ask: String,
        /// The address of the server.
        server: String,
        /// What came instead of an answer.
        problem: Problem,
    },
}

/// What a credential plugin did instead of giving credentials.
#[derive(Debug, thiserror::Error)]
pub enum PluginProblem {
    /// There is no such program.
    #[error("was not found")]
    Missing,
    /// It could not be started.
    #[error("cannot be started: {0}")]
    NotStarted(std::io::Error),
    /// It ended with an error.
    #[error("failed with {status}{said}", said = .last_line.as_ref().map(|line| format!(": {line}")).unwrap_or_default())]
    Failed {
        /// Such as `exit status: 1`.
        status: String,
        /// The last line of what it wrote to its standard error.
        last_line: Option<String>,
    },
    /// It did not end.
    #[error("did not answer within {} s{said}", .after.as_secs_f32(), said = .last_line.as_ref().map(|line| format!(": {line}")).unwrap_or_default())]
    Hung {
        /// How long it was given.
        after: Duration,
        /// The last line of what it wrote to its standard error.
        last_line: Option<String>,
    },
    /// It wrote something else than an `ExecCredential` with a token or a certificate.
    #[error("wrote {0} instead of credentials")]
    NoCredentials(&'static str),
}

impl ClusterError {
    /// Whether the server was not there at all, or did not answer for as long as we wait.
    pub fn is_out_of_reach(&self) -> bool {
        let Self::Request { problem, .. } = self else { return false };
        problem.is_out_of_reach()
    }

    /// Whether a change that failed so may have been made all the same.
    pub fn is_uncertain(&self) -> bool {
        let Self::Request { problem, .. } = self else { return false };
        problem.is_uncertain()
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::KubeconfigUnreadable { .. } => Some("name another file with --kubeconfig".into()),
            Self::KubeconfigBroken { .. } => {
                Some("`kubectl config view` shows what kubectl makes of it".into())
            }
            Self::NoKubeconfig { .. } => {
                Some("name one with --kubeconfig, or a server with --server and --token".into())
            }
            Self::NoContext { known } if known.is_empty() => {
                Some("the kubeconfig has no contexts at all: name a server with --server".into())
            }
            Self::NoContext { known } => Some(format!("choose one with --context: {}", listed(known))),
            Self::UnknownName { what, known, .. } if known.is_empty() => {
                Some(format!("the kubeconfig has no {what}s at all"))
            }
            Self::UnknownName { known, .. } => Some(format!("there are {}", listed(known))),
            Self::NoServer { .. } => Some("name one with --server".into()),
            Self::Unusable { .. } => None,
            Self::ImpersonationWithoutUser => Some("add --as USER".into()),
            Self::Plugin { install_hint: Some(hint), problem: PluginProblem::Missing, .. } => {
                Some(hint.clone())
            }
            Self::Plugin {
                problem: PluginProblem::Missing | PluginProblem::NotStarted(_), command, ..
            } => Some(format!("install `{command}`, or add its directory to PATH")),
            Self::Plugin { problem: PluginProblem::Hung { .. }, command, .. } => {
                Some(format!("log in with `{command}` first, in a terminal where it can ask"))
            }
            Self::Plugin { command, .. } => {
                Some(format!("run `{command}` by itself, and log in if it asks for that"))
            }
            Self::Request { problem, .. } => problem.hint(),
        }
    }
}

fn at_line(file: &std::path::Path, line: Option<u64>) -> String {
    match line {
        Some(line) => format!("{}:{line}", file.display()),
        None => file.display().to_string(),
    }
}

fn none_of(files: &[PathBuf]) -> String {
    let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    match files.as_slice() {
        [] => String::new(),
        [file] => format!(": {file} does not exist"),
        files => format!(": none of {} exists", files.join(", ")),
    }
}

/// The first few names; a kubeconfig may have hundreds.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let first: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}
