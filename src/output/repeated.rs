//! Which problems were already shown: people read a fact once, however many apps, clusters or objects have it.

use std::collections::HashMap;

use crate::core::report::diagnostic::Diagnostic;
use crate::core::report::message::MessageScope;
use crate::core::report::plural::first_of;

/// The problems of several specs and clusters, in order, and how often each occurred.
#[derive(Debug, Default)]
pub(super) struct Folded {
    problems: Vec<Repeated>,
    index: HashMap<String, usize>,
}

/// A problem that was shown.
#[derive(Debug)]
struct Repeated {
    /// The text of the first one, with its location.
    first: String,
    scope: Option<MessageScope>,
    /// The texts that were shown: one, unless the first scope has the problem in several locations.
    shown: Vec<String>,
    /// The other locations.
    places: Vec<String>,
    count: usize,
}

impl Folded {
    /// Counts a problem. Returns whether it must be shown: it is new, or the scope that had it first has it in one more
    /// location.
    pub(super) fn is_new(&mut self, text: &str, problem: &Diagnostic, scope: Option<&MessageScope>) -> bool {
        let fact = format!("{:?}\n{}\n{:?}", problem.severity, problem.message, problem.hint);
        let Some(index) = self.index.get(&fact) else {
            self.index.insert(fact, self.problems.len());
            self.problems.push(Repeated {
                first: problem.to_string(),
                scope: scope.cloned(),
                shown: vec![text.to_owned()],
                places: Vec::new(),
                count: 1,
            });
            return true;
        };
        let known = &mut self.problems[*index];
        known.count += 1;
        if known.shown.iter().any(|shown| shown == text) {
            return false;
        }
        if known.scope.as_ref() == scope {
            known.shown.push(text.to_owned());
            return true;
        }
        if let Some(location) = &problem.location {
            let place = location.to_string();
            let is_first = known.first.starts_with(&format!("{place}: "));
            if !is_first && !known.places.contains(&place) {
                known.places.push(place);
            }
        }
        false
    }

    /// Returns a line for each problem that occurred more often than it was shown.
    pub(super) fn lines(self) -> Vec<String> {
        let line = |known: Repeated| {
            let Repeated { first, shown, places, count, .. } = known;
            let places: Vec<&str> = places.iter().map(String::as_str).collect();
            let also =
                if places.is_empty() { String::new() } else { format!(" (also {})", first_of(&places)) };
            let times = match shown.len() {
                1 => format!("occurred {count} times, shown once"),
                shown => format!("occurred {count} times, shown {shown} times"),
            };
            (count > shown.len()).then(|| format!("{times}: {first}{also}"))
        };
        self.problems.into_iter().filter_map(line).collect()
    }
}

/// The problems of objects, and the objects that have the same one.
#[derive(Debug, Default)]
pub(super) struct OfObjects {
    problems: Vec<(String, Vec<String>)>,
    index: HashMap<String, usize>,
}

impl OfObjects {
    /// Counts the problem of an object. Returns whether no other object has had it.
    pub(super) fn is_new(&mut self, object: &str, problem: &Diagnostic) -> bool {
        let rest = problem.message.strip_prefix(object).unwrap_or(&problem.message);
        let fact = format!("{:?}\n{rest}\n{:?}", problem.severity, problem.hint);
        if let Some(index) = self.index.get(&fact) {
            self.problems[*index].1.push(object.to_owned());
            return false;
        }
        self.index.insert(fact, self.problems.len());
        self.problems.push((object.to_owned(), Vec::new()));
        true
    }

    /// Returns a line for each problem that several objects have; it names all further ones.
    pub(super) fn lines(self) -> Vec<String> {
        let line = |(first, others): (String, Vec<String>)| {
            let objects = if others.len() == 1 { "object" } else { "objects" };
            (!others.is_empty()).then(|| {
                format!("{first}: {} more {objects} with the same error: {}", others.len(), others.join(", "))
            })
        };
        self.problems.into_iter().filter_map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::diagnostic::Location;

    fn scope(spec: &str) -> MessageScope {
        MessageScope { spec: spec.to_owned(), ..MessageScope::default() }
    }

    #[test]
    fn a_fact_of_several_apps_is_shown_once() {
        let mut folded = Folded::default();
        let mut is_new = |app: &str, line: u32| {
            let location = Location { file: format!("{app}/largescale.yaml"), line };
            let problem = Diagnostic::warning("not verified").at(location);
            folded.is_new(&problem.to_string(), &problem, Some(&scope(app)))
        };
        assert_eq!(
            [is_new("a", 1), is_new("a", 1), is_new("b", 1), is_new("c", 7)],
            [true, false, false, false]
        );
        let also = "also b/largescale.yaml:1, c/largescale.yaml:7";
        assert_eq!(
            folded.lines(),
            [format!("occurred 4 times, shown once: a/largescale.yaml:1: not verified ({also})")]
        );
    }

    #[test]
    fn one_app_shows_each_location() {
        let mut folded = Folded::default();
        let mut is_new = |line: u32| {
            let problem = Diagnostic::error("unknown field").at(Location { file: "a".to_owned(), line });
            folded.is_new(&problem.to_string(), &problem, Some(&scope("a")))
        };
        assert_eq!([is_new(1), is_new(2)], [true, true]);
        assert_eq!(folded.lines(), [""; 0]);
    }

    #[test]
    fn objects_with_the_same_error_are_listed() {
        let mut found = OfObjects::default();
        let mut is_new = |object: &str, what: &str| {
            found.is_new(object, &Diagnostic::error(format!("{object}: {what}")).hint("h"))
        };
        let down = "failed calling webhook";
        assert_eq!(
            [
                is_new("service/a", down),
                is_new("service/b", down),
                is_new("service/c", "x"),
                is_new("service/d", down)
            ],
            [true, false, true, false]
        );
        assert_eq!(found.lines(), ["service/a: 2 more objects with the same error: service/b, service/d"]);
    }
}
