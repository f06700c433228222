//! For which pools the additional objects of the platform are rendered.

use crate::core::manifest::{Key, Object};
use crate::core::pools::Pool;
use crate::core::render::draft::Input;
use crate::core::report::diagnostic::Diagnostic;

/// Who brings the objects of the platform for a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// `render`.
    Rendered,
    /// The user: they exist already, for each Service of the pool.
    Existing,
}

/// Returns for each pool who brings the objects of the platform.
pub(super) fn needed(input: Input<'_>) -> Vec<Need> {
    let pools = &input.pools.pools;
    if input.spec.spec.pools.existing_objects_for.is_empty() || input.platform.spec.objects.is_empty() {
        return vec![Need::Rendered; pools.len()];
    }
    let services: Vec<Key> =
        input.objects.iter().filter(|object| object.is_load_balancer()).map(Object::known_key).collect();
    let of_pool = |pool: &Pool| {
        let mut copies = services.iter().filter(|key| !input.spec.excludes(key, &pool.value)).peekable();
        let exist =
            copies.peek().is_some() && copies.all(|key| input.spec.has_existing_objects(key, &pool.value));
        if exist { Need::Existing } else { Need::Rendered }
    };
    pools.iter().map(of_pool).collect()
}

/// Warns about `spec.pools.existingObjectsFor` on a platform that renders no other objects.
pub(super) fn without_effect(input: Input<'_>) -> Option<Diagnostic> {
    let is_used = !input.spec.spec.pools.existing_objects_for.is_empty();
    (is_used && input.platform.spec.objects.is_empty()).then(|| {
        Diagnostic::warning(format!(
            "`spec.pools.existingObjectsFor` has no effect: platform {} selects nodes with the Service alone",
            input.platform.name
        ))
        .at(input.document.location("/spec/pools/existingObjectsFor"))
        .hint("remove it")
    })
}
