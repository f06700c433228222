//! The environment variables and files that kubectl reads.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

/// The path at which Kubernetes mounts the token of a pod's service account.
const TOKEN_OF_POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// The environment in which a kubeconfig is found. A separate value, so that tests do not have to set variables of
/// a process with many threads.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `KUBECONFIG`, a list of paths like `PATH`.
    pub kubeconfig: Option<OsString>,
    /// The directory that contains `.kube/config`.
    pub home: Option<PathBuf>,
    /// Inside a pod: `KUBERNETES_SERVICE_HOST` is set and the service account has a token.
    pub in_pod: bool,
    /// Whether there is a terminal on which a credential plugin may ask the user.
    pub at_terminal: bool,
    /// `HTTPS_PROXY`.
    pub https_proxy: Option<String>,
    /// `HTTP_PROXY`.
    pub http_proxy: Option<String>,
    /// `NO_PROXY`.
    pub no_proxy: Option<String>,
}

impl Environment {
    /// Returns the environment of this process.
    pub fn of_process() -> Self {
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home: std::env::home_dir(),
            in_pod: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
                && std::path::Path::new(TOKEN_OF_POD).exists(),
            at_terminal: std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            https_proxy: variable("HTTPS_PROXY"),
            http_proxy: variable("HTTP_PROXY"),
            no_proxy: variable("NO_PROXY"),
        }
    }
}

/// Returns a variable in upper case or, as in other programs, in lower case.
fn variable(name: &str) -> Option<String> {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    value(name).or_else(|| value(&name.to_lowercase()))
}
