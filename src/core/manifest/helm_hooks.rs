//! Helm hooks (`helm.sh/hook`) in the manifests: objects that Helm creates at a certain moment, and not with the others. `apply` and
//! Flux know no such moments, so a hook is left out, refused or kept.
//!
//! Sources: `helm.sh/docs/topics/charts_hooks`; for Argo CD, `pkg/sync/hook/helm` of gitops-engine and `controller/hook.go`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::manifest::Object;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::plural::first_of;

/// The annotation, as a JSON pointer.
const HOOK: &str = "/metadata/annotations/helm.sh~1hook";

/// What to do with objects that Helm creates before or after an install or upgrade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum HelmHooks {
    /// Report them as errors.
    #[default]
    Refuse,
    /// Render them as ordinary objects. `apply` and Flux apply them with the others; Argo CD runs them as hooks.
    Keep,
    /// Leave them out.
    LeaveOut,
}

/// When Helm creates an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// With an install or upgrade.
    Install,
    /// At another time.
    Other,
}

/// A hook, when Helm runs it, and what Argo CD does with it.
struct Hook {
    name: &'static str,
    moment: Moment,
    argo_cd: &'static str,
}

const PRE_SYNC: &str = "Argo CD runs it before each sync (PreSync)";
const POST_SYNC: &str = "Argo CD runs it after each sync (PostSync)";
const NEVER: &str = "Argo CD leaves it out of a sync, too";

#[rustfmt::skip] // one a line is a table
const HOOKS: &[Hook] = &[
    Hook { name: "pre-install", moment: Moment::Install, argo_cd: PRE_SYNC },
    Hook { name: "post-install", moment: Moment::Install, argo_cd: POST_SYNC },
    Hook { name: "pre-upgrade", moment: Moment::Install, argo_cd: PRE_SYNC },
    Hook { name: "post-upgrade", moment: Moment::Install, argo_cd: POST_SYNC },
    Hook { name: "crd-install", moment: Moment::Install, argo_cd: "Argo CD applies it with the other objects" },
    Hook { name: "pre-delete", moment: Moment::Other, argo_cd: NEVER },
    Hook { name: "post-delete", moment: Moment::Other, argo_cd: "Argo CD runs it after its Application is deleted (PostDelete)" },
    Hook { name: "pre-rollback", moment: Moment::Other, argo_cd: NEVER },
    Hook { name: "post-rollback", moment: Moment::Other, argo_cd: NEVER },
    Hook { name: "test", moment: Moment::Other, argo_cd: NEVER },
    Hook { name: "test-success", moment: Moment::Other, argo_cd: NEVER },
    Hook { name: "test-failure", moment: Moment::Other, argo_cd: NEVER },
];

/// The objects to render, and what was decided about hooks.
#[derive(Debug)]
pub struct Separated<'a> {
    /// The objects to render.
    pub objects: Cow<'a, [Object]>,
    /// Hooks that were left out or kept, a sentence for each kind of hook.
    pub notes: Vec<String>,
    /// Hooks that need a decision.
    pub problems: Vec<Diagnostic>,
}

/// Separates hooks from the objects to render.
pub fn separate(objects: &[Object], choice: HelmHooks) -> Separated<'_> {
    let mut found = Separated { objects: Cow::Borrowed(objects), notes: Vec::new(), problems: Vec::new() };
    let mut left_out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut is_rendered = Vec::with_capacity(objects.len());
    for object in objects {
        let Some(hooks) = object.value().pointer(HOOK).and_then(|hook| hook.as_str()) else {
            is_rendered.push(true);
            continue;
        };
        let (known, unknown) = read(hooks);
        let is_at_install = known.iter().any(|hook| hook.moment == Moment::Install);
        let group = |groups: &mut BTreeMap<String, Vec<String>>| {
            groups.entry(sentence(&known)).or_default().push(object.key().to_string());
        };
        let mut is_kept = false;
        if let Some(unknown) = unknown {
            found.problems.push(unknown_hook(object, unknown));
        } else if !is_at_install || choice == HelmHooks::LeaveOut {
            group(&mut left_out);
        } else if choice == HelmHooks::Keep {
            group(&mut kept);
            is_kept = true;
        } else {
            found.problems.push(undecided(object, &known));
        }
        is_rendered.push(is_kept);
    }
    if is_rendered.contains(&false) {
        let rendered = objects.iter().zip(is_rendered).filter(|(_, is_rendered)| *is_rendered);
        found.objects = Cow::Owned(rendered.map(|(object, _)| object.clone()).collect());
    }
    let names = |names: &[String]| first_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let notes = left_out.iter().map(|(what, of)| format!("left out {}: {what}", names(of)));
    let notes = notes.chain(kept.iter().map(|(what, of)| format!("kept {}: {what}", names(of))));
    found.notes = notes.collect();
    found
}

