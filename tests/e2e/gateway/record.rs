//! Records what Envoy Gateway makes of the cases, or compares it with the record.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use largescale::core::gateway::FleetMode;
use serde_json::Value;

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::gateway::controller::{EnvoyGateway, NAMESPACE, built};
use crate::gateway::envoy::{Envoy, backend, service_of};
use crate::gateway::made::{endpoint_slice, nodes_of_proxies, owned, service, workload};
use crate::gateway_cases::{Case, POOLS, cases, fixtures, rendered, stamp, write};
use crate::wait::until;

/// A case that was applied to a control plane with the controller.
pub(super) struct Applied<'a> {
    pub(super) case: Case,
    plane: &'a ControlPlane,
    app: App<'a>,
}

/// Returns a control plane with the nodes of all platforms.
pub(super) fn control_plane() -> Option<ControlPlane> {
    let nodes: Vec<Value> =
        cases().filter(|case| case.mode == FleetMode::PerPool).flat_map(Case::nodes).collect();
    ControlPlane::with_nodes(Parts::All, &nodes)
}

impl<'a> Applied<'a> {
    /// Renders a case with the program and applies it.
    #[track_caller]
    pub(super) fn new(plane: &'a ControlPlane, case: Case) -> Self {
        let app = App::empty(plane, &case.name());
        for (file, text) in case.files() {
            app.write(file, &text);
        }
        prepare(&app);
        app.run(&["render"]).ok();
        app.run(&["apply"]).ok();
        Self { case, plane, app }
    }

    /// Returns the number of Gateways that the controller reads.
    fn gateways(&self) -> usize {
        match self.case.mode {
            FleetMode::PerPool => POOLS.len(),
            FleetMode::Shared => 1,
        }
    }

    fn owned(&self, api: &str, resource: &str) -> Vec<Value> {
        owned(self.plane, api, resource, &self.app.namespace)
    }

    /// Returns the Deployments or `DaemonSets` of the proxies.
    fn workloads(&self) -> Vec<Value> {
        let (resource, kind) =
            if self.case.has_daemons() { ("daemonsets", "DaemonSet") } else { ("deployments", "Deployment") };
        let mut items = self.owned("/apis/apps/v1", resource);
        for item in &mut items {
            // The items of a list have no kind.
            item["kind"] = kind.into();
        }
        items
    }

    /// Waits until each Gateway has a Service, and its proxies run.
    #[track_caller]
    pub(super) fn wait(&self, controller: &EnvoyGateway) {
        let name = self.case.name();
        until(&format!("{name}: proxies run, see {}", controller.log.display()), || {
            let run = self.workloads().iter().filter(|it| runs(it)).count();
            let services = self.owned("/api/v1", "services").len();
            (run == self.gateways() && services == self.gateways()).then_some(())
        });
        until(&format!("{name}: the controller accepts the Gateways and routes"), || {
            let gateways = self.plane.list(&self.app.path("gateway.networking.k8s.io/v1", "gateways"));
            let routes = self.plane.list(&self.app.path("gateway.networking.k8s.io/v1", "httproutes"));
            let of_route = |route: &Value| {
                let parents = route["status"]["parents"].as_array().cloned().unwrap_or_default();
                parents.len() == self.gateways() && parents.iter().all(|parent| has(parent, "Accepted"))
            };
            let is_programmed = |gateway: &Value| {
                // No controller of the tests gives addresses to Services with a class.
                let is_expected =
                    self.case.platform != "cilium-node-ipam" || self.case.mode == FleetMode::Shared;
                has(&gateway["status"], "Accepted") && (!is_expected || has(&gateway["status"], "Programmed"))
            };
            (gateways.iter().all(is_programmed) && routes.iter().all(of_route)).then_some(())
        });
    }

    /// The rendered Services of the mode `shared` have the proxies of the fleet as endpoints.
    fn check_endpoints(&self) {
        let proxies: BTreeSet<String> = self.owned("/api/v1", "pods").iter().map(name).collect();
        for service in self.rendered() {
            if service["kind"] != "Service" {
                continue;
            }
            let of_service = format!(
                "/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D{}",
                name(&service)
            );
            until(&format!("{} has the proxies as endpoints", name(&service)), || {
                let slices = self.plane.list(&of_service);
                let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
                let pods =
                    endpoints.map(|it| it["targetRef"]["name"].as_str().unwrap_or_default().to_owned());
                (pods.collect::<BTreeSet<_>>() == proxies).then_some(())
            });
        }
    }

    /// Each fleet answers through the route, on each target port of each Service that selects its pods.
    fn check_answers(&self, program: &Path) {
        let mut services = self.owned("/api/v1", "services");
        services.extend(self.rendered().into_iter().filter(|object| object["kind"] == "Service"));
        let certificate = self.app.directory().join("tls.crt");
        for workload in self.workloads() {
            let labels = &workload["spec"]["template"]["metadata"]["labels"];
            let selects = |service: &&Value| {
                let selector = service["spec"]["selector"].as_object();
                selector.is_some_and(|it| it.iter().all(|(key, value)| labels[key] == *value))
            };
            let selecting: Vec<&Value> = services.iter().filter(selects).collect();
            let expected = if self.case.mode == FleetMode::Shared { 1 + POOLS.len() } else { 1 };
            assert_eq!(selecting.len(), expected, "{}", name(&workload));
            let envoy = Envoy::start(self.plane, program, &workload);
            for service in selecting {
                for port in service["spec"]["ports"].as_array().unwrap() {
                    let scheme = if port["port"] == 443 { "https" } else { "http" };
                    let answer = envoy.request(scheme, port["targetPort"].as_u64().unwrap(), &certificate);
                    assert_eq!(answer, self.case.name(), "{}: {port}", name(service));
                }
            }
        }
    }

