//! Warns of items with the same key, which a server-side apply refuses.

use std::collections::HashSet;

use crate::core::live::{DuplicateItem, duplicate_items};
use crate::core::pointer;
use crate::core::render::draft::{PendingObject, Role};
use crate::core::render::patches::Patched;
use crate::core::render::renames::edit;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::escape::in_comment;
use crate::core::schema::field::shown;

/// Returns a warning for each item of a list with the key of an earlier item. The Services of all pools have the same ones.
pub(super) fn warnings(pending: &[PendingObject<'_>], patched: &[Patched<'_>]) -> Vec<Diagnostic> {
    let mut reported = HashSet::new();
    let mut warnings = Vec::new();
    for (draft, patched) in pending.iter().zip(patched) {
        let is_copy = draft.role == Role::Service && draft.pool.is_some_and(|pool| pool > 0);
        if is_copy {
            continue;
        }
        for found in duplicate_items(&draft.value) {
            let warning = warning(draft, patched, &found);
            if reported.insert(warning.clone()) {
                warnings.push(warning);
            }
        }
    }
    warnings
}

fn warning(draft: &PendingObject<'_>, patched: &Patched<'_>, found: &DuplicateItem) -> Diagnostic {
    let field = |at: &str| in_comment(&pointer::field(at));
    let message = format!(
        "`{}` of {} has the same key as `{}` ({}), which a server-side apply refuses",
        field(&found.second),
        draft.source.key(),
        field(&found.first),
        shown(&found.key),
    );
    Diagnostic::warning(message)
        .at(location(draft, patched, &found.second))
        .hint("remove one of them: `apply` cannot apply the object, although `kubectl create` accepts it")
}

/// Returns the line in the manifest, or of the overlay that changed the item.
fn location(draft: &PendingObject<'_>, patched: &Patched<'_>, at: &str) -> Location {
    let own = draft.source.location(at);
    let is_own = draft.source.value().pointer(at) == draft.value.pointer(at);
    if is_own { own } else { edit(at, patched).unwrap_or(own) }
}
