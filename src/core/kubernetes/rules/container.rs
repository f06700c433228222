//! Containers: `validateContainerCommon`, and what only regular or init containers have.

use std::collections::HashMap;

use crate::core::kubernetes::rules::volume::is_descending;
use crate::core::report::suggest::did_you_mean;
use crate::core::schema::field::{Field, Report};

/// Fields of a pod that an environment variable can have.
const POD_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// Older names of fields that are still accepted.
const OLD_POD_FIELDS: &[&str] = &["spec.host"];

/// The sources of a variable, with `fileKeyRef` of Kubernetes 1.34.
const ENV_SOURCES: &[&str] =
    &["configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"];

/// How a probe or a hook asks.
const HANDLERS: &[&str] = &["exec", "grpc", "httpGet", "sleep", "tcpSocket"];

pub(super) fn container(container: &Field<'_>, report: &mut Report<'_>) {
    ports(container, report);
    mounts(container, report);
    for probe in ["livenessProbe", "startupProbe"] {
        let probe = container.get(probe);
        let threshold = probe.get("successThreshold");
        // 0 counts as absent.
        if threshold.number().is_some_and(|number| !(0..=1).contains(&number)) {
            report.invalid(&threshold, "1");
        }
    }
    let readiness = container.get("readinessProbe");
    let grace = readiness.get("terminationGracePeriodSeconds");
    if grace.is_set() {
        report.forbidden(&grace, "a readiness probe stops no container");
    }
}

/// Names of ports are unique in a container.
fn ports(container: &Field<'_>, report: &mut Report<'_>) {
    let ports = container.get("ports");
    let mut names: HashMap<&str, usize> = HashMap::new();
    for (index, port) in ports.value.as_array().into_iter().flatten().enumerate() {
        let Some(name) = port.get("name").and_then(|name| name.as_str()).filter(|name| !name.is_empty())
        else {
            continue;
        };
        let first = *names.entry(name).or_insert(index);
        if first != index {
            report.duplicate(&ports.item(index).get("name"), &ports.item(first).get("name"));
        }
    }
}

/// A path holds one mount or device.
fn mounts(container: &Field<'_>, report: &mut Report<'_>) {
    let mut paths: HashMap<&str, String> = HashMap::new();
    for (list, path) in [("volumeMounts", "mountPath"), ("volumeDevices", "devicePath")] {
        let list = container.get(list);
        for (index, mount) in list.value.as_array().into_iter().flatten().enumerate() {
            let item = list.item(index);
            let field = item.get(path);
            let Some(text) = mount.get(path).and_then(|path| path.as_str()).filter(|path| !path.is_empty())
            else {
                continue;
            };
            if let Some(first) = paths.get(text) {
                let is = report.is(&field);
                report.add(&field, |field| format!("{field} is {is}, a duplicate of `{first}`"), None);
            } else {
                paths.insert(text, crate::core::pointer::field(&field.pointer()));
            }
            let (sub, expression) = (item.get("subPath"), item.get("subPathExpr"));
            if !sub.is_empty() && !expression.is_empty() {
                report.forbidden(&expression, "`subPath` is set, too");
            }
            for field in [sub, expression] {
                if field.text().is_some_and(|path| !is_descending(path)) {
                    report.invalid(&field, "a relative path without `..`");
                }
            }
        }
    }
}

pub(super) fn env(variable: &Field<'_>, report: &mut Report<'_>) {
    let from = variable.get("valueFrom");
    if !from.is_set() {
        return;
    }
    if variable.get("value").text().is_some() {
        report.add(
            &from,
            |field| format!("{field} is set, and `value` too"),
            Some("remove one of them".to_owned()),
        );
    }
    one_of(&from, ENV_SOURCES, report);
    let reference = from.get("fieldRef");
    let path = reference.get("fieldPath");
    // Only a volume can have all of them; `field_reference` checks other paths.
    if path.text().is_some_and(|path| ["metadata.labels", "metadata.annotations"].contains(&path)) {
        let form = format!("one of them, such as `{}['KEY']`", path.text().unwrap_or_default());
        report.invalid(&path, &form);
    }
}

fn is_pod_field(path: &str) -> bool {
    POD_FIELDS.contains(&path) || OLD_POD_FIELDS.contains(&path)
}

pub(super) fn env_from(source: &Field<'_>, report: &mut Report<'_>) {
    one_of(source, &["configMapRef", "secretRef"], report);
}

/// The path of a field in an environment variable or a file.
pub(super) fn field_reference(reference: &Field<'_>, report: &mut Report<'_>) {
    let path = reference.get("fieldPath");
    let Some(text) = path.text() else { return };
    let is_known = is_pod_field(text)
        || matches!(text, "metadata.labels" | "metadata.annotations")
        || (text.starts_with("metadata.labels['") || text.starts_with("metadata.annotations['"))
            && text.ends_with("']");
    if !is_known {
        let near = did_you_mean(text, POD_FIELDS.iter().copied());
        let is = report.is(&path);
        report.add(
            &path,
            |field| format!("{field} is {is}, which is not a field that a pod can refer to{near}"),
            Some(format!(
                "fields: {}, metadata.labels['KEY'], metadata.annotations['KEY']",
                POD_FIELDS.join(", ")
            )),
        );
    }
}

pub(super) fn probe(probe: &Field<'_>, report: &mut Report<'_>) {
    one_of(probe, HANDLERS, report);
}

pub(super) fn lifecycle_handler(handler: &Field<'_>, report: &mut Report<'_>) {
    one_of(handler, HANDLERS, report);
}

pub(super) fn http_get(action: &Field<'_>, report: &mut Report<'_>) {
    let headers = action.get("httpHeaders");
    for header in headers.items() {
        let name = header.get("name");
        let is_valid = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if header.value.is_object() && (name.is_empty() || name.text().is_some_and(|name| !is_valid(name))) {
            report.invalid(&name, "letters, digits and `-`");
        }
    }
}

/// Reports none or several of fields of which exactly one is set.
pub(super) fn one_of(object: &Field<'_>, fields: &[&str], report: &mut Report<'_>) {
    let set: Vec<&str> = fields.iter().copied().filter(|field| object.get(field).is_set()).collect();
    match set.as_slice() {
        [_] => {}
        [] => {
            let hint = format!("set one of: {}", fields.join(", "));
            report.add(object, |field| format!("{field} has none of the fields that it needs"), Some(hint));
        }
        [first, second, ..] => {
            let both = format!("both `{first}` and `{second}`");
            report.add(object, |field| format!("{field} has {both}"), Some("remove one of them".to_owned()));
        }
    }
}
