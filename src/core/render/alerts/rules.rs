//! The rules: what is recorded, and what each alert says.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::core::capacity::Demand;
use crate::core::lock::PoolKind;
use crate::core::platform::LimitName;
use crate::core::render::alerts::limits::PoolLimit;
use crate::core::render::alerts::nodes;
use crate::core::render::alerts::promql::{any_of, globs, label_name, none_of, plain, string};
use crate::core::render::draft::Input;

/// A group of rules, which Prometheus evaluates one after the other.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    name: String,
    rules: Vec<Rule>,
}

/// A recording or an alerting rule.
#[derive(Debug, Default, Serialize)]
struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<&'static str>,
    expr: String,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pending: Option<&'static str>,
    labels: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

/// One series for each Service of a pool, and for each pool with a Gateway.
const SERVICES: &str = "largescale:pool_service";

/// The nodes of each pool that a load balancer takes.
const NODES: &str = "largescale:pool_nodes";

/// Those of them that are Ready.
const READY: &str = "largescale:pool_ready_nodes";

/// The page about the rules.
const PAGE: &str = "docs/howto/alerts.md";

/// The percentages of a limit at which an alert fires, with its name and severity.
const LEVELS: [(&str, u32, &str); 2] =
    [("LargescalePoolNearLimit", 80, "warning"), ("LargescalePoolOverLimit", 100, "critical")];

/// Returns the rules for an app.
pub(super) fn group(input: Input<'_>, demands: &[Demand], limits: &[PoolLimit]) -> Group {
    let app = App::of(input, demands);
    let mut rules = app.services(demands);
    let has_pools = input.pools.kind == PoolKind::Nodes;
    if has_pools {
        rules.push(app.record(NODES, nodes::count(input, false)));
        rules.push(app.record(READY, nodes::count(input, true)));
        rules.extend(limits.iter().flat_map(|limit| LEVELS.map(|level| app.limit(limit, level))));
    }
    rules.extend(app.without_address());
    if has_pools {
        rules.extend([app.without_nodes(), app.not_in_lock()]);
    }
    rules.push(app.series_missing());
    Group { name: format!("largescale-{}", app.name), rules }
}

/// The app, and how its series are selected.
struct App<'a> {
    input: Input<'a>,
    name: &'a str,
    /// The namespace in the alerts about pools.
    namespace: &'a str,
    /// The namespaces of its Services, which are known.
    namespaces: BTreeSet<&'a str>,
    /// The matchers of its own recorded series about nodes.
    own: String,
    /// The matchers of its Services.
    services: String,
    /// The name of the pool label in `kube_node_labels`.
    label: String,
    /// The pools of the lock that have no load balancer.
    unserved: Vec<&'a str>,
}

impl<'a> App<'a> {
    fn of(input: Input<'a>, demands: &'a [Demand]) -> Self {
        let known = demands.iter().filter(|demand| demand.gateway.is_none());
        let namespaces: BTreeSet<&str> = known.map(|demand| demand.key.0.as_str()).collect();
        let name = input.spec.metadata.name.as_str();
        let of_spec = input.spec.metadata.namespace.as_deref();
        let of_demands = || demands.first().map(|demand| demand.key.0.as_str());
        let namespace = of_spec.or_else(of_demands).unwrap_or_default();
        let all = namespaces.iter().copied().chain([namespace]).collect::<BTreeSet<_>>();
        Self {
            input,
            name,
            namespace,
            own: format!("app={},namespace={}", string(name), string(namespace)),
            services: format!("app={},namespace{}", string(name), any_of(all)),
            label: label_name(&input.pools.label),
            unserved: unserved(input, demands),
            namespaces,
        }
    }

