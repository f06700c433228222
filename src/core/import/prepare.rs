//! The objects of the input as their users wrote them: each is valid, and there only once.

use serde_json::Value;

use crate::core::gateway::made_for;
use crate::core::import::ImportOptions;
use crate::core::import::api_versions::upgrade_api_version;
use crate::core::import::autoscaled::Autoscaled;
use crate::core::import::defaults::{default_family, drop_defaults};
use crate::core::import::dropped::Dropped;
use crate::core::import::duplicates::{Candidate, Place, only_once};
use crate::core::import::origin::Origin;
use crate::core::import::written::{drop_written, is_of_cluster};
use crate::core::kubernetes::object_shape;
use crate::core::kubernetes::object_shape::Misshapen;
use crate::core::manifest::{Key, check_header, validate};
use crate::core::platform::Platform;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::yaml::Document;

/// Unpacks lists, and reports every object that is not valid, at its place in the input.
pub(super) fn checked(documents: Vec<Document>) -> Checked<Vec<Document>> {
    let documents: Vec<Document> = items(documents).collect();
    let wrong = documents.iter().flat_map(|document| {
        let checks: [fn(&Document) -> Vec<Diagnostic>; 3] = [wrong_fields, check_header, refused_fields];
        checks.into_iter().map(|check| check(document)).find(|wrong| !wrong.is_empty()).unwrap_or_default()
    });
    let wrong: Vec<Diagnostic> = wrong.collect();
    if wrong.is_empty() { Ok(documents) } else { Err(wrong) }
}

/// Returns the objects as their users wrote them, each once.
pub(super) fn candidates(
    mut documents: Vec<Document>,
    platforms: &[Platform],
    options: ImportOptions<'_>,
    dropped: &mut Dropped,
) -> Checked<Vec<Candidate>> {
    documents.retain(|document| !is_left_out(&document.value, dropped));
    let origins: Vec<Origin> = documents.iter().map(|document| Origin::of(&document.value)).collect();
    let of_clusters = documents.iter().zip(&origins);
    let family =
        of_clusters.into_iter().find_map(|(document, origin)| default_family(&document.value, origin));
    let family = family.map(str::to_owned);
    let scaled = Autoscaled::of(documents.iter().map(|document| &document.value));
    let all = documents.into_iter().zip(origins).enumerate().map(|(index, (document, origin))| {
        let mut object = document.value.clone();
        drop_written(&mut object, &origin, platforms, dropped);
        if origin.is_live {
            scaled.drop_replicas(&mut object, dropped);
        }
        if !options.keep_defaults {
            drop_defaults(&mut object, &origin, family.as_deref(), dropped);
        }
        let place = Place { index, file: document.file().to_owned() };
        Candidate { document, object, origin, place, of_gateway: None }
    });
    let all = all.collect();
    only_once(all, options.namespace, dropped)
}

/// Whether the cluster or a controller brings an object, so that no manifest has it.
fn is_left_out(object: &Value, dropped: &mut Dropped) -> bool {
    let key = || Key::of(object).to_string();
    if is_of_cluster(object) {
        dropped.object("that the cluster or a tool creates itself".to_owned(), key());
        return true;
    }
    if let Some((_, gateway)) = made_for(object).filter(|_| object["kind"] == "Service") {
        dropped.object(format!("that a controller made for Gateway {gateway}"), key());
        return true;
    }
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let Some(owner) = owners.into_iter().find(|owner| owner["controller"] == true) else { return false };
    let text = |field: &str| owner[field].as_str().unwrap_or_default();
    dropped.object(format!("that {} {} controls", text("kind"), text("name")), key());
    true
}

/// Reports fields of the wrong type that the import relies on.
fn wrong_fields(document: &Document) -> Vec<Diagnostic> {
    let value = &document.value;
    let mut wrong = object_shape::wrong_types(value);
    if let Some(spec) = value.get("spec").filter(|spec| !spec.is_object() && !spec.is_null())
        && value["kind"] == "Service"
    {
        let message = format!("`spec` is {}, expected a map", kind_of(spec));
        wrong.push(Misshapen { pointer: "/spec".to_owned(), message });
    }
    wrong
        .into_iter()
        .map(|wrong| {
            Diagnostic::error(wrong.message)
                .at(document.location(&wrong.pointer))
                .hint("correct the field, or remove the object from the file")
        })
        .collect()
}

/// Reports what the API server refuses, at its place in the file. `render` would find it in the manifest only.
fn refused_fields(document: &Document) -> Vec<Diagnostic> {
    let mut upgraded = document.value.clone();
    upgrade_api_version(&mut upgraded, &mut Vec::new());
    validate(&upgraded, |pointer| document.location(pointer))
}

fn items(documents: Vec<Document>) -> impl Iterator<Item = Document> {
    documents.into_iter().flat_map(
        |document| {
            if document.is_list() { document.into_items() } else { vec![document] }
        },
    )
}
