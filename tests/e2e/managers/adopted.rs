//! Every way in which kubectl makes and changes objects.

use serde_json::{Value, json};

use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::objects::Patch;
use crate::run::{Run, Running};
use crate::wait::until;

/// Manifests with a list item, an environment variable, an annotation and a key of data to remove, and defaults of the server
/// in every nested list.
pub(super) const MANIFESTS: &str = "apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {example.com/stays: a, example.com/goes: b}
spec:
  type: LoadBalancer
  ports:
  - {name: http, port: 80, targetPort: http}
  - {name: alt, port: 8080, targetPort: http}
  selector: {app: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {example.com/goes: b}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: default
      containers:
      - name: web
        image: nginx
        env:
        - {name: STAYS, value: a}
        - {name: GOES, value: b}
        ports:
        - {name: http, containerPort: 80}
        - {name: alt, containerPort: 8080}
      - name: side
        image: registry.example:5000/side:1
        readinessProbe: {httpGet: {port: 80}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {stays: a, goes: b}
";

/// Creates an app with these manifests.
pub(super) fn app<'a>(plane: &'a ControlPlane, name: &str) -> App<'a> {
    let app = App::new(plane, name);
    app.write("web.yaml", MANIFESTS);
    app.run(&["render"]).ok();
    app
}

/// Runs `kubectl edit` with an editor that replaces text.
pub(super) fn edit(plane: &ControlPlane, app: &App<'_>, object: &str, script: &str) -> Run {
    app.write("editor.sh", &format!("#!/bin/sh\nsed -i '{script}' \"$1\"\n"));
    let arguments = ["--namespace", &app.namespace, "edit", object];
    let mut command = app.command("kubectl", &plane.kubeconfig, &arguments);
    let editor = app.directory().join("editor.sh");
    Running::start(command.env("EDITOR", format!("sh {}", editor.display()))).wait()
}

/// What must not change when an object becomes a member.
fn values(plane: &ControlPlane, app: &App<'_>) -> Vec<Value> {
    let objects = [
        ("v1", "services/web-pool00"),
        ("v1", "services/web-pool01"),
        ("apps/v1", "deployments/web"),
        ("v1", "configmaps/web"),
    ];
    let read = |(version, below): (&str, &str)| {
        let mut object = plane.get(&app.path(version, below)).unwrap();
        let metadata = object["metadata"].take();
        let mut labels = metadata["labels"].clone();
        if let Some(labels) = labels.as_object_mut() {
            labels.remove("applyset.kubernetes.io/part-of");
        }
        let labels = if labels == json!({}) { Value::Null } else { labels };
        let uid = &metadata["uid"];
        json!([uid, metadata["generation"], labels, metadata["annotations"], object["spec"], object["data"]])
    };
    objects.into_iter().map(read).collect()
}

/// Makes the objects members, and checks that nothing changes by it.
#[track_caller]
pub(super) fn joins(plane: &ControlPlane, app: &App<'_>) {
    until("the Services have addresses", || {
        let services = plane.list(&app.path("v1", "services"));
        services.iter().all(|it| it["status"]["loadBalancer"]["ingress"][0]["ip"].is_string()).then_some(())
    });
    until("the controller has seen the Deployment", || {
        let deployment = plane.get(&app.path("apps/v1", "deployments/web")).unwrap();
        deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"].is_string().then_some(())
    });
    let before = values(plane, app);
    let shown = app.run(&["diff", "--live", "--summary"]);
    assert_eq!(shown.code, Some(1), "{shown:?}");
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(values(plane, app), before);
    let after = app.run(&["diff", "--live"]);
    assert_eq!((after.code, after.out.as_str()), (Some(0), ""), "{after:?}");
    assert!(!after.err.contains("move") && !after.err.contains("stays with"), "{after:?}");
    let again = app.run(&["apply"]);
    assert!(again.out.lines().all(|line| line.ends_with(" unchanged")), "{again:?}");
    assert!(!again.err.contains("move"), "{again:?}");
}

