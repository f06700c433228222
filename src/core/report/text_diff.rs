//! Unified diffs as data, so that the terminal can color them.

use similar::udiff::UnifiedHunkHeader;
use similar::{DiffTag, DiffableStr, diff_ratio, group_diff_ops};

use crate::core::report::list_diff;

/// Lines of context around a change, as in diff(1).
const CONTEXT: usize = 3;

/// The part of equal words from which the changed ones are emphasized.
const MOSTLY_EQUAL: f32 = 0.5;

/// One line of a unified diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// The kind of the line.
    pub kind: LineKind,
    /// The text without the sign and the newline, split into changed and unchanged parts.
    pub parts: Vec<(Emphasis, String)>,
}

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// `---` or `+++`, including the sign.
    Header,
    /// `@@ … @@`.
    Hunk,
    /// In both texts.
    Same,
    /// In the old text only.
    Deleted,
    /// In the new text only.
    Inserted,
}

/// Whether a part of a line changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emphasis {
    /// The part is equal in both lines.
    None,
    /// The part changed.
    Changed,
}

impl DiffLine {
    fn whole(kind: LineKind, text: String) -> Self {
        Self { kind, parts: vec![(Emphasis::None, text)] }
    }

    fn push(&mut self, emphasis: Emphasis, text: &str) {
        // The newline is a part of the last white space.
        let text = without_newline(text);
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some((last, part)) if *last == emphasis => part.push_str(text),
            _ => self.parts.push((emphasis, text.to_owned())),
        }
    }

    /// Returns the sign in front of the line.
    pub fn sign(&self) -> &'static str {
        match self.kind {
            LineKind::Header | LineKind::Hunk => "",
            LineKind::Same => " ",
            LineKind::Deleted => "-",
            LineKind::Inserted => "+",
        }
    }
}

/// Returns the unified diff of two texts; empty if they are equal.
pub fn unified(old: &str, new: &str, old_name: &str, new_name: &str) -> Vec<DiffLine> {
    if old == new {
        return Vec::new();
    }
    let (old, new) = (old.tokenize_lines(), new.tokenize_lines());
    let mut lines = vec![
        DiffLine::whole(LineKind::Header, format!("--- {old_name}")),
        DiffLine::whole(LineKind::Header, format!("+++ {new_name}")),
    ];
    for hunk in group_diff_ops(list_diff::operations(&old, &new), CONTEXT) {
        lines.push(DiffLine::whole(LineKind::Hunk, UnifiedHunkHeader::new(&hunk).to_string()));
        for operation in hunk {
            let (old, new) = (&old[operation.old_range()], &new[operation.new_range()]);
            match operation.tag() {
                DiffTag::Equal => lines.extend(plain(LineKind::Same, old)),
                DiffTag::Delete => lines.extend(plain(LineKind::Deleted, old)),
                DiffTag::Insert => lines.extend(plain(LineKind::Inserted, new)),
                DiffTag::Replace => lines.extend(replaced(old, new)),
            }
        }
    }
    lines
}

fn plain(kind: LineKind, lines: &[&str]) -> impl Iterator<Item = DiffLine> {
    lines.iter().map(move |line| {
        let text = without_newline(line);
        let parts = if text.is_empty() { Vec::new() } else { vec![(Emphasis::None, text.to_owned())] };
        DiffLine { kind, parts }
    })
}

fn without_newline(line: &str) -> &str {
    line.trim_end_matches('\n')
}

