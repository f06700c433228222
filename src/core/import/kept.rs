//! Keeps the bindings of existing Services as they are. Where the binding that `render` writes differs, an overlay restores the fields,
//! so that adopting a Service changes nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::core::import::hand_written::HandWritten;
use crate::core::patch::placeholder;
use crate::core::patch::placeholder::Values;
use crate::core::platform::{Platform, SettingForm, SettingOf};
use crate::core::pools::PoolSet;

/// The name of the overlay.
pub(crate) const OVERLAY: &str = "adopted";

/// A Service whose binding the overlay keeps.
#[derive(Clone, Debug)]
pub(crate) struct KeptBinding {
    /// The name of its Service in the manifest.
    pub(crate) service: String,
    /// Its namespace, if several namespaces have a Service of this name.
    pub(crate) namespace: Option<String>,
    /// The value of its pool.
    pub(crate) pool: String,
    /// The operations of the patch.
    pub(crate) operations: Vec<Value>,
}

/// Returns the operations that turn the binding that `render` writes for a pool into that of the existing Service.
pub(crate) fn differences(
    service: &HandWritten,
    pool: usize,
    platform: &Platform,
    pools: &PoolSet,
    settings: &BTreeMap<String, Value>,
) -> Vec<Value> {
    let pool = &pools.pools[pool];
    let names: Vec<(String, Value)> = settings
        .iter()
        .filter_map(|(name, value)| {
            let value = value.as_object().map_or(Some(value), |by_pool| by_pool.get(&pool.value))?;
            Some((format!("setting.{name}"), value.clone()))
        })
        .collect();
    let all: Values<'_> = names
        .iter()
        .fold(pools.values(pool), |values, (name, value)| values.with_value(name, Some(value), ""));
    let written = platform.binding.added_paths().zip(platform.binding.added_values());
    let operation = |((path, template), found): ((&str, &Value), &Option<Value>)| {
        let written = placeholder::fill_value(template, &all).ok();
        match found {
            Some(found) if written.as_ref() != Some(found) => {
                Some(json!({"op": "add", "path": path, "value": literal(found)}))
            }
            None => Some(json!({"op": "remove", "path": path})),
            Some(_) => None,
        }
    };
    let mut operations: Vec<Value> = written.zip(&service.bound).filter_map(operation).collect();
    if let Some((path, value)) = &service.spelled {
        operations.push(json!({"op": "add", "path": path, "value": literal(value)}));
    }
    operations
}

/// Returns a value in which no placeholder is replaced.
fn literal(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| text.replace("${", "$${").into())
}

/// Returns the settings of the platform that the bindings of existing Services have; `members` are the Services and their pools.
pub(crate) fn settings(platform: &Platform, members: &[(&HandWritten, &str)]) -> BTreeMap<String, Value> {
    let mut settings = BTreeMap::new();
    let templates = platform.binding.added_values().enumerate();
    for (index, template) in templates {
        let text = template.as_str().unwrap_or_default();
        let name = text.strip_prefix("${setting.").and_then(|rest| rest.strip_suffix('}'));
        let declared = |name: &str| {
            platform.spec.settings.iter().find(|it| it.name == name && it.form == SettingForm::Text)
        };
        let Some(setting) = name.and_then(declared) else { continue };
        let mut by_pool = Map::new();
        for (service, pool) in members {
            if let Some(Some(value)) = service.bound.get(index) {
                by_pool.insert((*pool).to_owned(), value.clone());
            }
        }
        let mut values: Vec<&Value> = by_pool.values().collect();
        values.dedup();
        let value = match (setting.of, values.as_slice()) {
            (SettingOf::All | SettingOf::Either, [one]) => (*one).clone(),
            (_, []) | (SettingOf::All, _) => continue,
            (SettingOf::Pool | SettingOf::Either, _) => Value::Object(by_pool),
        };
        settings.insert(setting.name.clone(), value);
    }
    settings
}

/// Returns the overlay; `None` if `render` writes all bindings as they are.
pub(crate) fn overlay(platform: &Platform, kept: &[KeptBinding]) -> Option<Value> {
    if kept.is_empty() {
        return None;
    }
    let patch = |kept: &KeptBinding| {
        let mut target = json!({"kind": "Service", "service": kept.service, "pool": kept.pool});
        if let (Some(namespace), Some(target)) = (&kept.namespace, target.as_object_mut()) {
            target.insert("namespace".to_owned(), namespace.as_str().into());
        }
        json!({"target": target, "expects": {"atLeast": 0}, "patch": kept.operations})
    };
    Some(json!({
        "apiVersion": "largescale.dev/v1alpha1",
        "kind": "Overlay",
        "metadata": {"name": OVERLAY},
        "spec": {
            "title": "bindings of existing Services, as init found them",
            "platforms": [platform.name],
            "overrides": [platform.name],
            "patches": kept.iter().map(patch).collect::<Vec<_>>(),
        },
    }))
}