/// Changes a port and removes list items, an environment variable, an annotation and a key of data.
#[track_caller]
pub(super) fn changes(app: &App<'_>) {
    app.edit("web.yaml", "port: 80, targetPort", "port: 81, targetPort");
    app.edit("web.yaml", "  - {name: alt, port: 8080, targetPort: http}\n", "");
    app.edit("web.yaml", "        - {name: GOES, value: b}\n", "");
    app.edit("web.yaml", "        - {name: alt, containerPort: 8080}\n", "");
    app.edit("web.yaml", ", example.com/goes: b}", "}");
    app.edit("web.yaml", ", annotations: {example.com/goes: b}}", "}");
    app.edit("web.yaml", ", goes: b}", "}");
    app.run(&["render"]).ok();
}

/// Checks that everything that [`changes`] removed is gone, and nothing else.
#[track_caller]
pub(super) fn changed(plane: &ControlPlane, app: &App<'_>, by: &str) {
    for service in plane.list(&app.path("v1", "services")) {
        let ports: Vec<_> =
            service["spec"]["ports"].as_array().unwrap().iter().map(|port| port["port"].clone()).collect();
        assert_eq!(ports, [json!(81)], "{by}: {service}");
        let notes = &service["metadata"]["annotations"];
        assert_eq!(notes["example.com/stays"], "a", "{by}: {service}");
        assert!(notes["example.com/goes"].is_null(), "{by}: {service}");
    }
    let deployment = plane.get(&app.path("apps/v1", "deployments/web")).unwrap();
    assert!(deployment["metadata"]["annotations"]["example.com/goes"].is_null(), "{by}: {deployment}");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let names = |list: &str| -> Vec<String> {
        let items = container[list].as_array().unwrap();
        items
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .filter(|name| name != "THEIRS")
            .collect()
    };
    assert_eq!((names("env"), names("ports")), (vec!["STAYS".to_owned()], vec!["http".to_owned()]), "{by}");
    assert_eq!(plane.get(&app.path("v1", "configmaps/web")).unwrap()["data"]["goes"], Value::Null, "{by}");
}