/// Returns the lines of both sides, with the changed words emphasized if most words are equal.
fn replaced(old: &[&str], new: &[&str]) -> Vec<DiffLine> {
    let (old_words, new_words) = (words(old), words(new));
    let operations = list_diff::operations(&texts(&old_words), &texts(&new_words));
    let many_lines = old.len().max(new.len()) > 3 * old.len().min(new.len());
    if many_lines || diff_ratio(&operations, old_words.len(), new_words.len()) < MOSTLY_EQUAL {
        return plain(LineKind::Deleted, old).chain(plain(LineKind::Inserted, new)).collect();
    }
    let mut deleted = vec![DiffLine { kind: LineKind::Deleted, parts: Vec::new() }; old.len()];
    let mut inserted = vec![DiffLine { kind: LineKind::Inserted, parts: Vec::new() }; new.len()];
    for operation in operations {
        let emphasis = if operation.tag() == DiffTag::Equal { Emphasis::None } else { Emphasis::Changed };
        for word in &old_words[operation.old_range()] {
            deleted[word.line].push(emphasis, word.text);
        }
        for word in &new_words[operation.new_range()] {
            inserted[word.line].push(emphasis, word.text);
        }
    }
    deleted.into_iter().chain(inserted).collect()
}

/// A word, or the white space between two words.
struct Word<'a> {
    line: usize,
    text: &'a str,
}

fn texts<'a>(words: &[Word<'a>]) -> Vec<&'a str> {
    words.iter().map(|word| word.text).collect()
}

fn words<'a>(lines: &[&'a str]) -> Vec<Word<'a>> {
    let numbered = lines.iter().enumerate();
    numbered
        .flat_map(|(line, text)| text.tokenize_words().into_iter().map(move |text| Word { line, text }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(lines: &[DiffLine]) -> String {
        lines
            .iter()
            .map(|line| {
                format!(
                    "{}{}\n",
                    line.sign(),
                    line.parts.iter().map(|(_, text)| text.as_str()).collect::<String>()
                )
            })
            .collect()
    }

    #[test]
    fn writes_the_format_of_diff_u() {
        assert_eq!(unified("a\n", "a\n", "x", "y"), []);
        let lines = unified("a\nb\nimage: nginx:1\n", "a\nb\nimage: nginx:2\n", "x", "y");
        assert_eq!(
            plain(&lines),
            "--- x\n+++ y\n@@ -1,3 +1,3 @@\n a\n b\n-image: nginx:1\n+image: nginx:2\n"
        );
        assert!(lines[5].parts.iter().any(|(emphasis, _)| *emphasis == Emphasis::Changed));
        assert_eq!(plain(&unified("", "a\n", "x", "y")), "--- x\n+++ y\n@@ -0,0 +1 @@\n+a\n");
    }
    /// Compares with the library's own diff of texts.
    #[test]
    fn equals_the_diff_of_the_library() {
        use similar::{Algorithm, ChangeTag, TextDiff};
        let expected = |old: &str, new: &str| -> Vec<DiffLine> {
            let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_lines(old, new);
            let mut lines = Vec::new();
            for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
                lines.push(DiffLine::whole(LineKind::Hunk, hunk.header().to_string()));
                for change in hunk.ops().iter().flat_map(|operation| diff.iter_inline_changes(operation)) {
                    let kind = match change.tag() {
                        ChangeTag::Equal => LineKind::Same,
                        ChangeTag::Delete => LineKind::Deleted,
                        ChangeTag::Insert => LineKind::Inserted,
                    };
                    let mut line = DiffLine { kind, parts: Vec::new() };
                    for (changed, text) in change.iter_strings_lossy() {
                        line.push(if changed { Emphasis::Changed } else { Emphasis::None }, &text);
                    }
                    lines.push(line);
                }
            }
            lines
        };
        // xorshift64*: the same texts in every run.
        let mut state = 7_u64;
        let mut below = |limit: u64| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
        };
        let mut text = |lines: u64| -> String {
            let mut text = String::new();
            for _ in 0..below(lines) {
                for _ in 0..below(4) {
                    text.push_str(["a: ", "b ", "c", "nginx:1", " "][usize::try_from(below(5)).unwrap()]);
                }
                text.push('\n');
            }
            text
        };
        for round in 0..2_000 {
            let lines = if round % 100 == 0 { 300 } else { 12 };
            let (old, new) = (text(lines), text(lines));
            if old != new {
                assert_eq!(unified(&old, &new, "x", "y")[2..], expected(&old, &new), "{old}---\n{new}");
            }
        }
    }
}
