//! Rendered files with the conflict markers of git, which a merge committed.

use crate::core::render::is_rendered;

/// Returns the texts of both branches in a file with conflict markers; `None` if it has none, or if they are incomplete.
pub(super) fn sides(content: &[u8]) -> Option<[String; 2]> {
    let text = std::str::from_utf8(content).ok()?;
    let mut sides = [String::new(), String::new()];
    let mut part = Part::Both;
    let mut found = false;
    for line in text.split_inclusive('\n') {
        part = match (part, line.trim_end()) {
            (Part::Both, marker) if marker.starts_with("<<<<<<< ") => Part::Ours,
            (Part::Ours, marker) if marker.starts_with("||||||| ") => Part::Base,
            (Part::Ours | Part::Base, "=======") => Part::Theirs,
            (Part::Theirs, marker) if marker.starts_with(">>>>>>> ") => {
                found = true;
                Part::Both
            }
            _ => {
                if matches!(part, Part::Both | Part::Ours) {
                    sides[0].push_str(line);
                }
                if matches!(part, Part::Both | Part::Theirs) {
                    sides[1].push_str(line);
                }
                part
            }
        };
    }
    (found && part == Part::Both).then_some(sides)
}

/// Whether the program made the file, or both sides of its conflicts.
pub(super) fn is_made(content: &[u8]) -> bool {
    is_rendered(content)
        || sides(content).is_some_and(|sides| sides.iter().all(|side| is_rendered(side.as_bytes())))
}

/// The branch that a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Both,
    Ours,
    /// What both branches began with, which git adds with `merge.conflictStyle=diff3`.
    Base,
    Theirs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_conflict() {
        let found = |text: &str| sides(text.as_bytes());
        let both = |ours: &str, theirs: &str| Some([ours.to_owned(), theirs.to_owned()]);
        let text = "a\n<<<<<<< HEAD\nb\n=======\nc\nd\n>>>>>>> other\ne";
        assert_eq!(found(text), both("a\nb\ne", "a\nc\nd\ne"));
        let diff3 = "<<<<<<< HEAD\r\nb\n||||||| 1234\nx\n=======\n>>>>>>> other\n=======\n";
        assert_eq!(found(diff3), both("b\n=======\n", "=======\n"));
        let twice = format!("{text}\n{text}");
        assert_eq!(found(&twice), both("a\nb\ne\na\nb\ne", "a\nc\nd\ne\na\nc\nd\ne"));
        for none in [
            "a\n",
            "=======\n",
            "<<<<<<< a\nb\n",
            "<<<<<<< a\nb\n=======\n",
            "<<<<<<< a\n>>>>>>> b\n",
            "<<<<<<<\n",
        ] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
