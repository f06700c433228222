//! Reports Services of several pools that name the same address or load balancer. The manifests are checked earlier; this
//! check finds what the platform, settings and overlays wrote.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::lock::PoolKind;
use crate::core::patch::placeholder;
use crate::core::platform::{Setting, is_set};
use crate::core::pointer;
use crate::core::render::address::{AddressRange, parts};
use crate::core::render::draft::{Input, PendingObject};
use crate::core::render::origin::overlay_line;
use crate::core::render::patches;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::settings::{SettingOwner, Settings};

/// Fields of every platform with a value that exists once.
const EXIST_ONCE: [&str; 4] =
    ["/spec/externalIPs", "/spec/healthCheckNodePort", "/spec/clusterIP", "/spec/clusterIPs"];

/// Groups the fields that name addresses: an address is the same in each of them.
const ADDRESS: &str = "address";

/// The Services with a value: the name of their pool, the pointer of the field, and the Service.
type Holders<'d, 'a> = Vec<(usize, String, &'d PendingObject<'a>)>;

/// Reports values that the Services of several pools have, although only one load balancer can have them.
pub(super) fn problems(input: Input<'_>, pending: &[PendingObject<'_>]) -> Vec<Diagnostic> {
    let fields = FieldsOfOne::of(input);
    let mut found: BTreeMap<(String, String), Holders<'_, '_>> = BTreeMap::new();
    for draft in pending {
        let (Some(pool), Some(_)) = (draft.pool, draft.service()) else { continue };
        for (group, path, value) in fields.values(draft) {
            let holders = found.entry((group, value)).or_default();
            if !holders.iter().any(|(known, ..)| *known == pool) {
                holders.push((pool, path, draft));
            }
        }
    }
    found.into_iter().filter_map(|((_, value), holders)| problem(input, &value, &holders)).collect()
}

fn problem(input: Input<'_>, value: &str, holders: &Holders<'_, '_>) -> Option<Diagnostic> {
    let [(first, ..), (second, path, draft), more @ ..] = holders.as_slice() else { return None };
    let name = |index: &usize| input.pools.pools.get(*index).map_or("", |pool| pool.value.as_str());
    let pools = match more.len() {
        0 => format!("{} and {}", name(first), name(second)),
        count => format!("{}, {} and {count} more", name(first), name(second)),
    };
    let pools = match input.pools.kind {
        PoolKind::Nodes => format!("the pools {pools}"),
        PoolKind::Shard => pools,
    };
    let message = format!(
        "the Services of {pools} have the same value of `{}`, {value}, which only one load balancer can have",
        pointer::field(path)
    );
    Some(
        Diagnostic::error(message)
            .at(location(input, name(second), path, value, draft))
            .hint(format!("set a different value for each {}, or remove it", input.pools.kind.word())),
    )
}

/// The fields of a Service whose values exist once.
struct FieldsOfOne<'a> {
    addresses: &'a [String],
    /// Other fields of the platform, as JSON pointers.
    others: Vec<String>,
}

impl<'a> FieldsOfOne<'a> {
    fn of(input: Input<'a>) -> Self {
        let addresses = input.platform.spec.address_annotations.as_slice();
        let pointers: Vec<String> =
            addresses.iter().map(|key| pointer::join("/metadata/annotations", key)).collect();
        let others = input.platform.spec.fields_of_one().filter(|path| !pointers.contains(path)).collect();
        Self { addresses, others }
    }

