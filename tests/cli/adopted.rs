//! Services that are adopted keep their nodes and their text, whatever the form of their bindings. The selection of the platform
//! file shows it for every platform, and the providers' own code for those whose code the tests have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use largescale::core::platform::{Platform, SelectionForm, read_builtin};
use largescale::core::pools::no_backend;
use largescale::core::{node_list, yaml};
use serde_json::{Value, json};

use crate::bindings::{EXCLUDE, group_name, is_refused, nodes, platforms, project, settings, tree};
use crate::environment::Environment;
use crate::examples::{AzureProvider, acs_engine_nodes, azure_provider};
use crate::provider_nodes::label_of;
use crate::providers::{listed, provider_binding};

/// The nodes of each Service, by its name.
type Chosen = BTreeMap<String, BTreeSet<String>>;

/// Returns the nodes that the controller selects for each Service, according to the platform file.
fn chosen(platform: &Platform, objects: &[Value]) -> Chosen {
    let nodes = node_list::read_nodes("nodes.json", nodes(platform).to_string().as_bytes()).unwrap();
    let known = platform.spec.recognize.provider_ids();
    let of = |service: &Value| {
        let selected = platform.spec.selected(service, objects).unwrap();
        let taken = nodes
            .iter()
            .filter(|node| no_backend(node, platform, &known).is_none())
            .filter(|node| selected.takes(node, group_name(platform, node).as_deref()))
            .map(|node| node.name.to_string());
        (name_of(service).to_owned(), taken.collect())
    };
    objects.iter().filter(|object| is_service(object)).map(of).collect()
}

fn is_service(object: &Value) -> bool {
    object["kind"] == "Service"
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

/// Returns the binding of a Service in other forms that the controller reads in the same way.
fn other_forms(platform: &Platform, service: &Value) -> Vec<Value> {
    let Some(selection) = &platform.spec.selection else { return Vec::new() };
    let Some(path) = &selection.path else { return Vec::new() };
    let text = service.pointer(path).and_then(Value::as_str).unwrap().to_owned();
    let parts = || text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    let texts: Vec<String> = match selection.form {
        SelectionForm::LabelSelector => match parts() {
            Some((key, value)) => vec![
                format!("{key}=={value}"),
                format!("{key} in ({value})"),
                format!("{key},{key} notin (none),{key} = {value},!nothing"),
            ],
            None => vec![format!("{text},!nothing")],
        },
        SelectionForm::KeyValues => vec![format!("{text},{text}")],
        SelectionForm::OneKeyValue => vec![text.replace('=', " = ")],
        SelectionForm::Names => vec![text.to_uppercase(), format!("{text}, {text}")],
        SelectionForm::LowerCaseObject => {
            let (key, value) = (label_of(platform), text.split('"').rev().nth(1).unwrap());
            vec![format!("matchexpressions: [{{key: {key}, operator: In, values: [{value}]}}]")]
        }
        SelectionForm::LabelValue | SelectionForm::Objects => Vec::new(),
    };
    let with = |text: String| {
        let mut other = service.clone();
        *other.pointer_mut(path).unwrap() = text.into();
        other
    };
    texts.into_iter().map(with).collect()
}

/// Returns an object as its owner has it: with names and labels of the owner's choice, and without those of `render`.
fn of_owner(object: &Value, is_selected_by_label: bool) -> Value {
    let mut text = object.to_string();
    if !is_service(object) {
        text = text.replace("\"largescale.dev/pool\"", "\"example.com/role\"");
    }
    let mut theirs: Value = serde_json::from_str(&text).unwrap();
    let pool = object["metadata"]["labels"]["largescale.dev/pool"].clone();
    let labels = theirs["metadata"]["labels"].as_object_mut().unwrap();
    labels.retain(|key, _| !key.starts_with("largescale.dev/"));
    if is_service(object) {
        if is_selected_by_label {
            labels.insert("example.com/role".to_owned(), pool);
        }
        theirs["spec"]["clusterIP"] = "10.0.0.1".into();
        theirs["spec"]["ports"][0]["nodePort"] = 30001.into();
        theirs["status"] = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.77"}]}});
    }
    theirs
}

/// Returns the objects of an owner whose additional objects select the nodes: with other names, and with `matchLabels`.
fn with_objects_of_owner(rendered: &[Value]) -> Vec<Value> {
    let by_label = |object: &Value| object["spec"].get("serviceSelector").is_some();
    let is_selected_by_label = rendered.iter().any(by_label);
    let theirs = rendered.iter().map(|object| {
        let text = object.to_string().replace("\"web-", "\"of-");
        let mut theirs: Value = serde_json::from_str(&text).unwrap();
        if is_service(object) {
            theirs["metadata"]["name"] = object["metadata"]["name"].clone();
        }
        plain_labels(&mut theirs);
        of_owner(&theirs, is_selected_by_label)
    });
    theirs.collect()
}

/// Writes selectors with one value as `matchLabels`.
fn plain_labels(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(plain_labels),
        Value::Object(fields) => {
            if let Some(expressions) = fields.remove("matchExpressions") {
                let expression = &expressions[0];
                let key = expression["key"].as_str().unwrap();
                fields.insert("matchLabels".to_owned(), json!({key: expression["values"][0]}));
            }
            fields.values_mut().for_each(plain_labels);
        }
        _ => {}
    }
}

