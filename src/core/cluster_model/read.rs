//! Reads cluster models.

use serde_json::Value;

use crate::core::bounds::MAX_OWN_VALUES;
use crate::core::cluster_model::installer::{Installer, Traits};
use crate::core::cluster_model::json_span::{elements, line, member};
use crate::core::cluster_model::pool::{AgentPool, VmSet, field, path};
use crate::core::json::read_bounded;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// A cluster model and its text.
#[derive(Clone, Debug)]
pub struct Model {
    /// The path of the file, as the user wrote it.
    pub file: String,
    /// The whole text.
    pub text: String,
    /// The program that reads it.
    pub installer: Installer,
    /// `apiVersion`.
    pub api_version: String,
    /// `orchestratorType`; Kubernetes if it is missing.
    pub orchestrator: String,
    /// `agentPoolProfiles`, at least one.
    pub pools: Vec<AgentPool>,
    /// `properties`.
    pub(crate) properties: Value,
}

/// Reads a model; `file` is its path for messages.
pub fn read_model(file: &str, text: &str) -> Result<Model, Diagnostic> {
    let whole = read_bounded(text, MAX_OWN_VALUES).map_err(|error| not_json(file, text, &error))?;
    let properties = field(&whole, "properties");
    let (api_version, installer) = installer(file, &whole)?;
    let profile = path(properties, &["orchestratorProfile", "orchestratorType"]).as_str().unwrap_or_default();
    let orchestrator = if profile.is_empty() || profile.eq_ignore_ascii_case("Kubernetes") {
        "Kubernetes".to_owned()
    } else {
        profile.to_owned()
    };
    let start = text.len() - text.trim_start().len();
    let Some(pools) = member(text, start, "properties")
        .and_then(|properties| member(text, properties.start, "agentPoolProfiles"))
    else {
        return Err(without_pools(file, 0));
    };
    if !text[pools.clone()].starts_with('[') {
        let found = &text[pools.clone()];
        return Err(Diagnostic::error("properties.agentPoolProfiles is not a list of agent pools")
            .at(Location { file: file.to_owned(), line: line(text, pools.start) })
            .hint(format!("found {}", found.lines().next().unwrap_or_default())));
    }
    let default = default_vm_set(installer, api_version, properties);
    let mut read = Vec::new();
    for span in elements(text, pools.start) {
        let fields: Value =
            serde_json::from_str(&text[span.clone()]).map_err(|error| not_json(file, text, &error))?;
        if !fields.is_object() {
            return Err(Diagnostic::error(format!("agent pool {} is not an object", read.len() + 1))
                .at(Location { file: file.to_owned(), line: line(text, span.start) }));
        }
        read.push(AgentPool::read(text, span, fields, default));
    }
    if read.is_empty() {
        return Err(without_pools(file, line(text, pools.start)));
    }
    Ok(Model {
        file: file.to_owned(),
        text: text.to_owned(),
        installer,
        api_version: api_version.to_owned(),
        orchestrator,
        pools: read,
        properties: properties.clone(),
    })
}

impl Model {
    /// Returns the total number of agents.
    pub fn agents(&self) -> u32 {
        self.pools.iter().fold(0, |sum: u32, pool| sum.saturating_add(pool.count.unwrap_or(0)))
    }

    /// Returns whether the model describes a Kubernetes cluster.
    pub fn is_kubernetes(&self) -> bool {
        self.orchestrator == "Kubernetes"
    }

    /// Returns the minor version of Kubernetes in the model.
    pub(crate) fn minor(&self) -> Option<u32> {
        minor(&self.properties)
    }

    /// Returns the location of a line in the model.
    pub(crate) fn location(&self, line: u32) -> Location {
        Location { file: self.file.clone(), line }
    }
}

fn installer<'v>(file: &str, whole: &'v Value) -> Result<(&'v str, Installer), Diagnostic> {
    let properties = field(whole, "properties");
    let api_version = field(whole, "apiVersion").as_str().unwrap_or_default();
    if !properties.is_object() {
        let expected = "expected `apiVersion` and `properties`, as in a model of ACS-Engine or AKS-Engine";
        let sentence = match field(whole, "kind").as_str() {
            Some(kind) => format!("not a cluster model but a {kind}"),
            None if !field(whole, "$schema").is_null() => {
                "not a cluster model but an Azure template".to_owned()
            }
            None => "not a cluster model".to_owned(),
        };
        return Err(Diagnostic::error(sentence).at(Location::file(file)).hint(expected));
    }
    let traits = Traits {
        orchestrator: path(properties, &["orchestratorProfile", "orchestratorType"])
            .as_str()
            .unwrap_or_default(),
        minor: minor(properties),
        custom_cloud: !field(properties, "customCloudProfile").is_null(),
    };
    let Some(installer) = Installer::of(api_version, &traits) else {
        let sentence = match api_version {
            "" => "the cluster model has no apiVersion".to_owned(),
            other => format!("unknown apiVersion {other} of a cluster model"),
        };
        return Err(Diagnostic::error(sentence).at(Location::file(file)).hint(
            "write \"apiVersion\": \"vlabs\" or one of the dated versions from 2016-03-30 to 2018-03-31",
        ));
    };
    Ok((api_version, installer))
}

fn minor(properties: &Value) -> Option<u32> {
    let profile = field(properties, "orchestratorProfile");
    let version = [field(profile, "orchestratorVersion"), field(profile, "orchestratorRelease")];
    let version = version.into_iter().filter_map(Value::as_str).find(|version| !version.is_empty())?;
    version.split('.').nth(1)?.parse().ok()
}

