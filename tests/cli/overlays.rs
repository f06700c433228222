//! Compares overlays/README.md with the overlay files. Each overlay must have a case on each of its platforms.
//! `UPDATE_DOCS=1` updates the generated parts.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use largescale::core::overlay::{Overlay, builtin_names, read_builtin};
use largescale::core::platform::{Level, Setting, SettingForm, SettingOf};
use largescale::core::{platform, yaml};

use crate::drift::{separator, table};
use crate::environment::checkout;

const PAGE: &str = "overlays/README.md";

fn overlays() -> Vec<Overlay> {
    builtin_names().map(|name| read_builtin(name).unwrap().unwrap()).collect()
}

#[test]
fn the_table_of_overlays() {
    let rows: String = overlays()
        .iter()
        .map(|overlay| {
            let name = &overlay.name;
            let settings: Vec<String> =
                overlay.spec.settings.iter().map(|setting| format!("`{}`", setting.name)).collect();
            format!(
                "| [`{name}`](#{name}) | {} | {} | {} |\n",
                overlay.spec.title,
                settings.join(", "),
                platforms(overlay)
            )
        })
        .collect();
    separator(PAGE, "table", &table(&["overlay", "what it does", "settings", "platforms"], &rows));
}

#[test]
fn every_overlay_in_full() {
    let text: String = overlays().iter().map(section).collect();
    separator(PAGE, "details", &text);
}

#[test]
fn overlays_name_existing_platforms() {
    let known: BTreeSet<&str> = platform::builtin_names().collect();
    for overlay in overlays() {
        for name in overlay.platforms() {
            assert!(known.contains(name), "{} names the platform {name}", overlay.name);
        }
    }
}

/// A patch for a platform without a case may not fit.
#[test]
fn each_overlay_has_its_case_on_each_of_its_platforms() {
    for overlay in overlays() {
        let case = checkout().join("tests/cases/overlays").join(&overlay.name).join("in");
        let rendered: BTreeSet<String> = fs::read_dir(&case)
            .unwrap_or_else(|error| panic!("{}: {error}", case.display()))
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_name() != "other")
            .map(|entry| {
                let spec = fs::read_to_string(entry.path().join("largescale.yaml")).unwrap();
                let spec = yaml::read_one("largescale.yaml", &spec).unwrap().value;
                assert_eq!(spec["spec"]["overlays"], serde_json::json!([overlay.name]));
                spec["spec"]["platform"].as_str().unwrap().to_owned()
            })
            .collect();
        assert!(!rendered.is_empty(), "{} is rendered nowhere", overlay.name);
        for name in overlay.platforms() {
            assert!(rendered.contains(name), "{} is not rendered on {name}", overlay.name);
        }
    }
}

fn platforms(overlay: &Overlay) -> String {
    let names: Vec<String> = overlay.platforms().iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "all".to_owned() } else { names.join(", ") }
}

fn section(overlay: &Overlay) -> String {
    let spec = &overlay.spec;
    let mut out = format!("### {}\n\n{}.", overlay.name, spec.title);
    if let Some(description) = &spec.description {
        let _ = write!(out, " {description}");
    }
    out.push_str("\n\n");
    let mut line = |what: &str, text: String| {
        let _ = writeln!(out, "- {what}: {text}");
    };
    for setting in &spec.settings {
        line(&format!("`spec.settings.{}`", setting.name), described(setting));
    }
    for patch in &spec.patches {
        for operation in patch.patch.iter().flat_map(|patch| patch.as_array().unwrap()) {
            let path = operation["path"].as_str().unwrap().replace("~1", "/");
            let field = path.trim_start_matches("/metadata/").trim_start_matches('/').replacen('/', ": ", 1);
            let value = &operation["value"];
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let names = if patch.platforms.is_empty() {
                overlay.platforms()
            } else {
                patch.platforms.iter().map(String::as_str).collect()
            };
            let on = if names.is_empty() { "all platforms".to_owned() } else { names.join(", ") };
            line(&on, format!("`{field}: {value}`"));
        }
    }
    if spec.spread {
        line("also", "turns `workload.spread` on, unless the workload is one per pool".to_owned());
    }
    let last = |path: &str| path.rsplit('/').next().unwrap().replace("~1", "/");
    let level = |level: Level| if level == Level::Error { "error" } else { "warning" };
    for rule in &spec.refuses {
        line(level(rule.level), format!("`{}` {}", last(&rule.path), rule.because));
    }
    for rule in &spec.requires {
        let fields: Vec<String> = rule.any_of.iter().map(|path| format!("`{}`", last(path))).collect();
        line(level(rule.level), format!("there is no {}, {}", fields.join(", "), rule.because));
    }
    if let Some(instead) = &spec.instead {
        line("elsewhere", instead.clone());
    }
    for source in &spec.sources {
        line("source", source.clone());
    }
    out.push('\n');
    out
}

fn described(setting: &Setting) -> String {
    let of = match setting.of {
        SettingOf::All => "for all pools",
        SettingOf::Pool => "for each pool",
        SettingOf::Either => "for all pools or for each",
    };
    let form = match setting.form {
        SettingForm::Text => "",
        SettingForm::Number => ", a number",
        SettingForm::List => ", a list",
    };
    let default = setting.default.as_ref().map(|value| format!("; default {value}")).unwrap_or_default();
    let optional = if setting.optional { "; may be left out" } else { "" };
    format!("{} ({of}{form}{default}{optional})", setting.title)
}
