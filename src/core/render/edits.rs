//! The values that overlays changed in one object, and the operations that did it.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::core::report::diagnostic::Location;

/// The operations on one object, by the values that they changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Edits {
    /// The JSON pointers and the operations, in order.
    all: Vec<(String, Location)>,
    /// Made when it is first needed, because most objects need none.
    index: OnceCell<Index>,
}

/// The number of the last operation by JSON pointer, so that many questions about many operations take linear time.
#[derive(Clone, Debug, Default)]
struct Index {
    at: HashMap<String, usize>,
    below: HashMap<String, usize>,
}

impl Edits {
    /// Adds an operation on the value at a pointer.
    pub(super) fn add(&mut self, pointer: String, location: Location) {
        self.index = OnceCell::new();
        self.all.push((pointer, location));
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns the last operation that changed the value at a pointer, a value around it, or a part of it.
    pub(super) fn last(&self, pointer: &str) -> Option<&Location> {
        let index = self.index.get_or_init(|| Index::of(&self.all));
        let around = prefixes(pointer).filter_map(|prefix| index.at.get(prefix));
        let last = around.chain(index.at.get(pointer)).chain(index.below.get(pointer)).max()?;
        self.all.get(*last).map(|(_, location)| location)
    }
}

impl Index {
    fn of(all: &[(String, Location)]) -> Self {
        let mut index = Self::default();
        for (number, (pointer, _)) in all.iter().enumerate() {
            index.at.insert(pointer.clone(), number);
            for prefix in prefixes(pointer) {
                match index.below.get_mut(prefix) {
                    Some(last) => *last = number,
                    None => drop(index.below.insert(prefix.to_owned(), number)),
                }
            }
        }
        index
    }
}

/// Returns the pointers of the values around the one at a pointer.
fn prefixes(pointer: &str) -> impl Iterator<Item = &str> {
    pointer.match_indices('/').map(|(end, _)| &pointer[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_operation_on_a_value_is_found() {
        let mut edits = Edits::default();
        assert_eq!(edits.last("/a"), None);
        for (line, pointer) in (1..).zip(["/a/b", "/a/b/c", "/x", "/a/bc", "/m/l/0", "/m", "/m/l/1"]) {
            edits.add(pointer.to_owned(), Location { file: "o".to_owned(), line });
        }
        for (pointer, expected) in [
            ("", Some(7)),
            ("/a", Some(4)),
            ("/a/b", Some(2)),
            ("/a/b/d", Some(1)),
            ("/a/b/c/e", Some(2)),
            ("/a/bc", Some(4)),
            ("/a/bcd", None),
            ("/x/y/z", Some(3)),
            ("/m/l/0", Some(6)),
            ("/m/l", Some(7)),
            ("/n", None),
        ] {
            assert_eq!(edits.last(pointer).map(|at| at.line), expected, "{pointer}");
        }
        edits.add(String::new(), Location::file("all"));
        assert_eq!(edits.last("/n").map(|at| at.file.as_str()), Some("all"));
    }

    #[test]
    fn many_questions_about_many_operations_take_linear_time() {
        // With a search for each question, this would take hours.
        let mut edits = Edits::default();
        for number in 0..100_000 {
            edits.add(format!("/data/k{number}"), Location { file: String::new(), line: number });
        }
        let found = (0..100_000).filter(|number| edits.last(&format!("/data/k{number}")).is_some());
        assert_eq!(found.count(), 100_000);
    }
}
