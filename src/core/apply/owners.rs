//! Detects other tools that manage an object.

use crate::core::apply::apply_set::{ApplySet, PART_OF};
use crate::core::live::LiveObject;

/// Another tool that applies the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracker {
    /// The name of the tool.
    pub tool: &'static str,
    /// The application, Kustomization or release that the object belongs to.
    pub owner: String,
}

/// Argo CD: <https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/>. Its label
/// `app.kubernetes.io/instance` is not checked, because other tools set it too.
const ARGO_CD: &str = "argocd.argoproj.io/tracking-id";

/// Flux: <https://fluxcd.io/flux/components/kustomize/kustomizations/> and …/helm/helmreleases/.
const FLUX: &[&str] = &["kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"];

/// Helm: <https://helm.sh/docs/chart_best_practices/labels/>.
const HELM: &str = "meta.helm.sh/release-name";

/// Returns every tool that has marked the object as its own.
pub fn other_owners(live: &LiveObject) -> Vec<Tracker> {
    let label = |key: &str| live.label(key);
    let note = |key: &str| live.annotation(key);
    let mut found = Vec::new();
    if let Some(id) = note(ARGO_CD) {
        let owner = id.split(':').next().unwrap_or(id).to_owned();
        found.push(Tracker { tool: "Argo CD", owner });
    }
    for prefix in FLUX {
        if let Some(name) = label(&format!("{prefix}/name")) {
            let namespace = label(&format!("{prefix}/namespace")).unwrap_or_default();
            found.push(Tracker { tool: "Flux", owner: format!("{namespace}/{name}") });
        }
    }
    if let (Some("Helm"), Some(release)) = (label("app.kubernetes.io/managed-by"), note(HELM)) {
        found.push(Tracker { tool: "Helm", owner: release.to_owned() });
    }
    found
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
            other_owners(&live).iter().map(|t| format!("{} {}", t.tool, t.owner)).collect();
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
    fn members_of_other_sets() {
        let set = ApplySet { name: "a".to_owned(), namespace: "b".to_owned() };
        let of = |id: &str| LiveObject::sample(&json!({"metadata": {"labels": {PART_OF: id}}}));
        assert_eq!(other_set(&set, &of("x")), Some("x".to_owned()));
        assert_eq!(other_set(&set, &of(&set.id())), None);
        assert_eq!(other_set(&set, &LiveObject::sample(&json!({}))), None);
    }
}
