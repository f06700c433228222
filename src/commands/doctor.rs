//! `doctor`: what commonly goes wrong, looked for in one go.

mod checks;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::commands::doctor::checks::findings;
use crate::commands::for_each::MultiTarget;
use crate::core::doctor::{Finding, Level};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::Separator;
use crate::output::{format, terminal};
use crate::scope::Scope;

/// Look for what commonly goes wrong: the plugin, kubectl, git, the spec, the cluster, your rights, the platform
///
/// Every check is made, whatever the others say. Nothing is changed. Exits with 1 if something fails.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Output format; default: a line a check
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

/// Looks.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let findings = findings(scope);
    let text = match args.output {
        Some(DoctorFormat::Json) => format::json(scope, as_json(&findings)),
        None => findings.iter().map(line).collect(),
    };
    terminal::data(&text)?;
    let worst = findings.iter().map(|finding| finding.level).max();
    Ok(if worst == Some(Level::Fail) { Exit::Different } else { Exit::Success })
}

fn line(finding: &Finding) -> String {
    let level = format!("{:4}", finding.level.word());
    let indent = " ".repeat(19);
    let message = finding.message.replace('\n', &format!("\n{indent}"));
    let hint = finding.hint.iter().map(|hint| format!("{indent}hint: {hint}\n")).collect::<String>();
    format!("{}  {:10}   {message}\n{hint}", terminal::level(&level), finding.check)
}

fn as_json(findings: &[Finding]) -> Value {
    let one = |finding: &Finding| {
        json!({ "check": finding.check, "level": finding.level.word().to_lowercase(), "message": finding.message,
            "hint": finding.hint })
    };
    let items: Vec<Value> = findings.iter().map(one).collect();
    json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "DoctorReport", "items": items })
}
