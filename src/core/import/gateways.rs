//! Imports the Gateways that exist once for each pool as one Gateway.
//!
//! [`take`] turns each Gateway into the Service that its implementation creates, so that the rest of the import decides its pool and
//! its binding as for any Service. [`restore`](restored) turns the merged Service into a Gateway again. Then the references in routes
//! and policies are collapsed to the one Gateway. At the end, [`changes`](exact::changes) compares a render with the input: what
//! would change is refused.

mod as_service;
mod collapse;
mod copies;
mod exact;
mod families;
mod known;
pub(super) mod of_gateway;
mod parameters;
mod policies;
mod refused;
mod restored;
mod shared;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::core::gateway::{Implementation, is_gateway};
use crate::core::import::bindings;
use crate::core::import::duplicates::Candidate;
pub use crate::core::import::gateways::as_service::{services, unknown_classes};
pub(crate) use crate::core::import::gateways::collapse::collapse;
pub use crate::core::import::gateways::exact::changes;
use crate::core::import::gateways::known::Known;
use crate::core::import::gateways::of_gateway::{OfGateway, OwnParameters};
pub(crate) use crate::core::import::gateways::refused::refuse;
pub(crate) use crate::core::import::gateways::restored::restore;
pub(crate) use crate::core::import::gateways::shared::share;
use crate::core::import::input::ImportInput;
use crate::core::manifest::Key;
use crate::core::render::POOL_LABEL;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::plural::first_of;
use crate::core::spec::GatewayMode;

/// The annotations with which cert-manager makes a Certificate for a Gateway: `render` leaves them to the Gateway of the first pool.
const ISSUERS: [&str; 4] = [
    "cert-manager.io/issuer",
    "cert-manager.io/cluster-issuer",
    "cert-manager.io/issuer-kind",
    "cert-manager.io/issuer-group",
];

/// The Gateways of the pools in an import.
#[derive(Clone, Debug)]
pub struct ImportedGateways {
    /// The value of `spec.gateways.mode`.
    pub mode: GatewayMode,
    /// The value of `spec.gateways.namespace`.
    pub namespace: Option<String>,
    /// The name of their implementation.
    pub implementation: String,
    /// Whether the manifests have all their GatewayClasses, which show the implementation.
    pub has_classes: bool,
    /// Whether the Gateways keep the parameters that they name: `spec.gateways.parameters: once`.
    pub keeps_parameters: bool,
    /// The objects about Gateways as they were read.
    pub before: Vec<(Value, String)>,
}

/// Turns the Gateways into Services of type LoadBalancer if at least one of them is bound to a pool or is in use. Otherwise they are
/// what the user starts with, and `render` splits them.
pub(super) fn take(
    candidates: &mut [Candidate],
    input: ImportInput<'_>,
) -> Checked<Option<ImportedGateways>> {
    let gateways: Vec<usize> =
        (0..candidates.len()).filter(|index| is_gateway(&candidates[*index].object)).collect();
    if gateways.is_empty() {
        return Ok(None);
    }
    let objects: Vec<Value> = candidates.iter().map(|candidate| candidate.object.clone()).collect();
    let known = Known::of(objects.iter().collect(), input.classes, input.options.namespace);
    let documents: Vec<_> =
        gateways.iter().map(|index| as_service::document(&candidates[*index].document, &known)).collect();
    let is_chosen = |index: &usize| {
        let key = known::with_namespace(&objects[*index], input.options.namespace.unwrap_or_default());
        input.choices.iter().any(|choice| choice.is_for(&key.namespace, &key.name))
    };
    // Beside Services of type LoadBalancer, `render` leaves Gateways as they are.
    let has_services = objects.iter().any(is_load_balancer);
    let is_bound = documents.iter().any(|document| {
        !bindings::unread(document, input.platform, input.platforms).is_empty()
            || document.value["metadata"]["labels"].get(POOL_LABEL).is_some()
            || !has_services && bindings::live(document).is_some()
    });
    if !is_bound && !gateways.iter().any(is_chosen) {
        return Ok(None);
    }
    let (implementation, own) = of_all(candidates, &gateways, &known, input)?;
    let has_classes = gateways.iter().all(|index| known.has_class(&objects[*index]));
    let has_form = implementation.spec.parameters.is_some();
    let keeps_parameters = has_form && own.values().all(Option::is_none);
    let before = exact::before(candidates, implementation);
    for (index, document) in gateways.into_iter().zip(documents) {
        let candidate = &mut candidates[index];
        let parameters = own.get(&index).cloned().flatten();
        let object = as_service::object(&candidate.object, &document, &known);
        candidate.of_gateway = Some(Box::new(of_gateway(&candidate.object, parameters)));
        candidate.object = object;
        candidate.document = document;
    }
    let implementation = implementation.name.clone();
    Ok(Some(ImportedGateways {
        mode: GatewayMode::PerPool,
        namespace: None,
        implementation,
        has_classes,
        keeps_parameters,
        before,
    }))
}

