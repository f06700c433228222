//! Errors before and during a request, as data. [`Problem`] holds the reasons why a request failed.
//!
//! Messages contain the file, the server and the operation. They never contain the content of a kubeconfig or of a
//! response, and never the `Debug` form of kube's errors, which contains both.

use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::request_error::Problem;
use crate::core::report::suggest::did_you_mean;

/// Why a cluster could not be reached, or why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A kubeconfig exists, or was named, but cannot be read.
    #[error("cannot read kubeconfig {file}: {source}", file = .file.display())]
    KubeconfigUnreadable {
        /// Its path.
        file: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A kubeconfig is not valid YAML, or not a kubeconfig.
    #[error("invalid kubeconfig {location}: {reason}", location = at_line(.file, *.line))]
    KubeconfigBroken {
        /// Its path.
        file: PathBuf,
        /// 1-based.
        line: Option<u64>,
        /// What was expected, without the text that was found, because it may be a secret.
        reason: String,
    },
    /// Neither a kubeconfig nor the service account of a pod.
    #[error("no kubeconfig found{places}", places = none_of(.looked_at))]
    NoKubeconfig {
        /// The files that do not exist.
        looked_at: Vec<PathBuf>,
    },
    /// The kubeconfig has no current context, and the flags name none.
    #[error("the kubeconfig has no current context")]
    NoContext {
        /// The available contexts.
        known: Vec<String>,
    },
    /// A context, cluster or user that the kubeconfig does not have.
    #[error("the kubeconfig has no {what} `{name}`{near}", near = did_you_mean(.name, .known.iter().map(String::as_str)))]
    UnknownName {
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// The requested name.
        name: String,
        /// The available names.
        known: Vec<String>,
    },
    /// A cluster without an address.
    #[error("cluster `{cluster}` of the kubeconfig has no server")]
    NoServer {
        /// Its name.
        cluster: String,
    },
    /// A setting of the kubeconfig or a flag that cannot be used.
    #[error("cannot use {what}: {reason:#}")]
    Unusable {
        /// Such as ``the certificate authority of cluster `a` ``.
        what: String,
        /// The reason, with its causes. No code decides by it.
        reason: anyhow::Error,
        /// The next step; empty if there is none.
        hint: &'static str,
    },
    /// `--as-group` or `--as-uid` without `--as`.
    #[error("--as-group and --as-uid require --as")]
    ImpersonationWithoutUser,
    /// The credential plugin returned no credentials.
    #[error("credential plugin `{command}` of user `{user}` {problem}")]
    Plugin {
        /// The user of the kubeconfig that names the plugin.
        user: String,
        /// The program.
        command: String,
        /// How it failed.
        problem: PluginProblem,
        /// The kubeconfig's `installHint`.
        install_hint: Option<String>,
    },
    /// The request failed, or its response cannot be used.
    #[error("cannot {ask} at {server}: {problem}")]
    Request {
        /// Such as `list nodes`.
        ask: String,
        /// The address of the server.
        server: String,
        /// The reason.
        problem: Problem,
    },
}

/// How a credential plugin failed.
#[derive(Debug, thiserror::Error)]
pub enum PluginProblem {
    /// The program does not exist.
    #[error("was not found")]
    Missing,
    /// It could not be started.
    #[error("cannot be started: {0}")]
    NotStarted(std::io::Error),
    /// It exited with an error.
    #[error("failed with {status}{detail}", detail = .last_line.as_ref().map(|line| format!(": {line}")).unwrap_or_default())]
    Failed {
        /// Such as `exit status: 1`.
        status: String,
        /// The last line of its standard error.
        last_line: Option<String>,
    },
    /// It did not exit in time.
    #[error("did not finish within {} s{detail}", .after.as_secs_f32(), detail = .last_line.as_ref().map(|line| format!(": {line}")).unwrap_or_default())]
    Hung {
        /// The time limit.
        after: Duration,
        /// The last line of its standard error.
        last_line: Option<String>,
    },
    /// Its output is not an `ExecCredential` with a token or a certificate.
    #[error("wrote {0} instead of credentials")]
    NoCredentials(&'static str),
}

impl ClusterError {
    /// The hint for an entry of the kubeconfig that cannot be used.
    pub(super) const CORRECT: &str =
        "correct the kubeconfig; `kubectl config view --minify` shows the entries in use";

    /// Returns whether the server is unreachable, or did not respond within the limits.
    pub fn is_out_of_reach(&self) -> bool {
        let Self::Request { problem, .. } = self else { return false };
        problem.is_out_of_reach()
    }

    /// Returns whether the change may have been made in spite of the error.
    pub fn is_uncertain(&self) -> bool {
        let Self::Request { problem, .. } = self else { return false };
        problem.is_uncertain()
    }

    /// Returns a hint, if there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::KubeconfigUnreadable { .. } => Some("name another file with --kubeconfig".into()),
            Self::KubeconfigBroken { .. } => Some("`kubectl config view` shows how kubectl reads it".into()),
            Self::NoKubeconfig { .. } => Some("use --kubeconfig FILE, or --server and --token".into()),
            Self::NoContext { known } if known.is_empty() => {
                Some("the kubeconfig has no contexts; use --server".into())
            }
            Self::NoContext { known } => Some(format!("choose one with --context: {}", listed(known))),
            Self::UnknownName { what, known, .. } if known.is_empty() => {
                Some(format!("the kubeconfig has no {what}s"))
            }
            Self::UnknownName { known, .. } => Some(format!("use one of: {}", listed(known))),
            Self::NoServer { .. } => Some("add `server` to it, or use --server".into()),
            Self::Unusable { hint, .. } => Some((*hint).to_owned()).filter(|hint| !hint.is_empty()),
            Self::ImpersonationWithoutUser => Some("add --as USER".into()),
            Self::Plugin { install_hint: Some(hint), problem: PluginProblem::Missing, .. } => {
                Some(hint.clone())
            }
            Self::Plugin {
                problem: PluginProblem::Missing | PluginProblem::NotStarted(_), command, ..
            } => Some(format!("install `{command}`, or add its directory to PATH")),
            Self::Plugin { problem: PluginProblem::Hung { .. }, command, .. } => {
                Some(format!("log in with `{command}` first, in a terminal where it can ask for input"))
            }
            Self::Plugin { command, .. } => {
                Some(format!("run `{command}` directly, and log in if it asks you to"))
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

/// Lists the first names; a kubeconfig may contain hundreds.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let first: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}
