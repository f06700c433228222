//! Finds the parameters of Gateways and classes in the manifests.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::core::gateway::{Implementation, group_of};
use crate::core::manifest::Object;
use crate::core::pointer;
use crate::core::render::draft::Input;
use crate::core::render::gateways::{FullName, Split, full_name, is_gateway};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::suggest::did_you_mean;

/// The parameters in the manifests.
pub(super) struct Parameters<'a> {
    input: Input<'a>,
    /// The kind of the implementation's parameters.
    kind: Option<(&'a str, &'a str)>,
    by_name: HashMap<FullName, usize>,
    /// The parameters of GatewayClasses, by class.
    of_classes: HashMap<&'a str, FullName>,
}

impl<'a> Parameters<'a> {
    pub(super) fn of(input: Input<'a>, implementation: &'a Implementation) -> Self {
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
    pub(super) fn named_by(&self, gateway: &Object, problems: &mut Vec<Diagnostic>) -> Option<usize> {
        let at = "/spec/infrastructure/parametersRef";
        let Some(reference) = gateway.value().pointer(at).filter(|it| it.is_object()) else {
            return self.by_name.get(self.of_classes.get(class(gateway))?).copied();
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
    pub(super) fn refuse_merged(
        &self,
        implementation: &Implementation,
        split: &HashMap<FullName, Split>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let pointer = implementation.spec.parameters.as_ref().and_then(|it| it.merges.as_deref());
        let Some(pointer) = pointer else { return };
        let gateways = self.input.objects.iter().filter(|object| is_gateway(object));
        let is_split = |gateway: &&Object| split.contains_key(&full_name(self.input.spec, &gateway.key()));
        let classes: BTreeSet<&str> = gateways.filter(is_split).map(class).collect();
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
    pub(super) fn owned(&self, split: &HashMap<FullName, Split>) -> HashSet<FullName> {
        let used: HashSet<usize> = split.values().filter_map(|it| it.parameters).collect();
        let of_classes: HashSet<&FullName> = self.of_classes.values().collect();
        let own =
            self.by_name.iter().filter(|(name, index)| used.contains(index) && !of_classes.contains(name));
        own.map(|(name, _)| name.clone()).collect()
    }
}

fn class(gateway: &Object) -> &str {
    gateway.value()["spec"]["gatewayClassName"].as_str().unwrap_or_default()
}