/// Returns the hooks of an annotation, and the first that Helm does not know.
fn read(annotation: &str) -> (Vec<&'static Hook>, Option<&str>) {
    let mut unknown = None;
    let names = annotation.split(',').map(str::trim);
    let known = names.filter_map(|name| {
        // Helm ignores the case (`manifest_sorter.go`).
        let hook = HOOKS.iter().find(|hook| hook.name.eq_ignore_ascii_case(name));
        if hook.is_none() {
            unknown.get_or_insert(name);
        }
        hook
    });
    (known.collect(), unknown)
}

/// Describes the hooks of an object, such as `Helm hook (pre-install, pre-upgrade); Argo CD runs it before each sync (PreSync)`.
fn sentence(hooks: &[&Hook]) -> String {
    let names: Vec<&str> = hooks.iter().map(|hook| hook.name).collect();
    let mut argo_cd: Vec<&str> = Vec::new();
    // Argo CD ignores the other hooks of an object that has one for a sync.
    let is_run = hooks.iter().any(|hook| hook.argo_cd != NEVER);
    for hook in hooks.iter().filter(|hook| !is_run || hook.argo_cd != NEVER) {
        if !argo_cd.contains(&hook.argo_cd) {
            argo_cd.push(hook.argo_cd);
        }
    }
    format!("Helm hook ({}); {}", names.join(", "), argo_cd.join("; "))
}

fn undecided(object: &Object, hooks: &[&Hook]) -> Diagnostic {
    Diagnostic::error(format!("{} is a {}", object.key(), sentence(hooks)))
        .at(object.location(HOOK))
        .hint(
            "set `spec.helmHooks: keep` to render it like other objects, or `spec.helmHooks: leaveOut` to leave it out; docs/howto/helm-chart.md explains both",
        )
}

fn unknown_hook(object: &Object, name: &str) -> Diagnostic {
    let near = crate::core::report::suggest::did_you_mean(name, HOOKS.iter().map(|hook| hook.name));
    Diagnostic::error(format!("`{name}` is not a Helm hook{near}"))
        .at(object.location(HOOK))
        .hint("Helm does not create an object with an unknown hook; correct or remove the annotation `helm.sh/hook`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::manifest::{ManifestFile, read_manifests};

    /// Returns the rendered objects, notes and problems.
    fn outcome(hook: &str, choice: HelmHooks) -> String {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ordinary}}\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: a\n  annotations: {{helm.sh/hook: '{hook}'}}\nspec:\n  template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: a}}]}}}}\n"
        );
        let file = ManifestFile { source: "m.yaml".into(), shown: "m.yaml".into(), text };
        let objects = read_manifests(&[file]).unwrap();
        let found = separate(&objects, choice);
        assert_eq!(found.objects[0].key().name, "ordinary");
        let problems = found.problems.iter().map(ToString::to_string);
        format!(
            "{}: {}",
            found.objects.len(),
            found.notes.iter().cloned().chain(problems).collect::<Vec<_>>().join("|")
        )
    }

    #[test]
    fn hooks_of_other_moments_are_left_out() {
        for (hooks, expected) in [
            ("test", "1: left out job.batch/a: Helm hook (test); Argo CD leaves it out of a sync, too"),
            (
                "test-failure",
                "1: left out job.batch/a: Helm hook (test-failure); Argo CD leaves it out of a sync, too",
            ),
            (
                "pre-delete, post-rollback",
                "1: left out job.batch/a: Helm hook (pre-delete, post-rollback); Argo CD leaves it out of a sync, too",
            ),
            (
                "Post-Delete",
                "1: left out job.batch/a: Helm hook (post-delete); Argo CD runs it after its Application is deleted (PostDelete)",
            ),
        ] {
            for choice in [HelmHooks::Refuse, HelmHooks::Keep, HelmHooks::LeaveOut] {
                assert_eq!(outcome(hooks, choice).replace("job/a", "job.batch/a"), expected);
            }
        }
    }

    #[test]
    fn hooks_of_an_install_need_a_decision() {
        let what = "Helm hook (pre-install, pre-upgrade); Argo CD runs it before each sync (PreSync)";
        let hooks = "pre-install,pre-upgrade";
        assert_eq!(outcome(hooks, HelmHooks::Refuse), format!("1: m.yaml:9: job/a is a {what}"));
        assert_eq!(outcome(hooks, HelmHooks::Keep), format!("2: kept job/a: {what}"));
        assert_eq!(outcome(hooks, HelmHooks::LeaveOut), format!("1: left out job/a: {what}"));
        assert_eq!(
            outcome("post-install,pre-delete", HelmHooks::Keep),
            "2: kept job/a: Helm hook (post-install, pre-delete); Argo CD runs it after each sync (PostSync)"
        );
        assert!(
            outcome("crd-install", HelmHooks::Refuse).contains("Argo CD applies it with the other objects")
        );
    }

    #[test]
    fn unknown_hooks_are_refused() {
        assert_eq!(
            outcome("pre_install", HelmHooks::Keep),
            "1: m.yaml:9: `pre_install` is not a Helm hook, did you mean `pre-install`?"
        );
        assert_eq!(outcome("", HelmHooks::Keep), "1: m.yaml:9: `` is not a Helm hook");
        assert!(outcome("test,", HelmHooks::LeaveOut).contains("`` is not a Helm hook"));
    }
}
