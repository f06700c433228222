//! Parses the report of a run about each object.

use std::collections::BTreeMap;

use crate::run::Run;

/// The reported result of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Created,
    Configured,
    Unchanged,
    Pruned,
    /// It differs from the directory.
    Failed,
    /// Its state is unknown: the run did not wait for the response, or the response was lost.
    Unknown,
    NotApplied,
}

/// Returns the reported results of these objects. Fails if an object has two different results, or if the total
/// does not match.
#[track_caller]
pub(crate) fn told(run: &Run, keys: &[String]) -> BTreeMap<String, Told> {
    let mut all = BTreeMap::new();
    let mut say = |key: &str, what: Told| {
        let before = all.insert(key.to_owned(), what);
        assert!(before.is_none_or(|before| before == what), "{key} is {before:?} and {what:?}: {run:?}");
    };
    for line in run.out.lines() {
        let (key, word) = line.rsplit_once(' ').unwrap_or((line, ""));
        let what = match word {
            "created" => Told::Created,
            "configured" => Told::Configured,
            "unchanged" => Told::Unchanged,
            "pruned" => Told::Pruned,
            _ => panic!("`{line}` does not name an object: {run:?}"),
        };
        say(key, what);
    }
    let lines: Vec<&str> = run.err.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        if let Some(left) = line.strip_prefix("not applied: ") {
            left.split(", ").for_each(|key| say(key, Told::NotApplied));
        }
        if let Some((_, same)) = line.split_once(" with the same error: ") {
            same.split(", ").for_each(|key| say(key, Told::Failed));
        }
        let about = |kind: &str, key: &&String| {
            let rest = line.strip_prefix(kind).and_then(|rest| rest.strip_prefix(key.as_str()));
            rest.is_some_and(|rest| rest.starts_with([':', ' ']))
        };
        if let Some(key) = keys.iter().find(|key| about("error: ", key)) {
            let may_be = lines.get(number + 1).is_some_and(|hint| hint.contains("may have been made"));
            say(key, if may_be { Told::Unknown } else { Told::Failed });
        }
        if let Some(key) = keys.iter().find(|key| about("warning: ", key))
            && line.ends_with("its result is unknown")
        {
            say(key, Told::Unknown);
        }
    }
    if let Some(total) = total(run) {
        assert_eq!(counts(&all), counts_of(total), "the total does not match: {run:?}");
    }
    all
}

/// Returns the line with the total, if there is one.
pub(crate) fn total(run: &Run) -> Option<&str> {
    let is_total = |line: &&str| {
        let begins = line.starts_with(|c: char| c.is_ascii_digit()) || line.starts_with("nothing to do");
        begins && line.contains(" in namespace ")
    };
    run.err.lines().rfind(is_total)
}

/// Counts the results; unknown results count as failed.
fn counts(all: &BTreeMap<String, Told>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for what in all.values() {
        let word = match what {
            Told::Created => "created",
            Told::Configured => "configured",
            Told::Unchanged => "unchanged",
            Told::Pruned => "pruned",
            Told::Failed | Told::Unknown => "failed or unknown",
            Told::NotApplied => "not applied",
        };
        *counts.entry(word).or_default() += 1;
    }
    counts
}

fn counts_of(total: &str) -> BTreeMap<&'static str, usize> {
    let (words, _) = total.split_once(" in namespace ").unwrap();
    let mut counts = BTreeMap::new();
    for part in words.split(", ").filter(|part| *part != "nothing to do") {
        let (number, word) = part.split_once(' ').unwrap();
        let known = ["created", "configured", "unchanged", "pruned", "not applied"];
        let word = known.into_iter().find(|known| *known == word).unwrap_or("failed or unknown");
        *counts.entry(word).or_default() += number.parse::<usize>().unwrap();
    }
    counts
}
