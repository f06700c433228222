//! Reads one kubeconfig file as kubectl reads YAML. kube's own reader has other rules for values, and does not decode every
//! file that kubectl decodes.

use std::path::{MAIN_SEPARATOR, Path};
use std::{fs, io};

use kube::config::{Kubeconfig, KubeconfigError};

use crate::cluster::error::ClusterError;
use crate::core::encoding::decode;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml;
use crate::core::yaml::Misfit;

/// Reads a file; returns `None` if it does not exist. Paths in it are relative to its directory.
pub(super) fn read(file: &Path) -> Result<Option<Kubeconfig>, ClusterError> {
    let unreadable = |source| ClusterError::KubeconfigUnreadable { file: file.into(), source };
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let text = decode(bytes).map_err(|problem| {
        unreadable(io::Error::new(io::ErrorKind::InvalidData, format!("not valid {}", problem.encoding)))
    })?;
    let mut kubeconfig = parse(file, &text)?;
    if let Some(directory) = file.parent() {
        resolve_paths(&mut kubeconfig, directory);
    }
    // As in kubectl: the first file with a current context decides.
    kubeconfig.current_context = kubeconfig.current_context.filter(|name| !name.is_empty());
    Ok(Some(kubeconfig))
}

/// Parses the text of a file. Documents are merged; a text without one is an empty kubeconfig.
pub(super) fn parse(file: &Path, text: &str) -> Result<Kubeconfig, ClusterError> {
    let documents = yaml::read("", text).map_err(|problem| broken(file, &problem))?;
    let mut merged: Option<Kubeconfig> = None;
    for document in documents {
        let next: Kubeconfig = yaml::fit(&document).map_err(|Misfit { pointer, reason }| {
            broken(file, &Diagnostic::error(reason).at(document.location(&pointer)))
        })?;
        merged = Some(match merged {
            None => next,
            Some(before) => before.merge(next).map_err(|error| mismatch(file, &error))?,
        });
    }
    Ok(merged.unwrap_or_default())
}

/// Returns the error for files or documents that cannot be merged.
pub(super) fn mismatch(file: &Path, error: &KubeconfigError) -> ClusterError {
    let field = match error {
        KubeconfigError::KindMismatch => "kind",
        _ => "apiVersion",
    };
    let reason = format!("its `{field}` differs from that of the previous file");
    ClusterError::KubeconfigBroken { file: file.into(), line: None, reason }
}

/// Returns an error with the location and the expectation, but without the content, which may be a token.
fn broken(file: &Path, problem: &Diagnostic) -> ClusterError {
    let line = problem.location.as_ref().map(|location| u64::from(location.line)).filter(|line| *line > 0);
    ClusterError::KubeconfigBroken { file: file.into(), line, reason: without_values(&problem.message) }
}

/// Removes secrets from messages such as `invalid type: string "s3cret", expected a sequence`. A quotation may contain
/// quotation marks, so removes everything from the first to the last one, and everything after a line end. Numbers are not
/// quoted, and a password may be one.
fn without_values(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let is_value = |c: char| matches!(c, '"' | '`' | '\'') || c.is_ascii_digit();
    match (message.find(is_value), message.rfind(is_value)) {
        (Some(first), Some(last)) => format!("{}…{}", &message[..first], &message[last + 1..]),
        _ => message.into(),
    }
}

/// Makes paths absolute, as `ResolveLocalPaths` in client-go does.
fn resolve_paths(kubeconfig: &mut Kubeconfig, directory: &Path) {
    let resolve = |path: &mut Option<String>| {
        if let Some(path) = path.as_mut().filter(|path| !path.is_empty() && Path::new(path).is_relative()) {
            *path = directory.join(&*path).to_string_lossy().into_owned();
        }
    };
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        resolve(&mut cluster.certificate_authority);
    }
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        resolve(&mut user.client_certificate);
        resolve(&mut user.client_key);
        resolve(&mut user.token_file);
        // A command without a separator is searched for in PATH.
        if let Some(exec) = &mut user.exec
            && exec.command.as_ref().is_some_and(|command| command.contains(MAIN_SEPARATOR))
        {
            resolve(&mut exec.command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let error = parse(Path::new("config"), text).unwrap_err();
        format!("{error} {error:?}")
    }

    #[test]
    fn errors_name_the_line_and_no_value() {
        for text in [
            "users:\n- name: a\n  user:\n    token: [s3cret]\n",
            "users:\n- name: a\n  user:\n    password: 90817263\n",
            "users:\n- name: a\n  user:\n    password: 908172639081726390817263\n",
            "users:\n- name: a\n  user:\n    tokenFile: {\"x`: s3cret\": 1}\n",
            "users:\n- name: a\n  user: \"s3cret\n\n    \n",
            "users:\n- name: a\n  user: \"x`: s3cret\"\n",
            "users:\n- name: a\n\n  s3cret\n",
        ] {
            let message = message(text);
            assert!(!message.contains("s3cret") && !message.contains("90817263"), "{message}");
        }
        assert!(message("users:\n- name: a\n  user:\n    token: [s3cret]\n").contains("config:4"));
    }

    #[test]
    fn documents_are_merged_and_paths_resolved() {
        let text = "clusters:\n- name: a\n  cluster: {server: https://a, certificate-authority: ca.pem}\n---\ncurrent-context: c\nusers:\n- name: u\n  user: {client-key: /abs/key, tokenFile: t, exec: {command: aws}}\n";
        let mut read = parse(Path::new("config"), text).unwrap();
        resolve_paths(&mut read, Path::new("/home/me/.kube"));
        let cluster = read.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(cluster.certificate_authority.as_deref(), Some("/home/me/.kube/ca.pem"));
        let user = read.auth_infos[0].auth_info.as_ref().unwrap();
        let paths = [&user.client_key, &user.token_file, &user.exec.as_ref().unwrap().command];
        let paths = paths.map(|path| path.as_deref().unwrap());
        assert_eq!(paths, ["/abs/key", "/home/me/.kube/t", "aws"]);
        assert_eq!(read.current_context.as_deref(), Some("c"));
        assert!(parse(Path::new("config"), "# empty\n").unwrap().clusters.is_empty());
        assert!(message("kind: Config\n---\nkind: Other\n").contains("`kind` differs"));
    }
}
