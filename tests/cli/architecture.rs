//! Tests of the rules in ARCHITECTURE.md.

use std::fs;
use std::path::Path;

use crate::circles;
use crate::environment::{checkout, walk};

fn sources(below: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&checkout().join(below), &mut |path: &Path| {
        if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(checkout()).unwrap().display().to_string();
            found.push((name, fs::read_to_string(path).unwrap()));
        }
    });
    assert!(!found.is_empty(), "{below} has no sources");
    found
}

/// Returns the code of a file without unit tests and comments.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(text);
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Fails if a line of the files contains one of the words, and prints each such line.
#[track_caller]
fn none_contains(files: &[(String, String)], words: &[&str], rule: &str) {
    let mut found = Vec::new();
    for (name, text) in files {
        for (index, line) in code(text).lines().enumerate() {
            found.extend(
                words
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{name}:{}: {word}", index + 1)),
            );
        }
    }
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

#[test]
fn the_core_is_pure() {
    let core = sources("src/core");
    none_contains(
        &core,
        &[
            "std::fs",
            "std::env",
            "std::time",
            "std::process",
            "std::net",
            "std::thread",
            "std::io::stdin",
            "tokio",
            "kube::",
            "anyhow",
            "tempfile",
            "clap",
            "println!",
            "print!(",
        ],
        "the core must not use the file system, clock, environment, network, runtime or client",
    );
    none_contains(
        &core,
        &[
            "crate::cluster",
            "crate::commands",
            "crate::directory",
            "crate::network",
            "crate::output",
            "crate::engine",
            "crate::scope",
            "crate::cli",
            "crate::failure",
            "crate::exit",
        ],
        "the core must not use the shells",
    );
}

#[test]
fn the_shells_do_not_use_each_other() {
    none_contains(
        &sources("src/cluster"),
        &["crate::directory", "crate::network", "crate::commands", "crate::output", "crate::engine"],
        "the cluster shell may use only the core",
    );
    none_contains(
        &sources("src/network"),
        &[
            "crate::cluster",
            "crate::directory",
            "crate::commands",
            "crate::output",
            "crate::engine",
            "crate::scope",
            "kube::",
            "anyhow",
        ],
        "the network shell may use only the core",
    );
    none_contains(
        &sources("src/directory"),
        &[
            "crate::cluster",
            "crate::network",
            "crate::commands",
            "crate::output",
            "crate::engine",
            "crate::scope",
            "kube::",
            "tokio",
        ],
        "the directory shell may use only the core",
    );
    let outside: Vec<_> =
        sources("src").into_iter().filter(|(name, _)| !name.starts_with("src/cluster")).collect();
    none_contains(&outside, &["kube::"], "only src/cluster may use kube");
    let outside: Vec<_> = outside.into_iter().filter(|(name, _)| !name.starts_with("src/network")).collect();
    none_contains(
        &outside,
        &["tokio", "hickory_"],
        "only src/cluster and src/network may use the async runtime, and only src/network the DNS library",
    );
}

#[test]
fn yaml_git_and_the_terminal_have_one_place_each() {
    let outside = |location: &'static str| -> Vec<_> {
        sources("src").into_iter().filter(|(name, _)| !name.starts_with(location)).collect()
    };
    none_contains(
        &outside("src/core/yaml"),
        &["serde_saphyr"],
        "only src/core/yaml may use the YAML library",
    );
    none_contains(
        &outside("src/output/terminal.rs"),
        &["anstream", "stdout()", "stderr().lock", "stderr(),"],
        "only src/output/terminal.rs may write to the terminal",
    );
    let spawning: Vec<_> =
        outside("src/directory").into_iter().filter(|(name, _)| !name.starts_with("src/cluster")).collect();
    none_contains(&spawning, &["Command::new("], "only the shells may start programs");
}