    fn rendered(&self) -> Vec<Value> {
        rendered(&self.app.directory().join("rendered"))
    }

    fn slices(&self, service: &str) -> Vec<Value> {
        let of_service = format!("labelSelector=kubernetes.io%2Fservice-name%3D{service}");
        self.plane
            .list(&format!("/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices?{of_service}"))
    }

    /// Returns the endpoints of a Service with a proxy on each node of the pool.
    fn endpoints(&self, service: &Value) -> Value {
        until(&format!("{} has two endpoints", name(service)), || {
            let slice = self.slices(&name(service)).into_iter().next()?;
            let ready = |it: &&Value| it["conditions"]["ready"] == true;
            let count = slice["endpoints"].as_array()?.iter().filter(ready).count();
            (count == 2).then(|| endpoint_slice(&name(service), &slice))
        })
    }

    /// Returns what the controller made, and the rendered objects.
    fn record(&self) -> [(&'static str, String); 2] {
        let mut made: Vec<Value> = self.owned("/api/v1", "services").iter().map(service).collect();
        if self.case.has_daemons() && self.case.mode == FleetMode::PerPool {
            let slices: Vec<Value> = made.iter().map(|service| self.endpoints(service)).collect();
            made.extend(slices);
        }
        made.extend(self.workloads().iter().map(workload));
        made.sort_by_key(|object| (object["kind"].to_string(), object["metadata"]["name"].to_string()));
        [("made.yaml", write(&made)), ("rendered.yaml", write(&self.rendered()))]
    }

    /// The proxies of a pool run on its nodes; those of one fleet may run on any.
    fn check_nodes(&self) {
        let found = nodes_of_proxies(self.plane, &self.app.namespace);
        assert_eq!(found.len(), self.gateways(), "{found:?}");
        for (gateway, nodes) in found {
            assert!(!nodes.is_empty(), "{}: {gateway} runs nowhere", self.case.name());
            let Some(pool) = gateway.strip_prefix(&format!("{}-", self.case.platform)) else { continue };
            for node in &nodes {
                let live = self.plane.get(&format!("/api/v1/nodes/{node}")).unwrap();
                let label = &live["metadata"]["labels"][self.case.label];
                assert_eq!(label, pool, "{}: a proxy of {gateway} runs on {node}", self.case.name());
            }
        }
    }
}

/// Whether the proxies of a Deployment or `DaemonSet` run.
fn runs(workload: &Value) -> bool {
    let status = &workload["status"];
    let wanted =
        if workload["kind"] == "DaemonSet" { &status["desiredNumberScheduled"] } else { &status["replicas"] };
    let ready =
        if workload["kind"] == "DaemonSet" { &status["numberReady"] } else { &status["availableReplicas"] };
    wanted.as_u64().is_some_and(|wanted| wanted > 0) && wanted == ready
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

fn has(status: &Value, condition: &str) -> bool {
    let conditions = status["conditions"].as_array();
    conditions.into_iter().flatten().any(|it| it["type"] == condition && it["status"] == "True")
}

/// Creates what the manifests name: the certificate of the listener, and the Service behind the route, which answers with the name of the
/// case.
fn prepare(app: &App) {
    let certificate = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=www.example.com \
        -addext subjectAltName=DNS:www.example.com -keyout tls.key -out tls.crt";
    let made = app.shell_line(certificate);
    assert_eq!(made.code, Some(0), "{made:?}");
    app.kubectl(&["create", "secret", "tls", "web-tls", "--cert=tls.crt", "--key=tls.key"]).ok();
    let server = backend(app.namespace.clone());
    for object in service_of(server) {
        app.write("object.json", &object.to_string());
        app.kubectl(&["create", "-f", "object.json"]).ok();
    }
}

/// Compares with the record, or writes it.
fn keep(path: &Path, text: &str) {
    if std::env::var_os("RECORD_GATEWAY").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        return;
    }
    let recorded = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, recorded, "{}: `make record-gateway` writes it", path.display());
}

#[test]
#[ignore = "`make record-gateway` runs it"]
fn envoy_gateway_makes_what_is_recorded() {
    let Some(plane) = control_plane() else { return };
    let Some(controller) = EnvoyGateway::start(&plane) else { return };
    let Some(envoy) = built("envoy").map(|directory| directory.join("envoy")) else { return };
    let applied: Vec<Applied> = cases().map(|case| Applied::new(&plane, case)).collect();
    let mut all_rendered = Vec::new();
    for case in &applied {
        case.wait(&controller);
        // Only the rendered fields count: the controller writes the status, and a finalizer of the class.
        assert!(case.app.run(&["diff"]).ok().is_empty(), "{}", case.case.name());
        case.check_nodes();
        case.check_endpoints();
        case.check_answers(&envoy);
        for (file, text) in case.record() {
            keep(&case.case.record().join(file), &text);
            if file == "rendered.yaml" {
                all_rendered.push(text);
            }
        }
    }
    keep(&fixtures().join("stamp"), &format!("{}\n", stamp(&all_rendered)));
}
