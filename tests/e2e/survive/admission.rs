//! Admission that rejects an object, and admission that does not respond.

use serde_json::{Value, json};

use super::scene::Scene;
use crate::control_plane::ControlPlane;
use crate::proxy::Proxy;
use crate::run::Run;
use crate::wait::until;

const API: &str = "/apis/admissionregistration.k8s.io/v1";

/// Returns the hint below the error about an object.
fn hint<'a>(run: &'a Run, object: &str) -> &'a str {
    let mut lines = run.err.lines().skip_while(|line| !line.starts_with(&format!("error: {object}: ")));
    lines.nth(1).unwrap_or_default()
}

#[test]
fn a_policy_refuses_one_object() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::applied(plane, "survive-policy");
    let name = scene.app.namespace.as_str();
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                "resources": ["configmaps"], "operations": ["CREATE", "UPDATE"]}]},
            "validations": [{"expression": "!has(object.data) || !('greeting' in object.data) \
                || object.data.greeting != 'rude'", "message": "be polite"}]}});
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": selector(name)}}});
    plane.create(&format!("{API}/validatingadmissionpolicies"), &policy);
    plane.create(&format!("{API}/validatingadmissionpolicybindings"), &binding);
    scene.greet("hello", "rude");
    until("the policy holds", || (scene.app.run(&["diff", "--live"]).code == Some(6)).then_some(()));

    scene.app.edit("web.yaml", "image: nginx", "image: nginx:2");
    scene.app.run(&["render"]).ok();
    let before = scene.before();
    let run = scene.app.run(&["apply"]);
    scene.is_told(&before, &run);
    assert_eq!(run.code, Some(6), "{run:?}");
    let object = format!("configmap/{name}/web");
    assert!(run.err.contains(&format!("error: {object}: ")) && run.err.contains("be polite"), "{run:?}");
    assert!(hint(&run, &object).contains("admission"), "{run:?}");
    assert!(run.out.contains(&format!("deployment/{name}/web configured\n")), "{run:?}");
    scene.greet("rude", "good morning");
    scene.converges(&["apply"]);
}

#[test]
fn a_webhook_that_is_down() {
    let Some(plane) = ControlPlane::shared() else { return };
    let scene = Scene::rendered(plane, "survive-webhook");
    let name = scene.app.namespace.as_str();
    // No server listens on this port, and the API server calls this webhook before it stores a Service.
    let hooks = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [{"name": "down.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": "Fail", "timeoutSeconds": 1, "clientConfig": {"url": "https://127.0.0.1:1/"},
            "namespaceSelector": selector(name),
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["services"],
                "operations": ["CREATE", "UPDATE", "DELETE"]}]}]});
    plane.create(&format!("{API}/validatingwebhookconfigurations"), &hooks);
    let path = format!("{API}/validatingwebhookconfigurations/{name}");
    until("the webhook is asked", || {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "probe"},
            "spec": {"ports": [{"port": 80}]}});
        let probe = format!("{}?dryRun=All", scene.app.path("v1", "services"));
        (plane.request("POST", &probe, "application/json", Some(&service)).0 == 500).then_some(())
    });

    let before = scene.before();
    let proxy = Proxy::passing(plane);
    let run = scene.app.run_through(&proxy, &["apply"]);
    scene.is_told(&before, &run);
    assert_eq!((run.code, run.out.matches(" created\n").count()), (Some(6), 2), "{run:?}");
    // The fact is printed once, with all objects.
    assert_eq!(run.err.matches("failed calling webhook").count(), 1, "{run:?}");
    assert!(run.err.contains("down.example.com"), "{run:?}");
    let line = run.err.lines().find(|line| line.contains(": 3 more objects with the same error: "));
    let (object, _) = line.and_then(|line| line.split_once(": ")).unwrap_or_else(|| panic!("{run:?}"));
    assert!(hint(&run, object).contains("webhook"), "{run:?}");
    // A change that was certainly not made must not be reported as possibly made.
    assert!(!run.err.contains("the change may have been made"), "{run:?}");

    // Nothing is pruned if an object was not applied.
    scene.forget_the_config_map();
    let before = scene.before();
    let run = scene.app.run(&["apply", "--prune", "--yes"]);
    scene.is_told(&before, &run);
    assert!(run.err.contains("skipping prune"), "{run:?}");
    assert!(plane.get(&scene.app.path("v1", "configmaps/web")).is_some());
    plane.delete(&path);
    until("the webhook is not asked", || (scene.app.run(&["apply"]).code == Some(0)).then_some(()));
    scene.converges(&["apply", "--prune", "--yes"]);
}

fn selector(namespace: &str) -> Value {
    json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}})
}
