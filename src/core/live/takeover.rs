//! Moves the fields that users of kubectl set to this program before an apply, so that the apply can change and remove them.
//!
//! As `kubectl apply --server-side` does (client-go's `csaupgrade`), but only as far as no value changes by it: a field moves
//! if the rendered object has it with the live value, if this program has applied it too, or if the server would give it the
//! same value again. Every other field stays with its field manager, because an apply would delete it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::core::json;
use crate::core::kubernetes::names;
use crate::core::live::field_split::{Place, owned_paths, split};
use crate::core::live::live_object::LiveObject;
use crate::core::live::managed_fields::{Entry, FieldSet, MANAGER, entries, ours};
use crate::core::live::manager_migration::{LAST_APPLIED, forget, join};
use crate::core::live::predict::as_compared;
use crate::core::live::types::Shape;

/// The field manager with which kubectl keeps its annotation when it changes to server-side apply (`pkg/cmd/apply/apply.go`).
const LAST_APPLIED_MANAGER: &str = "kubectl-last-applied";

/// The field managers of kubectl's commands that users run (`AddFieldManagerFlagVar` in `pkg/cmd`), and the field manager that
/// the server names for objects without managed fields.
const OF_USERS: &[&str] = &[
    "before-first-apply",
    "kubectl",
    "kubectl-annotate",
    "kubectl-autoscale",
    "kubectl-client-side-apply",
    "kubectl-create",
    "kubectl-edit",
    "kubectl-expose",
    "kubectl-label",
    "kubectl-patch",
    "kubectl-replace",
    "kubectl-rollout",
    "kubectl-run",
    "kubectl-set",
];

/// Whose fields may move.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// Whether the object becomes a member of the ApplySet now.
    pub enters: bool,
    /// Field managers of other tools whose objects the user takes over.
    pub taken: &'a [&'a str],
    /// Field managers of tools that keep their fields, even if they write the annotation of kubectl.
    pub kept: &'a [&'a str],
}

/// Fields that move to this program.
#[derive(Clone, Debug, PartialEq)]
pub struct Takeover {
    /// The field managers whose fields move, sorted.
    pub from: Vec<String>,
    /// The fields that move, as the API server writes their paths.
    pub moved: Vec<String>,
    /// The fields that stay, by their field manager.
    pub left: Vec<LeftField>,
    /// The JSON Patch that moves the fields. It fails with a conflict if the object has changed since it was read.
    pub patch: Value,
    /// The live object after the patch.
    pub after: LiveObject,
    /// Whether an apply before the patch has the same result as an apply after it. Otherwise only the patch makes it possible
    /// to change or remove some of the fields.
    pub is_neutral: bool,
}

/// A field that stays with its field manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftField {
    /// The path.
    pub field: String,
    /// The field manager.
    pub manager: String,
}

