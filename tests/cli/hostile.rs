//! Hostile text in every input, on a pseudo-terminal: no command may pass its control characters to the terminal.

use std::fs;
use std::path::Path;

use largescale::core::platform::builtin_text;
use largescale::core::yaml;
use serde_json::{Value, json};

use crate::environment::{Environment, checkout};

/// Moves the cursor, sets a title, hides a line, types into the shell (DECRQSS), reverses text. C0, C1, DEL and bidi.
const HOSTILE: &str =
    "x\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{90}$q\u{9c}\u{8}\u{7f}\u{202e}\u{2066}\u{85}\u{2028}\u{feff}\rz";

/// Every command that needs no cluster, and those that need one: they fail after they read the directory.
const COMMANDS: &[&str] = &[
    "pools",
    "pools -o wide",
    "pools -o name",
    "pools -o json",
    "pools -o yaml",
    "render --check",
    "render --check -o json",
    "diff",
    "diff -o json",
    "diff -o name",
    "diff -o markdown",
    "render --no-git",
    "render --no-git -o name",
    "capacity",
    "capacity -o json",
    "doctor",
    "status",
    "apply --dry-run client",
    "prune --dry-run",
    "inventory list",
    "inventory view",
    "inventory verify",
    "platforms",
    "platforms -o wide",
    "platforms -o name",
    "platforms -o json",
    "platforms -o yaml",
    "platforms ./hostile-platform.yaml",
    "platforms ./hostile-platform.yaml -o wide",
    "platforms ./hostile-platform.yaml -o name",
    "platforms ./hostile-platform.yaml -o json",
    "platforms ./hostile-platform.yaml -o yaml",
    "init --from hostile.yaml --dry-run",
    "init -d other --from hostile.yaml --nodes nodes.json",
    "capacity --model model.json",
    "model grow model.json --nodes 9",
    "render --recursive --file .",
];

