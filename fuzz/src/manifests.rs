//! Manifests: what is accepted is an object with a name and a line, and can be rendered or imported.

use std::collections::{BTreeMap, BTreeSet};

use largescale::core::import::{ImportInput, ImportOptions, PoolsWithoutService, import_documents};
use largescale::core::manifest::{ManifestFile, read_manifests};
use largescale::core::pools::{Pool, PoolSet};
use largescale::core::report::mask::Mask;
use largescale::core::tree::objects::{duplicates, read_file};
use largescale::core::yaml;

use super::checks::{FILE, inside, located, text};
use super::{platforms, render};

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let file = ManifestFile { source: FILE.to_owned(), shown: FILE.to_owned(), text: text.to_owned() };
    match read_manifests(&[file]) {
        Err(problems) => located(&problems, text),
        Ok(objects) => {
            let mut keys = BTreeSet::new();
            for object in &objects {
                inside(&object.location(""), text);
                let key = object.key();
                assert!(!key.kind.is_empty() && !key.name.is_empty(), "{key:?}");
                assert!(keys.insert(key), "a duplicate object");
                let _ = Mask::default().apply(object.value());
            }
            let rendered = read_file(FILE, text).expect("a manifest is also a rendered file");
            assert_eq!(rendered.len(), objects.len());
            assert!(duplicates(rendered.iter().map(|object| (&object.key, &object.location))).is_empty());
            render::check(&objects);
        }
    }
    let _ = read_file(FILE, text).map_err(|problems| located(&problems, text));
    let Ok(documents) = yaml::read(FILE, text) else { return };
    let pool = |name: &str| Pool { value: name.to_owned(), name: name.to_owned(), ..Pool::default() };
    let pools =
        PoolSet { label: "agentpool".to_owned(), pools: vec![pool("a"), pool("b")], ..PoolSet::default() };
    let platforms = platforms::builtin();
    let input = ImportInput {
        platform: &platforms[0],
        platforms,
        pools: &pools,
        nodes: &[],
        selecting: &[],
        choices: &[],
        classes: &BTreeMap::new(),
        cloud_config: None,
        without_service: PoolsWithoutService::Exclude,
        options: ImportOptions::default(),
    };
    let _ = import_documents(documents, input).map_err(|problems| assert!(!problems.is_empty()));
}