impl Takeover {
    /// Returns whether a field of a field manager moves.
    pub fn moves(&self, field: &str, manager: &str) -> bool {
        let is_at = |moved: &String| {
            field
                .strip_prefix(moved.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.from.iter().any(|from| from == manager) && self.moved.iter().any(is_at)
    }

    /// Returns a digest of what moves, after a salt: field names of a Secret may be secret, too.
    pub fn digest(&self, salt: &str) -> String {
        names::digest(json!([salt, self.from, self.moved]).to_string().as_bytes())
    }
}

/// Returns the fields that move before the object is applied; `None` if none does.
pub fn takeover(wanted: &Value, live: &LiveObject, sources: Sources<'_>) -> Option<Takeover> {
    let all = entries(live)?;
    let version = wanted["apiVersion"].as_str().unwrap_or_default();
    let own = ours(&all);
    // The fields are named in an API version, and fields of different versions cannot be merged.
    let may_move = |entry: &Entry<'_>| entry.api_version == version && is_source(entry, sources);
    if version != live.api_version() || !all.iter().any(may_move) {
        return None;
    }
    if own.is_some_and(|own| own.api_version != version) {
        return None;
    }
    let compared = as_compared(wanted);
    let place = Place {
        wanted: Some(&compared),
        live: Some(live.value()),
        own: own.map(|own| own.fields),
        shape: Shape::of_object(version, wanted["kind"].as_str().unwrap_or_default()),
    };
    let mut found = Found::default();
    for (entry, raw) in all.iter().zip(live.managed_fields()) {
        if entry.is_ours() {
            continue;
        }
        if may_move(entry) {
            found.divide(entry, raw, place);
        } else {
            found.rest.push(raw.clone());
        }
    }
    if !found.is_shared {
        return None;
    }
    let had_annotation = found.had_annotation && !holds_annotation(&found.rest);
    let managers = found.managers(own, live, version, had_annotation);
    let patch = json!([
        { "op": "replace", "path": "/metadata/managedFields", "value": managers },
        // Unlike `test`, this is reported as a conflict, as in csaupgrade.
        { "op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version() },
    ]);
    found.from.sort();
    found.from.dedup();
    Some(Takeover {
        from: found.from,
        moved: owned_paths(&found.moved),
        left: found.left,
        patch,
        after: live.with_managed_fields(managers),
        is_neutral: found.is_neutral,
    })
}

/// Whether the field manager is a command of kubectl that a user ran.
pub fn is_of_user(manager: &str) -> bool {
    OF_USERS.contains(&manager)
}

fn is_source(entry: &Entry<'_>, sources: Sources<'_>) -> bool {
    if !entry.subresource.is_empty() || entry.manager == MANAGER || entry.manager == LAST_APPLIED_MANAGER {
        return false;
    }
    if sources.taken.contains(&entry.manager) {
        return true;
    }
    if sources.kept.contains(&entry.manager) {
        return false;
    }
    match entry.operation {
        "Update" => is_of_user(entry.manager) || owns_annotation(entry),
        // A member may also be applied by kubectl on purpose.
        _ => sources.enters && entry.manager == "kubectl",
    }
}

fn owns_annotation(entry: &Entry<'_>) -> bool {
    let annotations = entry.fields.field("metadata").and_then(|metadata| metadata.field("annotations"));
    annotations.is_some_and(|annotations| annotations.field(LAST_APPLIED).is_some())
}

fn holds_annotation(entries: &[Value]) -> bool {
    let held = |entry: &Value| {
        !entry["fieldsV1"]["f:metadata"]["f:annotations"][format!("f:{LAST_APPLIED}")].is_null()
    };
    entries.iter().any(held)
}

/// What was found in the entries so far.
struct Found {
    from: Vec<String>,
    moved: Value,
    left: Vec<LeftField>,
    rest: Vec<Value>,
    times: Vec<String>,
    is_shared: bool,
    is_neutral: bool,
    had_annotation: bool,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            from: Vec::new(),
            moved: Map::new().into(),
            left: Vec::new(),
            rest: Vec::new(),
            times: Vec::new(),
            is_shared: false,
            is_neutral: true,
            had_annotation: false,
        }
    }
}

impl Found {
    /// Divides the fields of one field manager into those that move and those that stay.
    fn divide(&mut self, entry: &Entry<'_>, raw: &Value, place: Place<'_>) {
        let mut fields = raw["fieldsV1"].clone();
        if owns_annotation(entry) {
            self.had_annotation = true;
            forget(&mut fields, &["f:metadata", "f:annotations", &format!("f:{LAST_APPLIED}")]);
        }
        let Some(set) = FieldSet::of(&fields) else { return self.rest.push(raw.clone()) };
        let parts = split(set, place);
        self.is_shared |= parts.is_shared;
        self.is_neutral &= parts.is_neutral;
        let (moved, left) = (Value::Object(parts.moved), Value::Object(parts.left));
        if moved.as_object().is_some_and(|moved| !moved.is_empty()) {
            self.from.push(entry.manager.to_owned());
            self.times.push(entry.time.to_owned());
            join(&mut self.moved, &moved);
        }
        if left.as_object().is_some_and(|left| !left.is_empty()) {
            let fields = owned_paths(&left);
            let field = |field| LeftField { field, manager: entry.manager.to_owned() };
            self.left.extend(fields.into_iter().map(field));
            let mut rest = raw.clone();
            json::put(&mut rest, &["fieldsV1"], left);
            self.rest.push(rest);
        }
    }

