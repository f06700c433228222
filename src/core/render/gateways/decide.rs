//! Decides which Gateways are split, how, and by which implementation. Refuses what it cannot decide.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::core::gateway::choose::{known, of_controller};
use crate::core::gateway::{FleetMode, GATEWAY_GROUP, Implementation};
use crate::core::manifest::Object;
use crate::core::pointer;
use crate::core::render::copies;
use crate::core::render::draft::Input;
use crate::core::render::gateways::{
    FullName, Gateways, How, Split, attached, full_name, group_of, is_gateway, listeners,
};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::GatewayMode;

impl<'a> Gateways<'a> {
    /// Decides what becomes of the Gateways.
    pub(in crate::core::render) fn decide(
        input: Input<'a>,
        problems: &mut Vec<Diagnostic>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Self {
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
        let mode = match wanted {
            Some(GatewayMode::Once) => return Self::default(),
            Some(GatewayMode::Shared) => FleetMode::Shared,
            Some(GatewayMode::PerPool) => FleetMode::PerPool,
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
            None => FleetMode::PerPool,
        };
        let Some(implementation) = implementation(input, &gateways, problems) else { return Self::default() };
        if !implementation.supports(mode) {
            problems.push(unsupported(input, implementation, mode));
            return Self::default();
        }
        let before = problems.len();
        if input.spec.spec.workload.per_pool {
            problems.push(
                Diagnostic::error("`workload.perPool` does not apply to Gateways: routes name Services, which reach the pods of all pools")
                    .at(input.document.location("/spec/workload"))
                    .hint("remove `workload.perPool`"),
            );
        }
        let parameters = Parameters::of(input, implementation);
        let mut split = HashMap::new();
        for (_, gateway) in &gateways {
            refuse(input, gateway, problems);
            let own = parameters.named_by(gateway, problems);
            let names = match mode {
                FleetMode::PerPool => copies::names(input, &gateway.key()).collect(),
                FleetMode::Shared => Vec::new(),
            };
            split.insert(full_name(input.spec, &gateway.key()), Split { names, parameters: own });
            problems.extend(without_namespace(input, mode, gateway));
        }
        parameters.refuse_merged(implementation, &split, problems);
        let listener_sets = attached::listener_sets(input, &split, problems);
        listeners::check(input, implementation, (&split, &listener_sets), problems);
        if problems.len() > before {
            return Self::default();
        }
        let owned = parameters.owned(&split);
        Self { how: Some(How { mode, implementation }), split, listener_sets, parameters: owned }
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
fn refuse(input: Input<'_>, gateway: &Object, problems: &mut Vec<Diagnostic>) {
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
    let same = |object: &&Object| {
        let other = object.key();
        object.is_load_balancer() && full_name(input.spec, &other) == full_name(input.spec, &key)
    };
    if let Some(service) = input.objects.iter().find(same) {
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

/// The parameters in the manifests.
struct Parameters<'a> {
    input: Input<'a>,
    /// The kind of the implementation's parameters.
    kind: Option<(&'a str, &'a str)>,
    by_name: HashMap<FullName, usize>,
    /// The parameters of GatewayClasses, by class.
    of_classes: HashMap<&'a str, FullName>,
}

impl<'a> Parameters<'a> {
    fn of(input: Input<'a>, implementation: &'a Implementation) -> Self {
        let form = implementation.spec.parameters.as_ref();
        let kind = form.map(|form| {
            (form.api_version.split_once('/').map_or("", |(group, _)| group), form.kind.as_str())
        });
        let is_one = |value: &Value| {
            kind.is_some_and(|(group, kind)| group_of(value) == group && value["kind"] == kind)
        };
        let objects = input.objects.iter().enumerate().filter(|(_, object)| is_one(object.value()));
        let by_name = objects.map(|(index, it)| (full_name(input.spec, &it.key()), index)).collect();
        let mut of_classes = HashMap::new();
        for value in input.objects.iter().map(Object::value).filter(|value| value["kind"] == "GatewayClass") {
            let reference = &value["spec"]["parametersRef"];
            let text = |field: &str| reference[field].as_str();
            if let (Some(class), Some(name)) = (value["metadata"]["name"].as_str(), text("name"))
                && text("kind") == kind.map(|(_, kind)| kind)
            {
                let namespace = text("namespace").or(input.spec.metadata.namespace.as_deref());
                of_classes.insert(class, (namespace.unwrap_or_default().to_owned(), name.to_owned()));
            }
        }
        Self { input, kind, by_name, of_classes }
    }

    /// Returns the index of the parameters that a Gateway or its class names.
    fn named_by(&self, gateway: &Object, problems: &mut Vec<Diagnostic>) -> Option<usize> {
        let at = "/spec/infrastructure/parametersRef";
        let Some(reference) = gateway.value().pointer(at).filter(|it| it.is_object()) else {
            return self.by_name.get(self.of_classes.get(self.class(gateway))?).copied();
        };
        let text = |field: &str| reference[field].as_str().unwrap_or_default();
        let mut report = |message: String, hint: String| {
            problems.push(Diagnostic::error(message).at(gateway.location(at)).hint(hint));
        };
        let Some((group, kind)) = self.kind else {
            report(
                format!("{} names parameters, which its implementation ignores in Gateways", gateway.key()),
                "remove `spec.infrastructure.parametersRef`; set the parameters in the GatewayClass"
                    .to_owned(),
            );
            return None;
        };
        if (text("group"), text("kind")) != (group, kind) {
            report(
                format!(
                    "{} names parameters of the kind {}, expected {kind} ({group})",
                    gateway.key(),
                    text("kind")
                ),
                format!("set `group: {group}` and `kind: {kind}`"),
            );
            return None;
        }
        let key = gateway.key();
        let name = (self.input.spec.namespace_of(&key).to_owned(), text("name").to_owned());
        let found = self.by_name.get(&name).copied();
        if found.is_none() {
            let near = did_you_mean(text("name"), self.by_name.keys().map(|(_, name)| name.as_str()));
            report(
                format!("{key} names the {kind} {}, which is not in the manifests{near}", text("name")),
                format!(
                    "add it to the manifests: `render` writes a copy with the binding for each pool, or remove `{}`",
                    pointer::field(at)
                ),
            );
        }
        found
    }

    /// Reports parameters that join all Gateways of a class: then they have one load balancer.
    fn refuse_merged(
        &self,
        implementation: &Implementation,
        split: &HashMap<FullName, Split>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let pointer = implementation.spec.parameters.as_ref().and_then(|it| it.merges.as_deref());
        let Some(pointer) = pointer else { return };
        let gateways = self.input.objects.iter().filter(|object| is_gateway(object));
        let is_split = |gateway: &&Object| split.contains_key(&full_name(self.input.spec, &gateway.key()));
        let classes: BTreeSet<&str> = gateways.filter(is_split).map(|it| self.class(it)).collect();
        let of_classes = classes.iter().filter_map(|class| self.of_classes.get(class));
        let used: BTreeSet<usize> = of_classes.filter_map(|name| self.by_name.get(name)).copied().collect();
        for object in used.into_iter().map(|index| &self.input.objects[index]) {
            if object.value().pointer(pointer) == Some(&Value::Bool(true)) {
                problems.push(
                    Diagnostic::error(format!(
                        "`{}` of {} is true: all Gateways of the class share one load balancer",
                        pointer::field(pointer),
                        object.key()
                    ))
                    .at(object.location(pointer))
                    .hint("remove it, so that each pool's Gateway has a load balancer"),
                );
            }
        }
    }

    /// Returns the parameters that only Gateways name: each pool gets a copy, and the original would have no effect.
    fn owned(&self, split: &HashMap<FullName, Split>) -> HashSet<FullName> {
        let is_used = |index: &usize| split.values().any(|it| it.parameters == Some(*index));
        let of_class = |name: &FullName| self.of_classes.values().any(|it| it == name);
        let own = self.by_name.iter().filter(|(name, index)| is_used(index) && !of_class(name));
        own.map(|(name, _)| name.clone()).collect()
    }

    fn class<'v>(&self, gateway: &'v Object) -> &'v str {
        gateway.value()["spec"]["gatewayClassName"].as_str().unwrap_or_default()
    }
}
