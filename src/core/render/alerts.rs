//! `spec.alerts`: one more file, with Prometheus rules about the pools.
//!
//! The rules read kube-state-metrics only. The pools and Services are in recording rules with one line for each Service, so that
//! branches merge and the alerts stay the same for any number of pools. There are few rules, because Mimir accepts 20 in a group by
//! default (`ruler.max-rules-per-rule-group` in pkg/util/validation/limits.go of grafana/mimir).

mod limits;
mod nodes;
mod promql;
mod rules;

use serde::Serialize;
use serde_json::{Value, json as literal};

use crate::core::capacity::Demand;
use crate::core::json;
use crate::core::lock::PoolKind;
use crate::core::lock::file_names::rule_file;
use crate::core::manifest::Key;
use crate::core::render::RenderedFile;
use crate::core::render::draft::Input;
use crate::core::render::files::header;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::spec::{AlertFormat, Alerts};
use crate::core::yaml;

/// The file with the rules, and what the user must know about it.
#[derive(Debug, Default)]
struct AlertFile {
    /// The file.
    file: Option<RenderedFile>,
    /// Rules that are left out, and why.
    warnings: Vec<Diagnostic>,
    /// A rule that the platform does not need.
    note: Option<String>,
}

/// Returns the files with the one of `spec.alerts` for the rendered Services, sorted by path.
pub(super) fn with_file(
    input: Input<'_>,
    demands: &[Demand],
    mut files: Vec<RenderedFile>,
    warnings: &mut Vec<Diagnostic>,
    notes: &mut Vec<String>,
) -> Checked<Vec<RenderedFile>> {
    let alerts = file(input, demands, &files)?;
    warnings.extend(alerts.warnings);
    notes.extend(alerts.note);
    files.extend(alerts.file);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Returns the file of `spec.alerts`. `files` are the other files.
fn file(input: Input<'_>, demands: &[Demand], files: &[RenderedFile]) -> Checked<AlertFile> {
    let Some(alerts) = &input.spec.spec.alerts else { return Ok(AlertFile::default()) };
    let at = || input.document.location("/spec/alerts");
    let mut problems = Vec::new();
    problems.extend(nodes::conflict(input).filter(|_| input.pools.kind == PoolKind::Nodes));
    if let Some(demand) = demands.iter().find(|demand| demand.key.0.is_empty()) {
        problems.push(
            Diagnostic::error(format!(
                "`spec.alerts` needs the namespace of the Service {}, because the rules name it",
                demand.key.1
            ))
            .at(at())
            .hint("set `metadata.namespace`"),
        );
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let limits::Found { limits, mut warnings, note } = limits::of_pools(input, demands);
    warnings.extend(demands.iter().any(|demand| demand.gateway.is_some()).then(|| {
        Diagnostic::warning(
            "no rule reports that the load balancer of a Gateway has no address: its implementation names the Service",
        )
        .at(at())
    }));
    let groups = Groups { groups: vec![rules::group(input, demands, &limits)] };
    let file = match alerts.format {
        AlertFormat::Rules => rule_file_of(input, &groups),
        AlertFormat::PrometheusRule => object_file(input, alerts, &groups, files)?,
    };
    Ok(AlertFile { file: Some(file), warnings, note })
}

/// The content of a rule file, and the `spec` of a `PrometheusRule`.
#[derive(Debug, Serialize)]
struct Groups {
    groups: Vec<rules::Group>,
}

/// Returns the key of a rule file, which has no object. It is not a kind of Kubernetes.
pub fn key_of_rules(app: &str) -> Key {
    let [group, namespace] = [String::new(), String::new()];
    Key { group, kind: "AlertRules".to_owned(), namespace, name: app.to_owned() }
}

fn rule_file_of(input: Input<'_>, groups: &Groups) -> RenderedFile {
    let app = &input.spec.metadata.name;
    RenderedFile {
        path: rule_file(app),
        key: key_of_rules(app),
        pool: None,
        text: format!("{}{}", header(&spec_name(input)), yaml::write_plain(groups)),
    }
}

/// Returns the file of a `PrometheusRule`. A manifest with the same object, or a file of the same name, is an error.
fn object_file(
    input: Input<'_>,
    alerts: &Alerts,
    groups: &Groups,
    files: &[RenderedFile],
) -> Checked<RenderedFile> {
    let name = &input.spec.metadata.name;
    let mut object = literal!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name},
        "spec": groups,
    });
    let namespace = alerts.namespace.as_ref().or(input.spec.metadata.namespace.as_ref());
    if let Some(namespace) = namespace {
        json::put(&mut object, &["metadata", "namespace"], namespace.as_str());
    }
    let mut labels = input.spec.spec.labels.clone();
    labels.extend(alerts.labels.clone());
    if !labels.is_empty() {
        let labels: Value = labels.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
        json::put(&mut object, &["metadata", "labels"], labels);
    }
    let key = Key::of(&object);
    let path = format!("prometheusrule-{name}.yaml");
    if let Some(other) = files.iter().find(|file| file.key == key || file.path == path) {
        return Err(Diagnostic::error(format!(
            "`spec.alerts` and the manifests both render {} into {path}",
            other.key
        ))
        .at(input.document.location("/spec/alerts"))
        .hint("rename the object in the manifests")
        .into());
    }
    let text = format!("{}{}", header(&spec_name(input)), yaml::write_object(&object));
    Ok(RenderedFile { path, key, pool: None, text })
}

/// Returns the file name of the spec. Its path depends on the working directory, and the header must not.
fn spec_name(input: Input<'_>) -> String {
    let file = input.document.location("").file;
    file.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}
