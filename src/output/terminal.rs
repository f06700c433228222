//! The only module that writes to the terminal. Data goes to standard output, everything else to standard error.
//! Colors follow `NO_COLOR`, `CLICOLOR`, `TERM` and `--color`.

use std::io::{self, BufRead, IsTerminal, Write};

use unicode_width::UnicodeWidthStr;

use crate::core::bounds::MAX_PROBLEMS;
use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::report::escape::{in_comment, in_message};
use crate::core::report::plural::thousands;
use crate::core::report::sarif::RunEnd;
use crate::output::messages::{self, MessageFormat, TargetOutcome};
use crate::output::styled::{CYAN, RED, Styled, YELLOW};

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

/// Sets the use of color for the whole run.
pub fn choose_color(color: Color) {
    match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Writes data to standard output, escaped. JSON and completion scripts have nothing to escape.
pub fn data(text: &str) -> io::Result<()> {
    styled(&Styled::default().text(text))
}

/// Writes data with styles to standard output.
pub fn styled(text: &Styled) -> io::Result<()> {
    // Standard output is line-buffered, which would take thousands of writes.
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    out.write_all(text.as_str().as_bytes())?;
    out.flush()
}

/// Prints a problem or a warning with its hint, in the format of the messages.
pub fn diagnostic(diagnostic: &Diagnostic) {
    // Apps with the same problem differ in the flags, so problems are compared without them.
    let plain = diagnostic;
    let hint = diagnostic.hint.as_deref().map(messages::with_flags);
    let diagnostic = &Diagnostic { hint, ..diagnostic.clone() };
    let format = messages::format();
    let text = match format {
        MessageFormat::Human => human(diagnostic).as_str().to_owned(),
        MessageFormat::Json | MessageFormat::Github | MessageFormat::Sarif => messages::problem(diagnostic),
    };
    if !text.is_empty() && messages::is_first(&text, plain) {
        error_line(&text);
    }
}

/// Prints the problems of a failed command, and its warnings before them; of a flood only the first ones.
pub fn problems(problems: &[Diagnostic]) {
    let (warnings, errors): (Vec<&Diagnostic>, Vec<&Diagnostic>) =
        problems.iter().partition(|problem| problem.severity == Severity::Warning);
    for (found, what) in [(warnings, "warnings"), (errors, "problems")] {
        found.iter().take(MAX_PROBLEMS).for_each(|problem| diagnostic(problem));
        if let Some(more) = found.len().checked_sub(MAX_PROBLEMS).filter(|more| *more > 0) {
            note(&format!("{} more {what} are not shown", thousands(more as u64)));
        }
    }
}

/// Reports a problem that the data on standard output already shows. Only the formats for programs print it.
pub fn finding(finding: &Diagnostic) {
    if messages::format() != MessageFormat::Human {
        diagnostic(finding);
    }
}

fn human(diagnostic: &Diagnostic) -> Styled {
    let (word, style) = match diagnostic.severity {
        Severity::Warning => ("warning", YELLOW),
        Severity::Error | Severity::Refusal => ("error", RED),
    };
    let text = Styled::default().with_style(style.bold(), word).text(&format!(": {diagnostic}"));
    let Some(hint) = &diagnostic.hint else { return text };
    text.text("\n  ").with_style(CYAN, "hint").text(&format!(": {hint}"))
}

/// Shows equal problems once from now on, until [`show_repeated`].
pub fn fold_repeated() {
    messages::fold();
}

/// Shows how often the folded problems were repeated, and stops folding. Programs can count themselves.
pub fn show_repeated() {
    for line in messages::unfold() {
        note(&line);
    }
    same_of_objects();
}

/// Prints the problem of an object, if no other object has had it; otherwise [`same_of_objects`] names the object.
pub fn problem_of(object: &str, problem: &Diagnostic) {
    if messages::is_first_object(object, problem) {
        diagnostic(problem);
    }
}

/// Names the objects that have the same problem as another one. For several specs and clusters, the end of the run does.
pub fn same_of_objects() {
    if !messages::is_folding() {
        for line in messages::same_of_objects() {
            note(&line);
        }
    }
}

/// Prints a line to standard error that is neither data nor a problem. The text has no styles: it can quote file names.
pub fn note(text: &str) {
    let text = &messages::with_flags(text);
    let text = match messages::format() {
        MessageFormat::Human => in_message(text),
        MessageFormat::Json | MessageFormat::Github | MessageFormat::Sarif => messages::note(text),
    };
    if !text.is_empty() {
        error_line(&text);
    }
}

/// Shows the outcome of each of several specs and clusters.
pub fn outcomes(outcomes: &[TargetOutcome]) {
    if matches!(messages::format(), MessageFormat::Json | MessageFormat::Sarif) {
        for outcome in outcomes {
            let text = messages::outcome(outcome);
            if !text.is_empty() {
                error_line(&text);
            }
        }
        return;
    }
    let row = |outcome: &TargetOutcome| {
        let cluster = outcome.scope.cluster.clone().unwrap_or_default();
        vec![in_comment(&outcome.name), in_comment(&cluster), outcome.word.to_owned()]
    };
    let rows: Vec<_> = outcomes.iter().map(row).collect();
    note(&format!("\n{}", table(&["APP", "CLUSTER", "OUTCOME"], &rows).trim_end()));
}

/// Ends the messages of a run: prints the log, if the format has one.
pub fn end(end: RunEnd) {
    if let Some(log) = messages::log(end) {
        let _ = anstream::stderr().lock().write_all(log.as_bytes());
    }
}

/// Reports a panic in the format of the messages, for the formats that a program reads.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if let Some(text) = messages::panicked(&panic.to_string()) {
            let _ = anstream::stderr().lock().write_all(text.as_bytes());
        }
    }));
}

