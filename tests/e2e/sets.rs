//! Objects that leave one ApplySet and enter another: no object is deleted and created again, in whatever order the
//! directories are named, and wherever a run is cut off.

mod clusters;
mod cut;
mod moved;
mod plan;
mod together;

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::app::App;
use crate::control_plane::ControlPlane;

const PART_OF: &str = "applyset.kubernetes.io/part-of";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";

/// The Services of a namespace by name: UID, addresses, and the set that they are members of.
pub(crate) type Services = BTreeMap<String, Service>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Service {
    uid: String,
    pub(crate) addresses: String,
    set: String,
}

pub(crate) fn services(plane: &ControlPlane, app: &App<'_>) -> Services {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let service = |service: Value| {
        let metadata = &service["metadata"];
        let addresses = service["status"]["loadBalancer"]["ingress"].to_string();
        let (uid, set) = (text(&metadata["uid"]), text(&metadata["labels"][PART_OF]));
        (text(&metadata["name"]), Service { uid, addresses, set })
    };
    plane.list(&app.path("v1", "services")).into_iter().map(service).collect()
}

/// Asserts that every Service is the same object with the same addresses, whatever its set is.
#[track_caller]
pub(crate) fn assert_same(before: &Services, after: &Services) {
    let reduced = |services: &Services| -> Vec<(String, String, String)> {
        let one = |(name, it): (&String, &Service)| (name.clone(), it.uid.clone(), it.addresses.clone());
        services.iter().map(one).collect()
    };
    assert_eq!(reduced(before), reduced(after));
}

/// Returns the ID of the set of an app, according to the protocol.
fn set_id(app: &App<'_>, name: &str) -> String {
    largescale::core::apply::ApplySet { name: name.to_owned(), namespace: app.namespace.clone() }.id()
}

/// Writes a spec into a directory of the app: one Service for each name, and a `ConfigMap`.
pub(crate) fn write_spec(app: &App<'_>, directory: &str, name: &str, services: &[&str]) {
    fs::create_dir_all(app.directory().join(directory)).unwrap();
    let namespace = &app.namespace;
    app.write(
        &format!("{directory}/largescale.yaml"),
        &format!(
            "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
             spec: {{manifests: [m.yaml], platform: azure-basic}}\n"
        ),
    );
    let service = |name: &&str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n\
             spec: {{type: LoadBalancer, selector: {{app: {name}}}, ports: [{{port: 80}}]}}\n---\n"
        )
    };
    let services: String = services.iter().map(service).collect();
    let settings = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings-{directory}}}\n");
    app.write(&format!("{directory}/m.yaml"), &(services + &settings));
}

/// Returns an applied app `web` with the Services `a`, `b` and `c`, and the Services after it.
fn applied<'a>(plane: &'a ControlPlane, name: &str) -> (App<'a>, Services) {
    let app = App::empty(plane, name);
    write_spec(&app, "web", "web", &["a", "b", "c"]);
    app.run(&["render", "-f", "web"]).ok();
    app.run(&["apply", "-f", "web", "--wait", "address"]).ok();
    let before = services(plane, &app);
    (app, before)
}

/// Splits the spec: the Services `b` and `c` move to the app `two`.
fn split(app: &App<'_>) {
    write_spec(app, "web", "web", &["a"]);
    write_spec(app, "two", "two", &["b", "c"]);
    app.run(&["render", "-f", "web", "-f", "two"]).ok();
}

/// Asserts that the Services are in the sets of these apps, by the first letter of their names.
#[track_caller]
fn assert_sets(app: &App<'_>, services: &Services, sets: &[(&str, &str)]) {
    for (name, service) in services {
        let (_, set) = sets.iter().find(|(prefix, _)| name.starts_with(prefix)).unwrap();
        assert_eq!(service.set, set_id(app, set), "{name}");
    }
}
