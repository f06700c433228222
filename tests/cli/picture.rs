//! The picture in README.md: a terminal with the real output of the program. `UPDATE_DOCS=1` writes it again.

use std::fmt::Write;
use std::fs;

use crate::environment::{Environment, checkout};

const PICTURE: &str = "docs/images/terminal.svg";

/// What the picture shows, after `init` in the same directory.
const COMMANDS: [&str; 3] = [
    "kubectl largescale pools -f app",
    "kubectl largescale render -f app",
    "grep -h azure-load app/rendered/*.yaml",
];

/// Pixels of a character and of a line, and around the text.
const CHARACTER: usize = 8;
const LINE: usize = 19;
const MARGIN: usize = 20;
const TITLE_BAR: usize = 32;

#[test]
fn the_picture_in_readme_shows_what_the_program_prints() {
    let environment = Environment::with(&checkout().join("examples/acs-engine"));
    let init = environment.line("kubectl largescale init app --nodes nodes.json --from nginx.yaml");
    assert!(init.status.success(), "{init:?}");
    let mut lines = Vec::new();
    for command in COMMANDS {
        let output = environment.line(command);
        assert!(output.status.success(), "{output:?}");
        lines.push(format!("$ {command}"));
        lines.extend(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned));
        lines.push(String::new());
    }
    lines.pop();
    let picture = svg(&lines);
    let path = checkout().join(PICTURE);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, picture).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == picture, "{PICTURE} is not what the program prints; UPDATE_DOCS=1 writes it again");
}

fn svg(lines: &[String]) -> String {
    let columns = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let width = columns * CHARACTER + 2 * MARGIN;
    let height = TITLE_BAR + lines.len() * LINE + 2 * MARGIN;
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="A terminal: kubectl largescale shows two node pools and renders one Service for each">
<rect width="{width}" height="{height}" rx="8" fill="#16181d"/>
<circle cx="20" cy="18" r="6" fill="#ff5f57"/><circle cx="40" cy="18" r="6" fill="#febc2e"/><circle cx="60" cy="18" r="6" fill="#28c840"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace" font-size="13" fill="#d6dae1">
"##
    );
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let y = TITLE_BAR + MARGIN + index * LINE + 10;
        let length = line.chars().count() * CHARACTER;
        let color = if line.starts_with("$ ") { r##" fill="#7ee2a8" font-weight="bold""## } else { "" };
        // A viewer folds ordinary spaces.
        let text =
            line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(' ', "\u{a0}");
        // Every font shows the text as wide as its columns, so tables stay aligned.
        let _ = writeln!(
            out,
            r#"<text x="{MARGIN}" y="{y}" textLength="{length}" lengthAdjust="spacingAndGlyphs"{color}>{text}</text>"#
        );
    }
    out.push_str("</g>\n</svg>\n");
    out
}
