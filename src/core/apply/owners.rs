//! Detects other tools that manage an object.

use crate::core::apply::apply_set::{ApplySet, PART_OF};
use crate::core::live::{LiveObject, entries};

/// A tool that applies objects, marks them as its own, and may delete them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Argo CD.
    ArgoCd,
    /// Flux, with its kustomize-controller or helm-controller.
    Flux,
    /// Helm.
    Helm,
}

/// Another tool that applies the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracker {
    /// The tool.
    pub tool: Tool,
    /// The application, Kustomization or release that the object belongs to.
    pub owner: String,
    /// The step that makes the tool keep the object if it no longer finds it in its own input; `None` if the live object shows
    /// that it was done.
    pub missing_step: Option<Step>,
}

/// A command for the object that makes a tool keep it: the arguments of `kubectl annotate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The annotation.
    pub annotation: &'static str,
    /// Its value.
    pub value: &'static str,
}

/// What is known about one tool.
struct Facts {
    tool: Tool,
    name: &'static str,
    /// The word in the flags `--from-…` and `--with`.
    flag: &'static str,
    /// Its field managers.
    managers: &'static [&'static str],
}

/// The tools. Field managers: `common/common.go` of Argo CD; the controllers of Flux use their own names; Helm 3 uses the name
/// of its program, and Helm 4 the same for server-side apply.
const TOOLS: &[Facts] = &[
    Facts {
        tool: Tool::ArgoCd,
        name: "Argo CD",
        flag: "argocd",
        managers: &["argocd-controller", "argocd-application-controller"],
    },
    Facts {
        tool: Tool::Flux,
        name: "Flux",
        flag: "flux",
        managers: &["kustomize-controller", "helm-controller"],
    },
    Facts { tool: Tool::Helm, name: "Helm", flag: "helm", managers: &["helm", "helm-controller"] },
];

/// Argo CD: <https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/>.
const ARGO_CD: &str = "argocd.argoproj.io/tracking-id";

/// The label that Argo CD can use instead. Other tools set it too, so it counts only with Argo CD's field manager.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// Flux: <https://fluxcd.io/flux/components/kustomize/kustomizations/> and …/helm/helmreleases/.
const FLUX: &[(&str, Step)] =
    &[("kustomize.toolkit.fluxcd.io", KEPT_BY_FLUX), ("helm.toolkit.fluxcd.io", KEPT_BY_HELM)];

/// Helm: <https://helm.sh/docs/chart_best_practices/labels/>.
const HELM: &str = "meta.helm.sh/release-name";

/// `helm upgrade` reads the live annotation (`pkg/kube/client.go`), and `helm uninstall` that of the stored manifest.
const KEPT_BY_HELM: Step = Step { annotation: "helm.sh/resource-policy", value: "keep" };

/// Read from the live object (`pkg/sync/sync_context.go` of gitops-engine, `controller/appcontroller.go` of Argo CD).
const KEPT_BY_ARGO_CD: Step =
    Step { annotation: "argocd.argoproj.io/sync-options", value: "Prune=false,Delete=false" };

/// Read from the live object by kustomize-controller.
const KEPT_BY_FLUX: Step = Step { annotation: "kustomize.toolkit.fluxcd.io/prune", value: "disabled" };

/// With this annotation, kustomize-controller neither applies nor deletes the object.
const IGNORED_BY_FLUX: &str = "kustomize.toolkit.fluxcd.io/reconcile";

impl Tool {
    fn facts(self) -> &'static Facts {
        TOOLS.iter().find(|facts| facts.tool == self).unwrap_or(&TOOLS[0])
    }

    /// Returns the name of the tool.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns the word in flags that mean the tool.
    pub fn flag(self) -> &'static str {
        self.facts().flag
    }

    /// Returns the field managers of the tool.
    pub fn managers(self) -> &'static [&'static str] {
        self.facts().managers
    }

    /// Returns all tools.
    pub fn all() -> impl Iterator<Item = Self> {
        TOOLS.iter().map(|facts| facts.tool)
    }
}

impl Step {
    fn is_done(self, live: &LiveObject) -> bool {
        let found = live.annotation(self.annotation).unwrap_or_default();
        let found: Vec<&str> = found.split(',').map(str::trim).collect();
        self.value.split(',').all(|part| found.contains(&part))
    }

    /// Returns this step, unless it was done.
    fn unless_done(self, live: &LiveObject) -> Option<Self> {
        (!self.is_done(live)).then_some(self)
    }
}

/// Returns every tool that has marked the object as its own.
pub fn other_owners(live: &LiveObject) -> Vec<Tracker> {
    let label = |key: &str| live.label(key);
    let note = |key: &str| live.annotation(key);
    let mut found = Vec::new();
    let by_label = || label(INSTANCE).filter(|_| is_written_by(live, Tool::ArgoCd));
    if let Some(id) = note(ARGO_CD).or_else(by_label) {
        let owner = id.split(':').next().unwrap_or(id).to_owned();
        let missing_step = KEPT_BY_ARGO_CD.unless_done(live);
        found.push(Tracker { tool: Tool::ArgoCd, owner, missing_step });
    }
    for (prefix, step) in FLUX {
        if let Some(name) = label(&format!("{prefix}/name")) {
            let namespace = label(&format!("{prefix}/namespace")).unwrap_or_default();
            let is_ignored = note(IGNORED_BY_FLUX) == Some("disabled");
            let missing_step = step.unless_done(live).filter(|_| !is_ignored);
            found.push(Tracker { tool: Tool::Flux, owner: format!("{namespace}/{name}"), missing_step });
        }
    }
    if let (Some("Helm"), Some(release)) = (label("app.kubernetes.io/managed-by"), note(HELM)) {
        let missing_step = KEPT_BY_HELM.unless_done(live);
        found.push(Tracker { tool: Tool::Helm, owner: release.to_owned(), missing_step });
    }
    found
}

