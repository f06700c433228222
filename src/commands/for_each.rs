//! Runs a command for several specs and clusters, one after the other, and prints the outcome of each at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::Pattern;

use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::report::suggest::did_you_mean;
use crate::core::spec::{LargeScale, SpecCluster};
use crate::directory::{Source, specs_below};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::format::Separator;
use crate::output::messages::{self, MessageFormat, TargetOutcome};
use crate::output::styled::Styled;
use crate::output::terminal;
use crate::scope::{Companion, GlobalArgs, Scope};

/// How a command behaves for several specs and clusters.
pub trait MultiTarget {
    /// Returns the argument that is valid for a single spec and cluster only, if the user typed it.
    fn only_for_one(&self) -> Option<&'static str> {
        None
    }

    /// Returns the flag that is valid for a single cluster only, if the user typed it.
    fn of_one_cluster(&self) -> Option<&'static str> {
        None
    }

    /// Returns the separator between the outputs.
    fn separator(&self) -> Separator {
        Separator::Headings
    }
}

/// Runs a command for every spec and cluster that the user named. A failure does not stop the others; the exit code is the
/// highest of all.
pub fn run<A: MultiTarget>(
    global: &GlobalArgs,
    args: &A,
    command: impl Fn(&Scope, &A) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let scopes = scopes(global, args.of_one_cluster())?;
    if let [only] = scopes.as_slice() {
        messages::set_scope(Some(only.for_messages()));
        messages::set_flags(only.source.flags());
        return command(only, args);
    }
    terminal::fold_repeated();
    let outcome = run_several(&scopes, args, command);
    terminal::show_repeated();
    outcome
}

fn run_several<A: MultiTarget>(
    scopes: &[Scope],
    args: &A,
    command: impl Fn(&Scope, &A) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    if let Some(argument) = args.only_for_one() {
        return Err(Failure::usage(
            Diagnostic::error(format!("{argument} cannot be used with {} specs or clusters", scopes.len()))
                .hint("choose one with -f and --only"),
        ));
    }
    let mut outcomes = Vec::with_capacity(scopes.len());
    let mut worst = Exit::Success;
    for (index, scope) in scopes.iter().enumerate() {
        let outcome =
            if worst == Exit::Interrupted { None } else { Some(one(scope, args, index, &command)?) };
        worst = worst.max(outcome.unwrap_or_default());
        outcomes.push(TargetOutcome {
            name: scope.name(),
            scope: scope.for_messages(),
            word: outcome.map_or("not started", Exit::word),
            code: outcome.map(Exit::code),
        });
    }
    messages::set_scope(None);
    messages::set_flags(String::new());
    terminal::outcomes(&outcomes);
    Ok(worst)
}

fn one<A: MultiTarget>(
    scope: &Scope,
    args: &A,
    index: usize,
    command: impl Fn(&Scope, &A) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    messages::set_scope(Some(scope.for_messages()));
    messages::set_flags(scope.source.flags());
    match args.separator() {
        Separator::Headings => {
            let space = if index > 0 { "\n" } else { "" };
            terminal::styled(&Styled::default().text(space).heading(&scope.title()))?;
        }
        Separator::Dashes if index > 0 => terminal::data("---\n")?,
        Separator::Dashes | Separator::Nothing => {}
    }
    Ok(command(scope, args).unwrap_or_else(|failure| {
        // Without headings, people would not know which one failed; in the formats for programs, each message names it.
        if args.separator() != Separator::Headings && messages::format() == MessageFormat::Human {
            terminal::note(&format!("{}:", scope.title()));
        }
        terminal::problems(&failure.problems);
        failure.exit
    }))
}

/// Returns each spec that the user named, for each chosen cluster. `of_one` names a flag that is valid for a single cluster
/// only.
pub(super) fn scopes(global: &GlobalArgs, of_one: Option<&'static str>) -> Result<Vec<Scope>, Failure> {
    let only: Vec<Pattern> = global.specs.only.iter().map(|text| pattern(text)).collect::<Result<_, _>>()?;
    let mut scopes: Vec<Scope> = Vec::new();
    let mut outputs: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut problems = Vec::new();
    for path in paths(global)? {
        let scope = Scope::of(global, Source { path, cluster: None, outside: global.outside.outside() });
        // The command reports the problems of a spec when it runs.
        let Ok((spec, _)) = scope.source.read() else {
            scopes.push(scope);
            continue;
        };
        known.extend(spec.cluster_names().map(str::to_owned));
        for cluster in chosen(&spec, &only) {
            let scope = of_cluster(&scope, &spec, cluster);
            let output = scope.source.beside(&spec.output(cluster));
            if let Some(other) = outputs.insert(output.clone(), scope.title()) {
                problems.push(shared_output(&scope, &other, &output));
            }
            scopes.push(scope);
        }
    }
    refuse_unknown(&global.specs.only, &only, &known)?;
    refuse_one_for_all(global, of_one, &scopes)?;
    let count = scopes.len();
    for (index, scope) in scopes.iter_mut().enumerate() {
        scope.index = index;
        scope.following = count - 1 - index;
    }
    let companions: Arc<Vec<Companion>> = Arc::new(scopes.iter().map(Companion::of).collect());
    for scope in &mut scopes {
        scope.companions = Arc::clone(&companions);
    }
    if problems.is_empty() { Ok(scopes) } else { Err(problems.into()) }
}

