//! Checks of the programs on this machine.

use crate::core::doctor::Finding;

/// A copy of the program on the PATH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The path of the file.
    pub path: String,
    /// Whether it is the running program.
    pub is_this: bool,
}

/// Checks which copy kubectl runs. `found` are the `kubectl-largescale` files on the PATH in order; kubectl runs the first.
/// `stray` are files that hide one of our commands, since kubectl runs the plugin with the longest matching name.
pub fn plugin(this: &str, version: &str, found: &[Installed], stray: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    match found {
        [] => {
            let directory = this.rsplit_once('/').map_or(this, |(directory, _)| directory);
            findings.push(Finding::warn(
                "plugin",
                "kubectl-largescale is not on the PATH, so kubectl does not find it",
                format!("add {directory} to the PATH, or move the program"),
            ));
        }
        [first, ..] if first.is_this => {
            findings.push(Finding::ok("plugin", format!("kubectl runs {}, version {version}", first.path)));
        }
        [first, ..] => findings.push(Finding::warn(
            "plugin",
            format!("kubectl runs {}, but this is {this}", first.path),
            "remove one of them, or change their order in the PATH",
        )),
    }
    findings.extend(found.iter().skip(1).map(|other| {
        Finding::warn(
            "plugin",
            format!("{} is shadowed by {}", other.path, found[0].path),
            "remove one of them",
        )
    }));
    findings.extend(stray.iter().map(|path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let command = name.trim_start_matches("kubectl-largescale-").replace('_', "-");
        Finding::warn(
            "plugin",
            format!("kubectl runs {path} instead of the command `{command}`"),
            "remove or rename it: kubectl runs the plugin with the longest matching name",
        )
    }));
    findings
}

/// Checks kubectl; `answer` is the output of `kubectl version --client -o json`.
pub fn kubectl(answer: Option<&str>) -> Finding {
    let version = answer.and_then(|answer| {
        let version: serde_json::Value = serde_json::from_str(answer).ok()?;
        Some(version["clientVersion"]["gitVersion"].as_str()?.trim_start_matches('v').to_owned())
    });
    let Some(version) = version else {
        return Finding::warn(
            "kubectl",
            "kubectl is not on the PATH",
            "you can run all commands as `kubectl-largescale COMMAND`",
        );
    };
    match numbers(&version) {
        Some((1, ..26)) => Finding::warn(
            "kubectl",
            format!("version {version} does not support plugin completion (1.26) or ApplySets (1.27)"),
            "install a newer kubectl",
        ),
        Some((1, 26)) => Finding::warn(
            "kubectl",
            format!("version {version} does not support ApplySets"),
            "`inventory handover` and `adopt` need kubectl 1.27",
        ),
        _ => Finding::ok("kubectl", format!("version {version}")),
    }
}

/// Checks whether kubectl can complete the plugin.
pub fn completion(script: Option<&str>) -> Finding {
    match script {
        Some(path) => Finding::ok("completion", format!("kubectl uses {path}")),
        None => Finding::warn(
            "completion",
            "kubectl_complete-largescale is not on the PATH, so kubectl cannot complete `kubectl largescale`",
            "`kubectl largescale completion kubectl` prints it; save it as an executable file of that name on the PATH",
        ),
    }
}

/// Checks git; `answer` is the output of `git --version`.
pub fn git(answer: Option<&str>) -> Finding {
    let version = answer.and_then(|answer| answer.split_whitespace().nth(2));
    match (version, version.and_then(numbers)) {
        (Some(version), Some((2, 26..) | (3.., _))) => Finding::ok("git", format!("version {version}")),
        (Some(version), _) => Finding::warn(
            "git",
            format!("version {version}, but `render --commit` needs 2.26"),
            "install a newer git",
        ),
        (None, _) => {
            Finding::warn("git", "git is not on the PATH", "only `render --commit` and `diff --base` need it")
        }
    }
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::doctor::Level;

    fn levels(findings: &[Finding]) -> Vec<Level> {
        findings.iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn the_first_copy_on_the_path_runs() {
        let at = |path: &str, is_this: bool| Installed { path: path.to_owned(), is_this };
        let one = plugin("/a/kubectl-largescale", "0.1.0", &[at("/a/kubectl-largescale", true)], &[]);
        assert_eq!(one, [Finding::ok("plugin", "kubectl runs /a/kubectl-largescale, version 0.1.0")]);
        let none = plugin("/a/kubectl-largescale", "0.1.0", &[], &[]);
        assert_eq!(none[0].hint.as_deref(), Some("add /a to the PATH, or move the program"));
        let found = [at("/b/kubectl-largescale", false), at("/a/kubectl-largescale", true)];
        let both = plugin("/a/kubectl-largescale", "0.1.0", &found, &[]);
        assert_eq!(levels(&both), [Level::Warn, Level::Warn]);
        assert_eq!(both[1].message, "/a/kubectl-largescale is shadowed by /b/kubectl-largescale");
        let stray = ["/a/kubectl-largescale-dry_run".to_owned()];
        let stray = plugin("/a/kubectl-largescale", "0.1.0", &found[1..], &stray);
        assert!(stray[1].message.ends_with("instead of the command `dry-run`"), "{stray:?}");
    }

    #[test]
    fn old_versions_get_a_warning() {
        let of = |version: &str| {
            kubectl(Some(&format!(r#"{{"clientVersion":{{"gitVersion":"{version}"}}}}"#))).level
        };
        assert_eq!(
            ["v1.25.4", "v1.26.0", "v1.27.1", "v1.37.1-eks-1", "v2.0.0"].map(of),
            [Level::Warn, Level::Warn, Level::Ok, Level::Ok, Level::Ok]
        );
        assert_eq!(kubectl(None).level, Level::Warn);
        assert_eq!(kubectl(Some("no JSON")).level, Level::Warn);
        assert_eq!(git(Some("git version 2.39.5 (Apple Git-154)")), Finding::ok("git", "version 2.39.5"));
        assert_eq!(git(Some("git version 2.25.1")).level, Level::Warn);
        assert_eq!(git(None).level, Level::Warn);
    }
}
