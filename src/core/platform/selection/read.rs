//! Reads a Service as the controller of its platform does.

use serde_json::Value;

use crate::core::kubernetes::selector::{ObjectKeys, Selector};
use crate::core::patch::placeholder;
use crate::core::patch::placeholder::{PlaceholderError, Values};
use crate::core::platform::PlatformSpec;
use crate::core::platform::selection::form::{Selection, SelectionForm, SelectionObjects, Unset};
use crate::core::platform::selection::key_values;
use crate::core::platform::selection::selected::Selected;
use crate::core::platform::service_rules::Condition;
use crate::core::{pattern, pointer, yaml};

impl PlatformSpec {
    /// Returns the nodes that the controller selects for a Service; `objects` are all objects in its directory. `None` if the
    /// platform file does not describe how its controller reads a Service.
    pub fn selected<'a>(
        &self,
        service: &Value,
        objects: impl IntoIterator<Item = &'a Value>,
    ) -> Option<Selected> {
        let selection = self.selection.as_ref()?;
        let keys = self.only_labels.as_ref().map_or(&[][..], |only| &only.labels);
        Some(selection.read(service, keys, objects))
    }

    /// Returns the nodes that the binding of a Service selects, also if it lacks a value that the binding needs besides.
    pub fn selected_by_binding<'a>(
        &self,
        service: &Value,
        objects: impl IntoIterator<Item = &'a Value>,
    ) -> Option<Selected> {
        let mut selection = self.selection.clone()?;
        selection.only_if.retain(|condition| !self.is_incomplete(condition, service));
        let keys = self.only_labels.as_ref().map_or(&[][..], |only| &only.labels);
        Some(selection.read(service, keys, objects))
    }

    /// Returns the additional object of the platform that selects the nodes of Services, as it is rendered. `None` if the Services
    /// themselves select them.
    pub fn selecting_object(&self) -> Option<&Value> {
        let form = self.selection.as_ref()?.objects.as_ref()?;
        self.objects.iter().find(|object| object["kind"] == *form.kind)
    }

    /// Returns the key of the annotation that the controller reads instead of the field of the selection, which is absent.
    pub fn other_key<'s>(&self, service: &'s Value) -> Option<&'s str> {
        let selection = self.selection.as_ref()?;
        let path = selection.path.as_deref().filter(|path| service.pointer(path).is_none())?;
        let pattern = pattern::compile(selection.other_keys.as_ref()?).ok()?;
        let annotations = service.pointer("/metadata/annotations").and_then(Value::as_object)?;
        let is_other = |key: &&String| pattern.is_match(key) && !path.ends_with(&pointer::join("", key));
        annotations.keys().find(is_other).map(String::as_str)
    }

    /// Whether the controller ignores a Service because of a field that chooses another controller or another kind of load balancer.
    pub fn ignores(&self, service: &Value) -> bool {
        let conditions = self.selection.iter().flat_map(|selection| &selection.only_if);
        let mut broken = conditions.filter(|condition| !condition.holds(service));
        broken.any(|condition| !self.is_incomplete(condition, service))
    }

    /// Whether a Service lacks the field of a condition, and the binding fills it with a value of the user. Such a binding names its pool
    /// all the same. A field with a fixed value chooses the kind of the load balancer.
    fn is_incomplete(&self, condition: &Condition, service: &Value) -> bool {
        let is_filled = |operation: &Value| {
            operation["path"] == *condition.path && !placeholder::names(&operation["value"]).is_empty()
        };
        service.pointer(&condition.path).is_none() && self.binding.iter().any(is_filled)
    }
}

impl Selection {
    /// Returns the cloud's name of the node set of a pool; `None` if the binding does not use names.
    pub fn name_of(&self, values: &Values<'_>) -> Option<Result<String, PlaceholderError>> {
        self.name.as_ref().map(|template| placeholder::fill(template, values))
    }