fn is_written_by(live: &LiveObject, tool: Tool) -> bool {
    let entries = entries(live).unwrap_or_default();
    entries.iter().any(|entry| tool.managers().contains(&entry.manager))
}

/// Returns the ID of another ApplySet that the object is a member of.
pub fn other_set(set: &ApplySet, live: &LiveObject) -> Option<String> {
    let id = live.label(PART_OF)?;
    (id != set.id()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(labels: &Value, notes: &Value, expected: &[&str]) {
        let live = LiveObject::sample(&json!({"metadata": {"labels": labels, "annotations": notes}}));
        let shown: Vec<String> =
            other_owners(&live).iter().map(|t| format!("{} {}", t.tool.name(), t.owner)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn tools_are_detected_by_their_marks() {
        check(&json!({}), &json!({}), &[]);
        check(&json!({"app.kubernetes.io/instance": "web"}), &json!({}), &[]);
        let id = "web:apps/Deployment:prod/web";
        check(&json!({}), &json!({"argocd.argoproj.io/tracking-id": id}), &["Argo CD web"]);
        let flux = json!({"kustomize.toolkit.fluxcd.io/name": "web", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
        check(&flux, &json!({}), &["Flux flux-system/web"]);
        check(&json!({"helm.toolkit.fluxcd.io/name": "web"}), &json!({}), &["Flux /web"]);
        let helm = json!({"app.kubernetes.io/managed-by": "Helm"});
        check(&helm, &json!({"meta.helm.sh/release-name": "web"}), &["Helm web"]);
        check(&helm, &json!({}), &[]);
    }

    #[test]
    fn the_label_of_argo_cd_counts_with_its_field_manager() {
        let of = |manager: &str| {
            let live =
                LiveObject::sample(&json!({"metadata": {"labels": {"app.kubernetes.io/instance": "web"},
                "managedFields": [{"manager": manager, "operation": "Update", "apiVersion": "v1",
                    "fieldsType": "FieldsV1", "fieldsV1": {}}]}}));
            other_owners(&live).iter().map(|tracker| tracker.owner.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("argocd-controller"), ["web"]);
        assert_eq!(of("kubectl-create"), [""; 0]);
    }

    #[test]
    fn the_live_object_shows_whether_a_tool_keeps_it() {
        let helm = ("app.kubernetes.io/managed-by", "Helm");
        let kustomization = ("kustomize.toolkit.fluxcd.io/name", "web");
        let helm_release = ("helm.toolkit.fluxcd.io/name", "web");
        let options = "argocd.argoproj.io/sync-options";
        for (label, marks, is_done) in [
            (helm, &[(HELM, "web")][..], false),
            (helm, &[(HELM, "web"), ("helm.sh/resource-policy", "keep")], true),
            (helm, &[(HELM, "web"), ("helm.sh/resource-policy", "delete")], false),
            (("a", "b"), &[(ARGO_CD, "web:x")], false),
            (("a", "b"), &[(ARGO_CD, "web:x"), (options, "Prune=false")], false),
            (("a", "b"), &[(ARGO_CD, "web:x"), (options, "Delete=false, Validate=false,Prune=false")], true),
            (kustomization, &[], false),
            (kustomization, &[("kustomize.toolkit.fluxcd.io/prune", "disabled")], true),
            (kustomization, &[("kustomize.toolkit.fluxcd.io/reconcile", "disabled")], true),
            (helm_release, &[("kustomize.toolkit.fluxcd.io/prune", "disabled")], false),
            (helm_release, &[("helm.sh/resource-policy", "keep")], true),
        ] {
            let notes: serde_json::Map<String, Value> =
                marks.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
            let metadata = json!({"labels": {label.0: label.1}, "annotations": notes});
            let live = LiveObject::sample(&json!({ "metadata": metadata }));
            let found = other_owners(&live);
            assert_eq!(found.len(), 1, "{marks:?}");
            assert_eq!(found[0].missing_step.is_none(), is_done, "{label:?} {marks:?}");
        }
    }

    #[test]
    fn every_tool_is_in_the_table() {
        for tool in [Tool::ArgoCd, Tool::Flux, Tool::Helm] {
            assert_eq!(tool.facts().tool, tool);
        }
        assert_eq!(Tool::all().count(), 3);
    }

    #[test]
    fn members_of_other_sets() {
        let set = ApplySet { name: "a".to_owned(), namespace: "b".to_owned() };
        let of = |id: &str| LiveObject::sample(&json!({"metadata": {"labels": {PART_OF: id}}}));
        assert_eq!(other_set(&set, &of("x")), Some("x".to_owned()));
        assert_eq!(other_set(&set, &of(&set.id())), None);
        assert_eq!(other_set(&set, &LiveObject::sample(&json!({}))), None);
    }
}
