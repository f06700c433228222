//! Rendered files with the conflict markers of git, which a merge committed.

use crate::core::render::is_rendered;

/// The least number of characters of a marker.
const MARKER: usize = 7;

/// The most texts that the conflicts of one file are taken apart into.
const TEXTS: usize = 8;

/// Returns the texts of all branches in a file with conflict markers; `None` if it has none, or if they are incomplete.
///
/// The markers of git have seven characters. Those of a conflict inside another one, which git makes for renamed files, have more.
pub(super) fn sides(content: &[u8]) -> Option<Vec<String>> {
    let mut texts: Vec<String> = both(std::str::from_utf8(content).ok()?)?.into();
    let mut next = 0;
    while let Some(text) = texts.get(next) {
        match both(text) {
            Some(inner) if texts.len() < TEXTS => {
                texts.remove(next);
                texts.extend(inner);
            }
            Some(_) => return None,
            None => next += 1,
        }
    }
    Some(texts)
}

/// Returns both sides of the conflicts with the shortest markers.
fn both(text: &str) -> Option<[String; 2]> {
    let length = text.lines().filter_map(|line| length_of(line, '<')).min()?;
    let is = |line: &str, mark: char| length_of(line, mark) == Some(length);
    let mut sides = [String::new(), String::new()];
    let mut part = Part::Both;
    let mut found = false;
    for line in text.split_inclusive('\n') {
        let marker = line.trim_end();
        part = match part {
            Part::Both if is(marker, '<') => Part::Ours,
            Part::Ours if is(marker, '|') => Part::Base,
            Part::Ours | Part::Base if marker.len() == length && marker.bytes().all(|byte| byte == b'=') => {
                Part::Theirs
            }
            Part::Theirs if is(marker, '>') => {
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

/// Returns the number of characters of a marker with a label; `None` if the line is none.
fn length_of(line: &str, mark: char) -> Option<usize> {
    let length = line.len() - line.trim_start_matches(mark).len();
    (length >= MARKER && line[length..].starts_with(' ')).then_some(length)
}

/// Whether the program made the file, or all sides of its conflicts.
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
        let both = |ours: &str, theirs: &str| Some(vec![ours.to_owned(), theirs.to_owned()]);
        let text = "a\n<<<<<<< HEAD\nb\n=======\nc\nd\n>>>>>>> other\ne";
        assert_eq!(found(text), both("a\nb\ne", "a\nc\nd\ne"));
        let diff3 = "<<<<<<< HEAD\r\nb\n||||||| 1234\nx\n=======\n>>>>>>> other\n=======\n";
        assert_eq!(found(diff3), both("b\n=======\n", "=======\n"));
        let twice = format!("{text}\n{text}");
        assert_eq!(found(&twice), both("a\nb\ne\na\nb\ne", "a\nc\nd\ne\na\nc\nd\ne"));
        let nested = "<<<<<<< a\n<<<<<<<< b\n1\n========\n2\n>>>>>>>> c\n=======\n3\n>>>>>>> d\n";
        assert_eq!(found(nested), Some(["3\n", "1\n", "2\n"].map(str::to_owned).into()));
        assert_eq!(found("<<<<<<<< b\n1\n========\n2\n>>>>>>>> c\n"), both("1\n", "2\n"));
        for none in [
            "a\n",
            "<<<<<<<< a\nb\n=======\n>>>>>>>> c\n",
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
