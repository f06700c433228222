//! Render: whatever the app, the spec, the overlay and the pools are, the files are valid, unique, plain, and always the
//! same.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use largescale::core::lock::PoolKind;
use largescale::core::manifest::{ManifestFile, Object, read_manifests};
use largescale::core::overlay::Overlay;
use largescale::core::platform::{Platform, cloud_config};
use largescale::core::pools::{Pool, PoolSet};
use largescale::core::render::{GatewayInput, Input, is_rendered, render};
use largescale::core::report::diagnostic::Diagnostic;
use largescale::core::spec::LargeScale;
use largescale::core::tree::objects::read_file;
use largescale::core::yaml::Document;
use serde_json::{Value, json};

use super::checks::{FILE, is_plain};
use super::json::{Edit, Json, Text};
use super::platforms::builtin;

#[derive(Arbitrary, Debug)]
struct App {
    platform: u8,
    edits: Vec<Edit>,
    spec: Vec<Edit>,
    operations: Vec<(u8, Text, Option<Text>, Json)>,
    pools: Vec<Text>,
}

/// The paths that overlays patch.
const PATHS: &[&str] = &[
    "",
    "/metadata",
    "/metadata/labels",
    "/metadata/annotations",
    "/metadata/name",
    "/metadata/annotations/a",
    "/spec",
    "/spec/type",
    "/spec/ports",
    "/spec/ports/-",
    "/spec/ports/0",
    "/spec/ports/name=http/port",
    "/spec/selector",
    "/spec/template",
    "/spec/template/spec/containers/name=web/image",
    "/kind",
    "/data",
];

/// An app with changes in every file of the user.
pub fn apps(data: &[u8]) {
    let Ok(input) = App::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let mut objects = json!([
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "annotations": {"a": "b"}},
         "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
         "spec": {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "i"}]}}}},
    ]);
    input.edits.iter().take(8).for_each(|edit| edit.apply(&mut objects));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let file = ManifestFile { source: "m.yaml".to_owned(), shown: FILE.to_owned(), text: list.to_string() };
    let Ok(objects) = read_manifests(&[file]) else { return };

    let platforms = builtin();
    let platform = &platforms[usize::from(input.platform) % platforms.len()];
    let mut spec = json!({"apiVersion": "largescale.dev/v1alpha1", "kind": "LargeScale", "metadata": {"name": "web"},
        "spec": {"manifests": ["m.yaml"], "platform": platform.name.as_str(), "labels": {}, "names": {},
            "workload": {"spread": false, "perPool": false}, "settings": {}, "internal": false}});
    input.spec.iter().take(4).for_each(|edit| edit.apply(&mut spec["spec"]));
    let Ok((spec, document)) = LargeScale::read(FILE, &spec.to_string()) else { return };

    let operations: Vec<Value> = input.operations.iter().take(6).map(operation).collect();
    let overlay = json!({"apiVersion": "largescale.dev/v1alpha1", "kind": "Overlay", "metadata": {"name": "o"},
        "spec": {"patches": [{"patch": operations, "expects": {"atLeast": 0}}]}});
    let no_files = |_: &str| Err(Diagnostic::error("no files").into());
    let overlays: Vec<Overlay> = Overlay::read(FILE, &overlay.to_string(), &no_files).into_iter().collect();

    let mut values: BTreeSet<&str> = input.pools.iter().take(4).map(|text| text.0.as_str()).collect();
    values.extend(["a", "b"]);
    let pools = values.iter().map(|value| pool(value)).collect();
    let pools = PoolSet { label: "agentpool".to_owned(), pools, ..PoolSet::default() };
    rendered(&spec, &document, &objects, platform, &overlays, &pools);
    let shards = PoolSet {
        kind: PoolKind::Shard,
        pools: vec![pool("shard-1"), pool("shard-2")],
        ..PoolSet::default()
    };
    rendered(&spec, &document, &objects, &platform.clone().for_shards(), &overlays, &shards);
}

fn operation((kind, path, from, value): &(u8, Text, Option<Text>, Json)) -> Value {
    let any = usize::from(*kind / 6) % (PATHS.len() + 1);
    let path = PATHS.get(any).map_or_else(|| format!("/{}", path.0), ToString::to_string);
    let from = from.as_ref().map_or_else(|| "/metadata".to_owned(), |from| format!("/{}", from.0));
    match kind % 6 {
        0 => json!({"op": "add", "path": path, "value": value.0}),
        1 => json!({"op": "replace", "path": path, "value": value.0}),
        2 => json!({"op": "remove", "path": path}),
        3 => json!({"op": "copy", "path": path, "from": from}),
        4 => json!({"op": "move", "path": path, "from": from}),
        _ => json!({"op": "test", "path": path, "value": value.0}),
    }
}

fn pool(value: &str) -> Pool {
    let name = largescale::core::kubernetes::names::pool_name(value);
    Pool {
        value: value.to_owned(),
        load_balancer: name.clone(),
        vm_set: Some(format!("{name}-set")),
        name,
        ..Pool::default()
    }
}

/// Renders the objects of a manifest for two pools.
pub fn check(objects: &[Object]) {
    let platform = &builtin()[0];
    let spec = json!({"apiVersion": "largescale.dev/v1alpha1", "kind": "LargeScale", "metadata": {"name": "web"},
        "spec": {"manifests": ["m.yaml"], "platform": platform.name.as_str()}});
    let (spec, document) = LargeScale::read(FILE, &spec.to_string()).expect("a valid spec");
    let pools =
        PoolSet { label: "agentpool".to_owned(), pools: vec![pool("a"), pool("b")], ..PoolSet::default() };
    rendered(&spec, &document, objects, platform, &[], &pools);
}

fn rendered(
    spec: &LargeScale,
    document: &Document,
    objects: &[Object],
    platform: &Platform,
    overlays: &[Overlay],
    pools: &PoolSet,
) {
    let classes = std::collections::BTreeMap::new();
    let gateways = GatewayInput { implementation: None, classes: &classes };
    let input = Input { spec, document, objects, platform, overlays, gateways, pools, max_objects: 1_000 };
    let _ = cloud_config(platform, pools).map_err(|problems| assert!(!problems.is_empty()));
    let done = match render(input) {
        Ok(done) => done,
        Err(problems) => return assert!(!problems.is_empty(), "refused without a problem"),
    };
    let again = render(input).expect("the same input has the same result");
    assert_eq!(done.files.len(), again.files.len());
    let mut paths = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for (file, other) in done.files.iter().zip(&again.files) {
        assert_eq!((&file.path, &file.text), (&other.path, &other.text), "another result");
        // Some file systems do not distinguish upper and lower case.
        assert!(paths.insert(file.path.to_lowercase()), "{} twice", file.path);
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        assert!(file.path.chars().all(is_name) && !file.path.starts_with('.'), "the file name {}", file.path);
        assert!(is_rendered(file.text.as_bytes()), "no header");
        is_plain(&file.text);
        let read =
            read_file(FILE, &file.text).unwrap_or_else(|problems| panic!("{problems:?}\n{}", file.text));
        let [object] = read.as_slice() else { panic!("{} objects in one file\n{}", read.len(), file.text) };
        assert_eq!(object.key, file.key);
        assert!(keys.insert(object.key.clone()), "{} twice", object.key);
    }
}