fn is_load_balancer(object: &Value) -> bool {
    object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer"
}

/// Returns the implementation of all Gateways, and the parameters that are each Gateway's alone.
fn of_all(
    candidates: &[Candidate],
    gateways: &[usize],
    known: &Known<'_>,
    input: ImportInput<'_>,
) -> Checked<(&'static Implementation, BTreeMap<usize, Option<OwnParameters>>)> {
    let mut problems = Vec::new();
    let mut first: Option<(&'static Implementation, usize)> = None;
    for index in gateways {
        let candidate = &candidates[*index];
        let key = Key::of(&candidate.object);
        let at = candidate.document.location("/spec/gatewayClassName");
        match (known.implementation(&candidate.object), first) {
            (None, _) => problems.push(
                Diagnostic::refusal(format!(
                    "the GatewayClass {} of {key} is not in the input, so its implementation is unknown",
                    known::class_of(&candidate.object)
                ))
                .at(at)
                .hint("name a file with the GatewayClass, too: --from FILE"),
            ),
            (Some(found), Some((other, of_other))) if found.name != other.name => problems.push(
                Diagnostic::refusal(format!(
                    "{key} is of the implementation {}, but {} is of {}",
                    found.name,
                    Key::of(&candidates[of_other].object),
                    other.name
                ))
                .at(at)
                .hint("import them into two directories"),
            ),
            (Some(found), _) => first = first.or(Some((found, *index))),
        }
    }
    let Some((implementation, _)) = first.filter(|_| problems.is_empty()) else { return Err(problems) };
    let own = parameters::own(candidates, gateways, known, (implementation, &input.pools.label));
    let without: Vec<String> = gateways
        .iter()
        .filter(|index| own.get(index).is_none_or(Option::is_none))
        .map(|index| Key::of(&candidates[*index].object).to_string())
        .collect();
    let with = gateways.iter().find(|index| own.get(index).is_some_and(Option::is_some));
    if let (Some(with), false) = (with, without.is_empty()) {
        let kind = implementation.spec.parameters.as_ref().map_or("parameters", |form| form.kind.as_str());
        let names: Vec<&str> = without.iter().map(String::as_str).collect();
        problems.push(
            Diagnostic::refusal(format!(
                "{} has its own {kind}, but the input has none for {}",
                Key::of(&candidates[*with].object),
                first_of(&names)
            ))
            .at(candidates[*with].document.location("/spec/infrastructure/parametersRef"))
            .hint(format!("name the files with each {kind}, or import these Gateways into two directories")),
        );
    }
    if problems.is_empty() { Ok((implementation, own)) } else { Err(problems) }
}

/// Splits a Gateway into what all pools share, and what one pool decides.
fn of_gateway(gateway: &Value, parameters: Option<OwnParameters>) -> OfGateway {
    let key = Key::of(gateway);
    let mut rest = gateway.clone();
    let mut issuers = Map::new();
    if let Some(metadata) = crate::core::json::existing_map(&mut rest, &["metadata"]) {
        metadata.remove("name");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            for issuer in ISSUERS {
                issuers.extend(annotations.remove_entry(issuer));
            }
        }
        restored::drop_labels_of_render(metadata);
    }
    let mut addresses = None;
    if let Some(spec) = crate::core::json::existing_map(&mut rest, &["spec"]) {
        addresses =
            spec.remove("addresses").filter(|list| list.as_array().is_none_or(|list| !list.is_empty()));
        if let Some(infrastructure) = spec.get_mut("infrastructure").and_then(Value::as_object_mut) {
            infrastructure.remove("labels");
            infrastructure.remove("annotations");
            if parameters.is_some() {
                infrastructure.remove("parametersRef");
            }
            if infrastructure.is_empty() {
                spec.remove("infrastructure");
            }
        }
    }
    OfGateway { key, rest, parameters, addresses, issuers }
}
