//! What the process was given besides its flags: the variables and files that kubectl looks at.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Where Kubernetes puts the token of a pod's service account.
const TOKEN_OF_POD: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// The surroundings in which a kubeconfig is looked for. A value of its own, so that tests need not set
/// variables of a process with many threads.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `KUBECONFIG`, a list like `PATH`.
    pub kubeconfig: Option<OsString>,
    /// Where `.kube/config` is looked for.
    pub home: Option<PathBuf>,
    /// Inside a pod: `KUBERNETES_SERVICE_HOST` is set and the service account has a token.
    pub in_pod: bool,
    /// A person sits in front of it, whom a credential plugin may ask.
    pub at_terminal: bool,
    /// `HTTPS_PROXY`.
    pub https_proxy: Option<String>,
    /// `HTTP_PROXY`.
    pub http_proxy: Option<String>,
    /// `NO_PROXY`.
    pub no_proxy: Option<String>,
}

impl Environment {
    /// Of this process.
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

/// A variable in upper case or, as every other program takes them too, in lower case.
fn variable(name: &str) -> Option<String> {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    value(name).or_else(|| value(&name.to_lowercase()))
}
