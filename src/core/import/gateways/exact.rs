//! Compares what `render` makes of an import with the objects that were read: adopting Gateways must change nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::core::gateway::references::{is_listener_set, parent_lists};
use crate::core::gateway::{Implementation, is_gateway, read_builtin};
use crate::core::import::ImportedGateways;
use crate::core::import::defaults::comparable;
use crate::core::import::duplicates::Candidate;
use crate::core::import::gateways::known::with_namespace;
use crate::core::import::gateways::restored::drop_labels_of_render;
use crate::core::import::unmerged::difference;
use crate::core::json;
use crate::core::live;
use crate::core::manifest::Key;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// The maximum number of fields in a message.
const SHOWN: usize = 3;

/// Returns the objects about Gateways, each with its file.
pub(super) fn before(candidates: &[Candidate], implementation: &Implementation) -> Vec<(Value, String)> {
    let kind = implementation.spec.parameters.as_ref().map(|form| form.kind.as_str());
    let is_meant = |object: &Value| is_about_gateways(object, kind);
    let candidates = candidates.iter().filter(|candidate| is_meant(&candidate.object));
    candidates.map(|candidate| (candidate.object.clone(), candidate.place.file.clone())).collect()
}

pub(super) fn is_about_gateways(object: &Value, parameters: Option<&str>) -> bool {
    let spec = &object["spec"];
    is_gateway(object)
        || is_listener_set(object)
        || !parent_lists(object).is_empty()
        || spec["targetRefs"].is_array()
        || spec["targetRef"].is_object()
        || parameters.is_some_and(|kind| object["kind"] == kind)
}

/// Returns an error for each object about Gateways that a render would create, remove or change. `namespace` is that of objects that
/// state none. With `may_create`, new objects and longer lists of references are what the user wants.
pub fn changes(
    gateways: &ImportedGateways,
    rendered: &[Value],
    namespace: Option<&str>,
    may_create: bool,
) -> Vec<Diagnostic> {
    let namespace = namespace.unwrap_or_default();
    let implementation = read_builtin(&gateways.implementation).and_then(Result::ok);
    let form = implementation.as_ref().and_then(|it| it.spec.parameters.as_ref());
    let kind = form.map(|form| form.kind.as_str());
    let key = |object: &Value| with_namespace(object, namespace);
    let old: BTreeSet<Key> = gateways.before.iter().map(|(object, _)| key(object)).collect();
    let mut new: BTreeMap<Key, &Value> = rendered
        .iter()
        .filter(|object| is_about_gateways(object, kind) || old.contains(&key(object)))
        .map(|object| (key(object), object))
        .collect();
    let mut problems = Vec::new();
    for (object, file) in &gateways.before {
        let message = match new.remove(&key(object)) {
            None => format!("adopting would remove {}", Key::of(object)),
            Some(found) => {
                let found = live::changes(&normal(object, may_create), &normal(found, may_create));
                let mut fields: Vec<String> =
                    found.iter().map(|change| difference(change, str::to_owned)).collect();
                if fields.is_empty() {
                    continue;
                }
                let more = fields.len().saturating_sub(SHOWN);
                fields.truncate(SHOWN);
                if more > 0 {
                    fields.push(format!("and {more} more"));
                }
                format!("adopting would change {}: {}", Key::of(object), fields.join(", "))
            }
        };
        problems.push(
            Diagnostic::refusal(message)
                .at(Location::file(file))
                .hint("write the object as `render` would, and apply it; or leave it out of the files, with what names it"),
        );
    }
    for key in new.into_keys().filter(|_| !may_create) {
        problems.push(
            Diagnostic::refusal(format!("adopting would create {key}"))
                .hint("apply it first, or leave the Gateways out of the files"),
        );
    }
    problems
}

/// Returns an object without what `render` adds to each copy, with its references in one order: their order has no meaning.
fn normal(object: &Value, without_lists: bool) -> Value {
    let mut object = comparable(object);
    let lists = parent_lists(&object).into_iter().chain(["/spec/targetRefs".to_owned()]);
    for at in lists.collect::<Vec<_>>() {
        if let Some(list) = object.pointer_mut(&at).and_then(Value::as_array_mut) {
            if without_lists {
                list.clear();
            }
            list.sort_by_key(Value::to_string);
        }
    }
    if let Some(metadata) = json::existing_map(&mut object, &["metadata"]) {
        metadata.remove("namespace");
        drop_labels_of_render(metadata);
    }
    object
}
