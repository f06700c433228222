//! Services that users made for each pool in front of the proxies of one Gateway: `mode: shared` renders them.

use serde_json::{Map, Value, json};

use crate::core::gateway::{FleetMode, GatewayName, Implementation, is_gateway, service_ports};
use crate::core::import::gateways::ImportedGateways;
use crate::core::import::gateways::exact::is_about_gateways;
use crate::core::import::gateways::known::{Known, class_of, with_namespace};
use crate::core::import::group::Group;
use crate::core::import::input::ImportInput;
use crate::core::import::{Imported, Others};
use crate::core::json;
use crate::core::manifest::Key;
use crate::core::pointer;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::spec::GatewayMode;

/// A Gateway, and the group of Services in front of its proxies.
struct Front<'a> {
    gateway: &'a Value,
    /// The Gateway in the input, with the namespace that it gets.
    key: Key,
    index: usize,
    group: usize,
    implementation: &'static Implementation,
}

/// Lets `render` write the Services in front of the proxies of Gateways, if the result is the same. Otherwise they remain Services beside
/// Gateways that are rendered once, with a warning that says why. Returns patches for what these Services have besides.
pub(crate) fn share(
    groups: &mut [Group],
    others: &Others,
    input: ImportInput<'_>,
    imported: &mut Imported,
) -> Vec<Value> {
    if imported.gateways.is_some() {
        return Vec::new();
    }
    let known = Known::of(others.objects.iter().collect(), input.classes, input.options.namespace);
    let gateways: Vec<usize> =
        (0..others.objects.len()).filter(|index| is_gateway(&others.objects[*index])).collect();
    let fronts: Vec<Front<'_>> =
        gateways.iter().flat_map(|index| fronts(*index, groups, others, &known, input)).collect();
    let Some(first) = fronts.first() else { return Vec::new() };
    let (implementation, key, first_index) = (first.implementation, first.key.clone(), first.index);
    let found = shareable(&fronts, &gateways, groups, &known, others);
    let (mode, patches) = match found {
        Ok(patches) => (GatewayMode::Shared, patches),
        Err((why, hint)) => {
            let names: Vec<&str> =
                groups[first.group].members.iter().map(|member| member.service.name.as_str()).collect();
            imported.warnings.push(
                Diagnostic::warning(format!(
                    "the Services {} in front of {} become one Service beside it, and not a part of it (`mode: shared`): {why}",
                    names.join(", "),
                    Key::of(first.gateway)
                ))
                .at(others.documents[first_index].location("/metadata/name"))
                .hint(hint),
            );
            (GatewayMode::Once, Vec::new())
        }
    };
    let kind = implementation.spec.parameters.as_ref().map(|form| form.kind.as_str());
    let about =
        others.objects.iter().zip(&others.places).filter(|(object, _)| is_about_gateways(object, kind));
    let mut before: Vec<(Value, String)> =
        about.map(|(object, place)| (object.clone(), place.file.clone())).collect();
    let bases: Vec<(usize, String)> =
        fronts.iter().map(|front| (front.group, front.key.name.clone())).collect();
    let usual = implementation.spec.service.namespace.clone().unwrap_or(key.namespace);
    let mut namespace = None;
    for (index, base) in bases.into_iter().filter(|_| mode == GatewayMode::Shared) {
        let group = &mut groups[index];
        group.base = base;
        group.is_shared = true;
        namespace = Some(group.namespace.clone()).filter(|found| !found.is_empty() && *found != usual);
        let members = || group.members.iter().map(|member| &member.service);
        before.extend(members().map(|service| (service.original.clone(), service.place.file.clone())));
        let names: Vec<&str> = members().map(|service| service.name.as_str()).collect();
        imported.changes.push(format!(
            "the Services {} are in front of gateway/{}: `spec.gateways.mode: shared` renders them, and `spec.names` keeps their names",
            names.join(", "),
            group.base
        ));
    }
    imported.gateways = Some(ImportedGateways {
        mode,
        namespace,
        implementation: implementation.name.clone(),
        has_classes: gateways.iter().all(|index| known.has_class(&others.objects[*index])),
        keeps_parameters: false,
        before: if mode == GatewayMode::Shared { before } else { Vec::new() },
    });
    patches
}