#[test]
fn metadata_is_read_through_types() {
    let outside: Vec<_> =
        sources("src").into_iter().filter(|(name, _)| !name.starts_with("src/core")).collect();
    none_contains(
        &outside,
        &["[\"metadata\"]"],
        "read live objects through LiveObject, and desired objects through core::manifest",
    );
}

#[test]
fn the_engine_joins_nothing_by_index() {
    let found: Vec<String> =
        sources("src/engine").iter().flat_map(|(name, text)| joins(name, text)).collect();
    assert!(
        found.is_empty(),
        "keep values that belong together in one struct or pass a tag with each request\n{}",
        found.join("\n")
    );
}

#[test]
fn joins_by_index_are_found() {
    for planted in [
        "for (item, live) in items.iter().zip(&live) {}",
        "std::iter::zip(items, live)",
        "for (index, item) in items.iter().enumerate() {}",
        "let live = &observation.live[*index];",
        "let item = &items[job.index];",
        "let item = items.get(index);",
        "let pending: BTreeMap<usize, Call> = BTreeMap::new();",
        "let doubts: Vec<usize> = Vec::new();",
        "for index in 0..items.len() {}",
    ] {
        assert_eq!(joins("a.rs", planted).len(), 1, "{planted}");
    }
    for valid in
        ["let first = &keys[0];", "#[derive(Debug)]", "fn f(list: &[Item]) -> [u8; 4]", "value[\"a\"]"]
    {
        assert_eq!(joins("a.rs", valid), [""; 0], "{valid}");
    }
}

/// Returns the lines that pair vectors by position, or that use an index as a reference to an object.
fn joins(name: &str, text: &str) -> Vec<String> {
    const WORDS: [&str; 8] = [
        "zip(",
        ".enumerate()",
        "Vec<usize>",
        "Map<usize,",
        "Set<usize>",
        "(usize,",
        ".get(index",
        ".get(*index",
    ];
    let is_join = |line: &str| {
        let counts = line.contains("0..") && line.contains(".len()");
        counts || is_indexed(line) || WORDS.iter().any(|word| line.contains(word))
    };
    let lines = code(text);
    let found = lines.lines().enumerate().filter(|(_, line)| is_join(line));
    found.map(|(index, line)| format!("{name}:{}: {}", index + 1, line.trim())).collect()
}

/// Whether a line takes an item by a variable, as in `live[*index]`. An index of zero or a field name does not count.
fn is_indexed(line: &str) -> bool {
    line.match_indices('[').any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let inside = line[at + 1..].split(']').next().unwrap_or_default().trim_start_matches('*');
        before.is_some_and(|c| c.is_alphanumeric() || [')', ']', '_'].contains(&c))
            && inside.starts_with(|c: char| c.is_lowercase() || c == '_')
    })
}

#[test]
fn files_stay_small_and_begin_with_their_purpose() {
    for (name, text) in sources("src") {
        let lines = code(&text).lines().count();
        assert!(lines <= 500, "{name} has {lines} lines: split it by topic");
        assert!(text.starts_with("//! "), "{name} lacks a module comment");
        assert!(!name.ends_with("/mod.rs"), "{name}: a module is `foo.rs` beside `foo/`");
    }
}

/// Returns each place in a text that changes a JSON value by a key: `value["key"] = …`, `&mut value["key"]`, or a method that
/// needs the field mutable. Such an index panics unless the value is a map. A list is indexed by a number or by `index`.
fn index_assignments(text: &str) -> Vec<String> {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(start) = text[at..].find('[').map(|offset| at + offset) {
        at = start + 1;
        // An index follows a value; a type, a pattern, an attribute and a macro do not.
        let follows_value = bytes[..start]
            .last()
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b')' | b']' | b'?'));
        let Some(length) = text[start..].find(']').filter(|_| follows_value) else { continue };
        let key = &text[start + 1..start + length];
        let is_number = key.trim_start_matches('*').split(['+', '-', ' ']).next().is_some_and(|first| {
            first == "index" || first == "number" || first.bytes().all(|byte| byte.is_ascii_digit())
        });
        if is_number || key.contains("..") {
            continue;
        }
        let rest = text[start + length + 1..].trim_start();
        let is_assigned = (rest.starts_with("= ") || rest.starts_with("+= ")) && !key.is_empty();
        let is_changed =
            [".as_object_mut()", ".as_array_mut()", ".pointer_mut(", ".get_mut(", ".take()", ".insert("]
                .iter()
                .any(|method| rest.starts_with(method));
        let statement = text[..start].rfind([';', '{', '}', '(', ',']).map_or(0, |end| end + 1);
        let is_borrowed =
            text[statement..start].contains("&mut ") && !text[statement..start].contains(": &mut");
        if is_assigned || is_changed || is_borrowed {
            found.push(text[statement..=start + length].trim().to_owned());
        }
    }
    found
}

