//! Finds circles among the imports of source files, from their text.

use std::collections::{BTreeMap, BTreeSet};

/// Returns the groups of files that import each other, directly or through others. An import of an item that a
/// parent module re-exports counts as an import of the file that defines it. Imports between a module and its
/// parent do not count.
pub(crate) fn of(files: &BTreeMap<String, String>) -> Vec<Vec<String>> {
    let modules: BTreeMap<String, &str> = files.keys().map(|file| (module(file), file.as_str())).collect();
    let exports = exports(files, &modules);
    let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, text) in files {
        let own = module(file);
        for path in paths(text) {
            let Some(target) = resolve(&path, &modules, &exports) else { continue };
            let other = module(target);
            let is_family = own.starts_with(&format!("{other}::")) || other.starts_with(&format!("{own}::"));
            if target != file && !is_family {
                imports.entry(file).or_default().insert(target);
            }
        }
    }
    let reach = |from: &str| -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&str> = imports.get(from).into_iter().flatten().copied().collect();
        while let Some(file) = next.pop() {
            if seen.insert(file) {
                next.extend(imports.get(file).into_iter().flatten());
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports.keys().map(|file| (*file, reach(file))).collect();
    let mut found = BTreeSet::new();
    for (file, there) in &reached {
        let back = |other: &&&str| reached.get(**other).is_some_and(|from| from.contains(file));
        let mut circle: Vec<String> = there.iter().filter(back).map(|other| (*other).to_owned()).collect();
        circle.sort();
        if !circle.is_empty() {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

/// Converts `src/core/lock/read.rs` to `crate::core::lock::read`.
fn module(file: &str) -> String {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs");
    match path {
        "lib" | "main" => "crate".to_owned(),
        _ => format!("crate::{}", path.replace('/', "::")),
    }
}

/// Returns every path that begins with `crate::`, with braces expanded.
fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("crate::") {
        let rest = &text[start..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':')).unwrap_or(rest.len());
        let base = rest[..end].trim_end_matches(':');
        match rest[end..].strip_prefix('{').and_then(|list| list.split_once('}')) {
            Some((list, _)) if rest[..end].ends_with("::") => {
                found.extend(list.split(',').map(|item| format!("{base}::{}", item.trim())));
            }
            _ => found.push(base.to_owned()),
        }
    }
    found
}

/// The file that defines each re-exported item.
type Exports = BTreeMap<String, String>;

fn exports(files: &BTreeMap<String, String>, modules: &BTreeMap<String, &str>) -> Exports {
    let mut found = Exports::new();
    for (file, text) in files {
        for export in text.split("pub use ").skip(1) {
            let Some((export, _)) = export.split_once(';') else { continue };
            for path in paths(export) {
                let Some((_, item)) = path.rsplit_once("::") else { continue };
                if !modules.contains_key(&path) {
                    found.insert(format!("{}::{item}", module(file)), path.clone());
                }
            }
        }
    }
    found
}

fn resolve<'a>(path: &str, modules: &BTreeMap<String, &'a str>, exports: &Exports) -> Option<&'a str> {
    let mut path = path.to_owned();
    while let Some(defined) = exports.get(&path).filter(|defined| **defined != path) {
        path.clone_from(defined);
    }
    loop {
        if let Some(file) = modules.get(&path) {
            return Some(file);
        }
        path.truncate(path.rfind("::")?);
    }
}
