//! What a platform file says, in lines for people: `kubectl largescale platforms NAME` and docs/platforms.md show them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::platform::protocols::{ProtocolRule, Together};
use crate::core::platform::{
    AnswersWith, Backends, Condition, ControlPlaneBackends, ExcludeLabel, Grade, Level, Lookalike,
    NodeRefusal, NotBackend, Platform, PlatformSpec, Proof, Refusal, Relief, SelectionForm,
};
use crate::core::pointer;

/// A line about a platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What the line is about.
    pub about: String,
    /// A clause, with names in backquotes.
    pub text: String,
}

/// Returns the lines about a platform, except for its title and its overlays.
pub fn facts(platform: &Platform) -> Vec<Fact> {
    let spec = &platform.spec;
    let mut facts = Facts::default();
    facts.add("proof", proof(spec.proof.as_ref()));
    if let Some(refused) = &spec.refused {
        facts.add("cannot choose nodes", format!("{}; {}", refused.because, refused.hint));
    }
    facts.add("choose it if", spec.choose.clone());
    of_nodes(spec, &mut facts);
    of_binding(spec, &mut facts);
    of_services(spec, &mut facts);
    for sentence in &spec.notes {
        facts.add("note", sentence.clone());
    }
    for sentence in &spec.unverified {
        facts.add("not verified", sentence.clone());
    }
    for source in &spec.sources {
        facts.add("source", source.clone());
    }
    facts.0
}

/// Returns what selects the nodes of a load balancer, in a few words; `None` if nothing does.
pub fn selects(spec: &PlatformSpec) -> Option<String> {
    let selection = spec.selection.as_ref().filter(|_| spec.refused.is_none())?;
    let path = selection.path.as_deref().unwrap_or_default();
    Some(match &selection.objects {
        Some(objects) if selection.form == SelectionForm::Objects => objects.kind.clone(),
        _ if path.starts_with("/metadata/annotations/") => "annotation".to_owned(),
        _ if path.starts_with("/metadata/labels/") => "label".to_owned(),
        _ => pointer::field(path),
    })
}

/// Returns the protocols that some load balancer of the platform has; `None` if they are unknown.
pub fn protocols(spec: &PlatformSpec) -> Option<Vec<&'static str>> {
    let mut names: Vec<&str> = Vec::new();
    for protocol in spec.protocols.iter().flat_map(|rule| &rule.has) {
        if !names.contains(&protocol.name()) {
            names.push(protocol.name());
        }
    }
    (!names.is_empty()).then_some(names)
}

#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, about: &str, text: impl Into<String>) {
        self.0.push(Fact { about: about.to_owned(), text: text.into() });
    }
}

fn proof(proof: Option<&Proof>) -> String {
    let Some(proof) = proof else { return "none: the platform file has no `spec.proof`".to_owned() };
    let functions = || code(proof.functions.iter().map(String::as_str));
    match proof.grade {
        Grade::Tested => format!(
            "tested: {} runs {} of {}",
            proof.by.as_deref().unwrap_or_default(),
            functions(),
            proof.source
        ),
        Grade::Executed => format!(
            "executed on {}: {} of {} ran by hand on rendered Services: {}",
            proof.date.as_deref().unwrap_or_default(),
            functions(),
            proof.source,
            proof.result.as_deref().unwrap_or_default()
        ),
        Grade::Documented => format!("documented: read in {}; no code was run", proof.source),
    }
}

/// Which nodes are in a pool and behind its load balancer, and which nodes the platform refuses.
fn of_nodes(spec: &PlatformSpec, facts: &mut Facts) {
    if !spec.pool_labels.is_empty() {
        facts.add("pool labels", code(spec.pool_labels.iter().map(String::as_str)));
    }
    if let Some(only) = &spec.only_labels {
        let labels = code(only.labels.iter().map(String::as_str));
        facts.add("no other labels", format!("{labels}: {}", only.because));
    }
    if spec.backends == Backends::Pods {
        facts.add("backends", "pods: no limit of nodes applies");
        return;
    }
    if let Some(said) = &spec.control_plane {
        let backends = match said.backends {
            ControlPlaneBackends::Never => "never behind a load balancer",
            ControlPlaneBackends::UnlessExcluded => {
                "behind load balancers as other nodes are, unless excluded"
            }
        };
        facts.add("control-plane nodes", format!("{backends} ({})", said.source));
    }
    let exclude = match spec.exclude_label {
        ExcludeLabel::Value => {
            "leaves a node out, unless its value is false; controllers built before Kubernetes 1.34 ignore the value"
        }
        ExcludeLabel::Presence => "leaves a node out, whatever its value",
        ExcludeLabel::Ignored => "has no effect",
    };
    facts.add("the exclude label", exclude);
    for rule in &spec.not_backends {
        facts.add("left out", format!("a node with {}: {}", left_out(rule), rule.because));
    }
    for rule in &spec.refuses_nodes {
        facts.add(level(rule.level), format!("a node of a pool with {}, {}", unfit(rule), rule.because));
    }
    for rule in &spec.recognize.rejects {
        facts.add("refused", format!("a node with {} is {}", sign(rule), rule.because));
    }
}

fn left_out(rule: &NotBackend) -> String {
    if let Some(prefix) = &rule.provider_id {
        return format!("a provider ID that begins with `{prefix}`");
    }
    if let Some(taint) = &rule.taint {
        return format!("the taint `{taint}`");
    }
    let label = rule.label.as_deref().unwrap_or_default();
    match (&rule.value, &rule.other_than) {
        (_, Some(wanted)) => format!("another label than `{label}={wanted}`"),
        (Some(value), None) => format!("the label `{label}={value}`"),
        (None, None) => format!("the label `{label}`"),
    }
}

