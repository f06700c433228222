//! Carries what the binding and the overlays set on the Service of a Gateway to the Gateway of the pool and its parameters.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::core::gateway::{FleetMode, Implementation, Parameters};
use crate::core::json;
use crate::core::json::NotAMap;
use crate::core::manifest::Key;
use crate::core::platform::Platform;
use crate::core::pointer;
use crate::core::render::draft::{Input, POOL_LABEL, PendingObject, Role, SERVICE_LABEL};
use crate::core::render::gateways::{FullName, Gateways, full_name, parameters};
use crate::core::render::patches::Patched;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// The most annotations and labels in `spec.infrastructure` (`GatewayInfrastructure` in sigs.k8s.io/gateway-api
/// `apis/v1/gateway_types.go`).
const MAX_ANNOTATIONS: usize = 16;
const MAX_LABELS: usize = 8;

/// The metadata of a Service that an implementation decides itself, or that is carried.
const METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// The objects of a pool's Gateway.
#[derive(Clone, Copy, Debug)]
struct Targets {
    gateway: usize,
    parameters: Option<usize>,
}

/// Moves the Services that implementations create out of the pending objects, and returns them. What the patches changed
/// goes to the Gateways; what cannot be carried is an error.
pub(in crate::core::render) fn carry<'a>(
    input: Input<'a>,
    gateways: &Gateways<'_>,
    pending: &mut Vec<PendingObject<'a>>,
    patched: &[Patched<'_>],
    problems: &mut Vec<Diagnostic>,
) -> Vec<PendingObject<'a>> {
    let Some(how) = gateways.how().filter(|how| how.mode == FleetMode::PerPool) else { return Vec::new() };
    let mut targets: HashMap<(FullName, usize), Targets> = HashMap::new();
    let mut services = Vec::new();
    let mut parameters = None;
    let mut rest = Vec::with_capacity(pending.len());
    for (draft, patched) in std::mem::take(pending).into_iter().zip(patched) {
        if draft.role == Role::GatewayService {
            services.push((draft, patched));
            continue;
        }
        match (draft.role, draft.pool) {
            // Its Gateway follows.
            (Role::GatewayParameters, _) => parameters = Some(rest.len()),
            (Role::Gateway, Some(pool)) => {
                let own = Targets { gateway: rest.len(), parameters: parameters.take() };
                targets.insert((full_name(input.spec, &draft.source.key()), pool), own);
            }
            _ => {}
        }
        rest.push(draft);
    }
    let context = Carrier {
        input,
        implementation: how.implementation,
        form: how.parameters(),
        writes_parameters: how.writes_parameters,
        wants_pool_label: mentions(input.platform, POOL_LABEL),
        wants_service_label: mentions(input.platform, SERVICE_LABEL),
    };
    let mut reported = BTreeSet::new();
    for (service, patched) in &services {
        let name = full_name(input.spec, &service.source.key());
        // A Gateway that an overlay broke was reported.
        let Some(own) = service.pool.and_then(|pool| targets.get(&(name, pool))).copied() else { continue };
        for problem in context.one(service, patched, own, &mut rest) {
            // The same for the Gateways of all pools.
            let subject = Key::of(&service.value).name;
            let of_all = problem.message.replacen(&subject, "", 1);
            if reported.insert((problem.location.clone(), of_all)) {
                problems.push(problem);
            }
        }
    }
    *pending = rest;
    services.into_iter().map(|(service, _)| service).collect()
}

/// Whether the data of a platform mention a label: its objects may select Services by it.
fn mentions(platform: &Platform, label: &str) -> bool {
    let spec = &platform.spec;
    let escaped = pointer::join("", label);
    let text = |value: &Value| value.to_string().contains(label) || value.to_string().contains(&escaped);
    spec.binding.iter().chain(&spec.objects).any(text)
}

/// What all Services of a render share.
struct Carrier<'a> {
    input: Input<'a>,
    implementation: &'a Implementation,
    /// The kind of the parameters of the pools, if they have any.
    form: Option<&'a Parameters>,
    writes_parameters: bool,
    wants_pool_label: bool,
    wants_service_label: bool,
}

