//! Checks for text that Argo CD and Flux would interpret in rendered files.

use serde_json::Value;

use crate::core::json;
use crate::core::render::RenderedFile;
use crate::core::render::draft::PendingObject;
use crate::core::report::diagnostic::Diagnostic;

/// With this label or annotation set to `disabled`, Flux does not substitute variables in an object (`SubstituteVariables` in
/// `kustomize/kustomize_varsub.go` in fluxcd/pkg).
const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Argo CD skips a file with this text anywhere in it (`reposerver/repository/repository.go`).
const SKIP: &str = "+argocd:skip-file-rendering";

/// The default limit of Argo CD for one directory, in bytes
/// (`reposerver.max.combined.directory.manifests.size`).
const ARGO_CD_READS: usize = 10_000_000;

/// Disables Flux's variable substitution for objects that contain `${…}`, unless they set the annotation themselves. With
/// `postBuild`, Flux would replace this text.
pub(super) fn escape(pending: &mut [PendingObject<'_>]) {
    for draft in pending {
        if !holds(&draft.value, &is_substituted) || says_itself(&draft.value) {
            continue;
        }
        json::put(&mut draft.value, &["metadata", "annotations", SUBSTITUTE], "disabled");
    }
}

/// Reports objects that Argo CD would silently skip.
pub(super) fn left_out(pending: &[PendingObject<'_>]) -> Vec<Diagnostic> {
    pending
        .iter()
        .filter(|draft| holds(&draft.value, &is_skipped))
        .map(|draft| {
            Diagnostic::error(format!(
                "{} contains `{SKIP}`, so Argo CD would skip its file",
                draft.source.key()
            ))
            .at(draft.source.location(""))
            .hint("remove the text, or write it differently")
        })
        .collect()
}

/// Returns the name of a manifest for the header of a file, without text that makes Argo CD skip the file.
pub(super) fn not_skipped(name: &str) -> String {
    name.replace(SKIP, &SKIP.replace('+', "%2B"))
}

/// Reports a directory that is too large for Argo CD.
pub(super) fn too_large(files: &[RenderedFile]) -> Option<Diagnostic> {
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    (bytes > ARGO_CD_READS).then(|| {
        Diagnostic::warning(format!(
            "the rendered directory has {} MB, but Argo CD reads 10 MB per directory by default",
            bytes / 1_000_000
        ))
        .hint("if Argo CD syncs this directory, raise its setting `reposerver.max.combined.directory.manifests.size`")
    })
}

fn says_itself(object: &Value) -> bool {
    ["labels", "annotations"].iter().any(|part| object["metadata"][part].get(SUBSTITUTE).is_some())
}

/// Whether Flux changes a text. It also reads `$$` as an escaped `$`.
fn is_substituted(text: &str) -> bool {
    // Nearly no text has a `$`, and this search is cheaper.
    text.as_bytes().contains(&b'$') && (text.contains("${") || text.contains("$$"))
}

fn is_skipped(text: &str) -> bool {
    text.as_bytes().contains(&b'+') && text.contains(SKIP)
}

fn holds(value: &Value, is_found: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(string) => is_found(string),
        Value::Array(list) => list.iter().any(|item| holds(item, is_found)),
        Value::Object(map) => map.iter().any(|(key, value)| is_found(key) || holds(value, is_found)),
        _ => false,
    }
}
