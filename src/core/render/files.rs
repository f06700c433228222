//! Turns objects into files: one object per file, named `<kind>-<name>.yaml`, with a header that names this program.

use crate::core::manifest::Key;
use crate::core::render::draft::{PendingObject, RenderedFile, Role, pool_of};
use crate::core::render::{gitops_check, paths};
use crate::core::report::escape::in_comment;
use crate::core::yaml;

/// The beginning of every rendered file.
const MADE_BY: &str = "# Made by kubectl largescale from ";

/// Returns the files of the objects, sorted by path.
pub(super) fn files(pending: Vec<PendingObject<'_>>) -> Vec<RenderedFile> {
    let keys: Vec<Key> = pending.iter().map(|draft| Key::of(&draft.value)).collect();
    let mut files: Vec<RenderedFile> = pending
        .into_iter()
        .zip(paths::paths(&keys))
        .zip(keys)
        .map(|((draft, path), key)| {
            let pool = pool_of(&draft.value).filter(|_| matches!(draft.role, Role::Service | Role::Gateway));
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

/// Whether a file begins like a rendered file. Other tools may have added comments, blank lines and a document start
/// before the header.
pub fn is_rendered(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    let mut first = lines.by_ref().take_while(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line.starts_with("---")
    });
    first.any(|line| line.starts_with(MADE_BY))
}

/// Returns the header of a file that is rendered from a manifest.
pub(super) fn header(manifest: &str) -> String {
    // No version and no time, so that a new release or a new day changes nothing.
    format!(
        "{MADE_BY}{}. Do not edit: change that file or an overlay, then render.\n",
        gitops_check::not_skipped(&in_comment(manifest))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rendered_files_are_recognized_by_their_header() {
        let text = format!("{}apiVersion: v1\nkind: ConfigMap\n", header("manifests/web.yaml"));
        for before in ["", "\u{feff}", "---\n", "# a comment\n\n"] {
            assert!(is_rendered(format!("{before}{text}").as_bytes()), "{before:?}");
        }
        assert!(is_rendered(text.replace('\n', "\r\n").as_bytes()));
        for other in [
            String::new(),
            format!("kind: A\n{text}"),
            "# Made by kubectl largescale. Commit it, do not edit it.\n".to_owned(),
        ] {
            assert!(!is_rendered(other.as_bytes()), "{other}");
        }
    }
}
