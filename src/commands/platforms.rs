//! `platforms`: lists the platforms and how each was proven, or shows one.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::core::json;
use crate::core::overlay;
use crate::core::platform::{
    Fact, LimitName, Platform, builtin_names, facts, protocols, read_builtin, selects,
};
use crate::core::report::diagnostic::Checked;
use crate::core::report::escape::in_comment;
use crate::core::yaml;
use crate::directory::NamedPlatform;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::Format;
use crate::output::{format, terminal};

/// List the platforms and how each was proven, or show one
///
/// PROOF is `tested` if the tests of this program run the provider's code on rendered Services, `executed` if that code was run by
/// hand, and `documented` if its code or documents were only read. SELECTS is the part of a Service that selects the nodes of its
/// load balancer. With a name, the command shows the binding, the limits, the overlays and the proof of one platform. `-o yaml`
/// then prints the platform file, which you can save and change. The command needs no cluster and writes no files.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # List the built-in platforms
  kubectl largescale platforms

  # Show the binding, limits, overlays and proof of a platform
  kubectl largescale platforms hetzner

  # Save a platform file to change it, then check the new file
  kubectl largescale platforms hetzner -o yaml > my-platform.yaml
  kubectl largescale platforms ./my-platform.yaml")]
pub struct Args {
    /// Name of a built-in platform, or path of a platform file [default: list all]
    #[arg(value_name = "PLATFORM")]
    platform: Option<String>,
    /// Output format [default: a table, or lines for one platform]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
}

/// Prints the platforms.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let text = match &args.platform {
        Some(name) => one(&NamedPlatform::read(name)?, args.output),
        None => all(&builtin()?, args.output),
    };
    terminal::data(&text)?;
    Ok(Exit::Success)
}

fn builtin() -> Checked<Vec<Platform>> {
    builtin_names().filter_map(read_builtin).collect()
}

fn one(named: &NamedPlatform, output: Option<Format>) -> String {
    let platform = &named.platform;
    match output {
        None => lines(platform),
        Some(Format::Wide) => table(std::slice::from_ref(platform), &WIDE),
        Some(Format::Name) => names(std::slice::from_ref(platform)),
        Some(Format::Json) => format::pretty(&named.document),
        Some(Format::Yaml) => yaml::write_object(&named.document),
    }
}

fn all(platforms: &[Platform], output: Option<Format>) -> String {
    match output {
        None => table(platforms, &["NAME", "PROOF", "SELECTS", "TITLE"]),
        Some(Format::Wide) => table(platforms, &WIDE),
        Some(Format::Name) => names(platforms),
        Some(Format::Json) => format::pretty(&listed(platforms)),
        Some(Format::Yaml) => yaml::write_object(&listed(platforms)),
    }
}

const WIDE: [&str; 7] = ["NAME", "PROOF", "SELECTS", "LIMIT", "PROTOCOLS", "TITLE", "PROVEN WITH"];

fn names(platforms: &[Platform]) -> String {
    platforms.iter().fold(String::new(), |mut out, platform| {
        let _ = writeln!(out, "{}", in_comment(&platform.name));
        out
    })
}

fn table(platforms: &[Platform], headings: &[&str]) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let rows: Vec<Vec<String>> = platforms
        .iter()
        .map(|platform| {
            let spec = &platform.spec;
            let limit = spec.limits.0.get(&LimitName::NodesPerLoadBalancer);
            headings
                .iter()
                .map(|heading| match *heading {
                    "NAME" => platform.name.clone(),
                    "PROOF" => or_none(spec.proof.as_ref().map(|proof| proof.grade.word().to_owned())),
                    "SELECTS" => or_none(selects(spec)),
                    "LIMIT" => or_none(limit.map(|limit| limit.value.to_string())),
                    "PROTOCOLS" => or_none(protocols(spec).map(|names| names.join(","))),
                    "TITLE" => spec.title.clone(),
                    _ => or_none(spec.proof.as_ref().map(|proof| proof.source.clone())),
                })
                .collect()
        })
        .collect();
    terminal::table(headings, &rows)
}

/// Returns the lines about one platform, with aligned texts.
fn lines(platform: &Platform) -> String {
    let mut lines = vec![
        Fact { about: "name".to_owned(), text: platform.name.clone() },
        Fact { about: "title".to_owned(), text: platform.spec.title.clone() },
    ];
    lines.extend(facts(platform));
    let overlays: Vec<String> = overlays(platform).map(|name| format!("`{name}`")).collect();
    lines.push(Fact { about: "overlays".to_owned(), text: overlays.join(", ") });
    let width = lines.iter().map(|fact| fact.about.len()).max().unwrap_or_default() + 1;
    lines.iter().fold(String::new(), |mut out, fact| {
        let about = format!("{}:", in_comment(&fact.about));
        let _ = writeln!(out, "{about:width$} {}", in_comment(&fact.text));
        out
    })
}

/// Returns the built-in overlays that support a platform.
fn overlays(platform: &Platform) -> impl Iterator<Item = &'static str> {
    overlay::builtin_names().filter(|name| {
        overlay::read_builtin(name)
            .and_then(Result::ok)
            .is_some_and(|overlay| overlay.check_platform(&platform.name).is_ok())
    })
}

fn listed(platforms: &[Platform]) -> Value {
    let items: Vec<Value> = platforms
        .iter()
        .map(|platform| {
            let spec = &platform.spec;
            let mut item = json!({
                "name": platform.name,
                "title": spec.title,
                "binding": spec.binding,
                "limits": spec.limits,
                "overlays": overlays(platform).collect::<Vec<_>>(),
            });
            if let Some(proof) = &spec.proof {
                json::put(&mut item, &["proof"], json!(proof));
            }
            if let Some(by) = selects(spec) {
                json::put(&mut item, &["selects"], by);
            }
            if let Some(refused) = &spec.refused {
                json::put(&mut item, &["refused"], json!(refused));
            }
            if let Some(names) = protocols(spec) {
                json::put(&mut item, &["protocols"], json!(names));
            }
            item
        })
        .collect();
    json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "PlatformList", "items": items })
}