    fn read<'a>(
        &self,
        service: &Value,
        keys: &[String],
        objects: impl IntoIterator<Item = &'a Value>,
    ) -> Selected {
        if let Some(condition) = self.only_if.iter().find(|condition| !condition.holds(service)) {
            let field = pointer::field(&condition.path);
            let found = service.pointer(&condition.path).filter(|found| !found.is_null());
            return Selected::Nothing(match found {
                Some(found) => format!("the controller ignores a Service with `{field}: {found}`"),
                None => format!("the controller requires `{field}`"),
            });
        }
        let found = self.path.as_ref().and_then(|path| service.pointer(path)).and_then(Value::as_str);
        if let (SelectionForm::Objects, Some(form)) = (self.form, &self.objects) {
            return by_objects(form, found, service, objects);
        }
        let Some(text) = found else { return self.without(self.unset) };
        match self.form {
            SelectionForm::KeyValues => key_values::list(text, self.spaces, self.without_value),
            SelectionForm::OneKeyValue => key_values::one(text, keys),
            SelectionForm::LabelSelector if text.trim().is_empty() => Selected::EveryNode,
            SelectionForm::LabelSelector => readable(Selector::read(text)),
            SelectionForm::LowerCaseObject => readable(lower_case_object(text)),
            SelectionForm::LabelValue => {
                let label = self.label.as_deref().unwrap_or_default();
                Selected::matching(Selector::default().and_equals(label, text))
            }
            SelectionForm::Names => {
                let is_auto = self.auto.as_ref().is_some_and(|auto| auto.eq_ignore_ascii_case(text.trim()));
                if is_auto {
                    return Selected::Cloud;
                }
                Selected::Named(text.split(',').map(|name| name.trim().to_owned()).collect())
            }
            // The check of the platform file rejects this form without `objects`.
            SelectionForm::Objects => self.without(self.unset),
        }
    }

    fn without(&self, unset: Unset) -> Selected {
        match unset {
            Unset::EveryNode => Selected::EveryNode,
            Unset::Cloud => Selected::Cloud,
            Unset::Refused => Selected::Nothing(format!(
                "the controller requires `{}`",
                pointer::field(self.path.as_deref().unwrap_or_default())
            )),
        }
    }
}

fn readable(selector: Result<Selector, String>) -> Selected {
    selector.map_or_else(
        |why| Selected::Nothing(format!("the controller cannot read it: {why}")),
        Selected::matching,
    )
}

fn lower_case_object(text: &str) -> Result<Selector, String> {
    let document = yaml::read_one("", text).map_err(|problem| problem.message)?;
    Selector::read_object(&document.value, ObjectKeys::LowerCase)
}

/// Returns the nodes of all objects that apply to the Service.
fn by_objects<'a>(
    form: &SelectionObjects,
    text: Option<&str>,
    service: &Value,
    objects: impl IntoIterator<Item = &'a Value>,
) -> Selected {
    let mut any = Vec::new();
    for object in objects.into_iter().filter(|object| object["kind"] == *form.kind) {
        match is_for(form, object, text, service) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(why) => return Selected::Nothing(format!("the controller cannot read {}: {why}", form.kind)),
        }
        let Some(nodes) = object.pointer(&form.nodes).filter(|nodes| !nodes.is_null()) else {
            return Selected::EveryNode;
        };
        let selectors = nodes.as_array().map_or_else(|| vec![nodes], |list| list.iter().collect());
        if selectors.is_empty() {
            return Selected::EveryNode;
        }
        for selector in selectors {
            match Selector::read_object(selector, ObjectKeys::CamelCase) {
                Ok(selector) if selector.is_everything() => return Selected::EveryNode,
                Ok(selector) => any.push(selector),
                Err(why) => {
                    return Selected::Nothing(format!("the controller cannot read {}: {why}", form.kind));
                }
            }
        }
    }
    if any.is_empty() {
        return Selected::Nothing(format!("no {} applies to the Service", form.kind));
    }
    Selected::Matching(any)
}