#[test]
fn no_json_value_is_changed_by_index() {
    for planted in [
        "value[\"a\"] = 1.into();",
        "value[\"a\"][\"b\"] = x;",
        "body[\"metadata\"][field] = value.clone();",
        "object[\"metadata\"][\"labels\"][POOL_LABEL] = pool.into();",
        "draft.value[\"a\"]\n    .as_object_mut()",
        "let template = &mut workload[\"spec\"][\"template\"];",
        "change(&mut live[\"spec\"]);",
        "self.rest[\"a\"][key] = value;",
        "let list = value[name].take();",
    ] {
        assert!(!index_assignments(planted).is_empty(), "not found: {planted}");
    }
    for fine in [
        "results[index] = gone;",
        "self.live[*index] = object;",
        "more[1] = text;",
        "let name = value[\"metadata\"][\"name\"].as_str();",
        "const NAMES: &[&str] = &[\"a\"];",
        "let [a, b] = pair;",
        "if value[\"kind\"] == \"Service\" {}",
        "let attempt = &mut attempts[index];",
        "#[derive(Debug)] struct A;",
    ] {
        assert_eq!(index_assignments(fine), Vec::<String>::new(), "{fine}");
    }
    let found: Vec<String> = sources("src")
        .iter()
        .flat_map(|(name, text)| {
            index_assignments(&code(text)).into_iter().map(move |place| format!("{name}: {place}"))
        })
        .collect();
    assert!(found.is_empty(), "set fields with core/json, which does not panic:\n{}", found.join("\n"));
}

/// Files that may import each other, directly or through others, with the reason.
const CIRCLES: [&[&str]; 2] = [
    // Objects contain lists, and lists contain objects.
    &["src/core/live/unchanged/lists.rs", "src/core/live/unchanged/object.rs"],
    // A spec contains its clusters, and each cluster overrides the spec.
    &["src/core/spec/cluster.rs", "src/core/spec/large_scale.rs"],
];

#[test]
fn imports_form_no_circles() {
    let mut found =
        circles::of(&sources("src").into_iter().map(|(name, text)| (name, code(&text))).collect());
    found.retain(|circle| {
        !CIRCLES.contains(&circle.iter().map(String::as_str).collect::<Vec<_>>().as_slice())
    });
    assert!(found.is_empty(), "files import each other in a circle:\n{found:#?}");
}

#[test]
fn every_dependency_is_used_and_has_its_reason() {
    // They choose a form of what kube and hickory use themselves.
    let for_others = ["idna_adapter", "k8s-openapi"];
    let manifest = fs::read_to_string(checkout().join("Cargo.toml")).unwrap();
    let sources: String = sources("src").iter().map(|(_, text)| code(text)).collect();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if let (true, Some((name, _))) = (section.contains("dependencies"), line.split_once(" = ")) {
            assert!(line.contains(" # "), "no reason in a comment: {line}");
            let used = format!("{}::", name.replace('-', "_"));
            let must_be = section == "[dependencies]" && !for_others.contains(&name);
            assert!(!must_be || sources.contains(&used), "nothing in src uses {name}");
        }
    }
}
