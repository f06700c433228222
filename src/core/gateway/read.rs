//! Reads and checks a file about an implementation of the Gateway API.

use serde_json::Value;

use crate::core::gateway::form::{
    FleetMode, Implementation, ImplementationFile, ImplementationSpec, ProxyNodes, TrafficPolicy,
};
use crate::core::patch::placeholder;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::schema;
use crate::core::yaml;

/// The placeholders of labels.
pub const PLACEHOLDERS: [&str; 3] = ["gateway.name", "gateway.namespace", "gateway.class"];

impl Implementation {
    /// Reads and checks a file.
    pub fn read(file: &str, text: &str) -> Checked<Self> {
        let document = yaml::read_own_one(file, text)?;
        let read: ImplementationFile = schema::read::typed(&document)?;
        let mut problems = Vec::new();
        let mut report = |at: &str, message: String| {
            problems.push(Diagnostic::error(message).at(document.location(at)));
        };
        for (field, message) in read.spec.proof.misfits() {
            report(&format!("/spec/proof/{field}"), message);
        }
        for (at, message) in misfits(&read.spec) {
            report(&at, message);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { name: read.metadata.name, spec: read.spec })
    }
}

/// Returns the problems that the schema cannot express, each with its pointer.
fn misfits(spec: &ImplementationSpec) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut require = |holds: bool, at: &str, message: &str| {
        if !holds {
            found.push((at.to_owned(), message.to_owned()));
        }
    };
    require(!spec.sources.is_empty(), "/spec/sources", "`spec.sources` is empty; facts need a source");
    require(
        !spec.controller_names.is_empty(),
        "/spec/controllerNames",
        "`spec.controllerNames` is empty; a class names its controller",
    );
    require(!spec.modes.is_empty(), "/spec/modes", "`spec.modes` is empty");
    require(
        !spec.service.labels.is_empty(),
        "/spec/service/labels",
        "`spec.service.labels` is empty; `status` finds the Service by them",
    );
    let is_shared = spec.modes.contains(&FleetMode::Shared);
    require(
        !is_shared || !spec.service.selector.is_empty(),
        "/spec/service/selector",
        "the mode `shared` requires `spec.service.selector`",
    );
    let to_cluster_ip = spec.parameters.as_ref().is_some_and(|it| it.service_type.is_some());
    require(
        !is_shared || to_cluster_ip || !spec.cluster_ip_annotations.is_empty(),
        "/spec/modes",
        "the mode `shared` requires `spec.parameters.serviceType` or `spec.clusterIPAnnotations`",
    );
    require(
        spec.proxies != ProxyNodes::Scheduled
            || spec.service.external_traffic_policy == TrafficPolicy::Cluster,
        "/spec/service/externalTrafficPolicy",
        "`spec.proxies: scheduled` requires `externalTrafficPolicy: Cluster`: nodes without a proxy would not answer",
    );
    let placements = spec.parameters.as_ref().is_some_and(|it| !it.placements.is_empty());
    require(
        spec.proxies != ProxyNodes::Selected || placements,
        "/spec/proxies",
        "`spec.proxies: selected` requires `spec.parameters.placements`",
    );
    for (field, map) in [("labels", &spec.service.labels), ("selector", &spec.service.selector)] {
        for (key, text) in map {
            let value = Value::String(text.clone());
            let unknown = placeholder::names(&value).into_iter().find(|name| !PLACEHOLDERS.contains(name));
            if let Some(name) = unknown {
                let message = format!(
                    "unknown placeholder `${{{name}}}` in `spec.service.{field}`; known: {}",
                    PLACEHOLDERS.map(|name| format!("${{{name}}}")).join(", ")
                );
                found.push((crate::core::pointer::join(&format!("/spec/service/{field}"), key), message));
            }
        }
    }
    found.extend(pointers(spec).filter(|(_, pointer)| !pointer.starts_with('/')).map(|(at, pointer)| {
        let message = format!("`{pointer}` is not a JSON pointer; it must start with `/`");
        (at, message)
    }));
    found
}

/// Returns the JSON pointers of a file, each with the pointer of its field.
fn pointers(spec: &ImplementationSpec) -> impl Iterator<Item = (String, &str)> {
    let parameters = spec.parameters.iter();
    parameters.flat_map(|parameters| {
        let at = |rest: &str| format!("/spec/parameters/{rest}");
        let fields = parameters.fields.iter().enumerate().flat_map(move |(index, field)| {
            [
                (at(&format!("fields/{index}/service")), field.service.as_str()),
                (at(&format!("fields/{index}/parameters")), field.parameters.as_str()),
            ]
        });
        let placements = parameters.placements.iter().enumerate().flat_map(move |(index, placement)| {
            let when = placement.when.as_deref().map(|when| (at(&format!("placements/{index}/when")), when));
            std::iter::once((
                at(&format!("placements/{index}/nodeSelector")),
                placement.node_selector.as_str(),
            ))
            .chain(when)
        });
        let others = [
            ("serviceType", &parameters.service_type),
            ("merges", &parameters.merges),
            ("keepsPorts", &parameters.keeps_ports),
        ];
        let others =
            others.into_iter().filter_map(move |(field, pointer)| Some((at(field), pointer.as_deref()?)));
        fields.chain(placements).chain(others)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::gateway::builtin_text;

    fn problems(from: &str, to: &str) -> Vec<String> {
        let text = builtin_text("envoy-gateway").unwrap();
        assert!(text.contains(from), "{from}");
        let read = Implementation::read("g.yaml", &text.replacen(from, to, 1));
        read.unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn wrong_files_name_their_field() {
        for (from, to, expected) in [
            ("  ports:\n", "  port:\n", "unknown field `spec.port`, did you mean `ports`?"),
            (
                "${gateway.name}",
                "${gateway.title}",
                "unknown placeholder `${gateway.title}` in `spec.service.labels`",
            ),
            ("nodeSelector: /spec", "nodeSelector: spec", "is not a JSON pointer; it must start with `/`"),
            ("  - perPool", "  - perpool", "perPool"),
            ("    grade: tested", "    grade: documented", "does not apply to the grade `documented`"),
        ] {
            let found = problems(from, to);
            assert!(found.iter().any(|problem| problem.contains(expected)), "{to}: {found:?}");
        }
    }
}