    /// Returns the values of a Service: the group of the field, its pointer, and the value.
    fn values(&self, draft: &PendingObject<'_>) -> Vec<(String, String, String)> {
        let service = &draft.value;
        let mut values = Vec::new();
        let mut add = |group: &str, path: &str, found: &Value| {
            let texts: Vec<String> = match found {
                Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                Value::String(text) => vec![text.clone()],
                other => vec![other.to_string()],
            };
            for part in texts.iter().flat_map(|text| parts(text)).filter(|part| part != "none") {
                values.push((group.to_owned(), path.to_owned(), part));
            }
        };
        let set = |path: &str| pointer::find(service, path).filter(|found| is_set(found));
        for (key, found) in service["metadata"]["annotations"].as_object().into_iter().flatten() {
            if self.addresses.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                add(ADDRESS, &pointer::join("/metadata/annotations", key), found);
            }
        }
        if let Some(found) = set("/spec/loadBalancerIP") {
            add(ADDRESS, "/spec/loadBalancerIP", found);
        }
        for path in &self.others {
            if let Some(found) = set(path) {
                add(path, path, found);
            }
        }
        // Services with other ports may share an external address, so only copies of one Service are compared.
        let copy_of = draft.service().unwrap_or_default();
        for path in EXIST_ONCE {
            if let Some(found) = set(path) {
                add(&format!("{path} {copy_of}"), path, found);
            }
        }
        for (index, port) in service["spec"]["ports"].as_array().into_iter().flatten().enumerate() {
            if is_set(&port["nodePort"]) {
                add("nodePort", &format!("/spec/ports/{index}/nodePort"), &port["nodePort"]);
            }
        }
        values
    }
}

/// Returns the line of the setting with the value, or else of the overlay that sets the field, or else of the Service.
fn location(input: Input<'_>, pool: &str, path: &str, value: &str, draft: &PendingObject<'_>) -> Location {
    let has = |found: &Value| match found {
        Value::Array(items) => {
            items.iter().any(|item| item.as_str().is_some_and(|text| parts(text).any(|it| it == value)))
        }
        other => other.as_str().is_some_and(|text| parts(text).any(|it| it == value)),
    };
    for (name, of_pools) in &input.spec.spec.settings {
        if of_pools.get(pool).is_some_and(has) {
            return input.document.location(&pointer::join(&pointer::join("/spec/settings", name), pool));
        }
    }
    overlay_line(input, path).unwrap_or_else(|| draft.source.location("/metadata/name"))
}

/// Reports settings whose addresses overlap with those of another pool.
pub(super) fn overlaps(input: Input<'_>, settings: &Settings) -> Vec<Diagnostic> {
    let disjoint = input.platform.spec.settings.iter().filter(|setting| setting.disjoint);
    disjoint.flat_map(|setting| overlaps_of(input, settings, setting)).collect()
}

fn overlaps_of(input: Input<'_>, settings: &Settings, setting: &Setting) -> Vec<Diagnostic> {
    let template = Value::String(format!("${{setting.{}}}", setting.name));
    let mut ranges: Vec<(AddressRange, usize, usize, String)> = Vec::new();
    for index in 0..input.pools.pools.len() {
        let values = patches::values(input, settings, Some(index), None, SettingOwner::Platform);
        let Ok(filled) = placeholder::fill_value(&template, &values) else { continue };
        let items = filled.as_array().cloned().unwrap_or_else(|| vec![filled]);
        for (number, text) in
            items.iter().enumerate().filter_map(|(number, item)| Some((number, item.as_str()?)))
        {
            if let Some(range) = AddressRange::read(text) {
                ranges.push((range, index, number, text.to_owned()));
            }
        }
    }
    ranges.sort();
    let mut problems = Vec::new();
    // The range that reaches furthest so far: if a range meets an earlier one, it meets this one, too.
    let mut furthest: Option<&(AddressRange, usize, usize, String)> = None;
    for range in &ranges {
        if let Some(before) = furthest.filter(|before| before.0.meets(&range.0) && before.1 != range.1) {
            let (one, other) = if before.1 < range.1 { (before, range) } else { (range, before) };
            let name = |index: usize| input.pools.pools[index].value.as_str();
            let at = pointer::join(&pointer::join("/spec/settings", &setting.name), name(other.1));
            problems.push(
                Diagnostic::error(format!(
                    "`spec.settings.{}`: {} of the pool {} and {} of the pool {} have addresses in common, so the load balancers of both pools could get the same address",
                    setting.name, one.3, name(one.1), other.3, name(other.1)
                ))
                .at(input.document.location(&format!("{at}/{}", other.2)))
                .hint("give each pool its own addresses"),
            );
        }
        if furthest.is_none_or(|before| !before.0.reaches_further_than(&range.0)) {
            furthest = Some(range);
        }
    }
    problems
}
