//! The tree: one object a file, `<kind>-<name>.yaml`, a first line that says what made it.

use std::collections::BTreeMap;

use crate::core::comment::in_comment;
use crate::core::manifest::Key;
use crate::core::names;
use crate::core::render::copies::POOL_LABEL;
use crate::core::render::{Draft, Role, synced};
use crate::core::yaml;

/// The longest file name that every file system takes.
const MAX_FILE_NAME: usize = 255;

/// What every file of a tree begins with.
const MADE_BY: &str = "# Made by kubectl largescale from ";

/// One file of the tree.
#[derive(Clone, Debug)]
pub struct RenderedFile {
    /// Its path below the output directory.
    pub path: String,
    /// Which object it holds.
    pub key: Key,
    /// The pool that a Service is for, by its name.
    pub pool: Option<String>,
    /// Its bytes.
    pub text: String,
}

/// The files of the drafts, in order of their paths.
pub(super) fn files(drafts: Vec<Draft<'_>>) -> Vec<RenderedFile> {
    let keys: Vec<Key> = drafts.iter().map(|draft| Key::of(&draft.value)).collect();
    let mut short: BTreeMap<String, usize> = BTreeMap::new();
    for key in &keys {
        *short.entry(file_name(key, "")).or_default() += 1;
    }
    let mut files: Vec<RenderedFile> = drafts
        .into_iter()
        .zip(keys)
        .map(|(draft, key)| {
            // Objects of one kind and name in several namespaces or groups carry those in their file names.
            let more = [key.namespace.as_str(), key.group.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(".");
            let short_name = file_name(&key, "");
            let path = if short.get(&short_name) == Some(&1) { short_name } else { file_name(&key, &more) };
            let pool = draft.value["metadata"]["labels"][POOL_LABEL]
                .as_str()
                .filter(|_| draft.role == Role::Service);
            RenderedFile {
                path,
                pool: pool.map(str::to_owned),
                text: format!("{}{}", header(draft.source.source()), yaml::write_object(&draft.value)),
                key,
            }
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn header(manifest: &str) -> String {
    // No version and no time: neither a new release nor a new day is a change.
    format!(
        "{MADE_BY}{}. Do not edit: change that file or an overlay, then render.\n",
        synced::not_skipped(&in_comment(manifest))
    )
}

/// The file of an object; `more` tells apart those that share kind and name.
pub fn file_name(key: &Key, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(".{more}") };
    // RBAC names may hold `:` and other things that are no file name everywhere.
    let safe: String = format!("{}-{}{more}", key.kind.to_lowercase(), key.name)
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let changed = safe.len() + ".yaml".len() > MAX_FILE_NAME
        || key.name.chars().any(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.' | '_'));
    if !changed {
        return format!("{safe}.yaml");
    }
    // Names that differ only in what a file name cannot hold stay apart by their digest.
    let keep = safe.len().min(MAX_FILE_NAME - ".yaml".len() - 9);
    format!("{}-{}.yaml", &safe[..keep], &names::digest(key.name.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, name: &str) -> Key {
        Key { group: String::new(), kind: kind.to_owned(), namespace: String::new(), name: name.to_owned() }
    }

    #[test]
    fn file_names() {
        assert_eq!(file_name(&key("Service", "nginx-a"), ""), "service-nginx-a.yaml");
        assert_eq!(file_name(&key("Service", "nginx-a"), "web"), "service-nginx-a.web.yaml");
        assert_ne!(
            file_name(&key("ClusterRole", "system:x"), ""),
            file_name(&key("ClusterRole", "system_x"), "")
        );
        let long = file_name(&key("ConfigMap", &"a".repeat(253)), "");
        assert_eq!(long.len(), 255);
        assert_ne!(
            file_name(&key("ClusterRole", "Reader"), ""),
            file_name(&key("ClusterRole", "reader"), "")
        );
    }
}
