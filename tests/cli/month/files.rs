//! What the directory holds: specs, locks and rendered files. It is read without code of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A spec in the work tree. The paths begin at the root of the repository.
#[derive(Clone, Debug)]
pub struct App {
    pub directory: String,
    pub spec: String,
    pub lock: String,
    pub output: String,
    /// The port of each Service.
    pub services: BTreeMap<String, String>,
}

impl App {
    /// Returns the file of a Service.
    pub fn file(&self, service: &str, pool: &str) -> String {
        format!("{}/service-{service}-{pool}.yaml", self.output)
    }
}

/// Returns the specs of the repository, which are in directories below the root.
pub fn apps(root: &Path) -> Vec<App> {
    let mut found = Vec::new();
    for directory in names(root).into_iter().filter(|name| !name.starts_with('.')) {
        for name in names(&root.join(&directory)) {
            let Some(stem) = name.strip_suffix(".yaml") else { continue };
            let text = fs::read_to_string(root.join(&directory).join(&name)).unwrap_or_default();
            if text.contains("kind: LargeScale\n") {
                found.push(app(root, &directory, stem, &text));
            }
        }
    }
    found
}

fn app(root: &Path, directory: &str, stem: &str, text: &str) -> App {
    let services = manifests(text).into_iter().filter_map(|manifest| {
        let text = fs::read_to_string(root.join(directory).join(&manifest)).ok()?;
        Some((manifest.strip_suffix(".yaml")?.to_owned(), port(&text)))
    });
    App {
        directory: directory.to_owned(),
        spec: format!("{directory}/{stem}.yaml"),
        lock: format!("{directory}/{stem}.lock"),
        output: format!("{directory}/{}", field(text, "  output: ")),
        services: services.collect(),
    }
}

/// Returns the manifests that a spec lists.
pub fn manifests(spec: &str) -> Vec<String> {
    let listed = field(spec, "  manifests: ");
    listed.trim_matches(['[', ']']).split(", ").filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

/// Returns the port in a manifest.
pub fn port(manifest: &str) -> String {
    let after = manifest.split("port: ").nth(1).unwrap_or_default();
    after.chars().take_while(char::is_ascii_digit).collect()
}

fn field(text: &str, start: &str) -> String {
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default().to_owned()
}

/// The facts of a lock.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    pub id: String,
    pub pools: BTreeSet<String>,
    pub files: BTreeSet<String>,
    pub is_pending: bool,
}

impl Lock {
    /// Reads a lock as the program writes it; `None` if it has conflict markers.
    pub fn read(text: &str) -> Option<Self> {
        let mut lock = Self::default();
        let mut section = "";
        for line in text.lines() {
            if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)) {
                return None;
            }
            match line.strip_prefix("  ").and_then(|entry| entry.split_once(": ")) {
                Some((key, _)) => match section {
                    "pools:" => drop(lock.pools.insert(key.to_owned())),
                    "files:" | "pending:" => drop(lock.files.insert(key.to_owned())),
                    _ => {}
                },
                None => section = line,
            }
            lock.is_pending |= line == "pending:";
            if let Some(id) = line.strip_prefix("id: ") {
                id.clone_into(&mut lock.id);
            }
        }
        Some(lock)
    }

    pub fn of(root: &Path, app: &App) -> Option<Self> {
        Self::read(&fs::read_to_string(root.join(&app.lock)).ok()?)
    }
}

/// Returns the files of a directory that have the header of the program.
pub fn rendered(root: &Path, output: &str) -> BTreeSet<String> {
    let has_header = |name: &String| {
        let text = fs::read(root.join(output).join(name)).unwrap_or_default();
        text.starts_with(b"# Made by kubectl largescale from ")
    };
    names(&root.join(output)).into_iter().filter(has_header).collect()
}

/// Returns the names in a directory.
pub fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
