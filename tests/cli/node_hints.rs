//! Follows the hints about nodes, pools and platforms literally, each alternative in a copy of the state that printed it. Afterwards
//! the render succeeds, and every Service that existed is still bound to its own nodes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use largescale::core::yaml;
use serde_json::{Map, Value, json};

use crate::environment::Environment;

const MODE: &str = "service.beta.kubernetes.io/azure-load-balancer-mode";

/// A cluster of ACS-Engine: three nodes in each pool, with the given labels.
fn nodes(pools: &[&str]) -> Value {
    let node = |pool: &str, index: usize| {
        let name = format!("k8s-{pool}-42344502-{index}");
        json!({"metadata": {"name": name, "labels": {"agentpool": pool, "team": "web"}},
            "spec": {"providerID": format!("azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/{name}")},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    };
    let items: Vec<Value> =
        pools.iter().flat_map(|pool| (0..3).map(move |index| node(pool, index))).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// The same pools on a cloud that selects nodes by label.
fn hetzner(pools: &[&str]) -> Value {
    let mut list = nodes(pools);
    for (index, node) in list["items"].as_array_mut().unwrap().iter_mut().enumerate() {
        node["metadata"]["name"] = format!("worker-{index}").into();
        node["spec"]["providerID"] = format!("hcloud://{index}").into();
    }
    list
}

fn label(list: &mut Value, node: usize, value: &str) {
    list["items"][node]["metadata"]["labels"]["agentpool"] = value.into();
}

const RELABEL: &str = "kubectl label node k8s-a1-42344502-0 agentpool=a1 --overwrite";

/// The state in which a hint is printed.
struct Scene {
    name: &'static str,
    /// What was rendered before; `None` if nothing was.
    before: Option<(Value, Value)>,
    /// The spec and the nodes that print the hint.
    spec: Value,
    nodes: Value,
    /// The alternatives of the hint.
    hints: &'static [&'static str],
}

#[expect(clippy::too_many_lines, reason = "a table of scenes")]
fn scenes() -> Vec<Scene> {
    let basic = || json!({"manifests": ["nginx.yaml"], "platform": "azure-basic", "nodes": "nodes.json"});
    let with = |field: &str, value: Value| {
        let mut spec = basic();
        spec[field] = value;
        spec
    };
    let pools = ["a1", "a2", "a3"];
    let wrong = |node: usize, value: &str| {
        let mut list = nodes(&pools);
        label(&mut list, node, value);
        list
    };
    let mut wrong_on_hetzner = hetzner(&pools);
    label(&mut wrong_on_hetzner, 0, "al");
    let on_hetzner = || json!({"manifests": ["nginx.yaml"], "platform": "hetzner", "nodes": "nodes.json", "pools": {"label": "agentpool"}});
    let mut single = nodes(&pools);
    single["items"].as_array_mut().unwrap().drain(1..3);
    label(&mut single, 0, "al");
    let mut renamed = nodes(&pools);
    (0..3).for_each(|node| label(&mut renamed, node, "web"));
    let mut several_sets = nodes(&["a1", "b1", "a2"]);
    (3..6).for_each(|node| label(&mut several_sets, node, "a1"));
    let before = || Some((basic(), nodes(&pools)));
    vec![
        Scene {
            name: "a misspelled label",
            before: before(),
            spec: basic(),
            nodes: wrong(0, "al"),
            hints: &[RELABEL],
        },
        Scene {
            name: "the label of another pool",
            before: before(),
            spec: basic(),
            nodes: wrong(0, "a2"),
            hints: &[RELABEL],
        },
        Scene {
            name: "the first render",
            before: None,
            spec: basic(),
            nodes: wrong(0, "al"),
            hints: &[RELABEL],
        },
        Scene {
            name: "the only node of a pool",
            before: before(),
            spec: basic(),
            nodes: single.clone(),
            hints: &[RELABEL],
        },
        Scene {
            name: "the only node of a pool, at the first render",
            before: None,
            spec: basic(),
            nodes: single,
            hints: &[RELABEL, "spec.pools.exclude: [al]"],
        },
        Scene {
            name: "a pool that looks like another one",
            before: Some((on_hetzner(), hetzner(&pools))),
            spec: on_hetzner(),
            nodes: wrong_on_hetzner.clone(),
            hints: &[
                "kubectl label node worker-0 agentpool=a1 --overwrite",
                "--new-pool al",
                "spec.pools.declare: [{name: al}]",
                "spec.pools.exclude: [al]",
                "--locked",
            ],
        },
        Scene {
            name: "a pool that looks like another one, at the first render",
            before: None,
            spec: on_hetzner(),
            nodes: wrong_on_hetzner,
            hints: &[
                "kubectl label node worker-0 agentpool=a1 --overwrite",
                "--new-pool al",
                "spec.pools.declare: [{name: al}]",
                "spec.pools.exclude: [al]",
            ],
        },
        Scene {
            name: "the wrong platform",
            before: before(),
            spec: on_hetzner(),
            nodes: nodes(&pools),
            hints: &["spec.platform: azure-basic"],
        },
        Scene {
            name: "another label",
            before: before(),
            spec: with("pools", json!({"label": "team", "vmSets": {"web": "x"}})),
            nodes: nodes(&pools),
            hints: &["--allow-shrink"],
        },
        Scene {
            name: "a renamed pool",
            before: before(),
            spec: basic(),
            nodes: renamed,
            hints: &[
                "kubectl label node k8s-a1-42344502-0 k8s-a1-42344502-1 k8s-a1-42344502-2 agentpool=a1 --overwrite",
                "spec.pools.exclude: [web]",
                "--locked",
            ],
        },
        Scene {
            name: "two VM sets with the same label",
            before: None,
            spec: basic(),
            nodes: several_sets,
            hints: &[],
        },
    ]
}

fn write(environment: &Environment, spec: &Value, nodes: &Value) {
    let spec = json!({"apiVersion": "largescale.dev/v1alpha1", "kind": "LargeScale", "metadata": {"name": "nginx"}, "spec": spec});
    fs::write(environment.path().join("largescale.yaml"), spec.to_string()).unwrap();
    fs::write(environment.path().join("nodes.json"), nodes.to_string()).unwrap();
}

/// Renders, and returns the exit code and the messages.
fn render(environment: &Environment, flags: &[&str]) -> (i32, String) {
    let output = environment.program(&[&["render"], flags].concat());
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Returns the binding of each rendered Service.
fn bindings(environment: &Environment) -> BTreeMap<String, Value> {
    let Ok(folder) = fs::read_dir(environment.path().join("rendered")) else { return BTreeMap::new() };
    let paths = folder.map(|entry| entry.unwrap().path());
    let services = paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("service-"));
    services.map(|path| (name(&path), binding(&path))).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn binding(path: &Path) -> Value {
    let document = yaml::read_one("service.yaml", &fs::read_to_string(path).unwrap()).unwrap();
    let annotations = &document.value["metadata"]["annotations"];
    let of_hetzner = "load-balancer.hetzner.cloud/node-selector";
    [MODE, of_hetzner]
        .iter()
        .map(|key| annotations[*key].clone())
        .find(|value| !value.is_null())
        .unwrap_or_default()
}

/// Returns the texts in backquotes in the hints, and flags in parentheses.
fn alternatives(messages: &str) -> Vec<String> {
    let hints = messages.lines().filter_map(|line| line.trim_start().strip_prefix("hint: "));
    let mut found = Vec::new();
    for hint in hints {
        found.extend(hint.split('`').skip(1).step_by(2).map(str::to_owned));
        if hint.contains("(--locked)") {
            found.push("--locked".to_owned());
        }
        if hint.contains("--allow-shrink") {
            found.push("--allow-shrink".to_owned());
        }
    }
    found
}

/// Does what an alternative says. Returns the flags of the next render.
fn follow(alternative: &str, spec: &mut Value, nodes: &mut Value) -> Vec<String> {
    if let Some(command) = alternative.strip_prefix("kubectl label node ") {
        let words: Vec<&str> = command.split(' ').collect();
        let [names @ .., pair, "--overwrite"] = words.as_slice() else { panic!("{alternative}") };
        let (key, value) = pair.split_once('=').unwrap();
        for node in nodes["items"].as_array_mut().unwrap() {
            if names.contains(&node["metadata"]["name"].as_str().unwrap()) {
                node["metadata"]["labels"][key] = value.into();
            }
        }
        return Vec::new();
    }
    if let Some(line) = alternative.strip_prefix("spec.") {
        let (path, value) = line.split_once(": ").unwrap();
        let value = yaml::read_one("hint", &format!("value: {value}")).unwrap().value["value"].clone();
        let mut field = &mut *spec;
        for part in path.split('.') {
            let fields = field.as_object_mut().unwrap();
            field = fields.entry(part).or_insert_with(|| Value::Object(Map::new()));
        }
        *field = value;
        return Vec::new();
    }
    assert!(alternative.starts_with("--"), "cannot follow {alternative}");
    alternative.split(' ').map(str::to_owned).collect()
}

#[test]
fn every_hint_about_nodes_works_and_moves_no_address() {
    let shared = crate::environment::checkout().join("tests/cases/shared");
    for scene in scenes() {
        let start = || {
            let environment = Environment::with(&shared);
            if let Some((spec, nodes)) = &scene.before {
                write(&environment, spec, nodes);
                assert_eq!(render(&environment, &[]).0, 0, "{}", scene.name);
            }
            let bound = bindings(&environment);
            write(&environment, &scene.spec, &scene.nodes);
            let (_, messages) = render(&environment, &[]);
            (environment, bound, messages)
        };
        let (_, _, messages) = start();
        assert!(!messages.is_empty(), "{}", scene.name);
        assert!(!messages.contains("spec.pools.vmSets: {al:"), "{}: {messages}", scene.name);
        let found = alternatives(&messages);
        for hint in scene.hints {
            assert!(
                found.iter().any(|alternative| alternative == hint),
                "{}: no {hint} in {messages}",
                scene.name
            );
        }
        // A name that the program cannot know, a field without a value.
        let can_be_followed = |text: &&String| {
            !text.contains("POOL")
                && (text.contains(' ') || text.starts_with("--"))
                && !text.starts_with("spec.pools.label")
        };
        let followed: Vec<&String> = found.iter().filter(can_be_followed).collect();
        assert!(!followed.is_empty(), "{}: {messages}", scene.name);
        for alternative in followed {
            let (environment, bound, _) = start();
            let (mut spec, mut list) = (scene.spec.clone(), scene.nodes.clone());
            let flags = follow(alternative, &mut spec, &mut list);
            write(&environment, &spec, &list);
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            let (code, after) = render(&environment, &flags);
            let what = format!("{}: {alternative}\n{messages}---\n{after}", scene.name);
            assert_eq!(code, 0, "{what}");
            assert!(!after.contains("error:") && !alternatives(&after).contains(alternative), "{what}");
            let now = bindings(&environment);
            for (service, binding) in &bound {
                assert_eq!(now.get(service), Some(binding), "{service}: {what}");
            }
            let different: std::collections::BTreeSet<String> = now.values().map(Value::to_string).collect();
            assert_eq!(different.len(), now.len(), "two Services with the same nodes: {what}");
        }
    }
}

#[test]
fn allow_shrink_is_no_hint_for_the_wrong_platform() {
    let environment = Environment::with(&crate::environment::checkout().join("tests/cases/shared"));
    let spec =
        |platform: &str| json!({"manifests": ["nginx.yaml"], "platform": platform, "nodes": "nodes.json"});
    write(&environment, &spec("azure-basic"), &nodes(&["a1", "a2"]));
    assert_eq!(render(&environment, &[]).0, 0);
    for platform in ["hetzner", "openstack", "scaleway", "oci-nlb"] {
        write(&environment, &spec(platform), &nodes(&["a1", "a2"]));
        for flags in [&[][..], &["--allow-shrink"]] {
            let (code, messages) = render(&environment, flags);
            assert_eq!(code, 3, "{platform} {flags:?}: {messages}");
            assert!(!messages.contains("--allow-shrink"), "{platform}: {messages}");
            assert!(
                messages.contains("largescale.yaml:1: ") && messages.contains("`spec.platform: azure-basic`"),
                "{messages}"
            );
        }
    }
}