    fn labels(&self) -> BTreeMap<&'static str, String> {
        [("app", self.name.to_owned()), ("namespace", self.namespace.to_owned())].into()
    }

    fn record(&self, record: &'static str, expr: String) -> Rule {
        Rule { record: Some(record), expr, labels: self.labels(), ..Rule::default() }
    }

    fn alert(
        &self,
        alert: &'static str,
        (pending, severity): (&'static str, &str),
        expr: String,
        (summary, description): (String, String),
    ) -> Rule {
        let mut labels = self.labels();
        labels.insert("severity", severity.to_owned());
        let annotations = [("summary", summary), ("description", description)].into();
        Rule { alert: Some(alert), expr, pending: Some(pending), labels, annotations, ..Rule::default() }
    }

    /// Records the Services and the pools: one rule for each namespace, one line for each Service.
    fn services(&self, demands: &[Demand]) -> Vec<Rule> {
        let mut of_pool: BTreeMap<&str, Vec<&Demand>> = BTreeMap::new();
        for demand in demands {
            of_pool.entry(&demand.pool).or_default().push(demand);
        }
        let mut lines: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for pool in &self.input.pools.pools {
            let series = with_label("vector(1)", "pool", &pool.value);
            for demand in of_pool.get(pool.name.as_str()).into_iter().flatten() {
                // The implementation chooses the name of the Service of a Gateway.
                let is_known = demand.gateway.is_none();
                let line =
                    if is_known { with_label(&series, "service", &demand.key.1) } else { series.clone() };
                let namespace = if is_known { &demand.key.0 } else { self.namespace };
                lines.entry(namespace).or_default().insert(line);
            }
        }
        let rule = |(namespace, lines): (&str, BTreeSet<String>)| {
            let mut rule = self.record(SERVICES, lines.into_iter().collect::<Vec<_>>().join("\nor "));
            rule.labels.insert("namespace", namespace.to_owned());
            rule
        };
        lines.into_iter().map(rule).collect()
    }

    fn limit(&self, limit: &PoolLimit, (alert, percent, severity): (&'static str, u32, &str)) -> Rule {
        let of_pools =
            limit.pools.as_ref().map(|pools| format!(",pool{}", any_of(pools.iter().map(String::as_str))));
        let times = if limit.per_node == 1 { String::new() } else { format!(" * {}", limit.per_node) };
        let expr = format!(
            "100 * {NODES}{{{}{}}}{times} / {} > {percent}\nand on (pool) {SERVICES}{{{}}}",
            self.own,
            of_pools.unwrap_or_default(),
            limit.value,
            self.services
        );
        let counted = limit.name.counted();
        let summary = format!(
            "Pool {{{{ $labels.pool }}}} of {} has {{{{ $value | printf \"%.0f\" }}}} percent of the limit of {} {counted}",
            self.name, limit.value
        );
        let fewer_ports = match limit.name {
            LimitName::NodesPerLoadBalancer => "",
            _ => " Fewer ports in the Service help, too.",
        };
        let description = format!(
            "Nodes above the limit get no traffic, or the load balancer is not updated. Add a pool instead of nodes and run `kubectl largescale render`.{fewer_ports} `kubectl largescale capacity` shows every limit. Source of the limit: {}. See {PAGE}.",
            plain(&limit.source)
        );
        let mut rule = self.alert(alert, ("5m", severity), expr, (summary, description));
        rule.labels.insert("limit", limit.name.key());
        rule
    }

    fn without_address(&self) -> Option<Rule> {
        if self.namespaces.is_empty() {
            return None;
        }
        let namespaces = any_of(self.namespaces.iter().copied());
        let expr = format!(
            "{SERVICES}{{{},service!=\"\"}}\nand on (namespace, service) kube_service_spec_type{{namespace{namespaces},type=\"LoadBalancer\"}}\nunless on (namespace, service) kube_service_status_load_balancer_ingress{{namespace{namespaces}}}",
            self.services
        );
        let summary = match self.input.pools.kind {
            PoolKind::Nodes => {
                "Service {{ $labels.service }} of pool {{ $labels.pool }} has had no address for 10 minutes"
            }
            PoolKind::Shard => "Service {{ $labels.service }} has had no address for 10 minutes",
        };
        let description = format!(
            "`kubectl describe service -n {{{{ $labels.namespace }}}} {{{{ $labels.service }}}}` shows the events of the cloud's controller, and `kubectl largescale status` all pools. See {PAGE}."
        );
        let texts = (summary.to_owned(), description);
        let mut rule = self.alert("LargescaleServiceWithoutAddress", ("10m", "critical"), expr, texts);
        // The series has the namespace of the Service.
        rule.labels.remove("namespace");
        Some(rule)
    }

    fn without_nodes(&self) -> Rule {
        // Without the series about nodes, every pool would look empty.
        let expr = format!(
            "max by (pool) ({SERVICES}{{{}}})\nunless on (pool) {READY}{{{}}}\nand on () kube_node_labels{{{}!=\"\"}}\nand on () kube_node_status_condition{{condition=\"Ready\",status=\"true\"}}",
            self.services, self.own, self.label
        );
        let summary = format!("Pool {{{{ $labels.pool }}}} of {} has no ready node", self.name);
        let label = plain(&self.input.pools.label);
        let description = format!(
            "Its load balancer does not answer, and DNS may still name it. `kubectl get nodes -l {label}={{{{ $labels.pool }}}}` shows its nodes. If the pool is gone for good, run `kubectl largescale render --forget {{{{ $labels.pool }}}}`. See {PAGE}."
        );
        self.alert("LargescalePoolWithoutReadyNodes", ("10m", "critical"), expr, (summary, description))
    }

    /// Reports pools that the spec does not leave out.
    fn not_in_lock(&self) -> Rule {
        let pools = &self.input.spec.spec.pools;
        let mut chosen = String::new();
        if !self.unserved.is_empty() {
            chosen.push_str(&format!(",pool{}", none_of(self.unserved.iter().copied())));
        }
        for (list, operator) in [(&pools.include, "=~"), (&pools.exclude, "!~")] {
            if !list.is_empty() {
                chosen.push_str(&format!(",pool{operator}{}", string(&globs(list))));
            }
        }
        let expr =
            format!("{NODES}{{{}{chosen}}}\nunless on (pool) {SERVICES}{{{}}}", self.own, self.services);
        let summary = format!(
            "Pool {{{{ $labels.pool }}}} has {{{{ $value }}}} nodes, but no load balancer of {}",
            self.name
        );
        let description = format!(
            "The lock does not list the pool. Run `kubectl largescale render` and commit the result, or list the pool in `spec.pools.exclude`. See {PAGE}."
        );
        self.alert("LargescalePoolNotInLock", ("15m", "warning"), expr, (summary, description))
    }

    fn series_missing(&self) -> Rule {
        let mut needed = match self.input.pools.kind {
            PoolKind::Shard => Vec::new(),
            PoolKind::Nodes => vec![
                (
                    format!("kube_node_labels{{{}!=\"\"}}", self.label),
                    format!("kube_node_labels, label {}", self.label),
                ),
                (
                    "kube_node_status_condition{condition=\"Ready\",status=\"true\"}".to_owned(),
                    "kube_node_status_condition".to_owned(),
                ),
            ],
        };
        needed.extend(self.namespaces.iter().map(|namespace| {
            let series =
                format!("kube_service_spec_type{{namespace={},type=\"LoadBalancer\"}}", string(namespace));
            (series, format!("kube_service_spec_type, namespace {namespace}"))
        }));
        let absent: Vec<String> = needed
            .iter()
            .map(|(series, name)| format!("  {}", with_label(&format!("absent({series})"), "series", name)))
            .collect();
        let expr = format!("max by (series) (\n{}\n)", absent.join("\n  or\n"));
        let allowlist = match self.input.pools.kind {
            PoolKind::Shard => "kube-state-metrics must run".to_owned(),
            PoolKind::Nodes => format!(
                "kube-state-metrics must run with `--metric-labels-allowlist=nodes=[{}]`",
                plain(&nodes::labels(self.input).join(","))
            ),
        };
        let summary = format!("The alerts of {} cannot fire: {{{{ $labels.series }}}} is missing", self.name);
        let description = format!(
            "Prometheus has no such series. {allowlist}, and its scrape needs `honor_labels: true`. See {PAGE}."
        );
        self.alert("LargescaleSeriesMissing", ("15m", "warning"), expr, (summary, description))
    }
}

/// Returns the values of the pools that get no copy of any Service.
fn unserved<'a>(input: Input<'a>, demands: &[Demand]) -> Vec<&'a str> {
    let served: BTreeSet<&str> = demands.iter().map(|demand| demand.pool.as_str()).collect();
    let pools = input.pools.pools.iter().filter(|pool| !served.contains(pool.name.as_str()));
    pools.map(|pool| pool.value.as_str()).collect()
}

/// Returns an expression whose series have one more label.
fn with_label(expr: &str, label: &str, value: &str) -> String {
    // `$` in a replacement means a group.
    let value = string(&value.replace('$', "$$"));
    format!("label_replace({expr}, \"{label}\", {value}, \"\", \"\")")
}
