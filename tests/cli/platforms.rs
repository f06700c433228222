//! Compares docs/platforms.md with the platform files. A platform is called verified only if the provider's own
//! code has run on rendered Services. `UPDATE_DOCS=1` updates the generated parts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use largescale::core::platform::{
    AnswersWith, ControlPlaneBackends, ExcludeLabel, Level, LimitName, Platform, PlatformSpec, Relief,
    builtin_names, distributions, read_builtin,
};
use serde::Deserialize;
use serde_json::Value;

use crate::drift::{separator, table};
use crate::environment::checkout;

const PAGE: &str = "docs/platforms.md";

/// What the tests run for a platform: module with version, and functions.
#[derive(Deserialize)]
struct Proof {
    platform: String,
    module: String,
    functions: Vec<String>,
    by: String,
}

fn proofs() -> BTreeMap<String, Proof> {
    let text = fs::read_to_string(checkout().join("tests/proofs.json")).unwrap();
    let list: Vec<Proof> = serde_json::from_str(&text).unwrap();
    list.into_iter().map(|proof| (proof.platform.clone(), proof)).collect()
}

fn platforms() -> Vec<Platform> {
    builtin_names().map(|name| read_builtin(name).unwrap().unwrap()).collect()
}

#[test]
fn the_table_of_platforms() {
    let proofs = proofs();
    for name in proofs.keys() {
        assert!(builtin_names().any(|known| known == name), "tests/proofs.json names {name}");
    }
    let rows: String = platforms()
        .iter()
        .map(|platform| {
            let name = &platform.name;
            let how = match (&platform.spec.refused, added(platform)) {
                (Some(_), _) => "it cannot: only `workload.perPool`".to_owned(),
                (None, fields) => fields.join(", "),
            };
            let verified = match (proofs.get(name), &platform.spec.refused) {
                (Some(proof), _) => format!("the provider's code: {}", proof.module),
                (None, Some(_)) => "nothing to verify".to_owned(),
                (None, None) => "documented only".to_owned(),
            };
            format!("| [`{name}`](#{name}) | {} | {how} | {verified} |\n", platform.spec.title)
        })
        .collect();
    let headings = ["platform", "what it is", "how a Service chooses its nodes", "verified by"];
    separator(PAGE, "table", &table(&headings, &rows));
}

#[test]
fn the_table_of_distributions() {
    let rows: String = distributions()
        .iter()
        .map(|distribution| {
            let labels: Vec<String> =
                distribution.pool_labels.iter().map(|label| format!("`{label}`")).collect();
            let notes: Vec<&str> =
                distribution.late.iter().chain(&distribution.note).map(String::as_str).collect();
            format!(
                "| {} | {} | {} | {} |\n",
                distribution.title,
                labels.join(", "),
                notes.join("; "),
                distribution.sources.join("; ")
            )
        })
        .collect();
    separator(
        PAGE,
        "distributions",
        &table(&["distribution", "pool label", "what to know", "source"], &rows),
    );
}

#[test]
fn every_platform_in_full() {
    let proofs = proofs();
    let text: String =
        platforms().iter().map(|platform| section(platform, proofs.get(&platform.name))).collect();
    separator(PAGE, "details", &text);
}

/// Returns the fields that a binding adds, and the kinds of its additional objects.
fn added(platform: &Platform) -> Vec<String> {
    let fields = platform.binding.added_paths().map(|path| {
        let key = path.rsplit('/').next().unwrap().replace("~1", "/");
        if path.starts_with("/metadata/labels/") { format!("label `{key}`") } else { format!("`{key}`") }
    });
    let kinds = platform
        .spec
        .objects
        .iter()
        .map(|object| format!("{} of each pool", object["kind"].as_str().unwrap()));
    fields.chain(kinds).collect()
}

