//! Credential plugins: the programs that a kubeconfig names to log in (`users[].user.exec`).
//!
//! kube runs a plugin three times for one client, has no time limit, and either hides its standard error or shows
//! it without keeping it. This module runs it once, and passes its output to kube.
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;

use crate::cluster::environment::Environment;
use crate::cluster::error::{ClusterError, PluginProblem};
use crate::cluster::limits::Limits;
use crate::cluster::request::Notice;
use crate::core::json;
use crate::core::yaml;

/// Runs the plugin of a user, if it has one and needs it, and stores the credentials in its place.
pub(super) fn log_in(
    user: &mut AuthInfo,
    name: &str,
    environment: &Environment,
    limits: &Limits,
    notice: &Notice,
) -> Result<(), ClusterError> {
    let Some(exec) = user.exec.take() else { return Ok(()) };
    if user.token.is_some()
        || user.token_file.is_some()
        || user.username.is_some()
        || user.auth_provider.is_some()
    {
        return Ok(()); // client-go runs a plugin only if it has no other credentials
    }
    let status =
        run(&exec, may_ask(&exec, environment), limits, notice).map_err(|problem| ClusterError::Plugin {
            user: name.into(),
            command: exec.command.clone().unwrap_or_default(),
            problem,
            install_hint: exec.install_hint.clone(),
        })?;
    user.token = status.token.map(Into::into);
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data) {
        user.client_certificate_data = Some(STANDARD.encode(certificate));
        user.client_key_data = Some(STANDARD.encode(key).into());
    }
    Ok(())
}

#[derive(Deserialize)]
struct Credential {
    #[serde(default)]
    status: Option<CredentialStatus>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialStatus {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    client_certificate_data: Option<String>,
    #[serde(default)]
    client_key_data: Option<String>,
}

fn run(
    exec: &ExecConfig,
    asks: Asks,
    limits: &Limits,
    notice: &Notice,
) -> Result<CredentialStatus, PluginProblem> {
    let program = exec.command.as_deref().unwrap_or_default();
    let mut command = command(exec, program, asks)?;
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => PluginProblem::Missing,
        _ => PluginProblem::NotStarted(error),
    })?;
    // Threads, because a plugin blocks if it fills one pipe while we read the other. They are not joined: a child
    // of the plugin may keep a pipe open long after the plugin was killed.
    let output = child.stdout.take().map(read_all);
    let said = child.stderr.take().map(read_all);

    let began = Instant::now();
    let mut told = false;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(PluginProblem::NotStarted)? {
            break status;
        }
        if !told && began.elapsed() > limits.notice_after {
            told = true;
            notice(&format!("waiting for credential plugin `{program}`"));
        }
        // A user may be typing a password or using a browser, and can interrupt the program.
        if asks == Asks::Never && began.elapsed() > limits.plugin {
            // The plugin may have exited in the meantime.
            drop(child.kill());
            drop(child.wait());
            return Err(PluginProblem::Hung {
                after: limits.plugin,
                last_line: said.as_ref().and_then(last_line),
            });
        }
        thread::sleep(Duration::from_millis(5));
    };
    finish(status, output.as_ref(), said.as_ref())
}

fn finish(
    status: ExitStatus,
    output: Option<&Receiver<Vec<u8>>>,
    said: Option<&Receiver<Vec<u8>>>,
) -> Result<CredentialStatus, PluginProblem> {
    if !status.success() {
        return Err(PluginProblem::Failed {
            status: status.to_string(),
            last_line: said.and_then(last_line),
        });
    }
    let output = output.map(received).unwrap_or_default();
    if output.trim_ascii().is_empty() {
        return Err(PluginProblem::NoCredentials("nothing"));
    }
    // Like client-go, accept YAML. The output may be a secret, so the error must not contain it.
    let text = String::from_utf8_lossy(&output);
    let credential: Credential =
        yaml::read_typed("", &text).map_err(|_| PluginProblem::NoCredentials("something else"))?;
    match credential.status {
        Some(status) if status.token.is_some() || status.client_certificate_data.is_some() => Ok(status),
        _ => Err(PluginProblem::NoCredentials("an `ExecCredential` without a token or certificate")),
    }
}

/// Whether the plugin may ask the user.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Never,
    AtTheTerminal,
}

fn may_ask(exec: &ExecConfig, environment: &Environment) -> Asks {
    let asked = exec.interactive_mode != Some(ExecInteractiveMode::Never);
    if environment.at_terminal && asked { Asks::AtTheTerminal } else { Asks::Never }
}

fn command(exec: &ExecConfig, program: &str, asks: Asks) -> Result<Command, PluginProblem> {
    let mut spec = json!({ "interactive": asks == Asks::AtTheTerminal });
    if let Some(cluster) = &exec.cluster {
        json::put(
            &mut spec,
            &["cluster"],
            serde_json::to_value(cluster).map_err(|error| PluginProblem::NotStarted(error.into()))?,
        );
    }
    let info = json!({ "kind": "ExecCredential", "apiVersion": exec.api_version, "spec": spec });
    let mut command = Command::new(program);
    command
        .args(exec.args.iter().flatten())
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdout(Stdio::piped());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    match asks {
        // Show device codes and questions of the plugin to the user.
        Asks::AtTheTerminal => command.stdin(Stdio::inherit()).stderr(Stdio::inherit()),
        Asks::Never => command.stdin(Stdio::null()).stderr(Stdio::piped()),
    };
    Ok(command)
}

/// Maximum output; anything longer is neither a credential nor an error message.
const OUTPUT_BYTES: u64 = 1 << 20;

fn read_all(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (pieces, receiver) = channel();
    thread::spawn(move || {
        let mut pipe = pipe.take(OUTPUT_BYTES);
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = pipe.read(&mut piece) {
            if pieces.send(piece[..length].to_vec()).is_err() {
                return;
            }
        }
        // Keep reading beyond the limit, otherwise the plugin would block on a full pipe.
        drop(std::io::copy(&mut pipe.into_inner(), &mut std::io::sink()));
    });
    receiver
}

/// Returns the output. The plugin has exited, so the rest arrives within a moment, unless a child of it keeps the
/// pipe open.
fn received(pieces: &Receiver<Vec<u8>>) -> Vec<u8> {
    const MOMENT: Duration = Duration::from_millis(500);
    let until = Instant::now() + MOMENT;
    let mut all = Vec::new();
    loop {
        match pieces.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(piece) => all.extend(piece),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return all,
        }
    }
}

fn last_line(said: &Receiver<Vec<u8>>) -> Option<String> {
    const SHOWN: usize = 300;
    let said = received(said);
    let text = String::from_utf8_lossy(&said);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(SHOWN).collect())
}
