//! Patches: they do what RFC 6902 says, or nothing.

use arbitrary::{Arbitrary, Unstructured};
use json_patch::PatchOperation;
use largescale::core::patch::placeholder::{Values, fill, fill_pointer, fill_value, names};
use largescale::core::patch::read_operations;
use largescale::core::patch::{item_path, meter::Meter};
use largescale::core::report::diagnostic::Location;
use serde_json::{Value, json};

use super::json::{Json, JsonMap, Text, pointers};

#[derive(Arbitrary, Debug)]
struct Input {
    object: JsonMap,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
struct Operation {
    verb: Verb,
    path: Path,
    from: Path,
    value: Json,
}

#[derive(Arbitrary, Debug)]
enum Verb {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
    TestSame,
}

/// A path that exists, one step below it, or any.
#[derive(Arbitrary, Debug)]
enum Path {
    There(u8),
    Below(u8, Text),
    Last(u8),
    Any(Text),
}

impl Path {
    fn of(&self, object: &Value) -> String {
        let all = pointers(object);
        let one = |index: u8| all[usize::from(index) % all.len()].as_str();
        match self {
            Self::There(index) => one(*index).to_owned(),
            Self::Below(index, key) => format!("{}/{}", one(*index), key.0),
            Self::Last(index) => format!("{}/-", one(*index)),
            Self::Any(text) => text.0.clone(),
        }
    }
}

/// Operations on an object.
pub fn operations(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let object = input.object.0;
    let list: Vec<Value> =
        input.operations.iter().take(10).map(|operation| json_of(operation, &object)).collect();
    let mut problems = Vec::new();
    let location =
        |index: usize| Location { file: "o".to_owned(), line: u32::try_from(index + 1).unwrap_or(0) };
    let patch = read_operations(&list, location, &mut problems);
    let standard: Result<Vec<PatchOperation>, _> =
        list.iter().map(|one| serde_json::from_value(one.clone())).collect();
    assert_eq!(standard.is_ok(), problems.is_empty(), "{problems:?}");
    let Ok(standard) = standard else { return };
    assert_eq!(patch.is_empty(), list.is_empty());

    let values = Values::default().with("pool.name", Some("a/b~"), "").with("pool.vmSet", None, "why");
    let mut ours = object.clone();
    let mut applied = Vec::new();
    let mut is_small = true;
    let mut note = |after: &Value, operation: &PatchOperation, _: &Location| {
        assert!(after.is_object(), "no object any more");
        is_small &= after.to_string().len() < 1 << 20;
        applied.push(operation.clone());
    };
    let result = patch.apply_noting(&mut ours, "the object", &values, &mut Meter::default(), &mut note);
    match &result {
        Ok(()) => {
            assert_eq!(applied.len(), list.len());
            let mut direct = object.clone();
            json_patch::patch(&mut direct, &applied).expect("the operations that were applied");
            assert_eq!(direct, ours, "what the operations do together");
        }
        Err(error) => {
            assert!(error.problem.location.is_some(), "{}", error.problem);
            assert_eq!(ours, object, "changed although the patch failed");
        }
    }
    // Without our own notation, the result is that of the standard, except for harm that we refuse.
    let own = list.iter().any(|one| one.to_string().contains("${") || one.to_string().contains('='));
    let at_root = standard.iter().any(|one| one.path().is_root());
    if !own && !at_root && is_small {
        let mut direct = object.clone();
        // One by one: the library panics if it cannot undo the first ones of several.
        let is_applied =
            standard.iter().all(|one| json_patch::patch(&mut direct, std::slice::from_ref(one)).is_ok());
        assert_eq!(is_applied, result.is_ok(), "{result:?}");
        if is_applied {
            assert_eq!(direct, ours);
        }
    }
    placeholders(&object, &values);
    for path in pointers(&object) {
        let resolved = item_path::resolve(&object, &path).0.ok();
        if !item_path::names_items(&path) {
            assert_eq!(resolved.as_ref(), Some(&path), "a path without item names");
        }
    }
}

fn placeholders(value: &Value, values: &Values<'_>) {
    let filled = fill_value(value, values);
    if !value.to_string().contains("${") {
        assert_eq!(filled.as_ref(), Ok(value), "nothing to fill");
    }
    for name in names(value) {
        assert!(!name.contains('}'), "{name}");
    }
    if let Value::Object(map) = value {
        for key in map.keys() {
            let _ = fill(key, values);
            let path = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
            if let (Ok(one), Ok(other)) = (fill(key, values), fill_pointer(&path, values)) {
                assert_eq!(
                    other,
                    format!("/{}", one.replace('~', "~0").replace('/', "~1")),
                    "one key stays one key"
                );
            }
        }
    }
}

fn json_of(operation: &Operation, object: &Value) -> Value {
    let (path, from) = (operation.path.of(object), operation.from.of(object));
    let value = &operation.value.0;
    match operation.verb {
        Verb::Add => json!({"op": "add", "path": path, "value": value}),
        Verb::Remove => json!({"op": "remove", "path": path}),
        Verb::Replace => json!({"op": "replace", "path": path, "value": value}),
        Verb::Move => json!({"op": "move", "path": path, "from": from}),
        Verb::Copy => json!({"op": "copy", "path": path, "from": from}),
        Verb::Test => json!({"op": "test", "path": path, "value": value}),
        Verb::TestSame => {
            let there = object.pointer(&path).cloned().unwrap_or_default();
            json!({"op": "test", "path": path, "value": there})
        }
    }
}
