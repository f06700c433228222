//! Decides which Gateways are split, how, and by which implementation. Refuses what it cannot decide.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::core::gateway::choose::{known, of_controller};
use crate::core::gateway::{FleetMode, GATEWAY_GROUP, Implementation, group_of};
use crate::core::lock::PoolKind;
use crate::core::manifest::Object;
use crate::core::render::copies;
use crate::core::render::draft::Input;
use crate::core::render::gateways::named_parameters::Parameters;
use crate::core::render::gateways::{
    FullName, Gateways, How, Split, attached, full_name, is_gateway, listeners, shape,
};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::{GatewayMode, GatewayParameters};

impl<'a> Gateways<'a> {
    /// Decides what becomes of the Gateways. Returns the reasons if it cannot; then none is split.
    pub(in crate::core::render) fn decide(
        input: Input<'a>,
        warnings: &mut Vec<Diagnostic>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut problems = Vec::new();
        let gateways = Self::decide_with(input, &mut problems, warnings);
        (gateways, problems)
    }

    fn decide_with(input: Input<'a>, problems: &mut Vec<Diagnostic>, warnings: &mut Vec<Diagnostic>) -> Self {
        let gateways: Vec<(usize, &Object)> =
            input.objects.iter().enumerate().filter(|(_, object)| is_gateway(object)).collect();
        let wanted = input.spec.spec.gateways.as_ref().and_then(|spec| spec.mode);
        let at = || input.document.location("/spec/gateways");
        let Some((_, first)) = gateways.first() else {
            if matches!(wanted, Some(GatewayMode::PerPool | GatewayMode::Shared)) {
                problems.push(
                    Diagnostic::error("`spec.gateways` is set, but the manifests contain no Gateway")
                        .at(at())
                        .hint("remove `spec.gateways`, or add the Gateway to the manifests"),
                );
            }
            return Self::default();
        };
        if input.pools.kind == PoolKind::Shard {
            problems.extend(not_into_shards(input, first));
            return Self::default();
        }
        let mode = match wanted {
            Some(GatewayMode::Once) => return Self::default(),
            Some(GatewayMode::Shared) => FleetMode::Shared,
            None if input.objects.iter().any(Object::is_load_balancer) => {
                warnings.push(
                    Diagnostic::warning(format!(
                        "{} is rendered once, because the manifests also contain a Service of type LoadBalancer",
                        first.key()
                    ))
                    .at(first.location("/metadata/name"))
                    .hint("set `spec.gateways: {mode: perPool}` to split it for the pools, or `mode: once` to confirm this"),
                );
                return Self::default();
            }
            None | Some(GatewayMode::PerPool) => FleetMode::PerPool,
        };
        let Some(implementation) = implementation(input, &gateways, problems) else { return Self::default() };
        if !implementation.supports(mode) {
            problems.push(unsupported(input, implementation, mode));
            return Self::default();
        }
        let before = problems.len();
        problems.extend(input.objects.iter().flat_map(shape::problems));
        if input.spec.spec.workload.per_pool {
            problems.push(
                Diagnostic::error("`workload.perPool` does not apply to Gateways: routes name Services, which reach the pods of all pools")
                    .at(input.document.location("/spec/workload"))
                    .hint("remove `workload.perPool`"),
            );
        }
        let parameters = Parameters::of(input, implementation);
        let of_spec = input.spec.spec.gateways.as_ref().and_then(|spec| spec.parameters);
        let writes_parameters = of_spec != Some(GatewayParameters::Once);
        let services: HashMap<FullName, &Object> = input
            .objects
            .iter()
            .filter(|object| object.is_load_balancer())
            .map(|object| (full_name(input.spec, &object.key()), object))
            .collect();
        let mut split = HashMap::new();
        let mut written = HashSet::new();
        for (_, gateway) in &gateways {
            refuse(input, gateway, &services, problems);
            // Parameters that are not written need not be in the manifests.
            let mut unread = Vec::new();
            let own = parameters.named_by(gateway, if writes_parameters { problems } else { &mut unread });
            let names = match mode {
                FleetMode::PerPool => {
                    let key = gateway.key();
                    copies::names(input, &key, &key.name).collect()
                }
                FleetMode::Shared => Vec::new(),
            };
            let writes_parameters = own.is_none_or(|index| written.insert(index));
            let gateway_split = Split { names, parameters: own, writes_parameters };
            split.insert(full_name(input.spec, &gateway.key()), gateway_split);
            problems.extend(without_namespace(input, mode, gateway));
        }
        parameters.refuse_merged(implementation, &split, problems);
        let listener_sets = attached::listener_sets(input, &split, problems);
        let listeners = listeners::all(input, &split, &listener_sets);
        listeners::check(input, implementation, (&split, &listeners), problems);
        if problems.len() > before {
            return Self::default();
        }
        let owned = if writes_parameters { parameters.owned(&split) } else { HashSet::new() };
        let how = How { mode, implementation, writes_parameters };
        Self { how: Some(how), split, listener_sets, parameters: owned }
    }
}

