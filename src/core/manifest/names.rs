//! Checks the names in an object against the API server's rules, so that an object that it refuses is found at render.

use serde_json::Value;

use crate::core::kubernetes::name_rules::{
    MAX_ANNOTATIONS, NameRule, is_annotation_key, is_api_version, is_kind, is_label, is_label_key,
    is_label_value, name_rule, similar_name,
};
use crate::core::manifest::Key;
use crate::core::pointer;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::escape::in_comment;
use crate::core::report::mask::Hidden;
use crate::core::schema::field::shown;

/// The metadata of the pods, in Kubernetes' own kinds with a pod template.
const TEMPLATES: &[(&str, &str, &str)] = &[
    ("", "ReplicationController", "/spec/template/metadata"),
    ("apps", "DaemonSet", "/spec/template/metadata"),
    ("apps", "Deployment", "/spec/template/metadata"),
    ("apps", "ReplicaSet", "/spec/template/metadata"),
    ("apps", "StatefulSet", "/spec/template/metadata"),
    ("batch", "Job", "/spec/template/metadata"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template/metadata"),
];

/// Returns all problems with the API version, kind, name, namespace, label and annotation keys and label values of an
/// object, and with the labels and annotations of its pods. `location` returns the location of the value at a pointer.
///
/// Ignores absent, empty and wrong types of values, which are checked with the other fields. The API server ignores the
/// namespace of a cluster-scoped object. Here it has to be valid, because it is a part of the object's key.
pub fn check_names(object: &Value, location: impl Fn(&str) -> Location) -> Vec<Diagnostic> {
    let hidden = Hidden::of(object);
    let mut problems = Vec::new();
    let mut report = |at: &str, sentence: String, hint: Option<String>| {
        let problem = Diagnostic::error(sentence).at(location(at));
        problems.push(Diagnostic { hint, ..problem });
    };
    let text = |at: &str| object.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty());
    let mut form = |at: &str, accepts: fn(&str) -> bool, expected: &str| {
        if let Some(found) = text(at).filter(|found| !accepts(found)) {
            report(at, format!("{}, expected {expected}", is(at, found)), None);
        }
    };
    form("/apiVersion", is_api_version, "VERSION or GROUP/VERSION, such as `v1` or `apps/v1`");
    form("/kind", is_kind, "at most 63 letters, digits and `-`, beginning with a letter");
    form("/metadata/namespace", is_label, NameRule::Label.form());
    let key = Key::of(object);
    if let Some(name) = text("/metadata/name") {
        let rule = name_rule(&key.group, &key.kind);
        let hint =
            similar_name(rule, name).map(|similar| format!("rename the object, for example to `{similar}`"));
        if !rule.accepts(name) {
            report(
                "/metadata/name",
                format!("{}, expected {}", is("/metadata/name", name), rule.form()),
                hint,
            );
        } else if let Some((fields, expected)) = required_name(rule, object).filter(|(_, it)| it != name) {
            let sentence =
                format!("{}, expected `{}`: {fields}", is("/metadata/name", name), shown(&expected));
            report("/metadata/name", sentence, None);
        }
    }
    let template = TEMPLATES.iter().find(|(group, kind, _)| *group == key.group && *kind == key.kind);
    for metadata in [Some("/metadata"), template.map(|(.., metadata)| *metadata)].into_iter().flatten() {
        labels_and_annotations((object, &hidden), metadata, &mut report);
    }
    problems
}