fn unfit(rule: &NodeRefusal) -> String {
    match (&rule.tainted_except, &rule.label, &rule.value) {
        (Some(known), ..) => format!("a taint other than {}", code(known.iter().map(String::as_str))),
        (None, Some(label), Some(value)) => format!("the label `{label}={value}`"),
        (None, label, _) => format!("the label `{}`", label.as_deref().unwrap_or_default()),
    }
}

fn sign(rule: &Lookalike) -> String {
    match (&rule.label, &rule.matches, &rule.provider_id) {
        (Some(label), Some(pattern), _) => format!("the label `{label}`, whose value matches `{pattern}`,"),
        (Some(label), None, _) => format!("the label `{label}`"),
        (None, _, id) => format!("a provider ID that begins with `{}`", id.as_deref().unwrap_or_default()),
    }
}

/// What the binding writes, and the settings and limits that belong to it.
fn of_binding(spec: &PlatformSpec, facts: &mut Facts) {
    for (about, operations) in [("each pool's Service", &spec.binding), ("`internal: true`", &spec.internal)]
    {
        for operation in operations {
            let path = operation["path"].as_str().unwrap_or_default().replace("~1", "/");
            let field = path.trim_start_matches("/metadata/").trim_start_matches('/').replacen('/', ": ", 1);
            facts.add(about, format!("`{field}: {}`", shown(&operation["value"])));
        }
    }
    if let Some(instead) = &spec.internal_instead {
        facts.add("no `internal: true`", instead.clone());
    }
    if let Some(needs) = &spec.internal_needs {
        facts.add("`internal: true` needs", needs.clone());
    }
    if spec.answers_with == AnswersWith::Name {
        facts.add("its load balancers answer with", "a name instead of an address (docs/dns.md)");
    }
    for object in &spec.objects {
        let text = |key: &str| object[key].as_str().unwrap_or_default();
        facts.add("for each pool", format!("{} {}", text("apiVersion"), text("kind")));
    }
    for setting in &spec.settings {
        facts.add(&format!("`spec.settings.{}`", setting.name), setting.title.clone());
    }
    if let Some(said) = &spec.per_pool {
        let relief = match said.relieves {
            Relief::Full => "relieves the limit",
            Relief::None => "does not relieve the limit",
        };
        facts.add("`workload.perPool`", format!("{relief}: {}", said.because));
    }
    if let Some(shards) = &spec.shards {
        facts
            .add("`spec.shards`", format!("{}: {} ({})", shards.give.words(), shards.because, shards.source));
    }
    for (name, limit) in &spec.limits.0 {
        let note = limit.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
        facts.add(&format!("limit, {}", name.key()), format!("{} ({}{note})", limit.value, limit.source));
    }
    if let Some(source) = &spec.ports_filled_in_order {
        facts.add("above the limit of targets", source.clone());
    }
    if let Some(serial) = &spec.serial_updates {
        facts.add("one Service after the other", format!("{} s each ({})", serial.seconds, serial.source));
    }
}

/// What the program checks in Services.
fn of_services(spec: &PlatformSpec, facts: &mut Facts) {
    for rule in &spec.protocols {
        facts.add("protocols", protocol_rule(rule));
    }
    if !spec.address_annotations.is_empty() {
        let keys = code(spec.address_annotations.iter().map(String::as_str));
        facts.add("one address for each pool", keys);
    }
    let mut written: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for field in &spec.written {
        written.entry(&field.source).or_default().push(last(&field.path));
    }
    for (source, names) in written {
        let names = code(names.iter().map(String::as_str));
        facts.add("left out by init", format!("{names}, which the controller writes ({source})"));
    }
    for rule in &spec.refuses {
        facts.add(level(rule.level), format!("`{}` {}", refused_field(rule), rule.because));
    }
    for rule in &spec.requires {
        let fields: Vec<String> = rule.any_of.iter().map(|path| last(path)).collect();
        let fields = code(fields.iter().map(String::as_str));
        facts.add(level(rule.level), format!("there is no {fields}, {}", rule.because));
    }
}

fn protocol_rule(rule: &ProtocolRule) -> String {
    let names: Vec<&str> = rule.has.iter().map(|protocol| protocol.name()).collect();
    let together = match rule.together {
        Together::Any => "",
        Together::OnOtherPorts => ", one for each port number",
        Together::Never => ", one for each Service",
    };
    let when: Vec<String> = rule.when.iter().map(condition).collect();
    let when = if when.is_empty() { String::new() } else { format!(" with {}", when.join(" and ")) };
    format!("{}{together}{when} ({}); otherwise {}", names.join(", "), rule.source, rule.because)
}

fn condition(condition: &Condition) -> String {
    format!("`{}` matching `{}`", last(&condition.path), condition.matches)
}

fn refused_field(rule: &Refusal) -> String {
    match &rule.keys {
        Some(keys) => keys.clone(),
        None if rule.path.contains("/*") => pointer::field(&rule.path.replace("/*", "")),
        None => last(&rule.path),
    }
}

/// Returns the severity, for rules about the Service of any pool and about the manifests.
fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

fn code<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn last(path: &str) -> String {
    pointer::keys(path).last().unwrap_or_default().into_owned()
}
