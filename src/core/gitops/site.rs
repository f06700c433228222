//! Where a tree is, for those who sync it.

use crate::core::yaml;

/// An app, and where its trees are.
#[derive(Clone, Debug)]
pub struct Site {
    /// The name of the app.
    pub app: String,
    /// The namespace of its objects.
    pub namespace: String,
    /// The address of the repository.
    pub repository: String,
    /// The branch that is synced.
    pub branch: String,
    /// Its trees, one a cluster.
    pub trees: Vec<SyncedTree>,
    /// Kinds of the app whose `replicas` an autoscaler sets: group and kind.
    pub autoscaled: Vec<(String, String)>,
}

/// A tree in a repository.
#[derive(Clone, Debug)]
pub struct SyncedTree {
    /// The cluster by its name in the spec; `None` where the spec names none.
    pub cluster: Option<String>,
    /// The path from the root of the repository on.
    pub path: String,
}

/// A file to be written.
#[derive(Clone, Debug)]
pub struct SiteFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

pub(super) use yaml::write_scalar as scalar;

/// The address of a repository as both take it: `ssh://` for the form `git@host:path`, and without credentials, which
/// belong into a Secret. `None` for what only this machine can reach.
pub fn repository_url(remote: &str) -> Option<String> {
    if let Some((scheme, rest)) = remote.split_once("://") {
        if !["https", "http", "ssh"].contains(&scheme) {
            return None;
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = match authority.rsplit_once('@') {
            // The user of ssh is no secret, and without it nobody gets in.
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
    fn addresses_of_every_form() {
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
