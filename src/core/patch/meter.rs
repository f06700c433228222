//! Limits what patches do to one object: its size and depth, the number of operations, and the work.

use json_patch::PatchOperation;
use serde_json::Value;

use crate::core::bounds::{
    COLLECTION_BYTES, MAX_DEPTH, MAX_OBJECT_BYTES, MAX_OBJECT_WORK, MAX_OPERATIONS, STEP_WORK,
};
use crate::core::pointer;

/// What the patches of one object have done so far.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    operations: usize,
    work: usize,
    /// The size of the object at most, in bytes of JSON; `None` before it was measured.
    size: Option<usize>,
    /// The bytes that were added before the object was measured.
    added: usize,
}

/// Below this number of added bytes, the object need not be measured.
const SMALL: usize = 64 << 10;

/// A limit that was exceeded: the end of a sentence about the operation, and a hint.
pub(super) struct Exceeded {
    pub(super) why: String,
    pub(super) hint: &'static str,
}

impl Meter {
    /// Returns the work so far, in bytes.
    pub fn work(&self) -> usize {
        self.work
    }

    /// Returns the bytes that were added so far at most; they only grow.
    pub fn added(&self) -> usize {
        self.added
    }

    /// Counts work in bytes.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.work = self.work.saturating_add(bytes);
        if self.work <= MAX_OBJECT_WORK {
            return Ok(());
        }
        Err(Exceeded {
            why: format!(
                "the patches of the object have written, moved and compared more than {} MiB, which is the limit",
                MAX_OBJECT_WORK >> 20
            ),
            hint: "write the final values, with fewer operations",
        })
    }

    /// Counts the copy of the object that is kept while a patch is applied.
    pub(super) fn keep(&mut self, object: &Value) -> Result<(), Exceeded> {
        let size = match self.size {
            Some(size) => size,
            None => measure(object).bytes,
        };
        self.size = Some(size);
        self.spend(size)
    }

    /// Counts an operation before it is applied, and refuses it if its value is too deep or too large.
    pub(super) fn before(&mut self, object: &Value, operation: &PatchOperation) -> Result<(), Exceeded> {
        self.operations += 1;
        if self.operations > MAX_OPERATIONS {
            return Err(Exceeded {
                why: format!(
                    "it is operation {} on the object, the limit is {MAX_OPERATIONS}",
                    self.operations
                ),
                hint: "write one operation with the whole list or map instead of one for each item",
            });
        }
        self.spend(STEP_WORK + operation.path().as_str().len())?;
        let (value, adds) = match operation {
            PatchOperation::Add(it) => (Some(&it.value), true),
            PatchOperation::Replace(it) => (Some(&it.value), true),
            PatchOperation::Copy(it) => (object.pointer(it.from.as_str()), true),
            PatchOperation::Move(it) => (object.pointer(it.from.as_str()), false),
            PatchOperation::Test(it) => (Some(&it.value), false),
            PatchOperation::Remove(_) => (None, false),
        };
        // The items of a list after the place are moved.
        let parent =
            operation.path().as_str().rsplit_once('/').and_then(|(parent, _)| pointer::find(object, parent));
        self.spend(parent.and_then(Value::as_array).map_or(0, Vec::len))?;
        let Some(value) = value else { return Ok(()) };
        let Measure { bytes, depth } = measure(value);
        self.spend(bytes)?;
        let depth = depth + pointer::depth(operation.path().as_str());
        if depth > MAX_DEPTH {
            return Err(Exceeded {
                why: format!(
                    "the object would have {depth} levels of lists and maps, the limit is {MAX_DEPTH}"
                ),
                hint: "remove levels",
            });
        }
        if adds {
            self.grow(object, bytes)?;
        }
        Ok(())
    }

    fn grow(&mut self, object: &Value, bytes: usize) -> Result<(), Exceeded> {
        self.added = self.added.saturating_add(bytes);
        let size = match self.size {
            Some(size) => size.saturating_add(bytes),
            None if self.added <= SMALL => return Ok(()),
            None => usize::MAX,
        };
        self.size = Some(size);
        if size <= MAX_OBJECT_BYTES {
            return Ok(());
        }
        let now = measure(object).bytes;
        self.spend(now)?;
        let size = now.saturating_add(bytes);
        self.size = Some(size);
        if size <= MAX_OBJECT_BYTES {
            return Ok(());
        }
        Err(Exceeded {
            why: format!(
                "the object would have {size} bytes, the limit is {MAX_OBJECT_BYTES}, which is what an API server reads"
            ),
            hint: "add less, or split the object",
        })
    }
}

/// The size of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// About its bytes as JSON.
    pub bytes: usize,
    /// Its levels of lists and maps; 0 for a scalar.
    pub depth: usize,
}