/// Returns the groups of Services that select the proxies of a Gateway.
fn fronts<'a>(
    index: usize,
    groups: &[Group],
    others: &'a Others,
    known: &Known<'_>,
    input: ImportInput<'_>,
) -> Vec<Front<'a>> {
    let gateway = &others.objects[index];
    let Some(implementation) = known.implementation(gateway) else { return Vec::new() };
    let key = with_namespace(gateway, input.options.namespace.unwrap_or_default());
    let name = GatewayName { namespace: &key.namespace, name: &key.name, class: class_of(gateway) };
    let labels = implementation.proxy_selector(name);
    let selector: Map<String, Value> = labels.into_iter().map(|(key, value)| (key, value.into())).collect();
    if selector.is_empty() {
        return Vec::new();
    }
    let is_front = |group: &Group| {
        group.members.first().is_some_and(|member| {
            member.service.gateway.is_none()
                && member.service.rest["spec"]["selector"].as_object() == Some(&selector)
        })
    };
    let of_groups = groups.iter().enumerate().filter(|(_, group)| is_front(group));
    of_groups.map(|(group, _)| Front { gateway, key: key.clone(), index, group, implementation }).collect()
}

/// Returns the patches for the Services of all Gateways, or why `render` cannot write them and what to do.
fn shareable(
    fronts: &[Front<'_>],
    gateways: &[usize],
    groups: &[Group],
    known: &Known<'_>,
    others: &Others,
) -> Result<Vec<Value>, (String, String)> {
    let mut patches = Vec::new();
    for index in gateways {
        let gateway = Key::of(&others.objects[*index]);
        let mut own = fronts.iter().filter(|front| front.index == *index);
        let (Some(front), None) = (own.next(), own.next()) else {
            let is_several = fronts.iter().any(|front| front.index == *index);
            let why = if is_several { "differ in more than their pools" } else { "do not exist" };
            return Err((
                format!("the Services in front of {gateway} {why}"),
                "make the Services of all pools equal, or import each Gateway into its own directory"
                    .to_owned(),
            ));
        };
        let group = &groups[front.group];
        let is_other = |(index, other): (usize, &Group)| index != front.group && other.base == gateway.name;
        if group.is_template() || groups.iter().enumerate().any(is_other) {
            return Err((
                format!("another Service is called {}, or their pools are unknown", gateway.name),
                "rename the Service, or state the pools with --pool".to_owned(),
            ));
        }
        is_only_in_cluster(front, known, others)?;
        let expected = expected(front, known, others);
        let rest = group.members.first().map(|member| &member.service.rest);
        patches.extend(patch(front, rest.unwrap_or(&Value::Null), &expected)?);
    }
    Ok(patches)
}

/// Checks that the Service of the Gateway itself has no load balancer, as `render` leaves it.
fn is_only_in_cluster(front: &Front<'_>, known: &Known<'_>, others: &Others) -> Result<(), (String, String)> {
    let name = &front.implementation.name;
    if !front.implementation.supports(FleetMode::Shared) {
        let why = format!("{name} does not support it");
        return Err((why, "nothing needs to change".to_owned()));
    }
    let annotations = &front.implementation.spec.cluster_ip_annotations;
    let lacking: Vec<String> = annotations
        .iter()
        .filter(|(key, text)| front.gateway["metadata"]["annotations"][key.as_str()] != text.as_str())
        .map(|(key, text)| format!("the annotation `{key}: {text}` in its metadata"))
        .collect();
    let own_service = |what: &str| {
        (
            format!(
                "the Service of {} itself may have a load balancer, which `mode: shared` would remove",
                Key::of(front.gateway)
            ),
            format!("if no client uses it, give the Gateway {what}, apply that, and run `init` again"),
        )
    };
    if !lacking.is_empty() {
        return Err(own_service(&lacking.join(" and ")));
    }
    let Some(form) = &front.implementation.spec.parameters else { return Ok(()) };
    let Some(at) = &form.service_type else { return Ok(()) };
    let own = known.own_parameters(front.gateway).map(|index| &others.objects[index]);
    if own.and_then(|own| own.pointer(at)).is_none_or(|found| found != "ClusterIP") {
        let what = format!("its own {} with `{}: ClusterIP`", form.kind, pointer::field(at));
        return Err(own_service(&what));
    }
    let set =
        form.fields.iter().find(|field| own.is_some_and(|own| own.pointer(&field.parameters).is_some()));
    match set {
        None => Ok(()),
        Some(field) => Err((
            format!("`render` would remove `{}` from its {}", pointer::field(&field.parameters), form.kind),
            "remove it: it has no effect on a Service of type ClusterIP".to_owned(),
        )),
    }
}

/// Returns the Service that `render` writes for each pool, without name and binding.
fn expected(front: &Front<'_>, known: &Known<'_>, others: &Others) -> Value {
    let Front { gateway, implementation, .. } = front;
    let form = implementation.spec.parameters.as_ref();
    let own = known.own_parameters(gateway).map(|index| &others.objects[index]);
    let keeps = form.and_then(|form| form.keeps_ports.as_deref());
    let is_kept = keeps.zip(own).is_some_and(|(at, own)| own.pointer(at) == Some(&Value::Bool(true)));
    let shift = if is_kept { crate::core::gateway::Ports::default() } else { implementation.spec.ports };
    let listeners = gateway["spec"]["listeners"].as_array().into_iter().flatten().filter_map(|listener| {
        let port = listener["port"].as_u64().and_then(|port| u16::try_from(port).ok())?;
        Some((port, listener["protocol"].as_str().unwrap_or_default()))
    });
    let infrastructure = &gateway["spec"]["infrastructure"];
    json!({
        "metadata": {"labels": infrastructure["labels"], "annotations": infrastructure["annotations"]},
        "spec": {"type": "LoadBalancer", "externalTrafficPolicy": "Cluster",
            "selector": Value::Null, "ports": service_ports(listeners, Some(shift))},
    })
}

/// Returns the patch that turns the Service that `render` writes into that of the user, if they differ.
fn patch(front: &Front<'_>, rest: &Value, expected: &Value) -> Result<Option<Value>, (String, String)> {
    let ports = |service: &Value| {
        let list = service["spec"]["ports"].as_array().cloned().unwrap_or_default();
        let mut ports: Vec<(Value, String, Value)> = list
            .iter()
            .map(|port| {
                let target = port.get("targetPort").unwrap_or(&port["port"]).clone();
                (port["port"].clone(), port["protocol"].as_str().unwrap_or("TCP").to_owned(), target)
            })
            .collect();
        ports.sort_by_key(|(port, protocol, _)| (port.as_u64(), protocol.clone()));
        ports
    };
    if ports(rest) != ports(expected) {
        return Err((
            format!("their ports are not those of the listeners of {}", Key::of(front.gateway)),
            format!(
                "`mode: shared` writes the ports {}: change the Services or the listeners, apply that, and run `init` again",
                expected["spec"]["ports"]
            ),
        ));
    }
    let mut operations = Vec::new();
    for parent in ["/metadata/labels", "/metadata/annotations", "/spec"] {
        let map =
            |value: &Value| value.pointer(parent).and_then(Value::as_object).cloned().unwrap_or_default();
        let (new, old) = (map(rest), map(expected));
        for (key, value) in
            new.iter().filter(|(key, value)| old.get(*key) != Some(value) && *key != "selector")
        {
            let path = pointer::join(parent, key);
            operations.push(json!({"op": "add", "path": path, "value": value}));
        }
        for key in old.keys().filter(|key| !new.contains_key(*key)) {
            operations.push(json!({"op": "remove", "path": pointer::join(parent, key)}));
        }
    }
    let mut target = json!({"kind": "Service", "service": front.key.name});
    let namespace = Key::of(rest).namespace;
    if !namespace.is_empty() {
        json::put(&mut target, &["namespace"], namespace);
    }
    let patch = json!({"target": target, "expects": {"atLeast": 0}, "patch": operations});
    Ok((!operations.is_empty()).then_some(patch))
}
