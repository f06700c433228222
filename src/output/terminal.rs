//! The only module that writes to the terminal. Data goes to standard output, everything else to standard error.
//! Colors follow `NO_COLOR`, `CLICOLOR`, `TERM` and `--color`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::escape::in_message;
use crate::core::report::text_diff::{DiffLine, Emphasis, LineKind};

/// When to use color.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const BOLD: Style = Style::new().bold();

/// Sets the use of color for the whole run.
pub fn choose_color(color: Color) {
    match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Writes data to standard output.
pub fn data(text: &str) -> io::Result<()> {
    // Standard output is line-buffered, which would take thousands of writes.
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a problem or a warning with its hint.
pub fn diagnostic(diagnostic: &Diagnostic) {
    if is_repeated(diagnostic) {
        return;
    }
    let (word, style) = match diagnostic.severity {
        Severity::Warning => ("warning", YELLOW),
        Severity::Error | Severity::Refusal => ("error", RED),
    };
    let style = style.bold();
    // If standard error is closed, there is nowhere to report it.
    let mut err = anstream::stderr().lock();
    // Messages quote files that are not reviewed yet, and a terminal executes escape sequences in them.
    let _ = writeln!(err, "{style}{word}{style:#}: {}", in_message(&diagnostic.to_string()));
    if let Some(hint) = &diagnostic.hint {
        let _ = writeln!(err, "  {CYAN}hint{CYAN:#}: {}", in_message(hint));
    }
}

/// The problems that were shown, each with its number; `None` if repeated problems are not folded.
static FOLDED: Mutex<Option<Vec<(Diagnostic, usize)>>> = Mutex::new(None);

/// Shows equal problems once from now on, until [`show_repeated`].
pub fn fold_repeated() {
    *FOLDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
}

/// Counts a problem. Returns whether it was shown before.
fn is_repeated(diagnostic: &Diagnostic) -> bool {
    let mut folded = FOLDED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(shown) = folded.as_mut() else { return false };
    if let Some((_, count)) = shown.iter_mut().find(|(known, _)| known == diagnostic) {
        *count += 1;
        return true;
    }
    shown.push((diagnostic.clone(), 1));
    false
}

/// Shows how often the folded problems were repeated, and stops folding.
pub fn show_repeated() {
    let folded = FOLDED.lock().unwrap_or_else(PoisonError::into_inner).take();
    for (problem, count) in folded.into_iter().flatten().filter(|(_, count)| *count > 1) {
        note(&format!("occurred {count} times, shown once: {problem}"));
    }
}

/// Prints a line to standard error that is neither data nor a problem.
pub fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Progress of a wait. A terminal shows the current lines in place; elsewhere each new line is printed once.
#[derive(Debug, Default)]
pub struct Progress {
    /// Number of lines on the screen that the next update replaces.
    shown: usize,
    printed: Vec<String>,
}

impl Progress {
    /// Maximum number of lines on the screen.
    const MAX_LINES: usize = 20;

    /// Shows the things that are not ready yet.
    pub fn show(&mut self, lines: &[String]) {
        let mut err = anstream::stderr().lock();
        if !io::stderr().is_terminal() {
            for line in lines.iter().filter(|line| !self.printed.contains(line)) {
                let _ = writeln!(err, "waiting: {line}");
            }
            self.printed = lines.to_vec();
            return;
        }
        let more = lines.len().saturating_sub(Self::MAX_LINES);
        let mut text = self.wipe();
        for line in lines.iter().take(Self::MAX_LINES) {
            // A line that is wider than the screen would wrap and take two.
            let line: String = line.chars().take(100).collect();
            text.push_str(&format!("{YELLOW}waiting{YELLOW:#} {line}\n"));
        }
        if more > 0 {
            text.push_str(&format!("and {more} more\n"));
        }
        self.shown = lines.len().min(Self::MAX_LINES) + usize::from(more > 0);
        let _ = err.write_all(text.as_bytes());
    }

    /// Removes the lines.
    pub fn end(&mut self) {
        let text = self.wipe();
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }

    fn wipe(&mut self) -> String {
        let lines = std::mem::take(&mut self.shown);
        if lines == 0 { String::new() } else { format!("\x1b[{lines}A\x1b[J") }
    }
}

/// Answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `y` or `yes`.
    Yes,
    /// Anything else.
    No,
    /// There is no terminal to ask on.
    Nobody,
}

/// Asks the user to confirm, if there is a terminal.
pub fn ask(question: &str) -> Answer {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Answer::Nobody;
    }
    let _ = write!(anstream::stderr().lock(), "{question} [y/N] ");
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(_) if ["y", "yes"].contains(&line.trim().to_lowercase().as_str()) => Answer::Yes,
        _ => Answer::No,
    }
}

/// Formats a table as kubectl does: upper-case headings, three spaces between columns.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let padding = width.saturating_sub(cell.width()) + 3;
            line.push_str(cell);
            line.push_str(&" ".repeat(padding));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Returns a bar for a percentage on a terminal, and nothing elsewhere; `percent` may exceed 100.
pub fn bar(percent: u64) -> String {
    const WIDTH: usize = 10;
    if !io::stdout().is_terminal() {
        return String::new();
    }
    let full = usize::try_from(percent).unwrap_or(usize::MAX).min(100).div_ceil(100 / WIDTH);
    format!("{}{} ", "█".repeat(full), "░".repeat(WIDTH - full))
}

/// Returns a heading between the outputs of several clusters.
pub fn heading(index: usize, title: &str) -> String {
    let space = if index > 0 { "\n" } else { "" };
    format!("{space}{BOLD}== {title}{BOLD:#}\n")
}

/// Colors a level by its severity.
pub fn level(word: &str) -> String {
    let style = match word.trim_end() {
        "ok" => GREEN,
        "warn" => YELLOW,
        _ => RED.bold(),
    };
    format!("{style}{word}{style:#}")
}

/// Colors an action.
pub fn action(word: &str) -> String {
    let style = match word {
        "created" => GREEN,
        "changed" | "configured" => YELLOW,
        "removed" | "forgotten" | "pruned" => RED,
        _ => Style::new(),
    };
    format!("{style}{word}{style:#}")
}

/// Colors a diff, and highlights the words that changed within a line.
pub fn diff(lines: &[DiffLine]) -> String {
    let mut out = String::new();
    for line in lines {
        let style = match line.kind {
            LineKind::Header => BOLD,
            LineKind::Hunk => CYAN,
            LineKind::Same => Style::new(),
            LineKind::Deleted => RED,
            LineKind::Inserted => GREEN,
        };
        if !line.sign().is_empty() {
            out.push_str(&format!("{style}{}{style:#}", line.sign()));
        }
        for (emphasis, text) in &line.parts {
            let style = if *emphasis == Emphasis::Changed { style.invert() } else { style };
            out.push_str(&format!("{style}{text}{style:#}"));
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_with_wide_characters() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let shown = table(&["NAME", "STATE"], &[row(["可用性", "ready"]), row(["pool", "-"])]);
        // A terminal shows each of the three characters in two columns.
        assert_eq!(shown, "NAME     STATE\n可用性   ready\npool     -\n");
    }
}
