//! The ways to write the binding of one pool that the controller of a platform accepts.

use largescale::core::patch::placeholder::{Values, fill_value};
use largescale::core::platform::{Platform, Selection, SelectionForm, SettingOf};
use serde_json::{Map, Value};

use crate::estates::generate::Mistake;
use crate::estates::selecting::{BOTH, SERVICE_LABEL};
use crate::provider_nodes::label_of;
use crate::random::Random;

/// Sets the fields of a binding in a Service that select the nodes of a pool. `beginning` is that of the names of objects that
/// select nodes.
pub(crate) fn bind(
    service: &mut Value,
    platform: &Platform,
    pool: &str,
    beginning: &str,
    random: &mut Random,
) {
    for (path, value) in platform.binding.added_paths().zip(platform.binding.added_values()) {
        put(service, path, filled(platform, value, pool, beginning));
    }
    let Some(selection) = &platform.spec.selection else { return };
    if selection.objects.as_ref().is_some_and(|objects| objects.services.is_some()) {
        put(service, SERVICE_LABEL, format!("{beginning}-{pool}").into());
    }
    let Some(path) = &selection.path else { return };
    let label = label_of(platform);
    let other = match random.below(5) {
        // As `render` writes it.
        0 | 1 => return,
        number => number,
    };
    let text = match (selection.form, other) {
        (SelectionForm::LabelSelector, 2) => format!("{label}=={pool}"),
        (SelectionForm::LabelSelector, 3) => format!("{label} in ({pool})"),
        (SelectionForm::LabelSelector, _) => format!("{label}={pool},kubernetes.io/hostname"),
        (SelectionForm::LowerCaseObject, 2) => format!("matchlabels:\n  {label}: {pool}\n"),
        (SelectionForm::LowerCaseObject, _) => {
            format!(r#"{{"matchexpressions":[{{"key":"{label}","operator":"In","values":["{pool}"]}}]}}"#)
        }
        (SelectionForm::Names, 2) => {
            let own = service.pointer(path).and_then(Value::as_str).unwrap_or_default();
            own.to_uppercase()
        }
        (SelectionForm::Objects, 2) => {
            let own = service.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
            remove(service, path);
            return put(service, OTHER_KEY, own.into());
        }
        _ => return,
    };
    put(service, path, text.into());
}

/// Makes a mistake in a bound Service. Returns whether the platform has a form for it.
pub(crate) fn unbind(
    service: &mut Value,
    platform: &Platform,
    pools: &[String],
    beginning: &str,
    mistake: Mistake,
) -> bool {
    let Some(selection) = &platform.spec.selection else { return false };
    let Some(path) = &selection.path else { return false };
    let label = label_of(platform);
    let text = match (mistake, selection.form) {
        (Mistake::TwoPools, SelectionForm::LabelSelector) => format!("{label} in ({})", pools[..2].join(",")),
        (Mistake::TwoPools, SelectionForm::Names) if path.contains("azure-load-balancer-mode") => {
            format!("{}-vmss,{}-vmss", pools[0], pools[1])
        }
        (Mistake::TwoPools, SelectionForm::Objects) => format!("{beginning}-{BOTH}"),
        (Mistake::TwoPools, _) => return false,
        (Mistake::NoPool, SelectionForm::LabelValue | SelectionForm::Names) => "no-such-pool".to_owned(),
        (Mistake::NoPool, SelectionForm::LowerCaseObject) => {
            format!("matchlabels: {{{label}: no-such-pool}}")
        }
        (Mistake::NoPool, _) => format!("{label}=no-such-pool"),
        // The API server accepts no such label.
        (Mistake::Placeholder, _) if path.starts_with("/metadata/labels") => return false,
        (Mistake::Placeholder, _) => "{name of the pool}".to_owned(),
        (Mistake::Unbound, _) => {
            for path in platform.binding.added_paths() {
                remove(service, path);
            }
            remove(service, OTHER_KEY);
            return true;
        }
        (Mistake::OfHelm, _) => {
            put(service, "/metadata/labels/app.kubernetes.io~1managed-by", "Helm".into());
            put(service, "/metadata/annotations/meta.helm.sh~1release-name", "shop".into());
            put(service, "/metadata/annotations/meta.helm.sh~1release-namespace", "default".into());
            return true;
        }
    };
    remove(service, OTHER_KEY);
    put(service, path, text.into());
    true
}

/// The annotation that `MetalLB` read before it was renamed.
const OTHER_KEY: &str = "/metadata/annotations/metallb.universe.tf~1address-pool";

/// Whether the Services of a platform, or objects beside them, select nodes.
pub(crate) fn binds(platform: &Platform) -> bool {
    let selects = |selection: &Selection| selection.path.is_some() || selection.objects.is_some();
    platform.spec.refused.is_none() && platform.spec.selection.as_ref().is_some_and(selects)
}

fn filled(platform: &Platform, template: &Value, pool: &str, beginning: &str) -> Value {
    let set = format!("{pool}-vmss");
    let settings: Vec<(String, String)> = platform
        .spec
        .settings
        .iter()
        .map(|setting| {
            let default = setting.default.as_ref().and_then(Value::as_str).map(str::to_owned);
            let default =
                default.or_else(|| (setting.of == SettingOf::All).then(|| format!("the-{}", setting.name)));
            (
                format!("setting.{}", setting.name),
                default.unwrap_or_else(|| format!("{pool}-{}", setting.name)),
            )
        })
        .collect();
    let mut values = Values::default()
        .with("app.name", Some(beginning), "")
        .with("pool.vmSet", Some(&set), "")
        .with("pool.loadBalancer", Some(pool), "")
        .with("pool.label", Some(label_of(platform)), "")
        .with("pool.value", Some(pool), "")
        .with("pool.name", Some(pool), "");
    for (name, value) in &settings {
        values = values.with(name, Some(value), "");
    }
    fill_value(template, &values).unwrap()
}

/// Sets the value at a path whose parents may not exist.
pub(crate) fn put(object: &mut Value, path: &str, value: Value) {
    let keys = keys(path);
    let (last, parents) = keys.split_last().unwrap();
    let mut at = object;
    for key in parents {
        at = at.as_object_mut().unwrap().entry(key).or_insert_with(|| Value::Object(Map::new()));
    }
    at[last.as_str()] = value;
}

fn remove(object: &mut Value, path: &str) {
    let keys = keys(path);
    let (last, parents) = keys.split_last().unwrap();
    let parent = parents.iter().try_fold(object, |value, key| value.get_mut(key));
    if let Some(parent) = parent.and_then(Value::as_object_mut) {
        parent.remove(last);
    }
}

fn keys(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect()
}
