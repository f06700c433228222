//! `status`, `diff --live` and its estimate agree on which objects differ, whatever their spelling is.

use serde_json::{Value, json};

use super::as_json;
use crate::app::App;
use crate::control_plane::ControlPlane;
use crate::run::Run;

/// Objects with 37 common spellings that the server stores in another form.
const SPELLINGS: &str = include_str!("spellings.yaml");

/// A workload and a Service in such spellings.
const APP: &str = "apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, publishNotReadyAddresses: false, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  minReadySeconds: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: false
      tolerations: []
      containers:
      - name: web
        image: nginx
        resources: {requests: {cpu: 1000m, memory: 1024Mi}}
        env:
        - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: EMPTY, value: ''}
---
";

/// Returns the objects that `status` and `diff --live` call different.
fn named(run: &Run, list: &str) -> Vec<String> {
    let list = as_json(run).pointer(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |item: &Value| item.as_str().or(item["object"].as_str()).unwrap_or_default().to_owned();
    let mut names: Vec<String> = list.iter().map(name).collect();
    names.sort();
    names
}

fn reader<'a>(plane: &ControlPlane, app: &App<'_>, user: &'a str) -> &'a str {
    let namespace = Some(app.namespace.as_str());
    plane.allow(user, namespace, &["get", "list"], "", "services");
    plane.allow(user, namespace, &["get", "list"], "", "podtemplates");
    plane.allow(user, namespace, &["get", "list"], "", "configmaps");
    plane.allow(user, namespace, &["get", "list"], "apps", "deployments");
    plane.allow(user, None, &["get"], "", "namespaces");
    user
}

#[test]
fn another_spelling_does_not_differ() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "status-spellings");
    app.write("web.yaml", &format!("{APP}{SPELLINGS}"));
    app.run(&["render"]).ok();
    app.run(&["apply"]).ok();
    let user = reader(plane, &app, "spellings-reader");

    let count = SPELLINGS.matches("kind: PodTemplate").count();
    assert_eq!(count, 37);
    let same = json!({"differing": [], "uncertain": [], "absent": [], "unseen": []});
    let status = app.run(&["status", "-o", "json"]);
    assert_eq!(as_json(&status)["drift"], same, "{status:?}");
    let decided = app.run(&["status", "--server-side", "-o", "json"]);
    assert_eq!(as_json(&decided)["drift"], same, "{decided:?}");
    for words in [&["diff", "--live"][..], &["diff", "--live", "--as", user]] {
        let diff = app.run(words);
        assert_eq!((diff.code, diff.out.as_str()), (Some(0), ""), "{diff:?}");
    }

    // A change of each object is a difference for every command, and no spelling is part of it.
    app.write("web.yaml", &format!("{APP}{}", SPELLINGS.replace("image: b", "image: c")));
    app.run(&["render"]).ok();
    let status = named(&app.run(&["status", "-o", "json"]), "/drift/differing");
    assert_eq!(status.len(), count, "{status:?}");
    assert_eq!(named(&app.run(&["status", "--server-side", "-o", "json"]), "/drift/differing"), status);
    let diff = app.run(&["diff", "--live", "--as", user]);
    assert_eq!(diff.code, Some(1), "{diff:?}");
    assert_eq!(
        diff.out.matches("\n+").count(),
        2 * count,
        "only the image and the file header: {}",
        diff.out
    );
    for object in &status {
        assert!(
            diff.out.contains(&object.replace('/', ".")) || diff.out.contains(object),
            "{object}: {}",
            diff.out
        );
    }
}

#[test]
fn what_only_the_server_knows_is_not_certain() {
    let Some(plane) = ControlPlane::shared() else { return };
    let app = App::new(plane, "status-uncertain");
    // The server writes the same amount in two forms, and keeps the form that was applied.
    let with = |amount: &str| {
        SPELLINGS.replace("limits: {memory: 1024Mi}", &format!("limits: {{memory: {amount}}}"))
    };
    app.write("web.yaml", &format!("{APP}{}", with("2Ki")));
    app.run(&["render"]).ok();
    app.run(&["apply", "--wait", "address"]).ok();
    let user = reader(plane, &app, "uncertain-reader");
    app.write("web.yaml", &format!("{APP}{}", with("'2048'")));
    app.run(&["render"]).ok();

    let object = "podtemplate/status-uncertain/ft-mem-1024mi";
    let run = app.run(&["status"]);
    assert!(
        run.out.contains(
            "not certain whether 1 object differs from the directory: kubectl largescale status --server-side"
        ),
        "{run:?}"
    );
    let run = app.run(&["status", "-o", "json"]);
    assert_eq!(
        (named(&run, "/drift/uncertain"), named(&run, "/drift/differing")),
        (vec![object.to_owned()], vec![])
    );
    let run = app.run(&["status", "--server-side", "-o", "json"]);
    assert_eq!(
        (named(&run, "/drift/uncertain"), named(&run, "/drift/differing")),
        (vec![], vec![object.to_owned()])
    );
    assert_eq!(app.run(&["diff", "--live"]).code, Some(1));

    // Without the right to patch, `diff --live` is not certain either, and `status --server-side` says why.
    let run = app.run(&["diff", "--live", "--as", user]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:?}");
    assert!(
        run.err.contains(&format!("not certain whether `apply` would change 1 object:\n  {object}")),
        "{run:?}"
    );
    let run = app.run(&["diff", "--live", "--summary", "--as", user]);
    assert!(run.out.contains(", 1 not certain"), "{run:?}");
    let run = app.run(&["diff", "--live", "-o", "markdown", "--as", user]);
    assert!(run.out.contains("not certain whether"), "{run:?}");
    let run = app.run(&["diff", "--live", "--out", "plan.json", "--as", user]);
    assert!(run.err.contains("cannot write a plan: it is not certain what `apply` would change"), "{run:?}");
    let run = app.run(&["status", "--server-side", "-o", "json", "--as", user]);
    assert_eq!(named(&run, "/drift/uncertain"), [object]);
    assert!(run.err.contains("cannot compare all objects by a server-side dry run"), "{run:?}");
    let run = app.run(&["apply", "--dry-run=client"]);
    assert!(run.out.contains(&format!("{object} not certain (dry run)")), "{run:?}");

    let run = app.run(&["status", "--server-side", "--watch"]);
    assert_eq!(run.code, Some(2), "{run:?}");
}