    /// Returns the managed fields after the move.
    fn managers(
        &self,
        own: Option<&Entry<'_>>,
        live: &LiveObject,
        version: &str,
        had_annotation: bool,
    ) -> Vec<Value> {
        let mut fields = self.moved.clone();
        let mut times = self.times.clone();
        if let Some(own) = own {
            let raw = entries(live).unwrap_or_default().iter().position(Entry::is_ours);
            if let Some(raw) = raw.and_then(|index| live.managed_fields().get(index)) {
                join(&mut fields, &raw["fieldsV1"]);
            }
            times.push(own.time.to_owned());
        }
        let time = times.into_iter().max().unwrap_or_default();
        let entry = |manager: &str, fields: Value| {
            let mut entry = json!({ "manager": manager, "operation": "Apply", "apiVersion": version,
                "fieldsType": "FieldsV1", "fieldsV1": fields });
            if !time.is_empty() {
                json::put(&mut entry, &["time"], time.as_str());
            }
            entry
        };
        let mut managers = self.rest.clone();
        managers.push(entry(MANAGER, fields));
        if had_annotation {
            let annotation: BTreeMap<String, Value> = [(format!("f:{LAST_APPLIED}"), json!({}))].into();
            let fields = json!({ "f:metadata": { "f:annotations": annotation } });
            managers.push(entry(LAST_APPLIED_MANAGER, fields));
        }
        managers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::live::predict::{Outlook, predict};

    const ENTERS: Sources<'static> = Sources { enters: true, taken: &[], kept: &["argocd-controller"] };

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    fn service(entries: &Value) -> LiveObject {
        LiveObject::sample(&json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "resourceVersion": "7", "managedFields": entries,
                "annotations": {"mode": "a", "theirs": "b", LAST_APPLIED: "{}"}},
            "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "sessionAffinity": "None",
                "externalTrafficPolicy": "Cluster", "selector": {"app": "web"}, "ports": [
                    {"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30000},
                    {"port": 81, "protocol": "TCP", "targetPort": 81, "nodePort": 30001}]}}))
    }

    fn wanted() -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "annotations": {"mode": "a"}},
            "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}})
    }

    fn of_user() -> Value {
        json!({
            "f:metadata": {"f:annotations": {".": {}, "f:mode": {}, "f:theirs": {}, format!("f:{LAST_APPLIED}"): {}}},
            "f:spec": {"f:type": {}, "f:clusterIP": {}, "f:sessionAffinity": {}, "f:externalTrafficPolicy": {},
                "f:selector": {}, "f:ports": {".": {},
                    "k:{\"port\":80,\"protocol\":\"TCP\"}":
                        {".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}, "f:nodePort": {}},
                    "k:{\"port\":81,\"protocol\":\"TCP\"}":
                        {".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}}}})
    }

    fn left(found: &Takeover) -> Vec<String> {
        found.left.iter().map(|left| format!("{} {}", left.manager, left.field)).collect()
    }

    /// Returns the managers and operations after the patch.
    fn managers(found: &Takeover) -> Vec<String> {
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
        let entries = found.patch[0]["value"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| format!("{} {}", text(entry, "manager"), text(entry, "operation")))
            .collect()
    }

    #[test]
    fn shared_and_restored_fields_move_and_others_stay() {
        let live = service(&json!([entry("kubectl-client-side-apply", "Update", &of_user())]));
        let found = takeover(&wanted(), &live, ENTERS).unwrap();
        assert_eq!(
            left(&found),
            [
                "kubectl-client-side-apply .metadata.annotations.theirs",
                "kubectl-client-side-apply .spec.ports[port=81,protocol=\"TCP\"]"
            ]
        );
        assert_eq!(
            managers(&found),
            ["kubectl-client-side-apply Update", "kubectl-largescale Apply", "kubectl-last-applied Apply"]
        );
        assert!(found.is_neutral);
        assert_eq!(found.patch[1]["value"], "7");
        // The apply after it changes nothing.
        assert_eq!(predict(&wanted(), &found.after).outlook, Outlook::NotCertain, "allocated values");
        assert_eq!(takeover(&wanted(), &found.after, ENTERS), None, "nothing moves twice");
    }

    #[test]
    fn a_field_with_another_value_stays() {
        let live = service(&json!([entry("kubectl-edit", "Update", &of_user())]));
        let mut wanted = wanted();
        wanted["metadata"]["annotations"]["mode"] = "b".into();
        let found = takeover(&wanted, &live, ENTERS).unwrap();
        assert!(left(&found).contains(&"kubectl-edit .metadata.annotations.mode".to_owned()), "{found:?}");
    }

    #[test]
    fn what_was_applied_before_moves_although_it_leaves_the_directory() {
        let ours = json!({"f:metadata": {"f:annotations": {"f:mode": {}}}, "f:spec": {"f:ports": {
            "k:{\"port\":81,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}});
        let entries = json!([entry("kubectl-create", "Update", &of_user()), entry(MANAGER, "Apply", &ours)]);
        let mut wanted = wanted();
        wanted["metadata"] = json!({"name": "web"});
        let found = takeover(&wanted, &service(&entries), Sources { enters: false, ..ENTERS }).unwrap();
        assert_eq!(left(&found), ["kubectl-create .metadata.annotations.theirs"]);
        assert!(!found.is_neutral);
        let after = predict(&wanted, &found.after).after;
        assert_eq!(after["metadata"]["annotations"], json!({"theirs": "b", LAST_APPLIED: "{}"}));
        assert_eq!(after["spec"]["ports"].as_array().map(Vec::len), Some(1), "{after}");
    }

    #[test]
    fn whose_fields_move() {
        let shared = json!({"f:spec": {"f:type": {}}});
        let moves = |manager: &str, operation: &str, sources: Sources<'_>| {
            takeover(&wanted(), &service(&json!([entry(manager, operation, &shared)])), sources).is_some()
        };
        let member = Sources { enters: false, ..ENTERS };
        for (manager, operation, enters, stays) in [
            ("kubectl-create", "Update", true, true),
            ("kubectl-edit", "Update", true, true),
            ("kubectl-replace", "Update", true, true),
            ("before-first-apply", "Update", true, true),
            ("kubectl", "Apply", true, false),
            ("other", "Apply", false, false),
            ("other", "Update", false, false),
            ("kube-controller-manager", "Update", false, false),
            ("argocd-controller", "Update", false, false),
            (MANAGER, "Update", false, false),
        ] {
            assert_eq!(moves(manager, operation, ENTERS), enters, "{manager} {operation}");
            assert_eq!(moves(manager, operation, member), stays, "{manager} {operation}");
        }
        let helm = Sources { taken: &["helm"], ..ENTERS };
        assert!(moves("helm", "Apply", helm) && moves("helm", "Update", helm));
        let mut scaled = entry("kubectl", "Update", &shared);
        scaled["subresource"] = "scale".into();
        assert_eq!(takeover(&wanted(), &service(&json!([scaled])), ENTERS), None);
        let mut old = entry("kubectl-create", "Update", &shared);
        old["apiVersion"] = "v1beta1".into();
        assert_eq!(takeover(&wanted(), &service(&json!([old])), ENTERS), None);
    }

    #[test]
    fn client_side_apply_with_another_field_manager_is_recognized() {
        let fields = json!({"f:metadata": {"f:annotations": {format!("f:{LAST_APPLIED}"): {}}}, "f:spec": {"f:type": {}}});
        let of = |manager: &str| service(&json!([entry(manager, "Update", &fields)]));
        let found = takeover(&wanted(), &of("ci"), ENTERS).unwrap();
        assert_eq!(managers(&found), ["kubectl-largescale Apply", "kubectl-last-applied Apply"]);
        assert_eq!(takeover(&wanted(), &of("argocd-controller"), ENTERS), None, "Argo CD still applies it");
    }
}