/// Describes which nodes are behind the load balancers of a platform, and which nodes it refuses.
fn backends(spec: &PlatformSpec) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(said) = &spec.control_plane {
        let backends = match said.backends {
            ControlPlaneBackends::Never => "never behind a load balancer",
            ControlPlaneBackends::UnlessExcluded => {
                "behind load balancers as other nodes are, unless excluded"
            }
        };
        lines.push(("control-plane nodes", format!("{backends} ({})", said.source)));
    }
    let exclude = match spec.exclude_label {
        ExcludeLabel::Value => "leaves a node out, unless its value is false",
        ExcludeLabel::Presence => "leaves a node out, whatever its value",
        ExcludeLabel::Ignored => "has no effect",
    };
    lines.push(("the exclude label", exclude.to_owned()));
    for rule in &spec.recognize.rejects {
        let sign = match (&rule.label, &rule.matches, &rule.provider_id) {
            (Some(label), Some(pattern), _) => {
                format!("the label `{label}`, whose value matches `{pattern}`,")
            }
            (Some(label), None, _) => format!("the label `{label}`"),
            (None, _, id) => {
                format!("a provider ID that begins with `{}`", id.as_deref().unwrap_or_default())
            }
        };
        lines.push(("refused", format!("a node with {sign} is {}", rule.because)));
    }
    lines
}

fn section(platform: &Platform, proof: Option<&Proof>) -> String {
    let spec = &platform.spec;
    let mut out = format!("### {}\n\n{}\n\n", platform.name, spec.title);
    let mut line = |what: &str, text: String| {
        let _ = writeln!(out, "- {what}: {text}");
    };
    if let Some(refused) = &spec.refused {
        line("cannot choose nodes", format!("{}; {}", refused.because, refused.hint));
    }
    line("choose it if", spec.choose.clone());
    if !spec.pool_labels.is_empty() {
        line("pool labels", code(spec.pool_labels.iter().map(String::as_str)));
    }
    if let Some(only) = &spec.only_labels {
        line(
            "no other labels",
            format!("{}: {}", code(only.labels.iter().map(String::as_str)), only.because),
        );
    }
    for (what, text) in backends(spec) {
        line(what, text);
    }
    for (what, operations) in [("each pool's Service", &spec.binding), ("`internal: true`", &spec.internal)] {
        for operation in operations {
            let path = operation["path"].as_str().unwrap().replace("~1", "/");
            let field = path.trim_start_matches("/metadata/").trim_start_matches('/').replacen('/', ": ", 1);
            line(what, format!("`{field}: {}`", shown(&operation["value"])));
        }
    }
    if let Some(instead) = &spec.internal_instead {
        line("no `internal: true`", instead.clone());
    }
    if spec.answers_with == AnswersWith::Name {
        line("its load balancers answer with", "a name instead of an address ([DNS](dns.md))".to_owned());
    }
    for object in &spec.objects {
        line(
            "for each pool",
            format!("{} {}", object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap()),
        );
    }
    for setting in &spec.settings {
        line(&format!("`spec.settings.{}`", setting.name), setting.title.clone());
    }
    if let Some(said) = &spec.per_pool {
        let relief = match said.relieves {
            Relief::Full => "relieves the limit",
            Relief::None => "does not relieve the limit",
        };
        line("`workload.perPool`", format!("{relief}: {}", said.because));
    }
    for (name, limit) in &spec.limits.0 {
        let note = limit.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
        line(&format!("limit, {}", limit_name(*name)), format!("{} ({}{note})", limit.value, limit.source));
    }
    for rule in &spec.refuses {
        line(level(rule.level), format!("`{}` {}", last(&rule.path), rule.because));
    }
    for rule in &spec.requires {
        let fields: Vec<String> = rule.any_of.iter().map(|path| last(path)).collect();
        line(
            level(rule.level),
            format!("there is no {}, {}", code(fields.iter().map(String::as_str)), rule.because),
        );
    }
    for sentence in &spec.unverified {
        line("not verified", sentence.clone());
    }
    if let Some(proof) = proof {
        line(
            "verified by",
            format!(
                "{} with {}: {}",
                proof.by,
                proof.module,
                code(proof.functions.iter().map(String::as_str))
            ),
        );
    }
    for source in &spec.sources {
        line("source", source.clone());
    }
    out.push('\n');
    out
}

fn code<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap().replace("~1", "/")
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

fn limit_name(name: LimitName) -> String {
    serde_json::to_value(name).unwrap().as_str().unwrap().to_owned()
}
