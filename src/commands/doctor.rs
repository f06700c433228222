//! `doctor`: checks the installation, the spec and the cluster.

mod checks;
mod directory;
mod sets;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::commands::doctor::checks::findings;
use crate::commands::for_each::MultiTarget;
use crate::core::doctor::{Finding, Level};
use crate::core::report::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::Separator;
use crate::output::styled::Styled;
use crate::output::{format, terminal};
use crate::scope::Scope;

/// Check the installation, the spec and the cluster for common problems
///
/// Checks the plugin, kubectl, completion, git, the spec, the rendered directory, the connection, your permissions, the nodes and
/// their platform, and the ApplySets in the cluster. Each check runs, even if another one fails. Writes nothing. Exits with 1 if a check fails.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  # Check the installation and the cluster of the current context
  kubectl largescale doctor

  # Check a spec and the cluster of another context too
  kubectl largescale doctor -f app --context west

  # Attach the result to a bug report
  kubectl largescale doctor -o json")]
pub struct Args {
    /// Output format [default: one line per check]
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<DoctorFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DoctorFormat {
    /// JSON
    Json,
}

impl MultiTarget for Args {
    fn separator(&self) -> Separator {
        self.output.map_or(Separator::Headings, |_| Separator::Nothing)
    }
}

/// Runs all checks.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let findings = findings(scope);
    let text = match args.output {
        Some(DoctorFormat::Json) => Styled::default().text(&format::json(scope, as_json(&findings))),
        None => findings.iter().fold(Styled::default(), line),
    };
    terminal::styled(&text)?;
    findings.iter().filter_map(problem).for_each(|problem| terminal::finding(&problem));
    let worst = findings.iter().map(|finding| finding.level).max();
    Ok(if worst == Some(Level::Fail) { Exit::Different } else { Exit::Success })
}

fn problem(finding: &Finding) -> Option<Diagnostic> {
    let message = format!("{}: {}", finding.check, finding.message);
    let problem = match finding.level {
        Level::Ok => return None,
        Level::Warn => Diagnostic::warning(message),
        Level::Fail => Diagnostic::error(message),
    };
    Some(Diagnostic { hint: finding.hint.clone(), ..problem })
}

fn line(text: Styled, finding: &Finding) -> Styled {
    let level = format!("{:4}", finding.level.word());
    let indent = " ".repeat(19);
    let message = finding.message.replace('\n', &format!("\n{indent}"));
    let hint = finding.hint.iter().map(|hint| format!("{indent}hint: {hint}\n")).collect::<String>();
    text.level(&level).text(&format!("  {:10}   {message}\n{hint}", finding.check))
}

fn as_json(findings: &[Finding]) -> Value {
    let one = |finding: &Finding| {
        json!({ "check": finding.check, "level": finding.level.word().to_lowercase(), "message": finding.message,
            "hint": finding.hint })
    };
    let items: Vec<Value> = findings.iter().map(one).collect();
    json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "DoctorReport", "items": items })
}