/// Returns the implementation that runs all Gateways.
fn implementation<'a>(
    input: Input<'a>,
    gateways: &[(usize, &'a Object)],
    problems: &mut Vec<Diagnostic>,
) -> Option<&'a Implementation> {
    let classes = classes(input);
    let given = input.gateways.implementation;
    let mut found: BTreeMap<&str, (&'a Implementation, &'a Object)> = BTreeMap::new();
    let before = problems.len();
    for (_, gateway) in gateways {
        match of_gateway(input, gateway, &classes, given) {
            Ok(implementation) => {
                found.entry(implementation.name.as_str()).or_insert((implementation, gateway));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.len() > before {
        return None;
    }
    let mut all = found.into_values();
    let (first, of_first) = all.next()?;
    if let Some((other, of_other)) = all.next() {
        problems.push(
            Diagnostic::error(format!(
                "{} is of the implementation {}, but {} is of {}",
                of_other.key(),
                other.name,
                of_first.key(),
                first.name
            ))
            .at(of_other.location("/spec/gatewayClassName"))
            .hint("write two specs with one implementation each, or set `spec.gateways: {mode: once}`"),
        );
        return None;
    }
    Some(first)
}

fn of_gateway<'a>(
    input: Input<'a>,
    gateway: &Object,
    classes: &BTreeMap<String, String>,
    given: Option<&'a Implementation>,
) -> Result<&'a Implementation, Diagnostic> {
    let at = gateway.location("/spec/gatewayClassName");
    let Some(class) = gateway.value()["spec"]["gatewayClassName"].as_str().filter(|name| !name.is_empty())
    else {
        return Err(Diagnostic::error(format!("{} has no `spec.gatewayClassName`", gateway.key()))
            .at(gateway.location("/spec"))
            .hint("set the name of the GatewayClass"));
    };
    let by_controller = classes.get(class).map(|controller| (controller, of_controller(controller)));
    match (given, by_controller) {
        (Some(given), Some((controller, _))) if !given.spec.controller_names.contains(controller) => {
            Err(Diagnostic::error(format!(
                "`spec.gateways.implementation` is {}, but the GatewayClass {class} has the controller `{controller}`",
                given.name
            ))
            .at(input.document.location("/spec/gateways/implementation"))
            .hint(format!("remove it, or write a file for this controller; built in: {}", known())))
        }
        (Some(given), _) => Ok(given),
        (None, Some((_, Some(found)))) => Ok(found),
        (None, Some((controller, None))) => Err(Diagnostic::error(format!(
            "the GatewayClass {class} of {} has the controller `{controller}`, which is not a known implementation",
            gateway.key()
        ))
        .at(at)
        .hint(format!(
            "built in: {}; for another one write a file and set `spec.gateways: {{implementation: ./FILE.yaml}}`, or set `spec.gateways: {{mode: once}}`",
            known()
        ))),
        (None, None) => {
            let near = did_you_mean(class, classes.keys().map(String::as_str));
            Err(Diagnostic::error(format!(
                "the GatewayClass {class} of {} is not in the manifests, so its implementation is unknown{near}",
                gateway.key()
            ))
            .at(at)
            .hint(format!("set `spec.gateways: {{implementation: NAME}}`; built in: {}", known())))
        }
    }
}

/// Returns the controllers of the GatewayClasses in the manifests and of those that the cluster had, by name.
fn classes(input: Input<'_>) -> BTreeMap<String, String> {
    let mut classes = input.gateways.classes.clone();
    let own = input
        .objects
        .iter()
        .map(Object::value)
        .filter(|value| value["kind"] == "GatewayClass" && group_of(value) == GATEWAY_GROUP);
    classes.extend(own.filter_map(|value| {
        let name = value["metadata"]["name"].as_str()?;
        Some((name.to_owned(), value["spec"]["controllerName"].as_str()?.to_owned()))
    }));
    classes
}

/// Reports that the manifests have only Gateways, which are not split into shards.
fn not_into_shards(input: Input<'_>, gateway: &Object) -> Option<Diagnostic> {
    if input.objects.iter().any(Object::is_load_balancer) {
        return None;
    }
    let message = format!("`spec.shards` copies Services of type LoadBalancer, and not {}", gateway.key());
    Some(
        Diagnostic::error(message)
            .at(gateway.location("/metadata/name"))
            .hint("add the Service in front of the proxies to the manifests, with `spec.type: LoadBalancer`, or remove `spec.shards`"),
    )
}

fn unsupported(input: Input<'_>, implementation: &Implementation, mode: FleetMode) -> Diagnostic {
    let (wanted, other) = match mode {
        FleetMode::PerPool => ("perPool", "shared"),
        FleetMode::Shared => ("shared", "perPool"),
    };
    Diagnostic::error(format!("the implementation {} does not support `mode: {wanted}`", implementation.name))
        .at(input.document.location("/spec/gateways/mode"))
        .hint(format!("set `spec.gateways: {{mode: {other}}}`"))
}

/// Reports a Gateway without a namespace: the labels of its proxies have it.
fn without_namespace(input: Input<'_>, mode: FleetMode, gateway: &Object) -> Option<Diagnostic> {
    let key = gateway.key();
    if mode == FleetMode::PerPool || !input.spec.namespace_of(&key).is_empty() {
        return None;
    }
    let problem = Diagnostic::error(format!(
        "{key} has no namespace, but the Services of the pools select its proxies by it"
    ));
    Some(
        problem
            .at(gateway.location("/metadata"))
            .hint("set `metadata.namespace` in largescale.yaml, or in the Gateway"),
    )
}

/// Reports a Gateway that cannot be split.
fn refuse(
    input: Input<'_>,
    gateway: &Object,
    services: &HashMap<FullName, &Object>,
    problems: &mut Vec<Diagnostic>,
) {
    let value = gateway.value();
    if value["spec"]["addresses"].as_array().is_some_and(|list| !list.is_empty()) {
        problems.push(
            Diagnostic::error(format!(
                "`spec.addresses` of {} names addresses, and each pool's load balancer needs its own",
                gateway.key()
            ))
            .at(gateway.location("/spec/addresses"))
            .hint("remove it, or set it for the Gateway of one pool in an overlay (`target: {kind: Gateway, pool: ...}`)"),
        );
    }
    let key = gateway.key();
    if let Some(service) = services.get(&full_name(input.spec, &key)) {
        problems.push(
            Diagnostic::error(format!(
                "{key} and {} have the same name, and both are split; see {}",
                service.key(),
                service.location("/metadata/name")
            ))
            .at(gateway.location("/metadata/name"))
            .hint("rename one of them: `spec.names` and other fields of the spec refer to both by name"),
        );
    }
}