/// Returns the VM set of a pool without an availability profile. Both engines use scale sets (`setAgentProfileDefaults` in
/// `defaults.go`), but ACS-Engine only since Kubernetes 1.10.2. Models with a dated apiVersion are older than scale sets.
fn default_vm_set(installer: Installer, api_version: &str, properties: &Value) -> VmSet {
    let old = installer == Installer::AcsEngine && minor(properties).is_some_and(|minor| minor < 10);
    if api_version == "vlabs" && !old { VmSet::ScaleSet } else { VmSet::AvailabilitySet }
}

fn without_pools(file: &str, line: u32) -> Diagnostic {
    Diagnostic::error("the cluster model has no agent pools")
        .at(Location { file: file.to_owned(), line })
        .hint("add one pool to properties.agentPoolProfiles; the new pools are copies of it")
}

fn not_json(file: &str, text: &str, error: &serde_json::Error) -> Diagnostic {
    let message = error.to_string();
    let sentence = message.rfind(" at line ").map_or(message.as_str(), |end| &message[..end]);
    let problem = Diagnostic::error(format!("not a cluster model: {sentence}"))
        .at(Location { file: file.to_owned(), line: u32::try_from(error.line()).unwrap_or(0) });
    match text.trim_start().chars().next() {
        None => Diagnostic::error("the file is empty").at(Location::file(file)),
        Some('\u{feff}') => {
            problem.hint("remove the byte order mark at the start of the file; the installers reject it")
        }
        Some('{') if error.is_eof() => problem.hint("the file is incomplete; write it again"),
        Some('{') => problem,
        Some(_) => problem.hint("a cluster model must be JSON"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown = match read_model("m.json", text) {
            Ok(model) => {
                let pools: Vec<_> = model
                    .pools
                    .iter()
                    .map(|pool| format!("{} {:?} {:?}", pool.name, pool.count.unwrap_or(0), pool.vm_set))
                    .collect();
                format!("{}, {}: {}", model.installer.name(), model.orchestrator, pools.join(", "))
            }
            Err(problem) => format!("{problem}; {}", problem.hint.as_deref().unwrap_or_default()),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn models_of_every_installer() {
        check(
            r#"{"apiVersion":"vlabs","properties":{"orchestratorProfile":{"orchestratorType":"kubernetes","orchestratorRelease":"1.9"},
            "agentPoolProfiles":[{"name":"a","count":2,"availabilityProfile":"AvailabilitySet"},{"NAME":"b","Count":3}]}}"#,
            "ACS-Engine, Kubernetes: a 2 AvailabilitySet, b 3 AvailabilitySet",
        );
        check(
            r#"{"apiVersion":"vlabs","properties":{"agentPoolProfiles":[{"name":"a","count":2}]}}"#,
            "AKS-Engine, Kubernetes: a 2 ScaleSet",
        );
        check(
            r#" {"apiVersion":"2016-09-30","properties":{"orchestratorProfile":{"orchestratorType":"DCOS"},"agentPoolProfiles":[{"name":"a","count":2}]}}"#,
            "ACS-Engine, DCOS: a 2 AvailabilitySet",
        );
    }

    #[test]
    fn invalid_models_are_refused() {
        check("", "m.json: the file is empty; ");
        check(
            "apiVersion: vlabs\n",
            "m.json:1: not a cluster model: expected value; a cluster model must be JSON",
        );
        check(
            "{\"apiVersion\": \"vlabs\",\n\"prop",
            "m.json:2: not a cluster model: EOF while parsing a string; the file is incomplete; write it again",
        );
        check(
            "{\n\"apiVersion\": \"vlabs\" \"properties\": {}}",
            "m.json:2: not a cluster model: expected `,` or `}`; ",
        );
        let expected = "expected `apiVersion` and `properties`, as in a model of ACS-Engine or AKS-Engine";
        check("{}", &format!("m.json: not a cluster model; {expected}"));
        check("[]", &format!("m.json: not a cluster model; {expected}"));
        check(r#"{"kind":"List"}"#, &format!("m.json: not a cluster model but a List; {expected}"));
        check(
            r#"{"$schema":"x","resources":[]}"#,
            &format!("m.json: not a cluster model but an Azure template; {expected}"),
        );
        let dates =
            "write \"apiVersion\": \"vlabs\" or one of the dated versions from 2016-03-30 to 2018-03-31";
        check(r#"{"properties":{}}"#, &format!("m.json: the cluster model has no apiVersion; {dates}"));
        check(
            r#"{"apiVersion":"v2","properties":{}}"#,
            &format!("m.json: unknown apiVersion v2 of a cluster model; {dates}"),
        );
        let needs = "add one pool to properties.agentPoolProfiles; the new pools are copies of it";
        check(
            r#"{"apiVersion":"vlabs","properties":{}}"#,
            &format!("m.json: the cluster model has no agent pools; {needs}"),
        );
        check(
            "{\"apiVersion\":\"vlabs\",\"properties\":{\n\"agentPoolProfiles\":[]}}",
            &format!("m.json:2: the cluster model has no agent pools; {needs}"),
        );
        check(
            "{\"apiVersion\":\"vlabs\",\"properties\":{\n\"agentPoolProfiles\":{}}}",
            "m.json:2: properties.agentPoolProfiles is not a list of agent pools; found {}",
        );
        check(
            "{\"apiVersion\":\"vlabs\",\"properties\":{\"agentPoolProfiles\":[{},\n1]}}",
            "m.json:2: agent pool 2 is not an object; ",
        );
    }
}
