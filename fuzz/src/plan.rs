//! Plan files: what is written is read back, and a plan does not differ from itself.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use largescale::core::apply::{Deviation, PlanFile, PlannedObject, Salt, Terms, deviations};

use super::checks::{FILE, located, text};
use super::json::Text;

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match PlanFile::read(FILE, text) {
        Err(problems) => located(&problems, text),
        Ok(plan) => round_trip(&plan),
    }
}

fn round_trip(plan: &PlanFile) {
    let text = plan.write();
    assert_eq!(PlanFile::read(FILE, &text).as_ref(), Ok(plan), "{text}");
    assert_eq!(deviations(plan, plan, &BTreeMap::new()), [], "a plan differs from itself");
    let _ = plan.max_prune().map_err(|problem| assert!(!problem.message.is_empty()));
}

#[derive(Arbitrary, Debug)]
struct Fields {
    terms: [Text; 3],
    tree: BTreeMap<Text, Text>,
    prune: Option<Text>,
    force_conflicts: bool,
    objects: Vec<Object>,
    now: Vec<Object>,
}

#[derive(Arbitrary, Clone, Debug)]
struct Object {
    key: [Text; 4],
    action: Text,
    uid: Option<Text>,
    change: Text,
    diff: Text,
}

/// Plans that are written.
pub fn fields(data: &[u8]) {
    let Ok(fields) = Fields::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let [cluster, namespace, set] = fields.terms.map(|text| text.0);
    let terms = Terms {
        salt: Salt::from_bytes([7; 16]),
        cluster,
        namespace,
        set,
        tree: fields.tree.into_iter().map(|(path, digest)| (path.0, digest.0)).collect(),
        prune: fields.prune.map(|text| text.0),
        force_conflicts: fields.force_conflicts,
        from: Vec::new(),
        with: Vec::new(),
        source: None,
    };
    let plan = PlanFile::new(terms.clone(), fields.objects.into_iter().map(object).collect());
    round_trip(&plan);
    let now = PlanFile::new(terms, fields.now.into_iter().map(object).collect());
    for deviation in deviations(&plan, &now, &BTreeMap::new()) {
        let (Deviation::Object { key, .. } | Deviation::AlreadyDone(key)) = deviation else {
            panic!("the terms are the same: {deviation:?}")
        };
        assert!(plan.objects.iter().chain(&now.objects).any(|object| object.key() == key));
    }
}

fn object(object: Object) -> PlannedObject {
    let [group, kind, namespace, name] = object.key.map(|text| text.0);
    PlannedObject {
        group,
        kind,
        namespace,
        name,
        action: object.action.0,
        uid: object.uid.map(|text| text.0),
        change: object.change.0,
        diff: object.diff.0,
    }
}
