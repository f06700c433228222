//! Text for a terminal: foreign text is escaped first, then our styles are added.
//!
//! This is the only module that writes control sequences. Text from files, from the cluster or from the cloud can contain
//! sequences that move the cursor, hide lines or paste into the shell (the class of CVE-2021-25743).

use anstyle::{AnsiColor, Style};

use crate::core::report::escape::{in_comment, in_message};
use crate::core::report::text_diff::{DiffLine, Emphasis, LineKind};

pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const BOLD: Style = Style::new().bold();

/// Text that is safe to print. Its only control characters are line ends, tabs and our styles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Styled(String);

impl Styled {
    /// Returns the line for a new file.
    pub fn created(file: &str) -> Self {
        Self::default().text(&format!("{} ", in_comment(file))).action("created").text("\n")
    }

    /// Adds text, escaped. Line ends and tabs stay.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.0.push_str(&in_message(text));
        self
    }

    /// Adds text with a style, escaped.
    #[must_use]
    pub fn with_style(mut self, style: Style, text: &str) -> Self {
        self.0.push_str(&format!("{style}{}{style:#}", in_message(text)));
        self
    }

    /// Adds the word for an action, in its color.
    #[must_use]
    pub fn action(self, word: &str) -> Self {
        let style = match word {
            "created" => GREEN,
            "changed" | "configured" => YELLOW,
            "removed" | "forgotten" | "pruned" => RED,
            _ => Style::new(),
        };
        self.with_style(style, word)
    }

    /// Adds the word for a level, in the color of its severity.
    #[must_use]
    pub fn level(self, word: &str) -> Self {
        let style = match word.trim_end() {
            "ok" => GREEN,
            "warn" => YELLOW,
            _ => RED.bold(),
        };
        self.with_style(style, word)
    }

    /// Adds the heading of one of several outputs; one line, whatever the spec is called.
    #[must_use]
    pub fn heading(self, title: &str) -> Self {
        self.with_style(BOLD, &format!("== {}", in_comment(title))).text("\n")
    }

    /// Adds a diff in color, with the words highlighted that changed within a line.
    #[must_use]
    pub fn diff(mut self, lines: &[DiffLine]) -> Self {
        for line in lines {
            let style = match line.kind {
                LineKind::Header => BOLD,
                LineKind::Hunk => CYAN,
                LineKind::Same => Style::new(),
                LineKind::Deleted => RED,
                LineKind::Inserted => GREEN,
            };
            if !line.sign().is_empty() {
                self = self.with_style(style, line.sign());
            }
            for (emphasis, text) in &line.parts {
                let style = if *emphasis == Emphasis::Changed { style.invert() } else { style };
                // A line of a diff stays one line, also with a line end in the name of its file.
                self = self.with_style(style, &text.replace('\n', "%0A"));
            }
            self.0.push('\n');
        }
        self
    }

    /// Returns the text with its styles.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::text_diff::unified;

    #[test]
    fn only_our_styles_are_control_sequences() {
        const HOSTILE: &str = "\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J\u{8}\r\u{7f}\u{202e}";
        let shown = Styled::default()
            .text(HOSTILE)
            .action(HOSTILE)
            .level(HOSTILE)
            .heading(HOSTILE)
            .diff(&unified(HOSTILE, "new", HOSTILE, "b\nc"));
        let ours = [RED, RED.bold(), YELLOW, CYAN, GREEN, BOLD, RED.invert(), GREEN.invert()];
        let mut plain = shown.as_str().to_owned();
        for style in ours {
            plain = plain.replace(&style.to_string(), "");
        }
        plain = plain.replace(&anstyle::Reset.to_string(), "");
        assert!(!plain.contains(|c: char| c.is_control() && c != '\n'), "{plain:?}");
        assert!(!plain.contains('\u{202e}'), "{plain:?}");
        assert!(plain.contains("%1B[31m%1B]0;title%07%C2%9B2J%08%0D%7F%E2%80%AE"), "{plain:?}");
        assert!(plain.contains("+++ b%0Ac\n"), "{plain:?}");
    }
}
