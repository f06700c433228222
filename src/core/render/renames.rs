//! Updates references to objects that an overlay renames or moves to another namespace, as kustomize does.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::core::manifest::{Key, Scopes};
use crate::core::pointer;
use crate::core::references::{Reference, References, Stated, known_namespace};
use crate::core::render::draft::PendingObject;
use crate::core::render::patches::Patched;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// A Service that an overlay renames.
#[derive(Clone, Debug)]
pub(super) struct RenamedService {
    /// Its old key.
    pub(super) old: Key,
    /// Its new key.
    pub(super) new: Key,
    /// The patch.
    pub(super) location: Location,
}

/// The keys of all objects before and after the patches.
struct Keys {
    before: Vec<Key>,
    after: Vec<Key>,
    /// The objects by their key before the patches.
    by_before: HashMap<Key, usize>,
    names_after: HashSet<Key>,
}

/// Updates the references to renamed objects. Reports those that cannot be updated, and returns the Services that have new
/// names.
pub(super) fn update(
    pending: &mut [PendingObject<'_>],
    patched: &[Patched<'_>],
    table: &References,
    scopes: &Scopes,
    problems: &mut Vec<Diagnostic>,
) -> Vec<RenamedService> {
    let Some(keys) = Keys::of(pending, patched, scopes) else { return Vec::new() };
    for (index, draft) in pending.iter_mut().enumerate().filter(|(_, draft)| !draft.role.is_service()) {
        let mut updates = Vec::new();
        let object = &draft.value;
        table.visit(object, &mut |pointer, reference| {
            let Some(to) = keys.moved(index, &reference, scopes) else { return };
            let (old, new) = (&keys.before[to], &keys.after[to]);
            let is_theirs = || edit(pointer, &patched[index]).is_some();
            // An overlay that sets the reference itself means the object that has this name now.
            if keys.names_after.contains(&normal(old, scopes)) && is_theirs() {
                return;
            }
            let is_near = known_namespace(&new.namespace) == known_namespace(&keys.after[index].namespace)
                || !scopes.is_namespaced(&new.group, &new.kind);
            // An object without a namespace is in `default` for kustomize; the reference keeps the name that it has.
            let stays = known_namespace(&old.namespace) == known_namespace(&new.namespace);
            let namespace = match &reference.namespace {
                Stated::Field(_, stated) | Stated::Text(stated) if stays => stated,
                _ => known_namespace(&new.namespace),
            };
            match &reference.namespace {
                Stated::Nowhere if !is_near => {
                    let moved = [&patched[index], &patched[to]].map(|it| edit("/metadata/namespace", it));
                    let at = moved.into_iter().flatten().next();
                    let at = at.unwrap_or_else(|| draft.source.location(pointer));
                    problems.push(apart(pointer, &keys.after[index], new, at));
                    return;
                }
                Stated::Field(beside, _) => updates.push((beside.clone(), namespace.to_owned())),
                Stated::Nowhere | Stated::Text(_) => {}
            }
            let text = reference.renamed(&new.name, namespace);
            updates.push((pointer.to_owned(), text));
        });
        for (pointer, text) in updates {
            if let Some(field) = draft.value.pointer_mut(&pointer) {
                *field = Value::String(text);
            }
        }
    }
    keys.services(pending, patched)
}

impl Keys {
    /// Returns the keys if an overlay changed the name or the namespace of an object.
    fn of(pending: &[PendingObject<'_>], patched: &[Patched<'_>], scopes: &Scopes) -> Option<Self> {
        let before: Vec<Key> = patched.iter().map_while(|it| it.before.clone()).collect();
        if before.len() < pending.len() {
            return None;
        }
        let after: Vec<Key> = pending.iter().map(|draft| Key::of(&draft.value)).collect();
        if before == after {
            return None;
        }
        let by_before = before.iter().enumerate().map(|(index, key)| (normal(key, scopes), index)).collect();
        let names_after = after.iter().map(|key| normal(key, scopes)).collect();
        Some(Self { before, after, by_before, names_after })
    }

    /// Returns the index of the object that a reference names, if the reference has to change.
    fn moved(&self, from: usize, reference: &Reference<'_>, scopes: &Scopes) -> Option<usize> {
        let (own_before, own_after) = (&self.before[from].namespace, &self.after[from].namespace);
        let is_namespaced = scopes.is_namespaced(&reference.to.group, &reference.to.kind);
        let key = Key {
            group: reference.to.group.clone(),
            kind: reference.to.kind.clone(),
            namespace: if is_namespaced {
                known_namespace(reference.namespace(own_before)).to_owned()
            } else {
                String::new()
            },
            name: reference.name.to_owned(),
        };
        let to = *self.by_before.get(&key)?;
        let (old, new) = (&self.before[to], &self.after[to]);
        let stays = old.name == new.name
            && match reference.namespace {
                Stated::Nowhere if is_namespaced => {
                    known_namespace(&new.namespace) == known_namespace(own_after)
                }
                _ => known_namespace(&old.namespace) == known_namespace(&new.namespace),
            };
        (!stays).then_some(to)
    }

    fn services(self, pending: &[PendingObject<'_>], patched: &[Patched<'_>]) -> Vec<RenamedService> {
        let Self { before, after, .. } = self;
        let moved = before.into_iter().zip(after).enumerate().filter(|(_, (old, new))| {
            old != new && old.kind == "Service" && old.group.is_empty() && new.kind == "Service"
        });
        moved
            .map(|(index, (old, new))| {
                let changed = edit("/metadata/name", &patched[index]);
                let location = changed.unwrap_or_else(|| pending[index].source.location("/metadata/name"));
                RenamedService { old, new, location }
            })
            .collect()
    }
}

/// Returns the key with the namespace in which kustomize expects an object without one.
fn normal(key: &Key, scopes: &Scopes) -> Key {
    let is_namespaced = scopes.is_namespaced(&key.group, &key.kind);
    let namespace = if is_namespaced { known_namespace(&key.namespace) } else { "" };
    Key { namespace: namespace.to_owned(), ..key.clone() }
}

/// Returns the last operation of an overlay that changed the value at a pointer.
pub(super) fn edit(pointer: &str, patched: &Patched<'_>) -> Option<Location> {
    patched.edits.last(pointer).cloned()
}

fn apart(pointer: &str, own: &Key, new: &Key, at: Location) -> Diagnostic {
    let field = pointer::field(pointer);
    let message =
        format!("`{field}` of {own} refers to {new}, but the overlays put them in different namespaces");
    Diagnostic::error(message).at(at).hint("change the namespace of both objects, or of none")
}