/// Every other output: its name, and a shell line that prints it. A new output of the program is covered by a line here.
/// `tests/cli/foreign_text.rs` checks that Markdown and commit messages keep their structure, `tests/cli/messages.rs` the
/// formats of messages, `src/core/status/zone.rs` the zone file.
const OUTPUTS: &[(&str, &str)] = &[
    ("errors and notes", "kubectl largescale render --check 2>&1 >/dev/null"),
    ("errors as JSON", "kubectl largescale render --check --message-format json 2>&1 >/dev/null"),
    ("errors for GitHub", "kubectl largescale render --check --message-format github 2>&1 >/dev/null"),
    ("SARIF", "kubectl largescale render --check --message-format sarif 2>&1 >/dev/null"),
    ("external diff", "KUBECTL_EXTERNAL_DIFF='diff -N' kubectl largescale diff"),
    ("JSON", "kubectl largescale pools -o json"),
    ("YAML", "kubectl largescale pools -o yaml"),
    ("Markdown", "kubectl largescale diff -o markdown"),
    ("summary file", "kubectl largescale render --check --summary-file s.md >/dev/null 2>&1; cat s.md"),
    ("tree", "kubectl largescale render --no-git >/dev/null 2>&1; cat rendered/service* rendered/config*"),
    ("lock", "kubectl largescale render --no-git >/dev/null 2>&1; cat largescale.lock"),
    (
        "commit message",
        "git init -q . && git add -A && git commit -q -m start
         sed -i 's/replicas: .*/replicas: 7/' nginx.yaml; kubectl largescale render --commit --all >/dev/null 2>&1
         git log --format=%B",
    ),
    (
        "files for Argo CD",
        "git init -q . 2>/dev/null; sed -i 's/^  name: nginx$/&\\n  namespace: web/' largescale.yaml
         kubectl largescale render >/dev/null 2>&1
         kubectl largescale init --gitops argocd --repo https://example.com/a.git >/dev/null 2>&1; cat gitops/*",
    ),
    (
        "files for Flux",
        "rm -rf gitops; kubectl largescale init --gitops flux --repo https://example.com/a.git >/dev/null 2>&1
         cat gitops/*",
    ),
    (
        "cloud configuration",
        "sed 's/azure-basic/azure-multi-slb/; $a\\  output: multi' largescale.yaml > multi.yaml
         kubectl largescale render --no-git -f multi.yaml 2>&1",
    ),
    ("az commands", "kubectl largescale model grow model.json --nodes 9 --for aks 2>&1"),
    ("juju commands", "kubectl largescale model grow model.json --nodes 9 --for juju 2>&1"),
    ("grown model", "kubectl largescale model grow model.json --nodes 9 2>/dev/null"),
];

/// Puts the text into one input of a directory.
struct Input {
    name: &'static str,
    write: fn(&Path),
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let text = fs::read_to_string(path).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

fn append(path: &Path, line: &str) {
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, format!("{text}{line}\n")).unwrap();
}

/// Returns JSON in ASCII: YAML readers refuse control characters that are not escaped.
fn ascii(value: &Value) -> String {
    let escape = |c: char| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) };
    value.to_string().replace('\u{7f}', "\\u007f").chars().map(escape).collect()
}

fn quoted() -> String {
    ascii(&HOSTILE.into())
}

const INPUTS: &[Input] = &[
    Input {
        name: "label of a node",
        write: |at| {
            edit(&at.join("nodes.json"), |nodes| {
                nodes["items"][0]["metadata"]["labels"]["agentpool"] = HOSTILE.into();
            });
        },
    },
    Input {
        name: "name and provider ID of a node",
        write: |at| {
            edit(&at.join("nodes.json"), |nodes| {
                nodes["items"][0]["metadata"]["name"] = HOSTILE.into();
                nodes["items"][1]["spec"]["providerID"] = HOSTILE.into();
            });
        },
    },
    Input {
        name: "annotation and data of a manifest",
        write: |at| {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"a/b": HOSTILE}},
                "data": {"a": HOSTILE}});
            append(&at.join("nginx.yaml"), &format!("---\n{}", ascii(&object)));
        },
    },
    Input {
        name: "name and kind of a manifest",
        write: |at| {
            let object = json!({"apiVersion": HOSTILE, "kind": HOSTILE, "metadata": {"name": HOSTILE, "namespace": HOSTILE}});
            append(&at.join("nginx.yaml"), &format!("---\n{}", ascii(&object)));
        },
    },
    Input {
        name: "field of the spec",
        write: |at| append(&at.join("largescale.yaml"), &format!("  {}: 1", quoted())),
    },
    Input {
        name: "name of the spec",
        write: |at| {
            let spec = fs::read_to_string(at.join("largescale.yaml")).unwrap();
            fs::write(
                at.join("largescale.yaml"),
                spec.replace("name: nginx", &format!("name: {}", quoted())),
            )
            .unwrap();
        },
    },
    Input {
        name: "value of the lock",
        write: |at| {
            let pool = quoted();
            let lock = format!(
                "version: 2\nid: 81194976938fae26473121e1ac1131f4\nset: {{name: nginx}}\nplatform: azure-basic\nlabel: agentpool
pools:\n  {pool}: {{name: gone, vmSet: {pool}}}\nrendered: []\nfiles: {{}}\n"
            );
            fs::write(at.join("largescale.lock"), lock).unwrap();
        },
    },
    Input {
        name: "name of a file",
        write: |at| {
            fs::create_dir_all(at.join("rendered")).unwrap();
            fs::write(at.join(format!("rendered/{HOSTILE}.yaml")), "kind: Service\n").unwrap();
        },
    },
    Input {
        name: "fields of a Gateway",
        write: |at| {
            let api = "gateway.networking.k8s.io/v1";
            let gateway = json!({"apiVersion": api, "kind": "Gateway", "metadata": {"name": "edge"},
                "spec": {"gatewayClassName": HOSTILE, "infrastructure": {"annotations": {"a/b": HOSTILE}},
                    "listeners": [{"name": HOSTILE, "port": 80, "protocol": HOSTILE, "hostname": HOSTILE},
                        {"name": "b", "port": 80, "protocol": HOSTILE, "hostname": HOSTILE}]}});
            let class = json!({"apiVersion": api, "kind": "GatewayClass", "metadata": {"name": "a"},
                "spec": {"controllerName": HOSTILE}});
            let route = json!({"apiVersion": api, "kind": "HTTPRoute", "metadata": {"name": "edge"},
                "spec": {"parentRefs": [{"name": "edge"}, {"name": HOSTILE}], "hostnames": [HOSTILE]}});
            for object in [gateway, class, route] {
                append(&at.join("nginx.yaml"), &format!("---\n{}", ascii(&object)));
            }
            append(&at.join("largescale.yaml"), "  gateways: {mode: perPool, implementation: envoy-gateway}");
        },
    },
    Input {
        name: "cluster model",
        write: |at| edit(&at.join("model.json"), |model| model["properties"][HOSTILE] = HOSTILE.into()),
    },
];

fn project() -> Environment {
    let project = Environment::with(&checkout().join("tests/cases/shared"));
    let at = project.path();
    let model = json!({"apiVersion": "vlabs", "properties": {"orchestratorProfile": {"orchestratorType": "Kubernetes"},
        "masterProfile": {"count": 1, "dnsPrefix": "a", "vmSize": "Standard_D2_v2"},
        "agentPoolProfiles": [{"name": "a", "count": 3, "vmSize": "Standard_D2_v2", "availabilityProfile": "AvailabilitySet"}]}});
    fs::write(at.join("model.json"), model.to_string()).unwrap();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "annotations": {"a/b": HOSTILE, HOSTILE: "c"}},
        "spec": {"type": "LoadBalancer", "selector": {"a": HOSTILE}, "ports": [{"port": 80}]}});
    fs::write(at.join("hostile.yaml"), ascii(&service)).unwrap();
    let text = builtin_text("hetzner").unwrap();
    let mut platform = yaml::read_one("hetzner", text).unwrap().value;
    for field in ["title", "choose", "internalNeeds"] {
        platform["spec"][field] = HOSTILE.into();
    }
    platform["metadata"]["name"] = HOSTILE.into();
    platform["spec"]["proof"]["source"] = HOSTILE.into();
    platform["spec"]["notes"] = json!([HOSTILE]);
    platform["spec"]["poolLabels"] = json!([HOSTILE]);
    platform["spec"]["addressAnnotations"] = json!([HOSTILE]);
    platform["spec"]["protocols"][0]["because"] = HOSTILE.into();
    fs::write(at.join("hostile-platform.yaml"), ascii(&platform)).unwrap();
    project
}

/// Returns the characters of a terminal's input that are not text, line ends, tabs, or styles.
fn unsafe_in(shown: &str) -> Vec<char> {
    let mut rest = shown;
    let mut found = Vec::new();
    while let Some(next) = rest.chars().next() {
        rest = &rest[next.len_utf8()..];
        if next == '\u{1b}'
            && let Some(style) = rest.strip_prefix('[')
            && let Some(end) = style.find(|c: char| !c.is_ascii_digit() && c != ';')
            && style[end..].starts_with('m')
        {
            rest = &style[end + 1..];
            continue;
        }
        let is_plain = matches!(next, '\n' | '\t' | '\r') || !next.is_control();
        let is_hidden = matches!(next, '\u{202e}' | '\u{2066}' | '\u{2028}' | '\u{feff}');
        if !is_plain || is_hidden {
            found.push(next);
        }
    }
    found
}

#[test]
fn no_input_controls_the_terminal() {
    for input in INPUTS {
        let project = project();
        (input.write)(project.path());
        let mut is_quoted = false;
        for command in COMMANDS {
            // `script` runs the program at a pseudo-terminal, which gives it colors.
            let output =
                project.line(&format!("TERM=xterm script -qec 'kubectl largescale {command}' /dev/null"));
            let shown = String::from_utf8_lossy(&output.stdout);
            let found = unsafe_in(&shown);
            assert!(found.is_empty(), "{}: {command}: {found:?} in\n{shown:?}", input.name);
            is_quoted |= ["%1B[2J", "\\u001b[2J", "\\e[2J"].iter().any(|escaped| shown.contains(escaped));
        }
        // Otherwise the test would show nothing.
        assert!(is_quoted, "{}: no command quotes it", input.name);
    }
}

#[test]
fn no_output_contains_control_characters() {
    for input in INPUTS {
        let project = project();
        (input.write)(project.path());
        for (output, line) in OUTPUTS {
            let shown = project.line(line).stdout;
            // Carriage returns may only come from a pseudo-terminal, and styles only from a terminal.
            let shown = String::from_utf8_lossy(&shown);
            let found: Vec<char> = shown.chars().filter(|c| matches!(c, '\u{1b}' | '\r')).collect();
            assert!(found.is_empty(), "{}: {output}: {found:?} in\n{shown:?}", input.name);
            let found = unsafe_in(&shown);
            assert!(found.is_empty(), "{}: {output}: {found:?} in\n{shown:?}", input.name);
        }
    }
    // Without hostile text, each output has a text.
    let project = project();
    for (output, line) in OUTPUTS.iter().filter(|(output, _)| !output.contains("errors")) {
        let shown = project.line(line).stdout;
        assert!(!shown.is_empty(), "{output} has no text");
    }
}

#[test]
fn a_check_finds_what_it_looks_for() {
    assert_eq!(unsafe_in("a\u{1b}[31mb\u{1b}[0m\r\n\t"), []);
    assert_eq!(unsafe_in("\u{1b}[2J"), ['\u{1b}']);
    assert_eq!(unsafe_in("\u{9b}31m\u{8}\u{202e}"), ['\u{9b}', '\u{8}', '\u{202e}']);
}