/// Returns the specs that the user named, without duplicates; with --recursive those below the directories.
fn paths(global: &GlobalArgs) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    let mut seen = BTreeSet::new();
    for file in &global.specs.files {
        let found = if global.specs.recursive { specs_below(file)? } else { vec![file.clone()] };
        for path in found {
            let source = Source { path: path.clone(), ..Source::default() };
            if seen.insert(source.beside("")) {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

fn pattern(text: &str) -> Result<Pattern, Failure> {
    Pattern::new(text).map_err(|error| {
        Failure::usage(Diagnostic::error(format!("invalid glob `{text}` in --only: {}", error.msg)))
    })
}

/// Returns the chosen clusters of a spec. A spec without clusters gives one `None`, or nothing with --only.
fn chosen<'a>(spec: &'a LargeScale, only: &[Pattern]) -> Vec<Option<&'a SpecCluster>> {
    if spec.spec.clusters.is_empty() {
        return if only.is_empty() { vec![None] } else { Vec::new() };
    }
    let is_chosen = |name: &str| only.is_empty() || only.iter().any(|pattern| pattern.matches(name));
    spec.spec.clusters.iter().filter(|cluster| is_chosen(&cluster.name)).map(Some).collect()
}

fn of_cluster(scope: &Scope, spec: &LargeScale, cluster: Option<&SpecCluster>) -> Scope {
    let mut flags = scope.cluster.clone();
    if let Some(context) = cluster.and_then(|cluster| cluster.context.clone()) {
        flags.context.get_or_insert(context);
    }
    Scope {
        source: Source { cluster: cluster.map(|cluster| cluster.name.clone()), ..scope.source.clone() },
        app: Some(spec.metadata.name.clone()),
        cluster: flags,
        index: 0,
        following: 0,
        companions: Arc::default(),
    }
}

/// With one output directory, each would treat the files of the other as foreign.
fn shared_output(scope: &Scope, other: &str, output: &Path) -> Diagnostic {
    Diagnostic::error(format!(
        "{other} and {} have the same output directory, {}",
        scope.title(),
        output.display()
    ))
    .at(Location::file(scope.source.file().display().to_string()))
    .hint("set a different `spec.output` for each")
}

fn refuse_unknown(texts: &[String], only: &[Pattern], known: &BTreeSet<String>) -> Result<(), Failure> {
    let unmatched = |(_, pattern): &(&String, &Pattern)| !known.iter().any(|name| pattern.matches(name));
    let Some((text, _)) = texts.iter().zip(only).find(unmatched) else { return Ok(()) };
    let near = did_you_mean(text, known.iter().map(String::as_str));
    let hint = if known.is_empty() {
        "`spec.clusters` of the spec lists the clusters".to_owned()
    } else {
        format!("the specs have {}", known.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    Err(Failure::usage(Diagnostic::error(format!("cluster `{text}` not found in any spec{near}")).hint(hint)))
}

/// Refuses one address, context or node list for several clusters.
fn refuse_one_for_all(
    global: &GlobalArgs,
    of_one: Option<&'static str>,
    scopes: &[Scope],
) -> Result<(), Failure> {
    let clusters: BTreeSet<&str> =
        scopes.iter().filter_map(|scope| scope.source.cluster.as_deref()).collect();
    let flags = [
        ("--context", global.cluster.context.is_some()),
        ("--cluster", global.cluster.cluster.is_some()),
        ("--server", global.cluster.server.is_some()),
    ];
    let of_one = flags.iter().find(|(_, is_set)| *is_set).map(|(flag, _)| *flag).or(of_one);
    let Some(flag) = of_one.filter(|_| clusters.len() > 1) else { return Ok(()) };
    let names = clusters.into_iter().collect::<Vec<_>>().join(", ");
    Err(Failure::usage(
        Diagnostic::error(format!("{flag} cannot be used with several clusters ({names})"))
            .hint("choose one cluster with --only"),
    ))
}
