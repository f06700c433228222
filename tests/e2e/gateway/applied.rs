//! A case on a control plane with Envoy Gateway, applied by the program.

use largescale::core::gateway::FleetMode;
use serde_json::Value;

use crate::app::App;
use crate::control_plane::{ControlPlane, Parts};
use crate::gateway::controller::{EnvoyGateway, NAMESPACE};
use crate::gateway::envoy::{backend, service_of};
use crate::gateway::made::owned;
use crate::gateway_cases::{Case, POOLS, cases, rendered};
use crate::wait::until;

/// A case that was applied to a control plane with the controller.
pub(super) struct Applied<'a> {
    pub(super) case: Case,
    pub(super) plane: &'a ControlPlane,
    pub(super) app: App<'a>,
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
    pub(super) fn gateways(&self) -> usize {
        match self.case.mode {
            FleetMode::PerPool => POOLS.len(),
            FleetMode::Shared => 1,
        }
    }

    pub(super) fn owned(&self, api: &str, resource: &str) -> Vec<Value> {
        owned(self.plane, api, resource, &self.app.namespace)
    }

    /// Returns the Deployments or `DaemonSets` of the proxies.
    pub(super) fn workloads(&self) -> Vec<Value> {
        let (resource, kind) =
            if self.case.has_daemons() { ("daemonsets", "DaemonSet") } else { ("deployments", "Deployment") };
        let mut items = self.owned("/apis/apps/v1", resource);
        for item in &mut items {
            // The items of a list have no kind.
            item["kind"] = kind.into();
        }
        items
    }

    pub(super) fn rendered(&self) -> Vec<Value> {
        rendered(&self.app.directory().join("rendered"))
    }

    pub(super) fn slices(&self, service: &str) -> Vec<Value> {
        let of_service = format!("labelSelector=kubernetes.io%2Fservice-name%3D{service}");
        self.plane
            .list(&format!("/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices?{of_service}"))
    }

    /// Waits until each Gateway has a Service with all ports, its proxies run, and the controller accepts what is rendered.
    #[track_caller]
    pub(super) fn wait(&self, controller: &EnvoyGateway) {
        let name = self.case.name();
        let log = controller.log.display();
        until(&format!("{name}: proxies run, see {log}"), || {
            let run = self.workloads().iter().filter(|it| runs(it)).count();
            let services = self.owned("/api/v1", "services");
            // One is that of a ListenerSet.
            let ports = if self.case.platform == "azure-basic" { 4 } else { 3 };
            let has_ports = |service: &Value| count(&service["spec"]["ports"]) == ports;
            let is_complete = services.len() == self.gateways() && services.iter().all(has_ports);
            (run == self.gateways() && is_complete).then_some(())
        });
        until(&format!("{name}: the controller accepts everything, see {log}"), || {
            let list = |group: &str, resource: &str| self.plane.list(&self.app.path(group, resource));
            let routes = list("gateway.networking.k8s.io/v1", "httproutes");
            let policies = list("gateway.envoyproxy.io/v1alpha1", "clienttrafficpolicies");
            let is_accepted =
                list("gateway.networking.k8s.io/v1", "gateways").iter().all(|it| self.is_programmed(it))
                    && list("gateway.networking.k8s.io/v1", "listenersets")
                        .iter()
                        .all(|it| has(&it["status"], "Accepted"))
                    && routes.iter().all(|it| accepts(it, "parents", "parentRefs"))
                    && policies.iter().all(|it| accepts(it, "ancestors", "targetRefs"));
            is_accepted.then_some(())
        });
    }

    fn is_programmed(&self, gateway: &Value) -> bool {
        // No controller of the tests gives addresses to Services with a class.
        let has_class = self.case.platform == "cilium-node-ipam" && self.case.mode == FleetMode::PerPool;
        has(&gateway["status"], "Accepted") && (has_class || has(&gateway["status"], "Programmed"))
    }
}

/// Whether the controller accepts an object for each one that it names.
fn accepts(object: &Value, statuses: &str, named: &str) -> bool {
    let all = object["status"][statuses].as_array().cloned().unwrap_or_default();
    all.len() == count(&object["spec"][named]) && all.iter().all(|status| has(status, "Accepted"))
}

fn count(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
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

pub(super) fn name(object: &Value) -> String {
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