/// Returns the estates of a platform: each has a Service for each pool, with the binding in one form.
fn estates(platform: &Platform, rendered: &[Value]) -> Vec<Vec<Value>> {
    let services: Vec<&Value> = rendered.iter().filter(|object| is_service(object)).collect();
    if services.len() < rendered.len() {
        return vec![with_objects_of_owner(rendered)];
    }
    let forms = services.iter().map(|service| other_forms(platform, service)).collect::<Vec<_>>();
    let count = forms.iter().map(Vec::len).min().unwrap();
    let as_rendered = services.iter().map(|service| of_owner(service, false)).collect();
    std::iter::once(as_rendered)
        .chain((0..count).map(|index| forms.iter().map(|of| of_owner(&of[index], false)).collect()))
        .collect()
}

/// An estate that was adopted.
struct Adopted {
    before: Vec<Value>,
    after: Vec<Value>,
    /// The rendered directory, inside the environment.
    rendered: String,
}

/// Adopts the objects of an estate with the nodes in `nodes.json`, and renders them.
fn adopt(
    environment: &Environment,
    platform: &Platform,
    label: &str,
    index: usize,
    before: Vec<Value>,
) -> Result<Adopted, String> {
    let (file, directory) = (format!("live-{index}.json"), format!("adopted-{index}"));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": before});
    fs::write(environment.path().join(&file), list.to_string()).unwrap();
    let mut init = vec!["init", &directory, "--from", &file, "--nodes", "nodes.json"];
    init.extend(["--platform", &platform.name, "--label", label]);
    if environment.path().join("cloud.json").exists() {
        init.extend(["--cloud-config", "cloud.json"]);
    }
    let run = |arguments: &[&str]| {
        let output = environment.program(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    };
    run(&init)?;
    run(&["render", "-f", &directory])?;
    let rendered = format!("{directory}/rendered");
    let after = fs::read_dir(environment.path().join(&rendered))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .map(|text| yaml::read_one("tree", &text).unwrap().value)
        .collect();
    Ok(Adopted { before, after, rendered })
}

/// Renders the project of a platform, and adopts each of its estates.
fn adopted(platform: &Platform, wrong: &mut String) -> (Environment, Vec<Adopted>) {
    let name = &platform.name;
    let environment = project(platform);
    assert!(environment.program(&["render"]).status.success(), "{name}");
    let mut all = Vec::new();
    for (index, before) in estates(platform, &tree(&environment)).into_iter().enumerate() {
        match adopt(&environment, platform, label_of(platform), index, before) {
            Ok(one) => all.push(one),
            Err(said) => {
                let _ = writeln!(wrong, "{name}: {said}");
            }
        }
    }
    (environment, all)
}

#[test]
fn adopted_services_keep_their_nodes_on_every_platform() {
    let mut wrong = String::new();
    let mut seen = 0;
    for platform in platforms().filter(|platform| !is_refused(platform)) {
        let name = &platform.name;
        for adopted in adopted(&platform, &mut wrong).1 {
            let (old, new) = (chosen(&platform, &adopted.before), chosen(&platform, &adopted.after));
            if old != new {
                let _ = writeln!(wrong, "{name}: {old:?}, after {new:?}");
            }
            // No object of the platform is rendered beside those of the owner.
            let others = |objects: &[Value]| objects.iter().filter(|object| !is_service(object)).count();
            assert_eq!(others(&adopted.before), others(&adopted.after), "{name}");
            for path in platform.binding.added_paths() {
                let values = |objects: &[Value]| -> BTreeMap<String, Option<Value>> {
                    let services = objects.iter().filter(|object| is_service(object));
                    services.map(|it| (name_of(it).to_owned(), it.pointer(path).cloned())).collect()
                };
                let (old, new) = (values(&adopted.before), values(&adopted.after));
                if old != new {
                    let _ = writeln!(wrong, "{name}: {path}: {old:?}, after {new:?}");
                }
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(seen >= 30, "only {seen} estates");
}

/// Writes objects as the files of a rendered directory. The programs with the providers' code find the pools of Services by
/// the labels of `render`, which no provider reads.
fn as_directory(environment: &Environment, name: &str, adopted: &Adopted) -> PathBuf {
    let folder = environment.path().join(name);
    fs::create_dir(&folder).unwrap();
    for (index, object) in adopted.before.iter().enumerate() {
        let mut object = object.clone();
        let same = |after: &&Value| is_service(after) && name_of(after) == name_of(&object);
        if let Some(after) = adopted.after.iter().find(same).filter(|_| is_service(&object)) {
            for key in ["largescale.dev/pool", "largescale.dev/service"] {
                object["metadata"]["labels"][key] = after["metadata"]["labels"][key].clone();
            }
        }
        fs::write(folder.join(format!("{index}.yaml")), object.to_string()).unwrap();
    }
    folder
}

/// Returns the nodes that the provider's code chooses for each Service of a directory.
fn chosen_by_provider(
    program: &PathBuf,
    platform: &Platform,
    environment: &Environment,
    tree: PathBuf,
) -> Chosen {
    let mut command = Command::new(program);
    command.args([&platform.name, "--label", label_of(platform)]).arg("--tree").arg(tree);
    command.arg("--nodes").arg(environment.path().join("candidates.json"));
    let output = environment.run(command);
    // A line for each Service: `web-blue pool=blue nodes=blue-0,blue-1`.
    let text = String::from_utf8(output.stdout).unwrap();
    let of = |line: &str| {
        let (service, nodes) = (line.split(' ').next().unwrap(), line.rsplit('=').next().unwrap());
        (service.to_owned(), nodes.split(',').map(str::to_owned).collect())
    };
    let chosen: Chosen = text.lines().map(of).collect();
    assert!(!chosen.is_empty(), "{}: {}", platform.name, String::from_utf8_lossy(&output.stderr));
    chosen
}

#[test]
fn the_code_of_providers_chooses_the_same_nodes_before_and_after() {
    let Some(program) = provider_binding() else { return };
    let mut wrong = String::new();
    for provider in listed(&program) {
        let platform = read_builtin(provider["platform"].as_str().unwrap()).unwrap().unwrap();
        let name = &platform.name;
        let (environment, all) = adopted(&platform, &mut wrong);
        assert!(!all.is_empty(), "{wrong}");
        // Some of the code runs after, and some before the nodes with the exclude label are left out.
        let mut candidates = nodes(&platform);
        candidates["items"]
            .as_array_mut()
            .unwrap()
            .retain(|node| node["metadata"]["labels"].get(EXCLUDE).is_none());
        fs::write(environment.path().join("candidates.json"), candidates.to_string()).unwrap();
        let names: BTreeSet<&str> = candidates["items"].as_array().unwrap().iter().map(name_of).collect();
        for (index, adopted) in all.iter().enumerate() {
            let before = as_directory(&environment, &format!("before-{index}"), adopted);
            let after = environment.path().join(&adopted.rendered);
            let nodes = |tree| chosen_by_provider(&program, &platform, &environment, tree);
            let (old, new) = (nodes(before), nodes(after));
            // The provider and the platform file agree, so no estate selects all nodes before and after.
            let mut expected = chosen(&platform, &adopted.before);
            for nodes in expected.values_mut() {
                nodes.retain(|node| names.contains(node.as_str()));
            }
            if old != new || old != expected {
                let _ = writeln!(wrong, "{name}: {old:?}, after {new:?}, expected {expected:?}");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Returns what the Azure provider reports about each Service of a directory: its load balancer and the number of machines.
/// Fails if the machines are not exactly those of the pool.
fn bound_by_azure(
    provider: &AzureProvider,
    environment: &Environment,
    test: &str,
    tree: &str,
) -> Vec<String> {
    let mut variables = vec![("LARGESCALE_TREE", tree), ("LARGESCALE_NODES", "nodes.json")];
    if environment.path().join("cloud.json").exists() {
        variables.push(("LARGESCALE_CLOUD_CONFIG", "cloud.json"));
    }
    let (passed, said) = provider.run(test, environment, &variables);
    assert!(passed && said.contains(&format!("--- PASS: {test}")), "{tree}: {said}");
    let of_service = said.lines().filter_map(|line| line.split_once(".go:")?.1.split_once(": "));
    let mut lines: Vec<String> =
        of_service.map(|(_, text)| text.to_lowercase()).filter(|text| text.contains("machines")).collect();
    lines.sort();
    lines
}

#[test]
fn the_code_of_azure_chooses_the_same_machines_before_and_after() {
    let Some(provider) = azure_provider() else { return };
    for (name, test, arguments) in [
        ("azure-basic", "TestRenderedServices", &["render"][..]),
        (
            "azure-multi-slb",
            "TestRenderedMultipleStandardLoadBalancers",
            &["render", "--cloud-config", "cloud.json"],
        ),
    ] {
        let platform = read_builtin(name).unwrap().unwrap();
        let environment = Environment::with(std::path::Path::new("/nonexistent"));
        let balancers = if name == "azure-basic" { json!({}) } else { json!({"pool0": "kubernetes"}) };
        let spec = json!({
            "apiVersion": "largescale.dev/v1alpha1", "kind": "LargeScale", "metadata": {"name": "web"},
            "spec": {"manifests": ["web.yaml"], "platform": name, "nodes": "nodes.json",
                "pools": {"label": "agentpool", "loadBalancers": balancers}, "settings": settings(&platform)}
        });
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}});
        for (file, text) in [
            ("largescale.yaml", spec.to_string()),
            ("web.yaml", service.to_string()),
            ("nodes.json", acs_engine_nodes(3, 2)),
        ] {
            fs::write(environment.path().join(file), text).unwrap();
        }
        let output = environment.program(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut estates = estates(&platform, &tree(&environment));
        // The test of configurations compares the name with the annotation, letter by letter. A list of VM sets, which earlier
        // versions read, is one name to this version, so such a Service has no load balancer before and after.
        estates.truncate(if name == "azure-multi-slb" { 1 } else { 2 });
        for (index, before) in estates.into_iter().enumerate() {
            let adopted = adopt(&environment, &platform, "agentpool", index, before)
                .unwrap_or_else(|said| panic!("{name}, estate {index}: {said}"));
            let folder = format!("before-{index}");
            as_directory(&environment, &folder, &adopted);
            let old = bound_by_azure(&provider, &environment, test, &folder);
            let new = bound_by_azure(&provider, &environment, test, &adopted.rendered);
            assert_eq!((old.len(), &old), (3, &new), "{name}, estate {index}");
        }
    }
}
