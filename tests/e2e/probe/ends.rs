//! Real Envoys as the far ends of load balancers.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::certificates::Leaf;
use crate::child::{new_directory, shell, skip};
use crate::wait::until;

/// Returns Envoy; `None` after printing why it is not there.
pub(super) fn program() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/envoy-gateway/envoy");
    if program.exists() {
        return Some(program);
    }
    skip("no Envoy: run make envoy");
    None
}

/// A running Envoy that answers on HTTP and HTTPS. It ends when it is dropped, or with this process.
pub(super) struct Envoy {
    process: Option<Child>,
    directory: PathBuf,
}

/// How an Envoy answers.
pub(super) struct Behavior<'a> {
    pub(super) status: u16,
    /// The delay of each response, in milliseconds.
    pub(super) delay: u32,
    pub(super) certificate: &'a Leaf,
}

impl Envoy {
    /// Starts an Envoy on an address, and returns when it listens.
    #[track_caller]
    pub(super) fn start(
        program: &Path,
        address: &str,
        (http, https): (u16, u16),
        behavior: &Behavior<'_>,
    ) -> Self {
        let directory = new_directory("far-end-").unwrap();
        let write = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();
        write("tls.crt", &behavior.certificate.certificate_pem);
        write("tls.key", &behavior.certificate.key_pem);
        let files = directory.display();
        let tls = format!(
            r#", "transport_socket": {{"name": "tls", "typed_config": {{
              "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
              "common_tls_context": {{"tls_certificates": [{{
                "certificate_chain": {{"filename": "{files}/tls.crt"}}, "private_key": {{"filename": "{files}/tls.key"}}}}]}}}}}}"#
        );
        let listeners = [listener(address, http, behavior, ""), listener(address, https, behavior, &tls)];
        let config = format!(r#"{{"static_resources": {{"listeners": [{}]}}}}"#, listeners.join(","));
        write("envoy.json", &config);
        let script = r#""$1" -c "$2/envoy.json" --use-dynamic-base-id --concurrency 1 --log-level warning >"$2/log" 2>&1 </dev/null &
            echo $! >"$2/pid"
            cat >/dev/null; kill -9 $!; wait; rm -rf "$2""#;
        let process = shell(script, program, &directory).unwrap();
        let envoy = Self { process: Some(process), directory };
        until("Envoy listens", || TcpStream::connect((address, https)).ok());
        envoy
    }

    /// Suspends the program: the kernel still accepts connections for it.
    pub(super) fn pause(&self) {
        let id = fs::read_to_string(self.directory.join("pid")).unwrap();
        assert!(Command::new("kill").args(["-s", "STOP", id.trim()]).status().unwrap().success());
    }

    /// Kills the program, and returns when its ports are closed.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            process.wait().unwrap();
        }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.kill();
    }
}

fn listener(address: &str, port: u16, behavior: &Behavior<'_>, tls: &str) -> String {
    let Behavior { status, delay, .. } = behavior;
    // The filter wants a delay of more than nothing.
    let fault = if *delay == 0 {
        String::new()
    } else {
        format!(
            r#"{{"name": "fault", "typed_config": {{"@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
              "delay": {{"fixed_delay": "{}.{:03}s", "percentage": {{"numerator": 100}}}}}}}},"#,
            delay / 1000,
            delay % 1000
        )
    };
    format!(
        r#"{{"name": "l{port}", "address": {{"socket_address": {{"address": "{address}", "port_value": {port}}}}},
          "filter_chains": [{{"filters": [{{"name": "http", "typed_config": {{
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "http",
            "route_config": {{"virtual_hosts": [{{"name": "all", "domains": ["*"], "routes": [
              {{"match": {{"prefix": "/"}}, "direct_response": {{"status": {status}, "body": {{"inline_string": "{address}"}}}}}}]}}]}},
            "http_filters": [{fault}{{"name": "router", "typed_config": {{
              "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}}}]
          }}}}]{tls}}}]}}"#
    )
}
