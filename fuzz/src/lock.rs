//! Lock files: what is written is read back.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use largescale::core::kubernetes::names::digest;
use largescale::core::lock::{Lock, LockId, LockedPool, PoolKind, RenderedKind, SetName, Version};

use super::checks::{FILE, is_plain, located, text};
use super::json::Text;

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match Lock::read(FILE, text) {
        Err(problem) => located([&problem], text),
        Ok(lock) => {
            assert!(lock.records_the_same(&lock));
            if lock.version == Version::Two {
                round_trip(&lock);
            }
        }
    }
}

#[track_caller]
fn round_trip(lock: &Lock) {
    let text = lock.write();
    is_plain(&text);
    let read = Lock::read(FILE, &text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    assert_eq!(&read, lock, "{text}");
    assert_eq!(read.write(), text);
    // Each entry has its own line, so that branches merge.
    let entries = lock.pools.len() + lock.rendered.len() + lock.files.len() + lock.pending.len();
    assert!(text.lines().count() > entries, "{text}");
    assert!(text.lines().count() <= entries + 11, "{text}");
}

#[derive(Arbitrary, Debug)]
struct Fields {
    id: [u8; 16],
    set: Option<(Text, Option<Text>)>,
    platform: Text,
    cluster: Option<Text>,
    label: Text,
    pools: BTreeMap<Text, (Text, Option<Text>, bool)>,
    rendered: Vec<(Text, Text, Text)>,
    files: BTreeMap<Text, Text>,
    pending: BTreeMap<Text, Text>,
}

/// Returns a name in the form that the program writes.
fn file_name(text: &str) -> String {
    format!("service-{}.yaml", &digest(text.as_bytes())[..8])
}

/// Locks that are written.
pub fn fields(data: &[u8]) {
    let Ok(fields) = Fields::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let digests = |map: BTreeMap<Text, Text>| {
        map.into_iter().map(|(path, digest)| (file_name(&path.0), digest.0)).collect()
    };
    let lock = Lock {
        version: Version::Two,
        id: Some(LockId::from_bytes(fields.id)),
        set: fields
            .set
            .map(|(name, namespace)| SetName { name: name.0, namespace: namespace.map(|it| it.0) }),
        platform: fields.platform.0,
        cluster: fields.cluster.map(|it| it.0),
        gateway_classes: BTreeMap::new(),
        label: fields.label.0,
        pools: fields
            .pools
            .into_iter()
            .map(|(value, (name, set, empty))| {
                // Any fact decides: the input has no more fields.
                let kind = if set.is_none() && empty { PoolKind::Shard } else { PoolKind::Nodes };
                (value.0, LockedPool { name: name.0, vm_set: set.map(|it| it.0), empty, kind })
            })
            .collect(),
        rendered: fields
            .rendered
            .into_iter()
            .map(|(kind, group, namespace)| RenderedKind {
                kind: kind.0,
                group: group.0,
                namespace: namespace.0,
            })
            .collect(),
        files: digests(fields.files),
        pending: digests(fields.pending),
        sides: Vec::new(),
        accepted: Vec::new(),
    };
    round_trip(&lock);
}
