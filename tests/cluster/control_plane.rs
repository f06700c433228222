//! A real API server, started once and shared by the tests of this binary. It ends with the process.
//!
//! The tests look for it in this order:
//! 1. `KUBEBUILDER_ASSETS`, a directory with `etcd` and `kube-apiserver`, as envtest uses it;
//! 2. `target/control-plane`, which `tests/go/control-plane/build.sh` builds.
//!
//! Without either, the tests print that they were skipped; in CI they fail.

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

/// Tokens of the users of the tests, in the format of `--token-auth-file`. The first user is an administrator; the
/// others have no rights until a test gives them a role.
const TOKENS: &str =
    "admin-token,admin,0,\"system:masters\"\nnobody-token,nobody,2\nreader-token,reader,3,\"readers\"\n";

/// A running API server.
pub(crate) struct ApiServer {
    pub(crate) url: String,
    /// The certificates of its certificate authority.
    pub(crate) authority: PathBuf,
    /// The kubeconfig of an administrator.
    pub(crate) kubeconfig: PathBuf,
    /// The server ends when its standard input closes, at the latest when this process ends.
    _process: Child,
}

impl ApiServer {
    /// Returns the server of this binary; `None` after printing why there is none.
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

    /// Returns a second server on the same etcd, with all alpha features but one, which lets a server write only after it has
    /// registered its storage versions. `None` if there is none, or not on Linux, where `/proc`
    /// has the flags of the first one.
    pub(crate) fn with_all_features() -> Option<&'static Self> {
        static SERVER: OnceLock<Result<ApiServer, String>> = OnceLock::new();
        let first = Self::shared()?;
        match SERVER.get_or_init(|| {
            first.again_with("--feature-gates=AllAlpha=true,AllBeta=true,StorageVersionAPI=false")
        }) {
            Ok(server) => Some(server),
            Err(why) => {
                skip(&format!("no API server with all features ({why})"));
                None
            }
        }
    }

    /// Starts the server once more, at another port and with one more flag.
    fn again_with(&self, flag: &str) -> Result<Self, String> {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        let of_server = format!("--secure-port={port}");
        let lines = fs::read_dir("/proc").map_err(said)?.flatten().filter_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            Some(
                line.split(|byte| *byte == 0)
                    .map(|word| String::from_utf8_lossy(word).into_owned())
                    .collect::<Vec<_>>(),
            )
        });
        let mut line =
            lines.into_iter().find(|line| line.contains(&of_server)).ok_or("its process was not found")?;
        line.retain(|word| !word.is_empty());
        let [_, _, secure] = free_ports().map_err(said)?;
        let directory = new_directory("api-server-")?;
        let words = line
            .iter()
            .map(|word| if *word == of_server { format!("--secure-port={secure}") } else { word.clone() });
        fs::write(
            directory.join("flags"),
            words.chain([flag.to_owned()]).map(|word| word + "\n").collect::<String>(),
        )
        .map_err(said)?;
        let script = r#"xargs -d '\n' sh -c '"$@" </dev/null >"$0/log" 2>&1 & server=$!; echo $server >"$0/pid"; wait' "$2" <"$2/flags" &
            cat >/dev/null
            kill -9 "$(cat "$2/pid")"
            wait
            rm -rf "$2""#;
        let process = shell(script, Path::new(&line[0]), &directory)?;
        let url = format!("https://127.0.0.1:{secure}");
        let kubeconfig = fs::read_to_string(&self.kubeconfig).map_err(said)?;
        fs::write(directory.join("config"), kubeconfig.replace(&self.url, &url)).map_err(said)?;
        let server = Self {
            url,
            authority: self.authority.clone(),
            kubeconfig: directory.join("config"),
            _process: process,
        };
        server.await_ready()
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

    /// Starts etcd and kube-apiserver directly. The server creates its own certificate; openssl creates the key for
    /// service account tokens, without which it does not start.
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
        // kube-apiserver waits for etcd when it is stopped, so both are stopped.
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

    /// Waits for the namespace kube-system, which is created a moment after the server is ready.
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

    /// Returns flags for the user with this token.
    pub(crate) fn flags(&self, token: &str) -> ClusterFlags {
        ClusterFlags {
            server: Some(self.url.clone()),
            certificate_authority: Some(self.authority.clone()),
            token: Some(token.into()),
            ..ClusterFlags::default()
        }
    }

    /// Returns flags for the administrator.
    pub(crate) fn admin(&self) -> ClusterFlags {
        ClusterFlags { kubeconfig: Some(self.kubeconfig.clone()), ..ClusterFlags::default() }
    }
}

/// Returns free ports. Another process may take one before it is used; the test then fails to start.
fn free_ports() -> std::io::Result<[u16; 3]> {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(listeners) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}
