//! The one place for the terminal. Data goes to standard output, everything else to standard error; colour only where
//! the terminal takes it (`NO_COLOR`, `CLICOLOR`, `TERM` and `--color` are respected).

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use anstyle::{AnsiColor, Style};

use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::text_diff::{DiffLine, Emphasis, LineKind};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const BOLD: Style = Style::new().bold();

/// Decides about colour for the whole run.
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
    // Standard output of its own writes line by line: thousands of calls where one does.
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Shows a problem or a warning with its hint.
pub fn diagnostic(diagnostic: &Diagnostic) {
    if is_repeated(diagnostic) {
        return;
    }
    let (word, style) = match diagnostic.severity {
        Severity::Warning => ("warning", YELLOW),
        Severity::Error | Severity::Refusal => ("error", RED),
    };
    let style = style.bold();
    // There is nowhere left to say that standard error is closed.
    let mut err = anstream::stderr().lock();
    let _ = writeln!(err, "{style}{word}{style:#}: {diagnostic}");
    if let Some(hint) = &diagnostic.hint {
        let _ = writeln!(err, "  {CYAN}hint{CYAN:#}: {hint}");
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

/// Says something that is neither data nor a problem.
pub fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// What is being waited for. On a terminal the lines stand in one place; elsewhere a line is said when it is new.
#[derive(Debug, Default)]
pub struct Progress {
    /// Lines on the screen, to be written over.
    standing: usize,
    said: Vec<String>,
}

impl Progress {
    /// So many lines a screen has room for.
    const ROOM: usize = 20;

    /// Shows what is waited for now.
    pub fn show(&mut self, lines: &[String]) {
        let mut err = anstream::stderr().lock();
        if !io::stderr().is_terminal() {
            for line in lines.iter().filter(|line| !self.said.contains(line)) {
                let _ = writeln!(err, "waiting: {line}");
            }
            self.said = lines.to_vec();
            return;
        }
        let more = lines.len().saturating_sub(Self::ROOM);
        let mut text = self.wipe();
        for line in lines.iter().take(Self::ROOM) {
            // A line that is wider than the screen would take two.
            let line: String = line.chars().take(100).collect();
            text.push_str(&format!("{YELLOW}waiting{YELLOW:#} {line}\n"));
        }
        if more > 0 {
            text.push_str(&format!("and {more} more\n"));
        }
        self.standing = lines.len().min(Self::ROOM) + usize::from(more > 0);
        let _ = err.write_all(text.as_bytes());
    }

    /// Takes the lines away.
    pub fn end(&mut self) {
        let text = self.wipe();
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }

    fn wipe(&mut self) -> String {
        let lines = std::mem::take(&mut self.standing);
        if lines == 0 { String::new() } else { format!("\x1b[{lines}A\x1b[J") }
    }
}

/// What a person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, in so many letters.
    Yes,
    /// Anything else.
    No,
    /// Nobody is there to be asked.
    Nobody,
}

/// Asks a person, if there is one.
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

/// Rows under headings, in kubectl's way: upper-case headings, columns three blanks apart.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:width$}   "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// How full something is, as a bar on a terminal and as nothing elsewhere; `percent` may be more than 100.
pub fn bar(percent: u64) -> String {
    const WIDTH: usize = 10;
    if !io::stdout().is_terminal() {
        return String::new();
    }
    let full = usize::try_from(percent).unwrap_or(usize::MAX).min(100).div_ceil(100 / WIDTH);
    format!("{}{} ", "█".repeat(full), "░".repeat(WIDTH - full))
}

/// A line between the outputs of several.
pub fn heading(index: usize, title: &str) -> String {
    let space = if index > 0 { "\n" } else { "" };
    format!("{space}{BOLD}== {title}{BOLD:#}\n")
}

/// A word in the colour of how bad it is.
pub fn level(word: &str) -> String {
    let style = match word.trim_end() {
        "ok" => GREEN,
        "warn" => YELLOW,
        _ => RED.bold(),
    };
    format!("{style}{word}{style:#}")
}

/// A word in the colour of what happened.
pub fn action(word: &str) -> String {
    let style = match word {
        "created" => GREEN,
        "changed" | "configured" => YELLOW,
        "removed" | "forgotten" | "pruned" => RED,
        _ => Style::new(),
    };
    format!("{style}{word}{style:#}")
}

/// A diff with colours, the words that changed within a line set off.
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
