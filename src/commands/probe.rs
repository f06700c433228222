//! `probe`: checks from the outside that every load balancer answers and that DNS has exactly those that do. It changes nothing.

mod args;
mod draining;
#[cfg(test)]
mod hostile;
mod job;
mod json;
mod junit;
mod table;

use std::time::Instant;

use crate::cluster::Pause;
pub use crate::commands::probe::args::Args;
use crate::commands::probe::args::ProbeFormat;
use crate::commands::probe::draining::Draining;
use crate::core::probe::{Finding, Row, Weight};
use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::engine::probe::{Probed, Wanted, probe};
use crate::engine::target::{Access, Target};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{format, terminal};
use crate::scope::Scope;

/// Requests to the API server at the same time.
const CONCURRENCY: usize = 16;

/// Probes the load balancers of the app.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    if let Some(image) = &args.image {
        terminal::data(&job::text(scope, args, image)?)?;
        return Ok(Exit::Success);
    }
    let target = Target::find(scope, Access::ReadOnly)?;
    let wanted =
        Wanted { count: args.count, pools: Vec::new(), names: args.names(), concurrency: CONCURRENCY };
    if target.spec.dns.is_none() {
        terminal::note("the spec has no `dns`, so DNS is not compared");
    }
    let mut screen = Screen { scope, args, before: None, draining: Draining::default(), warned: Vec::new() };
    let first = probe(&target, &wanted)?;
    let exit = exit_of(&first.findings);
    screen.show(&target, &first)?;
    if !args.watch {
        return Ok(exit);
    }
    // Ctrl-C may end the program at any point, because it writes nothing.
    while target.cluster.pause(args.every) != Pause::Interrupted {
        match probe(&target, &wanted) {
            Ok(probed) => screen.show(&target, &probed)?,
            // A watch continues while the API server restarts.
            Err(failure) => screen.fail(&failure),
        }
    }
    Ok(Exit::Success)
}

/// Only a proven difference is one.
fn exit_of(findings: &[Finding]) -> Exit {
    let is_proven = |finding: &Finding| finding.weight == Weight::Difference;
    if findings.iter().any(is_proven) { Exit::Different } else { Exit::Success }
}

/// What was printed so far.
struct Screen<'a> {
    scope: &'a Scope,
    args: &'a Args,
    before: Option<(Vec<Row>, Vec<Finding>, Vec<String>)>,
    draining: Draining,
    warned: Vec<Diagnostic>,
}

impl Screen<'_> {
    /// Prints a probe; in a watch only what changed.
    fn show(&mut self, target: &Target, probed: &Probed) -> Result<(), Failure> {
        for warning in &probed.unseen {
            self.warn(warning);
        }
        let lines = self.draining.lines(target, probed, Instant::now());
        let rows: Vec<Row> = probed.rows.iter().cloned().map(Row::without_repetition).collect();
        let now = (rows, probed.findings.clone(), lines);
        if self.before.as_ref() == Some(&now) {
            return Ok(());
        }
        let shown =
            table::Shown { probed, before: self.before.as_ref().map(|(rows, ..)| rows), lines: &now.2 };
        let app = target.set.name.as_str();
        let text = match self.args.output {
            None => table::narrow(&shown),
            Some(ProbeFormat::Wide) => table::wide(&shown),
            Some(ProbeFormat::Json) => format::json(self.scope, json::value(app, probed, &now.2)),
            Some(ProbeFormat::Yaml) => format::yaml(self.scope, json::value(app, probed, &now.2)),
            Some(ProbeFormat::Name) => table::names(probed),
            Some(ProbeFormat::Junit) => junit::text(app, probed),
        };
        let separator = match (self.args.output, &self.before) {
            (_, None) | (Some(ProbeFormat::Json | ProbeFormat::Name | ProbeFormat::Junit), _) => "",
            (Some(ProbeFormat::Yaml), _) => "---\n",
            (None | Some(ProbeFormat::Wide), _) => "\n",
        };
        terminal::data(&format!("{separator}{text}"))?;
        for finding in &probed.findings {
            terminal::finding(&as_diagnostic(finding));
        }
        self.before = Some(now);
        Ok(())
    }

    /// Prints a warning that was not printed before.
    fn warn(&mut self, warning: &Diagnostic) {
        if !self.warned.contains(warning) {
            terminal::diagnostic(warning);
            self.warned.push(warning.clone());
        }
    }

    /// Prints why a probe failed.
    fn fail(&mut self, failure: &Failure) {
        for problem in &failure.problems {
            self.warn(&Diagnostic { severity: Severity::Warning, ..problem.clone() });
        }
    }
}

fn as_diagnostic(finding: &Finding) -> Diagnostic {
    let diagnostic = match finding.weight {
        Weight::Difference => Diagnostic::error(finding.message.clone()),
        Weight::Unknown | Weight::Warning => Diagnostic::warning(finding.message.clone()),
    };
    diagnostic.hint(finding.hint.clone())
}