fn labels_and_annotations(
    (object, hidden): (&Value, &Hidden<'_>),
    metadata: &str,
    report: &mut impl FnMut(&str, String, Option<String>),
) {
    let entries = |name: &str| {
        let map = object.pointer(metadata).and_then(|metadata| metadata.get(name)).and_then(Value::as_object);
        map.into_iter().flatten()
    };
    let parent = pointer::field(metadata);
    for (key, value) in entries("labels") {
        let at = pointer::join(&format!("{metadata}/labels"), key);
        if !is_label_key(key) {
            report(
                &at,
                format!(
                    "`{}` in `{parent}.labels` is not a valid label key, expected {KEY_FORM}",
                    shown(key)
                ),
                None,
            );
        }
        if let Some(value) = value.as_str().filter(|value| !is_label_value(value)) {
            let value = if hidden.hides(&at) { "<not shown>" } else { value };
            report(&at, format!("{}, expected {VALUE_FORM}", is(&at, value)), None);
        }
    }
    let mut size = 0;
    for (key, value) in entries("annotations") {
        size += key.len() + value.as_str().map_or(0, str::len);
        if !is_annotation_key(key) {
            let at = pointer::join(&format!("{metadata}/annotations"), key);
            let sentence = format!(
                "`{}` in `{parent}.annotations` is not a valid annotation key, expected {KEY_FORM}",
                shown(key)
            );
            report(&at, sentence, None);
        }
    }
    if size > MAX_ANNOTATIONS {
        let at = format!("{metadata}/annotations");
        report(
            &at,
            format!("`{parent}.annotations` has {size} bytes, expected at most {MAX_ANNOTATIONS}"),
            None,
        );
    }
}

/// The form of a key, after `expected `.
const KEY_FORM: &str = "NAME or PREFIX/NAME: a DNS subdomain, and at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit";

/// The form of a label value, after `expected `.
const VALUE_FORM: &str =
    "at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit";

/// Returns the name that an object must have because of its fields, with these fields.
fn required_name(rule: NameRule, object: &Value) -> Option<(&'static str, String)> {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str);
    match rule {
        NameRule::PluralAndGroup => Some((
            "`spec.names.plural`, a dot and `spec.group`",
            format!("{}.{}", text("/spec/names/plural")?, text("/spec/group")?),
        )),
        NameRule::VersionAndGroup => Some((
            "`spec.version`, a dot and `spec.group`",
            format!("{}.{}", text("/spec/version")?, text("/spec/group").unwrap_or_default()),
        )),
        NameRule::SignerAndSubdomain => {
            let name = text("/metadata/name")?;
            let signer = text("/spec/signerName").filter(|signer| !signer.is_empty())?.replace('/', ":");
            let last = name.rsplit(':').next().unwrap_or_default();
            Some((
                "`spec.signerName` with `:` instead of `/`, then `:` and a name",
                format!("{signer}:{last}"),
            ))
        }
        _ => None,
    }
}

fn is(at: &str, value: &str) -> String {
    format!("`{}` is `{}`", in_comment(&pointer::field(at)), shown(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(object: &Value, expected: &[&str]) {
        let found: Vec<String> = check_names(object, |at| Location::file(at))
            .into_iter()
            .map(|problem| {
                let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                format!("{problem}{hint}")
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_problem_is_reported_on_one_line() {
        let object = json!({"apiVersion": "a/b/c", "kind": "A`<b>|\n\nx", "metadata": {
            "name": "My_App\nerror: x", "namespace": "../../ns",
            "labels": {"a b": "ok", "ok": "-\u{202e}", "n": 1}, "annotations": {"/x": "any\n`|", "A.com/x": ""}}});
        check(
            &object,
            &[
                "/apiVersion: `apiVersion` is `a/b/c`, expected VERSION or GROUP/VERSION, such as `v1` or `apps/v1`",
                "/kind: `kind` is `A`<b>|%0A%0Ax`, expected at most 63 letters, digits and `-`, beginning with a letter",
                "/metadata/namespace: `metadata.namespace` is `../../ns`, expected a DNS label: at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit",
                "/metadata/name: `metadata.name` is `My_App%0Aerror: x`, expected a DNS subdomain: at most 253 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends of each part (rename the object, for example to `my-app-error--x`)",
                "/metadata/labels/a b: `a b` in `metadata.labels` is not a valid label key, expected NAME or PREFIX/NAME: a DNS subdomain, and at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit",
                "/metadata/labels/ok: `metadata.labels.ok` is `-%E2%80%AE`, expected at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit",
                "/metadata/annotations/~1x: `/x` in `metadata.annotations` is not a valid annotation key, expected NAME or PREFIX/NAME: a DNS subdomain, and at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit",
            ],
        );
    }

    #[test]
    fn absent_and_wrong_types_are_left_to_other_checks() {
        check(&json!({"kind": 1, "metadata": {"name": "", "labels": [1], "annotations": "x"}}), &[]);
        check(&json!({"metadata": []}), &[]);
        check(&json!([]), &[]);
    }

    #[test]
    fn names_that_follow_from_the_spec() {
        let crd = |name: &str| {
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
                "spec": {"group": "example.com", "names": {"plural": "widgets"}}})
        };
        check(&crd("widgets.example.com"), &[]);
        check(
            &crd("widget.example.com"),
            &[
                "/metadata/name: `metadata.name` is `widget.example.com`, expected `widgets.example.com`: `spec.names.plural`, a dot and `spec.group`",
            ],
        );
        let service = |name: &str| {
            json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": name},
                "spec": {"group": "metrics.k8s.io", "version": "v1beta1"}})
        };
        check(&service("v1beta1.metrics.k8s.io"), &[]);
        check(
            &service("v1.metrics.k8s.io"),
            &[
                "/metadata/name: `metadata.name` is `v1.metrics.k8s.io`, expected `v1beta1.metrics.k8s.io`: `spec.version`, a dot and `spec.group`",
            ],
        );
        let bundle = |name: &str, signer: &str| {
            json!({"apiVersion": "certificates.k8s.io/v1beta1", "kind": "ClusterTrustBundle", "metadata": {"name": name},
                "spec": {"signerName": signer}})
        };
        check(&bundle("example.com:signer:a", "example.com/signer"), &[]);
        check(&bundle("a", ""), &[]);
        check(
            &bundle("other.com:signer:a", "example.com/signer"),
            &[
                "/metadata/name: `metadata.name` is `other.com:signer:a`, expected `example.com:signer:a`: `spec.signerName` with `:` instead of `/`, then `:` and a name",
            ],
        );
    }

    #[test]
    fn pod_templates_have_labels_too() {
        let template = json!({"metadata": {"labels": {"app": "a b"}}});
        let job = json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"},
            "spec": {"jobTemplate": {"spec": {"template": template}}}});
        check(
            &job,
            &[
                "/spec/jobTemplate/spec/template/metadata/labels/app: `spec.jobTemplate.spec.template.metadata.labels.app` is `a b`, expected at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit",
            ],
        );
        let custom =
            json!({"apiVersion": "example.com/v1", "kind": "Deployment", "spec": {"template": template}});
        check(&custom, &[]);
    }

    #[test]
    fn annotations_have_a_size_limit() {
        let object = |size: usize| json!({"metadata": {"annotations": {"a": "x".repeat(size)}}});
        check(&object(MAX_ANNOTATIONS - 1), &[]);
        check(
            &object(MAX_ANNOTATIONS),
            &["/metadata/annotations: `metadata.annotations` has 262145 bytes, expected at most 262144"],
        );
    }
}
