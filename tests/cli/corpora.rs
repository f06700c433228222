//! Runs the committed inputs of every fuzz target. CONTRIBUTING.md says how to add a target.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::environment::{checkout, walk};
use crate::fuzz::{TARGETS, run};

/// The most files of one corpus.
const FILES: usize = 300;

/// The most bytes of all corpora together.
const BYTES: u64 = 1 << 20;

fn corpus() -> PathBuf {
    checkout().join("fuzz/corpus")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_input_of_every_corpus_keeps_the_properties() {
    // Some inputs are deep, and unoptimized frames are large: as much stack as the program has.
    let all = || {
        let mut failed = Vec::new();
        for (name, _) in TARGETS {
            let mut files: Vec<_> =
                fs::read_dir(corpus().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            assert!(!files.is_empty(), "fuzz/corpus/{name} is empty");
            for file in files {
                let outcome = std::panic::catch_unwind(|| run(name, &fs::read(&file).unwrap()));
                if outcome.is_err() {
                    failed.push(file.strip_prefix(checkout()).unwrap().display().to_string());
                }
            }
        }
        assert!(failed.is_empty(), "inputs that fail:\n{}", failed.join("\n"));
    };
    std::thread::Builder::new().stack_size(8 << 20).spawn(all).unwrap().join().unwrap();
}

#[test]
fn every_target_has_a_program_and_a_small_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&checkout().join("fuzz/fuzz_targets")), targets);
    assert_eq!(names(&corpus()), targets);
    let manifest = fs::read_to_string(checkout().join("fuzz/Cargo.toml")).unwrap();
    let mut bytes = 0;
    for name in &targets {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "fuzz/Cargo.toml lacks {name}"
        );
        let program = fs::read_to_string(checkout().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("run(\"{name}\", data)")), "{name} runs another target");
        let files =
            fs::read_dir(corpus().join(name)).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
        let sizes: Vec<u64> = files.collect();
        assert!(sizes.len() <= FILES, "{name} has {} inputs: run `make fuzz-min`", sizes.len());
        bytes += sizes.iter().sum::<u64>();
    }
    assert!(bytes <= BYTES, "{bytes} bytes of inputs: run `make fuzz-min`");
    for name in names(&checkout().join("fuzz/dict")) {
        assert!(targets.contains(&name), "no target uses the dictionary {name}");
    }
}

/// Readers that no target calls itself, with the reason.
const INDIRECT: &[(&str, &str)] = &[("patch::read", "Overlay::read and Platform::read call it")];

/// A function of the core that reads input is named `read…` or `parse…`.
#[test]
fn every_reader_has_a_target() {
    let mut calls = String::new();
    walk(&checkout().join("fuzz/src"), &mut |path: &Path| calls.push_str(&fs::read_to_string(path).unwrap()));
    let mut missing = Vec::new();
    walk(&checkout().join("src/core"), &mut |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
        let mut owner = module(path);
        for line in code.lines() {
            if let Some(rest) = line.strip_prefix("impl ") {
                let name = rest.split_once(" for ").map_or(rest, |(_, name)| name);
                owner = name.split(['<', ' ']).next().unwrap_or_default().to_owned();
            } else if line == "}" {
                owner = module(path);
            }
            let Some(rest) = line.trim_start().strip_prefix("pub fn ") else { continue };
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            let reads = ["read", "parse"].iter().any(|word| name.starts_with(word));
            let call = format!("{owner}::{name}");
            // A free function is imported by its name; `read` alone would be that of another module.
            let is_called = calls.contains(&format!("{call}("))
                || name != "read"
                    && owner == module(path)
                    && [format!("{name}("), format!("{name}::<")].iter().any(|call| calls.contains(call))
                || name == "read" && calls.contains(&format!("{owner}::{{read,"));
            if reads && !is_called && !INDIRECT.iter().any(|(known, _)| *known == call) {
                missing.push(format!("{}: {call}", path.strip_prefix(checkout()).unwrap().display()));
            }
        }
    });
    assert!(missing.is_empty(), "add a fuzz target, see CONTRIBUTING.md:\n{}", missing.join("\n"));
}

/// Returns the name by which other files call the functions of a file: `yaml` for `src/core/yaml/read.rs`.
fn module(path: &Path) -> String {
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let folder = name(path.parent().unwrap());
    if folder == "core" { name(path) } else { folder }
}