impl Carrier<'_> {
    /// Carries one Service.
    fn one(
        &self,
        service: &PendingObject<'_>,
        patched: &Patched<'_>,
        own: Targets,
        rest: &mut [PendingObject<'_>],
    ) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut fields = Vec::new();
        for at in self.changed(service) {
            match parameter(self.form, &service.value, &at) {
                Some(carried) => fields.push(carried),
                None => problems.push(self.cannot(service, patched, &at)),
            }
        }
        let Some(gateway) = rest.get_mut(own.gateway) else { return problems };
        let (labels, annotations) = self.metadata(service);
        for (field, map, most) in
            [("labels", labels, MAX_LABELS), ("annotations", annotations, MAX_ANNOTATIONS)]
        {
            let merged = match merged(service, &gateway.value, field, map) {
                Ok(merged) => merged,
                Err(key) => {
                    problems.push(contradiction(service, gateway, field, &key));
                    continue;
                }
            };
            if merged.len() > most {
                problems.push(too_many(service, field, &merged, most));
            }
            if merged.is_empty() {
                remove_empty(&mut gateway.value, field);
            } else {
                let set = json::set(&mut gateway.value, &["spec", "infrastructure", field], merged);
                problems.extend(set.err().map(|wrong| unbound(gateway, &wrong)));
            }
        }
        let parameters = own.parameters.and_then(|index| rest.get_mut(index));
        if let Some(parameters) = parameters {
            for (at, value) in fields {
                if let Some(found) = self.overruled(parameters, &at).filter(|found| *found != value) {
                    problems.push(contradicted(parameters, &at, &found, &value));
                } else if let Err(wrong) = parameters::set(&mut parameters.value, &at, value) {
                    problems.push(unbound(parameters, &wrong));
                }
            }
        }
        problems
    }

    /// Returns the value of a field in the parameters, if an overlay set it.
    fn overruled(&self, parameters: &PendingObject<'_>, at: &str) -> Option<Value> {
        let form = self.form?;
        let own = parameters.source.value();
        // Without parameters in the manifests, the source is the Gateway.
        let before = if own["kind"] == form.kind.as_str() { own } else { &form.base };
        let now = parameters.value.pointer(at)?;
        (before.pointer(at) != Some(now)).then(|| now.clone())
    }

    /// Returns the pointers of the fields that differ from those of the Service that the implementation creates, except labels
    /// and annotations.
    fn changed(&self, service: &PendingObject<'_>) -> Vec<String> {
        let (new, old) = (&service.value, service.source.value());
        let mut changed = differing(&new["spec"], &old["spec"], "/spec", &[]);
        changed.extend(differing(&new["metadata"], &old["metadata"], "/metadata", &METADATA));
        let (labels, annotations) = (&new["metadata"]["labels"], &new["metadata"]["annotations"]);
        let copies = self.implementation.spec.infrastructure;
        for (field, map, is_copied) in
            [("labels", labels, copies.labels), ("annotations", annotations, copies.annotations)]
        {
            let before = &old["metadata"][field];
            let ours = |key: &String| field == "labels" && !self.is_label_carried(service, key);
            let keys = map
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(key, value)| !is_copied && before.get(*key) != Some(*value) && !ours(key));
            changed.extend(keys.map(|(key, _)| pointer::join(&format!("/metadata/{field}"), key)));
        }
        changed
    }

    /// Returns the labels and annotations for `spec.infrastructure`.
    fn metadata(&self, service: &PendingObject<'_>) -> (Map<String, Value>, Map<String, Value>) {
        let map = |field: &str| service.value["metadata"][field].as_object().cloned().unwrap_or_default();
        let mut labels = map("labels");
        labels.retain(|key, _| self.is_label_carried(service, key));
        (labels, map("annotations"))
    }

    /// Whether a label of the Service goes to the Gateway: labels of the spec are on the Gateway already, and new labels change the
    /// selector of the proxies of some implementations.
    fn is_label_carried(&self, service: &PendingObject<'_>, key: &str) -> bool {
        match key {
            POOL_LABEL => self.wants_pool_label,
            SERVICE_LABEL => self.wants_service_label,
            _ => {
                let own = &service.source.value()["metadata"]["labels"][key];
                let of_spec = self.input.spec.spec.labels.get(key);
                let value = service.value["metadata"]["labels"][key].as_str();
                !own.is_null() || of_spec.map(String::as_str) != value
            }
        }
    }

    fn cannot(&self, service: &PendingObject<'_>, patched: &Patched<'_>, at: &str) -> Diagnostic {
        let name = &self.implementation.name;
        let gateway = service.source.key().name;
        let of_spec = self.implementation.spec.parameters.as_ref().filter(|_| !self.writes_parameters);
        if let Some((_, form)) =
            of_spec.and_then(|form| parameter(Some(form), &service.value, at).zip(Some(form)))
        {
            let message = format!(
                "the Service of gateway/{gateway} cannot have `{}`: only the {} has a field for it, and `spec.gateways.parameters` is `once`",
                pointer::field(at),
                form.kind
            );
            return Diagnostic::error(message).at(self.location(patched, at)).hint(
                "remove `spec.gateways.parameters`, so that each pool has its own, or remove the field",
            );
        }
        let hint = if self.implementation.supports(FleetMode::Shared) {
            "remove the field, or set `spec.gateways: {mode: shared}`: then `render` writes the Services itself"
                .to_owned()
        } else {
            format!(
                "remove the field, or choose a platform whose binding {name} can carry: annotations of the Service"
            )
        };
        Diagnostic::error(format!(
            "the Service of gateway/{gateway} cannot have `{}`: {name} has no field for it in a Gateway",
            pointer::field(at)
        ))
        .at(self.location(patched, at))
        .hint(hint)
    }

    /// Returns the line of the overlay that changed a field, or of the platform in the spec.
    fn location(&self, patched: &Patched<'_>, at: &str) -> Location {
        let by_patch = patched.provenance.as_ref().and_then(|it| it.location(at)).cloned();
        by_patch.unwrap_or_else(|| self.input.document.location("/spec/platform"))
    }
}

