//! Volumes of pods: `validateVolumeSource`.

use crate::core::kubernetes::formats::Format;
use crate::core::schema::field::{Field, Report};

/// Kinds of volumes that read their files from a list of items, and the field with the name of the source.
const MODES: &[&str] = &["configMap", "downwardAPI", "projected", "secret"];

pub(super) fn volume(volume: &Field<'_>, report: &mut Report<'_>) {
    let sources: Vec<&str> = volume
        .entries()
        .filter(|(key, value)| *key != "name" && value.is_set())
        .map(|(key, _)| key)
        .collect();
    if let [first, second, ..] = sources.as_slice() {
        let both = format!("both `{first}` and `{second}`");
        report.add(
            volume,
            |field| format!("{field} has {both}"),
            Some("give each its own volume".to_owned()),
        );
    }
    for source in MODES {
        let source = volume.get(source);
        let mode = source.get("defaultMode");
        if !Format::Between(0, 0o777).accepts(mode.value) {
            report.invalid(&mode, "a mode from 0 to 0777 (511)");
        }
        let items = source.get("items");
        paths(&items, report);
    }
    let config_map = volume.get("configMap");
    if config_map.is_set() && config_map.get("name").is_empty() {
        report.missing(&config_map.get("name"), None);
    }
    let host = volume.get("hostPath");
    let path = host.get("path");
    if path.text().is_some_and(|path| path.split('/').any(|part| part == "..")) {
        report.invalid(&path, "a path without `..`");
    }
    let memory = volume.get("emptyDir");
    let size = memory.get("sizeLimit");
    if size.value.as_str().is_some_and(|text| text.starts_with('-')) || size.number().is_some_and(|n| n < 0) {
        report.invalid(&size, "0 or more");
    }
    let projected = volume.get("projected");
    let all = projected.get("sources");
    for source in all.items() {
        for kind in ["configMap", "secret", "downwardAPI"] {
            let kind = source.get(kind);
            let items = kind.get("items");
            paths(&items, report);
        }
    }
}

/// Checks the paths of files in a volume.
fn paths(items: &Field<'_>, report: &mut Report<'_>) {
    for item in items.items() {
        let path = item.get("path");
        if path.text().is_some_and(|path| !is_descending(path) || path.starts_with("..")) {
            report.invalid(&path, "a relative path without `..`");
        }
    }
}

/// Whether a path is relative and stays below its directory: `validateLocalDescendingPath`.
pub(super) fn is_descending(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|part| part != "..")
}