fn is_for(
    form: &SelectionObjects,
    object: &Value,
    text: Option<&str>,
    service: &Value,
) -> Result<bool, String> {
    if let Some(names) = &form.names {
        let list = object.pointer(names).and_then(Value::as_array);
        let holds = |list: &Vec<Value>| list.iter().any(|name| name.as_str() == text);
        // In MetalLB, an empty list applies to all.
        if list.is_some_and(|list| !list.is_empty() && !holds(list)) {
            return Ok(false);
        }
    }
    let Some(services) = form.services.as_ref().and_then(|path| object.pointer(path)) else {
        return Ok(true);
    };
    Ok(Selector::read_object(services, ObjectKeys::CamelCase)?.matches(&service["metadata"]["labels"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::platform::read_builtin;

    #[track_caller]
    fn check(platform: &str, service: &Value, expected: &str) {
        let spec = read_builtin(platform).unwrap().unwrap().spec;
        assert_eq!(spec.selected(service, []).unwrap().to_string(), expected, "{platform} {service}");
    }

    fn annotated(key: &str, value: &str) -> Value {
        json!({"metadata": {"annotations": {key: value}}, "spec": {"type": "LoadBalancer"}})
    }

    const EVERY: &str = "every node of the cluster";

    #[test]
    fn upcloud_ignores_keys_in_camel_case() {
        let key = "service.beta.kubernetes.io/upcloud-load-balancer-node-selector";
        for (text, expected) in [
            (r#"{"matchLabels":{"pool":"blue"}}"#, EVERY),
            ("matchLabels:\n  pool: blue\n", EVERY),
            (r#"{"matchlabels":{"pool":"blue"}}"#, "the nodes with `pool=blue`"),
            (
                r#"{"matchLabels":{"pool":"blue"},"matchlabels":{"pool":"blue"}}"#,
                "the nodes with `pool=blue`",
            ),
            (
                r#"{"matchexpressions":[{"key":"pool","operator":"In","values":["a","b"]}]}"#,
                "the nodes with `pool in (a, b)`",
            ),
            ("pool=blue", "no node (the controller cannot read it: it is not a LabelSelector object)"),
        ] {
            check("upcloud", &annotated(key, text), expected);
        }
        check("upcloud", &json!({"spec": {}}), EVERY);
    }

    #[test]
    fn label_selectors() {
        let key = "load-balancer.hetzner.cloud/node-selector";
        check("hetzner", &annotated(key, "pool in (a, b),!old"), "the nodes with `pool in (a, b),!old`");
        check("hetzner", &annotated(key, ""), EVERY);
        let refused =
            format!("no node (the controller cannot read it: {})", Selector::read("a b").unwrap_err());
        check("hetzner", &annotated(key, "a b"), &refused);
        let mut of_class = annotated(key, "pool=a");
        of_class["spec"]["loadBalancerClass"] = "example.com/other".into();
        let ignored =
            "no node (the controller ignores a Service with `spec.loadBalancerClass: \"example.com/other\"`)";
        check("hetzner", &of_class, ignored);
    }

    #[test]
    fn names_select_node_sets() {
        let key = "service.beta.kubernetes.io/azure-load-balancer-mode";
        check("azure-basic", &annotated(key, " set-1 "), "the nodes of set-1");
        check("azure-basic", &annotated(key, "__AUTO__"), "the nodes that the cloud chooses");
        check("azure-basic", &json!({}), "the nodes that the cloud chooses");
        let key = "service.beta.kubernetes.io/azure-load-balancer-configurations";
        check("azure-multi-slb", &annotated(key, "a, B"), "the nodes of a or B");
        let key = "service.beta.kubernetes.io/exoscale-loadbalancer-service-sks-nodepool-name";
        let mut service = annotated(key, "small");
        let needed = "no node (the controller requires `metadata.annotations[service.beta.kubernetes.io/exoscale-loadbalancer-sks-cluster-name]`)";
        check("exoscale", &service, needed);
        service["metadata"]["annotations"]["service.beta.kubernetes.io/exoscale-loadbalancer-sks-cluster-name"] =
            "production".into();
        check("exoscale", &service, "the nodes of small");
    }

    #[test]
    fn objects_in_the_directory_select_nodes() {
        let spec = read_builtin("metallb-l2").unwrap().unwrap().spec;
        let advertisement = |pools: Value, nodes: Value| json!({"kind": "L2Advertisement", "spec": {"ipAddressPools": pools, "nodeSelectors": nodes}});
        let blue = json!([{"matchLabels": {"pool": "blue"}}]);
        let service = annotated("metallb.io/address-pool", "web-blue");
        let selected = |objects: &[Value]| spec.selected(&service, objects).unwrap().to_string();
        assert_eq!(selected(&[]), "no node (no L2Advertisement applies to the Service)");
        assert_eq!(
            selected(&[advertisement(json!(["web-blue"]), blue.clone())]),
            "the nodes with `pool=blue`"
        );
        assert_eq!(
            selected(&[advertisement(json!(["web-red"]), blue.clone())]),
            "no node (no L2Advertisement applies to the Service)"
        );
        assert_eq!(selected(&[advertisement(json!(["web-blue"]), json!([]))]), EVERY);
        let red = json!([{"matchLabels": {"pool": "red"}}]);
        let both = [advertisement(json!(["web-blue"]), blue), advertisement(Value::Null, red)];
        assert_eq!(selected(&both), "the nodes with `pool=blue` or `pool=red`");
        let spec = read_builtin("cilium-l2").unwrap().unwrap().spec;
        let policy = json!({"kind": "CiliumL2AnnouncementPolicy", "spec": {
            "serviceSelector": {"matchLabels": {"largescale.dev/pool": "a"}},
            "nodeSelector": {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["a"]}]}}});
        let service = |pool: &str| json!({"metadata": {"labels": {"largescale.dev/pool": pool}}, "spec": {"loadBalancerClass": "io.cilium/l2-announcer"}});
        let selected = |pool: &str| spec.selected(&service(pool), [&policy]).unwrap().to_string();
        assert_eq!(selected("a"), "the nodes with `pool=a`");
        assert_eq!(selected("b"), "no node (no CiliumL2AnnouncementPolicy applies to the Service)");
    }
}