/// Returns the pointer in the parameters for a field of the Service, and its value.
fn parameter(form: Option<&Parameters>, service: &Value, at: &str) -> Option<(String, Value)> {
    let field = form?.fields.iter().find(|field| field.service == at)?;
    Some((field.parameters.clone(), service.pointer(at)?.clone()))
}

/// Returns the pointers of the fields that differ, except those in `ignored`.
fn differing(new: &Value, old: &Value, at: &str, ignored: &[&str]) -> Vec<String> {
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect()
    };
    let all = keys(new).union(&keys(old)).cloned().collect::<Vec<_>>();
    let differs = |key: &String| !ignored.contains(&key.as_str()) && new.get(key) != old.get(key);
    all.into_iter().filter(differs).map(|key| pointer::join(at, &key)).collect()
}

/// Returns the labels or annotations of a Gateway with those that the patches changed in its Service. Overlays may have changed the
/// Gateway, too. Returns the key that both changed in different ways.
fn merged(
    service: &PendingObject<'_>,
    gateway: &Value,
    field: &str,
    changed: Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let before = &service.source.value()["metadata"][field];
    let now = &service.value["metadata"][field];
    let own = gateway.pointer(&format!("/spec/infrastructure/{field}")).and_then(Value::as_object);
    let mut merged = own.cloned().unwrap_or_default();
    for (key, value) in changed {
        if before.get(&key) == Some(&value) {
            continue;
        }
        let is_other = |found: &Value| *found != value && before.get(&key) != Some(found);
        if merged.get(&key).is_some_and(is_other) {
            return Err(key);
        }
        merged.insert(key, value);
    }
    let is_removed = |key: &String| before.get(key).is_some() && now.get(key).is_none();
    merged.retain(|key, _| !is_removed(key));
    Ok(merged)
}

fn contradiction(
    service: &PendingObject<'_>,
    gateway: &PendingObject<'_>,
    field: &str,
    key: &str,
) -> Diagnostic {
    let at = pointer::join(&format!("/spec/infrastructure/{field}"), key);
    let wanted = &service.value["metadata"][field][key];
    Diagnostic::error(format!(
        "an overlay sets `{}` of {} to {}, but the binding or another overlay sets it to {wanted} in its Service",
        pointer::field(&at),
        Key::of(&gateway.value),
        gateway.value.pointer(&at).unwrap_or(&Value::Null)
    ))
    .at(gateway.source.location("/spec/infrastructure"))
    .hint("remove it from the overlay for the Gateway")
}

/// Reports a field that overlays set to different values in the parameters and in the Service.
fn contradicted(parameters: &PendingObject<'_>, at: &str, found: &Value, wanted: &Value) -> Diagnostic {
    let key = Key::of(&parameters.value);
    Diagnostic::error(format!(
        "an overlay sets `{}` of {key} to {found}, but the binding or another overlay sets it to {wanted} in its Service",
        pointer::field(at)
    ))
    .at(parameters.source.location(at))
    .hint(format!("remove it from the overlay for the {}", key.kind))
}

/// Reports an object that an overlay left in a form in which it cannot be bound.
fn unbound(draft: &PendingObject<'_>, wrong: &NotAMap) -> Diagnostic {
    Diagnostic::error(format!("{} cannot be bound to its pool: {wrong}", Key::of(&draft.value)))
        .at(draft.source.location(&wrong.pointer))
        .hint("correct the overlay that changes it")
}

fn remove_empty(gateway: &mut Value, field: &str) {
    if let Some(infrastructure) = json::existing_map(gateway, &["spec", "infrastructure"]) {
        infrastructure.remove(field);
    }
}

fn too_many(service: &PendingObject<'_>, field: &str, map: &Map<String, Value>, most: usize) -> Diagnostic {
    let keys: Vec<&str> = map.keys().map(String::as_str).collect();
    Diagnostic::error(format!(
        "the Gateway {} would have {} {field} in `spec.infrastructure`, and the Gateway API allows {most}",
        Key::of(&service.value).name,
        map.len()
    ))
    .at(service.source.location(&format!("/spec/infrastructure/{field}")))
    .hint(format!("remove some of them from the Gateway or from overlays: {}", keys.join(", ")))
}
