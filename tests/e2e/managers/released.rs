//! Objects of Helm, Argo CD and Flux: refused, and taken over after the steps that release them.

use serde_json::{Value, json};

use super::adopted::{app, changed, changes};
use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;

/// A tool: the word in `--from-…`, its field manager, its marks, and the annotation that makes it keep an object.
struct Tool {
    flag: &'static str,
    manager: &'static str,
    marks: fn() -> Value,
    step: (&'static str, &'static str),
}

fn tools() -> [Tool; 4] {
    [
        Tool {
            flag: "helm",
            manager: "helm",
            marks: || {
                json!({"labels": {"app.kubernetes.io/managed-by": "Helm"},
                    "annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "x"}})
            },
            step: ("helm.sh/resource-policy", "keep"),
        },
        Tool {
            flag: "argocd",
            manager: "argocd-controller",
            marks: || json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:/x:y/z"}}),
            step: ("argocd.argoproj.io/sync-options", "Prune=false,Delete=false"),
        },
        Tool {
            flag: "argocd",
            manager: "argocd-controller",
            marks: || json!({"labels": {"app.kubernetes.io/instance": "shop"}}),
            step: ("argocd.argoproj.io/sync-options", "Prune=false,Delete=false"),
        },
        Tool {
            flag: "flux",
            manager: "kustomize-controller",
            marks: || {
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop",
                    "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}})
            },
            step: ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        },
    ]
}

/// Applies the rendered files as the tool does, with its marks.
fn made_by(plane: &ControlPlane, app: &App<'_>, tool: &Tool) {
    for object in objects(app) {
        let mut marked = object.clone();
        for field in ["labels", "annotations"] {
            for (key, value) in (tool.marks)()[field].as_object().into_iter().flatten() {
                marked["metadata"][field][key] = value.clone();
            }
        }
        plane.patch(&path(app, &object), Patch::Apply(tool.manager), &marked);
    }
}

fn objects(app: &App<'_>) -> Vec<Value> {
    let mut objects = Vec::new();
    for file in std::fs::read_dir(app.directory().join("rendered")).unwrap() {
        let file = file.unwrap().path();
        objects.push(
            app.kubectl(&["create", "--dry-run=client", "-o", "json", "-f", file.to_str().unwrap()]).json(),
        );
    }
    objects
}

fn path(app: &App<'_>, object: &Value) -> String {
    let plural = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
    let name = object["metadata"]["name"].as_str().unwrap();
    app.path(object["apiVersion"].as_str().unwrap(), &format!("{plural}/{name}"))
}

#[test]
fn objects_of_other_tools_are_refused_until_they_are_released() {
    let Some(plane) = ControlPlane::shared() else { return };
    for (index, tool) in tools().iter().enumerate() {
        let app = app(plane, &format!("managers-tool-{index}"));
        made_by(plane, &app, tool);
        let refused = app.run(&["apply"]);
        assert_eq!(refused.code, Some(5), "{refused:?}");
        let whose = "shop), which would revert or delete a change";
        assert!(refused.err.contains(whose), "{refused:?}");
        assert!(refused.err.contains("and 5 other objects belong to"), "{refused:?}");
        assert!(refused.err.contains(&format!("use --from-{}", tool.flag)), "{refused:?}");
        let shown = app.run(&["diff", "--live"]);
        assert!(shown.err.contains("`apply` refuses this: "), "{shown:?}");
        let flag = format!("--from-{}", tool.flag);
        let from = ["apply", &flag];
        let early = app.run(&from);
        assert_eq!(early.code, Some(5), "{early:?}");
        assert!(early.err.contains("is not released by"), "{early:?}");
        // Each hint has the command for its object.
        let mut commands = 0;
        for line in early.err.lines() {
            if let Some((_, command)) = line.split_once("has the annotation: ") {
                app.write("hint.sh", &format!("{command}\n"));
                let run = app.shell("hint.sh");
                assert_eq!(run.code, Some(0), "{command}: {run:?}");
                commands += 1;
            }
        }
        assert_eq!(commands, 6, "{early:?}");
        assert_eq!(app.run(&["apply"]).code, Some(5), "the flag is still needed");
        let run = app.run(&from);
        assert_eq!(run.code, Some(0), "{run:?}");
        // The marks and the step stay on the objects, also after the next apply without the flag.
        changes(&app);
        let run = app.run(&["apply"]);
        assert_eq!((run.code, run.err.contains("also applies")), (Some(0), false), "{run:?}");
        changed(plane, &app, tool.flag);
        for object in objects(&app) {
            let metadata = &plane.get(&path(&app, &object)).unwrap()["metadata"];
            for field in ["labels", "annotations"] {
                for (key, value) in (tool.marks)()[field].as_object().into_iter().flatten() {
                    assert_eq!(metadata[field][key], *value, "{metadata}");
                }
            }
            assert_eq!(metadata["annotations"][tool.step.0], tool.step.1, "{metadata}");
        }
    }
}

#[test]
fn a_plan_keeps_the_tool_of_its_flag() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-tool-plan");
    let helm = &tools()[0];
    made_by(plane, &app, helm);
    for object in objects(&app) {
        let keep = json!({"metadata": {"annotations": {"helm.sh/resource-policy": "keep"}}});
        plane.patch(&path(&app, &object), Patch::Merge, &keep);
    }
    let planned = app.run(&["diff", "--live", "--from-helm", "--out", "plan.json"]);
    assert_eq!(planned.code, Some(1), "{planned:?}");
    assert!(planned.err.contains("move from helm to kubectl-largescale"), "{planned:?}");
    let run = app.run(&["apply", "plan.json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let both = app.run(&["apply", "plan.json", "--from-helm"]);
    assert_eq!(both.code, Some(2), "{both:?}");
}
