//! The location of the rendered directories, for Argo CD and Flux.

use crate::core::yaml;

/// An app and the location of its rendered directories.
#[derive(Clone, Debug)]
pub struct Site {
    /// The name of the app.
    pub app: String,
    /// The namespace of its objects.
    pub namespace: String,
    /// The URL of the repository.
    pub repository: String,
    /// The branch that is synced.
    pub branch: String,
    /// The rendered directories, one for each cluster.
    pub trees: Vec<SyncedTree>,
    /// The kinds of the app whose `replicas` an autoscaler sets: group and kind.
    pub autoscaled: Vec<(String, String)>,
    /// Whether it has objects of the Gateway API.
    pub gateways: Gateways,
}

/// Whether an app has Gateways or routes of the Gateway API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateways {
    /// It has none.
    #[default]
    Absent,
    /// It has some.
    Present,
}

/// A rendered directory in a repository.
#[derive(Clone, Debug)]
pub struct SyncedTree {
    /// The name of the cluster in the spec; `None` if the spec lists no clusters.
    pub cluster: Option<String>,
    /// The path relative to the root of the repository.
    pub path: String,
}

/// A file to write.
#[derive(Clone, Debug)]
pub struct SiteFile {
    /// The file name.
    pub name: String,
    /// The content.
    pub text: String,
}

pub(super) use yaml::write_scalar as scalar;

/// Returns the URL of a repository in a form that Argo CD and Flux accept: `ssh://` for `git@host:path`, and without
/// credentials, which belong in a Secret. `None` for a remote that only this machine can reach.
pub fn repository_url(remote: &str) -> Option<String> {
    if let Some((scheme, rest)) = remote.split_once("://") {
        if !["https", "http", "ssh"].contains(&scheme) {
            return None;
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = match authority.rsplit_once('@') {
            // The ssh user is not a credential, and the server needs it.
            Some((user, host)) if scheme == "ssh" => {
                format!("{}@{host}", user.split(':').next().unwrap_or_default())
            }
            Some((_, host)) => host.to_owned(),
            None => authority.to_owned(),
        };
        return Some(format!("{scheme}://{host}/{path}"));
    }
    let (host, path) = remote.split_once(':')?;
    let is_host = !host.is_empty() && !host.contains('/') && host.len() > 1;
    is_host.then(|| format!("ssh://{host}/{}", path.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_every_form() {
        for (remote, expected) in [
            ("https://git.example.com/team/deploy.git", Some("https://git.example.com/team/deploy.git")),
            (
                "https://me:ghp_secret@git.example.com/team/deploy",
                Some("https://git.example.com/team/deploy"),
            ),
            ("https://token@git.example.com:8443/x", Some("https://git.example.com:8443/x")),
            ("git@github.com:team/deploy.git", Some("ssh://git@github.com/team/deploy.git")),
            ("ssh://git:secret@host:2222/x.git", Some("ssh://git@host:2222/x.git")),
            ("host:/srv/x.git", Some("ssh://host/srv/x.git")),
            ("/srv/x.git", None),
            ("../x.git", None),
            ("file:///srv/x.git", None),
            ("C:/x", None),
            ("", None),
        ] {
            assert_eq!(repository_url(remote).as_deref(), expected, "{remote}");
        }
    }
}