/// Measures a value, which has at most [`MAX_DEPTH`] levels.
pub fn measure(value: &Value) -> Measure {
    let mut sum = Measure { bytes: 2, depth: 0 };
    let mut below = |key: usize, value: &Value| {
        let inner = measure(value);
        sum.bytes += key + 1 + inner.bytes;
        sum.depth = sum.depth.max(inner.depth);
    };
    match value {
        Value::Array(items) => items.iter().for_each(|item| below(0, item)),
        Value::Object(map) => map.iter().for_each(|(key, value)| below(key.len() + 3, value)),
        Value::String(text) => return Measure { bytes: text.len() + 2, depth: 0 },
        _ => return Measure { bytes: 4, depth: 0 },
    }
    sum.depth += 1;
    sum
}

/// Returns the size of a value for the limit of a whole render: bytes of JSON, plus [`COLLECTION_BYTES`] for each list and
/// map.
pub fn weight(value: &Value) -> usize {
    match value {
        Value::Array(items) => COLLECTION_BYTES + items.iter().map(weight).sum::<usize>(),
        Value::Object(map) => {
            COLLECTION_BYTES + map.iter().map(|(key, value)| key.len() + 4 + weight(value)).sum::<usize>()
        }
        Value::String(text) => text.len() + 2,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::patch::placeholder::Values;
    use crate::core::patch::read;
    use crate::core::yaml;

    #[test]
    fn values_are_measured() {
        assert_eq!(measure(&json!("ab")), Measure { bytes: 4, depth: 0 });
        assert_eq!(measure(&json!({"a": [1, {"b": []}]})).depth, 4);
        assert!(weight(&json!({"a": {}})) > 2 * COLLECTION_BYTES);
    }

    #[test]
    fn what_a_patch_does_has_a_bound() {
        let nest = "- {op: add, path: /spec/y, value: {}}\n- {op: move, from: /spec/x, path: /spec/y/x}\n- {op: move, from: /spec/y, path: /spec/x}\n";
        let long = "x".repeat(1 << 20);
        for (what, operations, why) in [
            (
                "copies of a list into itself",
                "- {op: copy, from: /spec/ports, path: /spec/ports/-}\n".repeat(24),
                "bytes, the limit is 3145728",
            ),
            (
                "copies at the start",
                "- {op: copy, from: /spec/ports, path: /spec/ports/0}\n".repeat(200),
                "bytes, the limit is 3145728",
            ),
            (
                "nested copies",
                "- {op: copy, from: /spec, path: /spec/x}\n".repeat(20_000),
                "levels of lists and maps, the limit is 100",
            ),
            (
                "nesting by moves",
                format!("- {{op: add, path: /spec/x, value: 1}}\n{}", nest.repeat(200)),
                "levels of lists and maps, the limit is 100",
            ),
            (
                "a deep value",
                format!(
                    "- {{op: add, path: /spec/ports/0/x, value: {}{}}}\n",
                    "[".repeat(97),
                    "]".repeat(97)
                ),
                "the object would have 101 levels",
            ),
            (
                "many operations",
                "- {op: replace, path: /spec/type, value: a}\n".repeat(10_001),
                "it is operation 10001 on the object, the limit is 10000",
            ),
            (
                "a large value",
                format!("- {{op: add, path: /spec/x, value: [{long}, {long}, {long}]}}\n"),
                "bytes, the limit is 3145728",
            ),
            (
                "large values one by one",
                format!(
                    "- {{op: add, path: /spec/x, value: []}}\n{}",
                    format!("- {{op: add, path: /spec/x/-, value: {long}}}\n").repeat(4)
                ),
                "bytes, the limit is 3145728",
            ),
            (
                "comparisons",
                format!(
                    "- {{op: add, path: /spec/x, value: {long}}}\n{}",
                    "- {op: copy, from: /spec/x, path: /spec/y}\n- {op: remove, path: /spec/y}\n".repeat(60)
                ),
                "more than 30 MiB, which is the limit",
            ),
            (
                "searches",
                format!(
                    "- {{op: add, path: /spec/x, value: [{}{{a: c}}]}}\n{}",
                    "{a: b}, ".repeat(5000),
                    "- {op: test, path: /spec/x/a=c/a, value: c}\n".repeat(500)
                ),
                "more than 30 MiB, which is the limit",
            ),
        ] {
            let document = yaml::read_one("o.yaml", &format!("patch:\n{operations}")).unwrap();
            let mut problems = Vec::new();
            let bomb = read(&document, "/patch", &mut problems);
            assert_eq!(problems, []);
            let service = || json!({"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}], "type": "LoadBalancer"}});
            let mut object = service();
            let problem = bomb.apply(&mut object, "service/a", &Values::default()).expect_err(what).problem;
            assert!(problem.message.contains(why) && problem.hint.is_some(), "{what}: {problem:?}");
            assert!(problem.location.is_some_and(|location| location.line > 1), "{what}");
            assert_eq!(object, service(), "unchanged after an error");
        }
    }
}
