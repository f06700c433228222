//! Runs the pages of the documentation from top to bottom, as a reader would.
//!
//! A `console` block has lines `$ command` followed by their output. An `sh` block is a script that must succeed. A
//! block after `<!-- file: PATH -->` is written to that file, and one after `<!-- not run: WHY -->` is skipped.
//! `<!-- setup: COMMANDS -->` creates what a page assumes. All blocks of a page run in one directory, one shell
//! after the other; `cd` is kept.

use std::fs;
use std::path::Path;
use std::process::Command;

use largescale::core::report::text_diff::unified;

/// A page.
pub struct Page {
    lines: Vec<String>,
}

/// The result of running a page.
pub struct Played {
    /// The page with the real outputs.
    pub text: String,
    /// The differences from the page, for people; empty if there are none.
    pub differences: String,
    /// The reasons why blocks were not run.
    pub not_run: Vec<String>,
}

impl Page {
    pub fn read(path: &Path) -> Self {
        Self { lines: fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect() }
    }

    /// Runs the page. `shell` returns a shell in the right directory and environment for a script; outputs are
    /// compared after `essence` has normalized them.
    pub fn play(
        &self,
        shell: &dyn Fn(&str) -> Command,
        write: &dyn Fn(&str, &str),
        essence: &dyn Fn(&str) -> String,
    ) -> Played {
        let mut played = Played { text: String::new(), differences: String::new(), not_run: Vec::new() };
        let mut index = 0;
        let mut mark = String::new();
        while index < self.lines.len() {
            let line = &self.lines[index];
            played.text.push_str(&format!("{line}\n"));
            index += 1;
            let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else {
                if let Some(setup) =
                    line.strip_prefix("<!-- setup: ").and_then(|rest| rest.strip_suffix(" -->"))
                {
                    script(&format!("{setup}\n"), shell, &mut played.differences);
                } else if line.starts_with("<!-- ") {
                    mark.clone_from(line);
                } else if !line.is_empty() {
                    mark.clear();
                }
                continue;
            };
            let end = index + self.lines[index..].iter().position(|line| line == "```").unwrap();
            let block = self.lines[index..end].join("\n") + "\n";
            let marked = |what: &str| {
                mark.strip_prefix(&format!("<!-- {what}: ")).and_then(|rest| rest.strip_suffix(" -->"))
            };
            let seen = if let Some(why) = marked("not run") {
                played.not_run.push(why.to_owned());
                block.clone()
            } else if let Some(path) = marked("file") {
                write(path, &block);
                block.clone()
            } else {
                match kind {
                    "console" => console(&block, shell),
                    "sh" => script(&block, shell, &mut played.differences),
                    _ => block.clone(),
                }
            };
            mark.clear();
            if essence(&seen) == essence(&block) {
                played.text.push_str(&block);
            } else {
                played.differences.push_str(&difference(&block, &seen));
                played.text.push_str(&seen);
            }
            played.text.push_str("```\n");
            index = end + 1;
        }
        played
    }
}

/// Returns the block with the current output of its commands.
fn console(block: &str, shell: &dyn Fn(&str) -> Command) -> String {
    let mut seen = String::new();
    let mut lines = block.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix("$ ") else { continue };
        seen.push_str(&format!("{line}\n"));
        let mut command = command.to_owned();
        while command.ends_with('\\') {
            let more = lines.next().unwrap_or_default();
            seen.push_str(&format!("{more}\n"));
            command = format!("{}{}", command.trim_end_matches('\\'), more.trim_start_matches("> "));
        }
        let output = shell(&format!("{{ {command}\n}} 2>&1")).output().unwrap();
        seen.push_str(&String::from_utf8_lossy(&output.stdout));
        if !seen.ends_with('\n') {
            seen.push('\n');
        }
        // Keep empty lines between commands.
        while lines.peek().is_some_and(|next| !next.starts_with("$ ")) {
            let skipped = lines.next().unwrap_or_default();
            let sets_apart = skipped.is_empty() && lines.peek().is_some_and(|next| next.starts_with("$ "));
            if sets_apart && !seen.ends_with("\n\n") {
                seen.push('\n');
            }
        }
    }
    seen
}

fn script(block: &str, shell: &dyn Fn(&str) -> Command, differences: &mut String) -> String {
    let output = shell(&format!("set -e\n{block}")).output().unwrap();
    if !output.status.success() {
        differences.push_str(&format!(
            "the script ended with {}:\n{block}{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    block.to_owned()
}

fn difference(expected: &str, seen: &str) -> String {
    let lines = unified(expected, seen, "the page", "seen");
    lines
        .iter()
        .map(|line| {
            let text: String = line.parts.iter().map(|(_, text)| text.as_str()).collect();
            format!("{}{text}\n", line.sign())
        })
        .collect()
}

/// Returns a script that starts in the directory in which the previous one ended. `state` is a file for this page.
pub fn in_turn(state: &Path, script: &str) -> String {
    let state = state.display();
    format!("cd \"$(cat '{state}')\" || exit 1\ntrap 'pwd >\"{state}\"' EXIT\n{script}")
}
