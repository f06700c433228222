//! Reports references to Services whose names no rendered Service has: those that are split for the pools, and those that an
//! overlay renames.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::core::manifest::{Key, Object, Origin};
use crate::core::pointer;
use crate::core::references::{Certainty, LostNames, Mention, References, known_namespace};
use crate::core::render::draft::{Input, PendingObject, Role};
use crate::core::render::patches::Patched;
use crate::core::render::renames::{RenamedService, edit};
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml;

/// The names in a hint at most; for more of them, the hint proposes a glob.
const MOST_NAMES: usize = 10;

/// A Service whose name no rendered Service has.
struct Lost<'a> {
    namespace: String,
    name: String,
    cause: Cause<'a>,
}

/// Why a name is lost.
enum Cause<'a> {
    /// The Service has a copy for each pool.
    Split(&'a Object),
    /// An overlay renamed it.
    Renamed(&'a RenamedService),
}

/// A place that names a lost Service.
struct Place {
    mention: Mention,
    location: Location,
    /// The key of the object in the manifests.
    object: Key,
}

/// Reports each field that names a lost Service as an error, and text that does as a warning.
pub(super) fn check(
    input: Input<'_>,
    (pending, patched): (&[PendingObject<'_>], &[Patched<'_>]),
    renamed: &[RenamedService],
    table: &References,
    problems: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) {
    let lost = lost(pending, renamed);
    if lost.is_empty() {
        return;
    }
    let mut names = LostNames::default();
    for (index, service) in lost.iter().enumerate() {
        names.add(&service.namespace, &service.name, index);
    }
    let places = places(pending, patched, &names, table);
    let hints = Hints::of(input, &lost, &places);
    let mut reported = HashSet::new();
    for place in &places {
        let problem = hints.report(place);
        if !reported.insert(problem.to_string()) {
            continue;
        }
        match place.mention.certainty {
            Certainty::Field => problems.push(problem),
            Certainty::FieldInSomeNamespace | Certainty::Text => warnings.push(problem),
        }
    }
}

impl Lost<'_> {
    fn key(&self) -> Key {
        Key {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// Returns the Services whose names no rendered Service has.
fn lost<'a>(pending: &[PendingObject<'a>], renamed: &'a [RenamedService]) -> Vec<Lost<'a>> {
    let mut services = Vec::new();
    let mut last: Option<&Object> = None;
    for draft in pending
        .iter()
        .filter(|draft| draft.role == Role::Service && draft.source.origin() == Origin::Manifests)
    {
        // The copies of a Service follow each other.
        if last.is_some_and(|last| std::ptr::eq(last, draft.source)) {
            continue;
        }
        last = Some(draft.source);
        let namespace = Key::of(&draft.value).namespace;
        services.push(Lost { namespace, name: draft.source.key().name, cause: Cause::Split(draft.source) });
    }
    services.extend(renamed.iter().map(|service| Lost {
        namespace: service.old.namespace.clone(),
        name: service.old.name.clone(),
        cause: Cause::Renamed(service),
    }));
    let mut wanted: HashMap<(&str, &str), bool> = services
        .iter()
        .map(|service| ((known_namespace(&service.namespace), service.name.as_str()), false))
        .collect();
    for draft in pending {
        let value = &draft.value;
        if value["kind"] != "Service" || value["apiVersion"] != "v1" {
            continue;
        }
        let metadata = &value["metadata"];
        let namespace = known_namespace(metadata["namespace"].as_str().unwrap_or_default());
        if let Some(exists) = wanted.get_mut(&(namespace, metadata["name"].as_str().unwrap_or_default())) {
            *exists = true;
        }
    }
    let exists: Vec<bool> = services
        .iter()
        .map(|service| wanted[&(known_namespace(&service.namespace), service.name.as_str())])
        .collect();
    services.into_iter().zip(exists).filter(|(_, exists)| !exists).map(|(service, _)| service).collect()
}

/// Returns the places that name a lost Service. The copies for pools have the same ones, unless an overlay changed them.
fn places(
    pending: &[PendingObject<'_>],
    patched: &[Patched<'_>],
    names: &LostNames,
    table: &References,
) -> Vec<Place> {
    let mut places = Vec::new();
    for (draft, patched) in pending.iter().zip(patched) {
        let is_first = draft.pool.is_none_or(|pool| pool == 0);
        let object = match draft.role {
            Role::Service if is_first => draft.source.value(),
            Role::Once | Role::ClusterIp | Role::Workload if is_first || !patched.edits.is_empty() => {
                &draft.value
            }
            // Objects of the platform and records are ours.
            _ => continue,
        };
        // The namespace of the spec is in the rendered object only.
        let own = draft.value["metadata"]["namespace"].as_str().unwrap_or_default();
        let mut last: Option<(String, Location)> = None;
        for mention in names.mentions(object, own, table) {
            // A long text with many names is compared with that of the manifest once.
            let known = last.take_if(|(pointer, _)| *pointer == mention.pointer);
            let (pointer, location) = known
                .unwrap_or_else(|| (mention.pointer.clone(), location(draft, patched, &mention.pointer)));
            places.push(Place { mention, location: location.clone(), object: draft.source.key() });
            last = Some((pointer, location));
        }
    }
    places
}

/// Returns the line in the manifest, or of the overlay that set the field.
fn location(draft: &PendingObject<'_>, patched: &Patched<'_>, at: &str) -> Location {
    let own = draft.source.location(at);
    let is_own = draft.source.value().pointer(at) == draft.value.pointer(at);
    if is_own { own } else { edit(at, patched).unwrap_or(own) }
}

/// What the hints about split Services need.
struct Hints<'a> {
    lost: &'a [Lost<'a>],
    /// The Services that fields refer to.
    needed: BTreeSet<usize>,
    /// `spec.clusterIPServices`.
    listed: &'a [String],
    /// The number of Services with each name.
    with_name: HashMap<String, usize>,
}

impl<'a> Hints<'a> {
    fn of(input: Input<'a>, lost: &'a [Lost<'a>], places: &[Place]) -> Self {
        let fields = places.iter().filter(|place| place.mention.certainty == Certainty::Field);
        let mut with_name = HashMap::new();
        for service in input.objects.iter().filter(|object| object.is_load_balancer()) {
            *with_name.entry(service.key().name).or_default() += 1;
        }
        Self {
            lost,
            needed: fields.map(|place| place.mention.service).collect(),
            listed: &input.spec.spec.cluster_ip_services,
            with_name,
        }
    }

    /// Returns the line of the spec that keeps the names of all Services that fields refer to, and of this one.
    fn line(&self, service: usize) -> String {
        if self.needed.len() + self.listed.len() >= MOST_NAMES {
            return "spec.clusterIPServices: [\"*\"]".to_owned();
        }
        let services = self.needed.iter().chain(std::iter::once(&service)).map(|index| &self.lost[*index]);
        let names = services.map(|service| {
            if self.with_name.get(&service.name).is_some_and(|count| *count > 1)
                && !service.namespace.is_empty()
            {
                format!("{}/{}", service.namespace, service.name)
            } else {
                service.name.clone()
            }
        });
        let all: BTreeSet<String> = self.listed.iter().cloned().chain(names).collect();
        let all: Vec<String> = all.iter().map(|name| yaml::write_scalar(name)).collect();
        format!("spec.clusterIPServices: [{}]", all.join(", "))
    }

    fn report(&self, place: &Place) -> Diagnostic {
        let Place { mention, location, object } = place;
        let service = &self.lost[mention.service];
        let verb = if mention.certainty == Certainty::Text { "seems to name" } else { "refers to" };
        let (cause, hint) = match &service.cause {
            Cause::Split(source) => (
                format!(
                    "the Service at {} is split into one for each pool, and none of them has this name",
                    source.location("/metadata/name")
                ),
                format!("keep a Service of type ClusterIP with this name: `{}`", self.line(mention.service)),
            ),
            Cause::Renamed(RenamedService { new, location, .. }) => (
                format!("the patch at {location} renames it to {new}"),
                "write the new name, or remove the patch".to_owned(),
            ),
        };
        let message = format!(
            "`{}` of {object} {verb} {}, but {cause}",
            pointer::field(&mention.pointer),
            service.key()
        );
        let problem = match mention.certainty {
            Certainty::Field => Diagnostic::error(message),
            Certainty::FieldInSomeNamespace => Diagnostic::warning(format!(
                "{message}; one of the two has no namespace, so they may be in different ones"
            )),
            Certainty::Text => Diagnostic::warning(message),
        };
        problem.at(location.clone()).hint(hint)
    }
}