/// Sets fields that the directory does not have, each with a command of its own.
fn add_foreign(app: &App<'_>) {
    app.kubectl(&["annotate", "service/web-pool00", "deployment/web", "example.com/theirs=1"]).ok();
    app.kubectl(&["set", "env", "deployment/web", "--containers=web", "THEIRS=1"]).ok();
    app.kubectl(&["label", "configmap/web", "theirs=1"]).ok();
    app.kubectl(&["patch", "configmap/web", "--type=merge", "-p", r#"{"data": {"theirs": "1"}}"#]).ok();
}

/// Checks that the fields of [`add_foreign`] are still there.
#[track_caller]
fn foreign_stays(plane: &ControlPlane, app: &App<'_>, by: &str) {
    let deployment = plane.get(&app.path("apps/v1", "deployments/web")).unwrap();
    let service = plane.get(&app.path("v1", "services/web-pool00")).unwrap();
    for object in [&deployment, &service] {
        assert_eq!(object["metadata"]["annotations"]["example.com/theirs"], "1", "{by}: {object}");
    }
    let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    assert!(env.as_array().unwrap().contains(&json!({"name": "THEIRS", "value": "1"})), "{by}: {env}");
    let config = plane.get(&app.path("v1", "configmaps/web")).unwrap();
    assert_eq!(
        (&config["data"]["theirs"], &config["metadata"]["labels"]["theirs"]),
        (&json!("1"), &json!("1")),
        "{by}"
    );
}

#[test]
fn objects_of_every_command_of_kubectl() {
    let Some(plane) = ControlPlane::shared() else { return };
    let makers: &[(&str, &[&[&str]])] = &[
        ("csa", &[&["apply", "-f", "rendered"]]),
        ("create", &[&["create", "-f", "rendered"]]),
        ("saved", &[&["create", "--save-config", "-f", "rendered"]]),
        ("replace", &[&["create", "-f", "rendered"], &["replace", "-f", "rendered"]]),
        ("twice", &[&["apply", "-f", "rendered"], &["replace", "-f", "rendered"]]),
        ("named", &[&["apply", "--field-manager=ci", "-f", "rendered"]]),
        ("ssa", &[&["apply", "--server-side", "-f", "rendered"]]),
        ("both", &[&["apply", "-f", "rendered"], &["apply", "--server-side", "-f", "rendered"]]),
    ];
    for (by, commands) in makers {
        let app = app(plane, &format!("managers-{by}"));
        for command in *commands {
            app.kubectl(command).ok();
        }
        add_foreign(&app);
        joins(plane, &app);
        foreign_stays(plane, &app, by);
        changes(&app);
        let run = app.run(&["apply"]);
        assert_eq!(run.code, Some(0), "{by}: {run:?}");
        changed(plane, &app, by);
        foreign_stays(plane, &app, by);
    }
}

#[test]
fn objects_of_many_kinds_with_defaults_and_other_spellings() {
    let Some(plane) = ControlPlane::shared() else { return };
    for by in ["apply", "create"] {
        let app = App::new(plane, &format!("managers-kinds-{by}"));
        app.write("web.yaml", &include_str!("kinds.yaml").replace("NAMESPACE", &app.namespace));
        app.run(&["render"]).ok();
        app.kubectl(&[by, "-f", "rendered"]).ok();
        let read = || {
            let all = app.kubectl(&["get", "-f", "rendered", "-o", "json"]).json();
            let one = |object: &Value| {
                json!([object["metadata"]["name"], object["metadata"]["generation"], object["spec"]])
            };
            all["items"].as_array().unwrap().iter().map(one).collect::<Vec<_>>()
        };
        let before = read();
        let shown = app.run(&["diff", "--live"]);
        assert_eq!(shown.code, Some(1), "{shown:?}");
        assert!(!shown.out.contains("\n-"), "{shown:?}");
        let run = app.run(&["apply"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(read(), before, "{by}");
        assert_eq!(app.run(&["diff", "--live"]).ok(), "");
        let again = app.run(&["apply"]);
        assert!(again.out.lines().all(|line| line.ends_with(" unchanged")), "{again:?}");
        // The only fields that stay are those of the table in docs/cluster.md that the server writes.
        let left: Vec<&str> = run.err.lines().filter(|line| line.contains("stays with")).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left[0].starts_with("daemonset/") && left[1].starts_with("job/"), "{left:?}");
    }
}

#[test]
fn fields_that_were_edited_before() {
    let Some(plane) = ControlPlane::shared() else { return };
    for by in ["apply", "create"] {
        let app = app(plane, &format!("managers-edit-{by}"));
        // The manifests have what the edits set.
        app.edit("web.yaml", "example.com/goes: b", "example.com/goes: old");
        app.edit("web.yaml", "value: b", "value: old");
        app.run(&["render"]).ok();
        app.kubectl(&[by, "-f", "rendered"]).ok();
        edit(plane, &app, "deployment/web", "s/value: old/value: b/; s/goes: old/goes: b/").ok();
        for pool in 0..4 {
            edit(plane, &app, &format!("service/web-pool0{pool}"), "s/goes: old/goes: b/").ok();
        }
        app.write("web.yaml", MANIFESTS);
        app.run(&["render"]).ok();
        joins(plane, &app);
        changes(&app);
        app.run(&["apply"]).ok();
        changed(plane, &app, by);
    }
}

#[test]
fn an_object_without_managed_fields() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-none");
    app.kubectl(&["create", "-f", "rendered"]).ok();
    let none = json!({"metadata": {"managedFields": [{}]}});
    for below in [
        "services/web-pool00",
        "services/web-pool01",
        "services/web-pool02",
        "services/web-pool03",
        "configmaps/web",
    ] {
        plane.patch(&app.path("v1", below), Patch::Merge, &none);
    }
    plane.patch(&app.path("apps/v1", "deployments/web"), Patch::Merge, &none);
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    changes(&app);
    let run = app.run(&["apply"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    changed(plane, &app, "none");
}

#[test]
fn an_object_that_an_older_version_made_a_member() {
    let Some(plane) = ControlPlane::shared() else { return };
    for by in ["apply", "create"] {
        let app = app(plane, &format!("managers-older-{by}"));
        app.kubectl(&[by, "-f", "rendered"]).ok();
        older_apply(plane, &app);
        let shown = app.run(&["diff", "--live"]);
        assert!(shown.err.contains("the fields of the directory move from kubectl-"), "{shown:?}");
        changes(&app);
        let shown = app.run(&["diff", "--live"]);
        assert_eq!(shown.code, Some(1), "{shown:?}");
        assert!(
            shown.out.contains("-        - name: GOES") && shown.out.contains("-    port: 80\n"),
            "{shown:?}"
        );
        let run = app.run(&["apply"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        changed(plane, &app, by);
        assert_eq!(app.run(&["diff", "--live"]).ok(), "");
    }
}

/// Applies the rendered files as a version did that took over no fields.
pub(super) fn older_apply(plane: &ControlPlane, app: &App<'_>) {
    let body = |name: &str| {
        let file = app.directory().join("rendered").join(name);
        let file = file.to_str().unwrap();
        app.kubectl(&["create", "--dry-run=client", "-o", "json", "-f", file]).json()
    };
    let mut objects = vec![
        ("v1", "configmaps/web".to_owned(), body("configmap-web.yaml")),
        ("apps/v1", "deployments/web".to_owned(), body("deployment-web.yaml")),
    ];
    for pool in 0..4 {
        let service = body(&format!("service-web-pool0{pool}.yaml"));
        objects.push(("v1", format!("services/web-pool0{pool}"), service));
    }
    let parent = app.run(&["inventory", "verify", "--fix"]);
    assert!(parent.code.is_some(), "{parent:?}");
    let label = plane.get(&app.path("v1", &format!("configmaps/{}", app.namespace)));
    let id = label.map(|parent| parent["metadata"]["labels"]["applyset.kubernetes.io/id"].clone());
    for (version, below, mut object) in objects {
        if let Some(id) = &id {
            object["metadata"]["labels"]["applyset.kubernetes.io/part-of"] = id.clone();
        }
        plane.patch(&app.path(version, &below), Patch::Apply("kubectl-largescale"), &object);
    }
}

#[test]
fn replicas_of_an_autoscaler_and_of_a_user() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = app(plane, "managers-scale");
    app.kubectl(&["apply", "-f", "rendered"]).ok();
    let path = app.path("apps/v1", "deployments/web");
    let scale = json!({"spec": {"replicas": 5}});
    plane.patch(&format!("{path}/scale?fieldManager=hpa"), Patch::Merge, &scale);
    joins(plane, &app);
    assert_eq!(plane.get(&path).unwrap()["spec"]["replicas"], 5);
    changes(&app);
    app.run(&["apply"]).ok();
    changed(plane, &app, "scale");
    let deployment = plane.get(&path).unwrap();
    assert_eq!(deployment["spec"]["replicas"], 5);
    let mut entries = deployment["metadata"]["managedFields"].as_array().unwrap().iter();
    assert!(
        entries.any(|entry| entry["subresource"] == "scale" && entry["manager"] == "hpa"),
        "{deployment}"
    );
    // A number that a user set is a conflict, and the hint works.
    app.kubectl(&["scale", "deployment/web", "--replicas=4"]).ok();
    let run = app.run(&["apply"]);
    assert!(run.err.contains("users changed them with kubectl"), "{run:?}");
    app.run(&["apply", "--force-conflicts"]).ok();
    assert_eq!(plane.get(&path).unwrap()["spec"]["replicas"], 3);
}
