//! What Argo CD and Flux would read into a file of the tree beside the object that is in it.

use serde_json::Value;

use crate::core::render::RenderedFile;
use crate::core::render::draft::PendingObject;
use crate::core::report::diagnostic::Diagnostic;

/// Flux leaves an object alone that says so (`SubstituteVariables` in `kustomize/kustomize_varsub.go` of fluxcd/pkg).
const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Argo CD leaves out a file with this text anywhere in it (`reposerver/repository/repository.go`).
const SKIP: &str = "+argocd:skip-file-rendering";

/// What Argo CD reads of one directory at most, in bytes, where nobody has said otherwise
/// (`reposerver.max.combined.directory.manifests.size`).
const ARGO_CD_READS: usize = 10_000_000;

/// Where `postBuild` is set, Flux takes `${…}` anywhere in an object for a variable of its own. Objects that hold such
/// text get an annotation against it, unless they say something about it themselves.
pub(super) fn escape(pending: &mut [PendingObject<'_>]) {
    for draft in pending {
        // And `$$` for an escaped `$`.
        if !(holds(&draft.value, "${") || holds(&draft.value, "$$")) || says_itself(&draft.value) {
            continue;
        }
        if !draft.value["metadata"]["annotations"].is_object() {
            draft.value["metadata"]["annotations"] = Value::Object(serde_json::Map::new());
        }
        draft.value["metadata"]["annotations"][SUBSTITUTE] = "disabled".into();
    }
}

/// Objects that Argo CD would leave out in silence.
pub(super) fn left_out(pending: &[PendingObject<'_>]) -> Vec<Diagnostic> {
    pending
        .iter()
        .filter(|draft| holds(&draft.value, SKIP))
        .map(|draft| {
            Diagnostic::error(format!(
                "{} holds `{SKIP}`, and Argo CD leaves out a file with that text",
                draft.source.key()
            ))
            .at(draft.source.location(""))
            .hint("take it out, or write it in another way")
        })
        .collect()
}

/// The name of a manifest for the header of a file, so that Argo CD does not leave out the file because of it.
pub(super) fn not_skipped(name: &str) -> String {
    name.replace(SKIP, &SKIP.replace('+', "%2B"))
}

/// Whether Argo CD would refuse the whole directory.
pub(super) fn too_large(files: &[RenderedFile]) -> Option<Diagnostic> {
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    (bytes > ARGO_CD_READS).then(|| {
        Diagnostic::warning(format!(
            "the tree has {} MB, and Argo CD reads 10 of a directory",
            bytes / 1_000_000
        ))
        .hint("set `reposerver.max.combined.directory.manifests.size` of Argo CD, if it syncs this")
    })
}

fn says_itself(object: &Value) -> bool {
    ["labels", "annotations"].iter().any(|part| object["metadata"][part].get(SUBSTITUTE).is_some())
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.contains(text),
        Value::Array(list) => list.iter().any(|item| holds(item, text)),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains(text) || holds(value, text)),
        _ => false,
    }
}