fn error_line(text: &str) {
    // If standard error is closed, there is nowhere to report it.
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
        if messages::format() == MessageFormat::Sarif {
            // A log of the whole run has no use for it.
            return;
        }
        if !Self::in_place() {
            for line in lines.iter().filter(|line| !self.printed.contains(line)) {
                note(&format!("waiting: {line}"));
            }
            self.printed = lines.to_vec();
            return;
        }
        let mut err = anstream::stderr().lock();
        let more = lines.len().saturating_sub(Self::MAX_LINES);
        let mut text = self.wipe();
        for line in lines.iter().take(Self::MAX_LINES) {
            // A line that is wider than the screen would wrap and take two.
            let line: String = in_comment(line).chars().take(100).collect();
            let line = Styled::default().with_style(YELLOW, "waiting").text(&format!(" {line}\n"));
            text.push_str(line.as_str());
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

    fn in_place() -> bool {
        messages::format() == MessageFormat::Human && io::stderr().is_terminal()
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
    NoTerminal,
}

/// Asks the user to confirm, if there is a terminal. A program that reads the messages cannot answer.
pub fn ask(question: &str) -> Answer {
    if messages::format() != MessageFormat::Human {
        return Answer::NoTerminal;
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Answer::NoTerminal;
    }
    let _ = write!(anstream::stderr().lock(), "{} [y/N] ", in_message(question));
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(_) if ["y", "yes"].contains(&line.trim().to_lowercase().as_str()) => Answer::Yes,
        _ => Answer::No,
    }
}

/// Formats a table as kubectl does: upper-case headings, three spaces between columns.
/// A cell is one line: a line end in it is escaped.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| in_comment(cell)).collect()).collect();
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.len()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&headings).chain(&rows) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_with_wide_characters() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let shown = table(&["NAME", "STATE"], &[row(["可用性", "ready"]), row(["pool", "-"])]);
        // A terminal shows each of the three characters in two columns.
        assert_eq!(shown, "NAME     STATE\n可用性   ready\npool     -\n");
        assert_eq!(table(&["A", "B"], &[row(["x\ny\u{1b}", "z"])]), "A          B\nx%0Ay%1B   z\n");
    }
}
