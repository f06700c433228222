//! A real API server for the tests of this binary: started once, shared, gone with the process.
//!
//! It is looked for in this order:
//! 1. `KUBEBUILDER_ASSETS`, a directory with `etcd` and `kube-apiserver`, as envtest and others have it;
//! 2. `target/control-plane`, which `tests/go/control-plane/build.sh` makes.
//!
//! Without either, tests say that they were skipped, and in CI they fail: nothing is silently green.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use largescale::cluster::{Cluster, ClusterFlags, Environment};

use crate::child::{new_directory, said, shell, skip};
use crate::setup::{short, silent};

/// Tokens of the users that tests act as, in the form of `--token-auth-file`. The first is for everything; the
/// others may do nothing until a test gives them a role.
const TOKENS: &str =
    "admin-token,admin,0,\"system:masters\"\nnobody-token,nobody,2\nreader-token,reader,3,\"readers\"\n";

/// A running API server.
pub(crate) struct ApiServer {
    pub(crate) url: String,
    /// The certificates of its authority.
    pub(crate) authority: PathBuf,
    /// A kubeconfig that may do everything.
    pub(crate) kubeconfig: PathBuf,
    /// It ends when its standard input closes, which the end of this process does.
    _process: Child,
}

impl ApiServer {
    /// The server of this binary; `None` after having said why there is none.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Result<ApiServer, String>> = OnceLock::new();
        match SERVER.get_or_init(Self::start) {
            Ok(server) => Some(server),
            Err(why) => {
                skip(&format!("no API server ({why})"));
                None
            }
        }
    }

    fn start() -> Result<Self, String> {
        if let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS") {
            return Self::from_assets(Path::new(&assets)).map_err(|why| format!("KUBEBUILDER_ASSETS: {why}"));
        }
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/control-plane");
        if !program.exists() {
            return Err(
                "KUBEBUILDER_ASSETS is not set and tests/go/control-plane/build.sh has not been run".into()
            );
        }
        Self::from_control_plane(&program).map_err(|why| format!("target/control-plane: {why}"))
    }

    fn from_control_plane(program: &Path) -> Result<Self, String> {
        let directory = new_directory("api-server-")?;
        let script = r#""$1" up --dir "$2" --until-stdin-closes \
            --without kube-controller-manager,kube-scheduler,service-lb,fake-kubelet
            rm -rf "$2""#;
        let mut process = shell(script, program, &directory)?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or("it has no output")?;
        BufReader::new(output).read_line(&mut line).map_err(said)?;
        let ready: serde_json::Value =
            serde_json::from_str(&line).map_err(|_| format!("it said `{line}`"))?;
        let field = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
        let server = Self {
            url: field("server"),
            authority: field("ca").into(),
            kubeconfig: field("kubeconfig").into(),
            _process: process,
        };
        server.await_ready()
    }

    /// etcd and kube-apiserver by themselves. The server makes its own certificate; openssl makes the key that
    /// it signs service account tokens with and does not start without.
    fn from_assets(assets: &Path) -> Result<Self, String> {
        let directory = new_directory("api-server-")?;
        let at = |name: &str| directory.join(name);
        let key = Command::new("openssl").args(["genrsa", "-out"]).arg(at("key")).output();
        let key = key.map_err(|error| format!("openssl: {error}"))?;
        if !key.status.success() {
            return Err(format!("openssl: {}", key.status));
        }
        fs::write(at("tokens"), TOKENS).map_err(said)?;
        let [client, peer, secure] = free_ports().map_err(said)?;
        // An API server that is asked to end waits for etcd, so both are told.
        let script = format!(
            r#"exec 2>"$2/log"
            "$1/etcd" --data-dir "$2/etcd" --unsafe-no-fsync --log-level error \
                --listen-client-urls http://127.0.0.1:{client} --advertise-client-urls http://127.0.0.1:{client} \
                --listen-peer-urls http://127.0.0.1:{peer} --initial-advertise-peer-urls http://127.0.0.1:{peer} \
                --initial-cluster default=http://127.0.0.1:{peer} </dev/null >&2 & etcd=$!
            "$1/kube-apiserver" --etcd-servers http://127.0.0.1:{client} --bind-address 127.0.0.1 --secure-port {secure} \
                --cert-dir "$2" --token-auth-file "$2/tokens" --authorization-mode RBAC \
                --advertise-address 127.0.0.1 --endpoint-reconciler-type none --service-cluster-ip-range 10.96.0.0/12 \
                --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$2/key" \
                --service-account-signing-key-file "$2/key" \
                --disable-admission-plugins ServiceAccount,TaintNodesByCondition </dev/null >&2 & server=$!
            cat >/dev/null
            kill -9 $server $etcd
            wait
            rm -rf "$2""#
        );
        let process = shell(&script, assets, &directory)?;
        let url = format!("https://127.0.0.1:{secure}");
        let authority = at("apiserver.crt");
        let config = format!(
            "current-context: test\ncontexts: [{{name: test, context: {{cluster: test, user: admin}}}}]\n\
             clusters: [{{name: test, cluster: {{server: \"{url}\", certificate-authority: apiserver.crt}}}}]\n\
             users: [{{name: admin, user: {{token: admin-token}}}}]\n"
        );
        fs::write(at("config"), config).map_err(said)?;
        let server = Self { url, authority, kubeconfig: at("config"), _process: process };
        server.await_ready()
    }

    /// The namespace that identity is about is made a moment after the server is ready.
    fn await_ready(self) -> Result<Self, String> {
        const PATIENCE: Duration = Duration::from_mins(1);
        let began = Instant::now();
        loop {
            let flags = ClusterFlags { kubeconfig: Some(self.kubeconfig.clone()), ..ClusterFlags::default() };
            let cluster = Cluster::connect_within(&flags, silent(), &Environment::default(), short());
            let Err(error) = cluster.and_then(|cluster| cluster.identity()) else { return Ok(self) };
            if began.elapsed() > PATIENCE {
                return Err(format!("not ready after {} s: {error}", PATIENCE.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Flags for a user with this token.
    pub(crate) fn flags(&self, token: &str) -> ClusterFlags {
        ClusterFlags {
            server: Some(self.url.clone()),
            certificate_authority: Some(self.authority.clone()),
            token: Some(token.into()),
            ..ClusterFlags::default()
        }
    }

    /// Flags for the user who may do everything.
    pub(crate) fn admin(&self) -> ClusterFlags {
        ClusterFlags { kubeconfig: Some(self.kubeconfig.clone()), ..ClusterFlags::default() }
    }
}

/// Another process may take one before it is used; that is a failed run, not a wrong result.
fn free_ports() -> std::io::Result<[u16; 3]> {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(listeners) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}
