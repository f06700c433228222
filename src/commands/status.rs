//! `status`: compares the rendered directory with the cluster. It writes nothing.

mod args;
mod json;
mod node_counts;
mod observe;
mod summary;
mod table;
mod view;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cluster::{Cluster, ClusterError, Pause, Problem};
pub use crate::commands::status::args::Args;
use crate::commands::status::args::StatusFormat;
use crate::commands::status::observe::{Decision, Observer};
use crate::commands::status::view::Shown;
use crate::core::dns::RoundRobin;
use crate::core::report::diagnostic::{Diagnostic, Severity};
use crate::core::status::Report;
use crate::directory::{Project, Reviewed};
use crate::engine::cluster_identity::identity_or_doubt;
use crate::engine::interrupts;
use crate::engine::interrupts::Stage;
use crate::engine::left_out::sentences;
use crate::engine::set_name::{Undecided, set_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::terminal;
use crate::scope::Scope;

/// TTL of DNS records by default, in seconds.
const DEFAULT_TTL: u32 = 60;

/// Time between two refreshes.
const PAUSE: Duration = Duration::from_secs(2);

/// Nodes change within minutes, and 5,000 of them are 45 MB, so they are listed only on every 15th refresh. Name servers are asked
/// then, too.
const REFRESHES_PER_NODE_LIST: usize = 15;

/// Shows the status of the app.
pub fn run(scope: &Scope, args: &Args) -> Result<Exit, Failure> {
    let project = &Project::open(&scope.source)?;
    let reviewed = Reviewed::read(project)?;
    let cluster = &Cluster::connect(&scope.cluster, Arc::new(terminal::note))?;
    interrupts::report(Stage::Unanswered, Some(scope))?;
    if args.watch {
        wait_for_server(cluster);
    }
    let (_, doubt) = identity_or_doubt(cluster, reviewed.lock.cluster.as_deref())?;
    reviewed.warnings.iter().chain(&doubt).for_each(terminal::diagnostic);
    let set = set_of(scope, project, cluster, Undecided::UseContext)?;
    let decision = if args.server_side { Decision::ServerSide } else { Decision::ReadOnly };
    let mut observer = Observer::new(project, cluster, set, reviewed.objects, decision)?;
    observer.count_nodes()?;
    let round_robin = RoundRobin::of(&project.spec.spec, &reviewed.lock);
    let mut screen = Screen {
        scope,
        args,
        app: &project.spec.metadata.name,
        round_robin: round_robin.as_ref(),
        shown: None,
        left_out: Vec::new(),
        shown_left_out: Vec::new(),
        printed: Vec::new(),
        fails: false,
    };
    let report = observer.refresh()?;
    screen.look_at_dns(&report)?;
    interrupts::answered();
    screen.show(&report, observer.unseen())?;
    if !args.watch {
        return Ok(if report.is_ready() { Exit::Success } else { Exit::Different });
    }
    // Ctrl-C may end the program at any point, because it writes nothing.
    for refresh in 1.. {
        if cluster.pause(PAUSE) == Pause::Interrupted {
            break;
        }
        let is_long = refresh % REFRESHES_PER_NODE_LIST == 0;
        let nodes = if is_long { observer.count_nodes() } else { Ok(()) };
        match nodes.and_then(|()| observer.refresh()) {
            Ok(report) => {
                if is_long {
                    screen.look_at_dns(&report)?;
                }
                screen.show(&report, observer.unseen())?;
            }
            // A watch continues while the API server restarts.
            Err(failure) => screen.fail(&failure),
        }
    }
    Ok(Exit::Success)
}

/// Waits until the API server answers, as a watch does in the middle.
fn wait_for_server(cluster: &Cluster) {
    let mut is_told = false;
    while let Err(error) = cluster.identity() {
        let is_unauthorized =
            matches!(&error, ClusterError::Request { problem: Problem::Unauthorized { .. }, .. });
        if is_unauthorized || !error.is_out_of_reach() {
            return;
        }
        if !std::mem::replace(&mut is_told, true) {
            let mut warning = Diagnostic::warning(error.to_string());
            warning.hint = error.hint();
            terminal::diagnostic(&warning);
            terminal::note("waiting until the cluster responds; press Ctrl-C to stop");
        }
        if cluster.pause(PAUSE) == Pause::Interrupted {
            return;
        }
    }
    if is_told {
        terminal::note("the cluster responds again");
    }
}

/// What was printed so far.
struct Screen<'a> {
    scope: &'a Scope,
    args: &'a Args,
    app: &'a str,
    round_robin: Option<&'a RoundRobin<'a>>,
    shown: Option<Report>,
    /// What name servers hand out for pools that are left out of the round robin.
    left_out: Vec<String>,
    /// What of it was printed.
    shown_left_out: Vec<String>,
    printed: Vec<Diagnostic>,
    /// Whether the last refresh failed.
    fails: bool,
}

impl Screen<'_> {
    /// Asks name servers about pools that are left out, if the format shows the answer.
    fn look_at_dns(&mut self, report: &Report) -> Result<(), Failure> {
        let is_shown = matches!(
            self.args.output,
            None | Some(StatusFormat::Wide | StatusFormat::Json | StatusFormat::Yaml)
        );
        if is_shown {
            self.left_out = sentences(self.round_robin, &report.pools)?;
        }
        Ok(())
    }

    /// Prints a report if it differs from the last one.
    fn show(&mut self, report: &Report, unseen: &[Diagnostic]) -> Result<(), Failure> {
        if std::mem::take(&mut self.fails) {
            terminal::note("the cluster responds again");
        }
        self.warn(unseen);
        let essence = report.clone().without_repetition();
        if self.shown.as_ref() == Some(&essence) && self.shown_left_out == self.left_out {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or_default();
        let ttl = self.round_robin.map_or(DEFAULT_TTL, |round_robin| round_robin.dns.ttl);
        let shown = Shown {
            scope: self.scope,
            app: self.app,
            report,
            before: self.shown.as_ref(),
            unseen,
            ttl: self.args.ttl.unwrap_or(ttl),
            round_robin: self.round_robin,
            left_out: &self.left_out,
            now,
        };
        let format = self.args.output;
        let text = table::text(&shown, format);
        let warnings = match format {
            Some(StatusFormat::Zone) => shown.zone().warnings,
            Some(StatusFormat::Addresses) => shown.addresses().warnings,
            _ => Vec::new(),
        };
        self.warn(&warnings);
        let separator = match (format, &self.shown) {
            (_, None) | (Some(StatusFormat::Json | StatusFormat::Name), _) => "",
            (Some(StatusFormat::Yaml), _) => "---\n",
            (None | Some(StatusFormat::Wide | StatusFormat::Zone | StatusFormat::Addresses), _) => "\n",
        };
        terminal::data(&format!("{separator}{text}"))?;
        self.shown = Some(essence);
        self.shown_left_out.clone_from(&self.left_out);
        Ok(())
    }

    /// Prints the warnings that were not printed before.
    fn warn(&mut self, warnings: &[Diagnostic]) {
        for warning in warnings {
            if !self.printed.contains(warning) {
                terminal::diagnostic(warning);
                self.printed.push(warning.clone());
            }
        }
    }

    /// Prints why a refresh failed, once until a refresh succeeds.
    fn fail(&mut self, failure: &Failure) {
        if std::mem::replace(&mut self.fails, true) {
            return;
        }
        for problem in &failure.problems {
            terminal::diagnostic(&Diagnostic { severity: Severity::Warning, ..problem.clone() });
        }
    }
}
