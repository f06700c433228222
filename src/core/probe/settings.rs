//! `spec.probe`: what `probe` expects of each port.

use std::collections::BTreeSet;
use std::fmt;

// Names addresses and lengths of time only; a module of this crate has the same name as the one in std.
use ::core::net::IpAddr;
use ::core::time::Duration;
use base64::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::duration::duration_of;
use crate::core::probe::StatusRanges;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::Document;

/// The time limit of one connection by default.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest time limit of one connection.
const MAX_TIMEOUT: Duration = Duration::from_mins(1);

/// The largest number of connections to one port.
pub const MAX_COUNT: u32 = 10_000;

/// The largest payload of UDP in bytes: a datagram of this size fits into any path.
const MAX_PAYLOAD: usize = 1_200;

/// What `probe` expects of the ports of the load balancers (docs/howto/verify-round-robin.md).
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// The time limit of one connection, such as `5s` (default), at most `60s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// The number of connections to each port; the default is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The expectations for single ports. `probe` checks other ports as far as the Service or the listener decides it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ProbePort>,
}

/// What `probe` expects of one port.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbePort {
    /// The number or the name of the port of the Service, or of the listener of the Gateway.
    pub port: PortName,
    /// The Service or Gateway in the manifests that the port belongs to; default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How far to check the port; default: `http` if there is a `path` or `status`, otherwise what the Service or the
    /// listener decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckKind>,
    /// The path of the HTTP request, beginning with a slash; the default is `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The host of the HTTP request and the server name of TLS; the default is `spec.dns.hostname`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The expected HTTP status: codes and ranges such as `200-399,404`; the default is `200-399`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// TLS; the default is `verify` if the Service or the listener decides that the port has TLS, otherwise `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsMode>,
    /// The time limit of one connection, such as `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// The number of connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The payload of UDP as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// The payload of UDP in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_base64: Option<String>,
    /// Text that the reply over UDP contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// Bytes in base64 that the reply over UDP contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_base64: Option<String>,
}

/// The number or the name of a port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PortName {
    /// A number from 1 to 65535.
    Number(i64),
    /// A name.
    Name(String),
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// How far a port is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CheckKind {
    /// Not at all.
    None,
    /// Up to the TCP connection. Use it for a port that expects the PROXY protocol from its clients.
    Tcp,
    /// Up to the certificate.
    Tls,
    /// Up to the status of an HTTP response; over TLS unless `tls` is `none`.
    Http,
    /// A payload and a reply.
    Udp,
}

/// What `probe` does with the certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TlsMode {
    /// The port has no TLS.
    None,
    /// The certificate must be valid now, for the host, and be issued by a certificate authority that this system trusts.
    Verify,
    /// The certificate must be valid now, but any issuer and any name are accepted.
    AnyIssuer,
}

impl Probe {
    /// Returns every problem in the settings.
    pub fn problems(&self, document: &Document) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut report = |at: String, message: String| {
            problems.push(Diagnostic::error(message).at(document.location(&format!("/spec/probe{at}"))));
        };
        check_limits("spec.probe", self.timeout.as_deref(), self.count, |field, message| {
            report(format!("/{field}"), message);
        });
        let mut seen = BTreeSet::new();
        for (index, port) in self.ports.iter().enumerate() {
            let what = format!("spec.probe.ports[{index}]");
            let at = |field: &str| format!("/ports/{index}/{field}");
            if !seen.insert((port.service.as_deref(), port.port.to_string())) {
                report(at("port"), format!("`{what}` is for port {} again", port.port));
            }
            check_limits(&what, port.timeout.as_deref(), port.count, |field, message| {
                report(at(field), message);
            });
            for (field, message) in port.problems(&what) {
                report(at(field), message);
            }
        }
        problems
    }

    /// Returns the settings of a port. Those for one Service win over those for any.
    pub fn of_port(&self, service: &str, number: u16, name: &str) -> Option<&ProbePort> {
        let is_port = |port: &&ProbePort| match &port.port {
            PortName::Number(wanted) => *wanted == i64::from(number),
            PortName::Name(wanted) => !name.is_empty() && wanted == name,
        };
        let mut ports = self.ports.iter().filter(is_port);
        let of_service = ports.clone().find(|port| port.service.as_deref() == Some(service));
        of_service.or_else(|| ports.find(|port| port.service.is_none()))
    }

    /// Returns the time limit of one connection.
    pub fn timeout_of(&self, port: Option<&ProbePort>) -> Duration {
        let text = port.and_then(|port| port.timeout.as_deref()).or(self.timeout.as_deref());
        text.and_then(|text| duration_of(text).ok()).unwrap_or(DEFAULT_TIMEOUT)
    }

    /// Returns the number of connections.
    pub fn count_of(&self, port: Option<&ProbePort>) -> u32 {
        port.and_then(|port| port.count).or(self.count).unwrap_or(1)
    }
}

fn check_limits(
    what: &str,
    timeout: Option<&str>,
    count: Option<u32>,
    mut report: impl FnMut(&'static str, String),
) {
    match timeout.map(duration_of) {
        Some(Err(problem)) => report("timeout", format!("`{what}.timeout`: {problem}")),
        Some(Ok(limit)) if limit.is_zero() || limit > MAX_TIMEOUT => {
            let text = timeout.unwrap_or_default();
            report("timeout", format!("`{what}.timeout` is {text}, expected 1ms to 60s"));
        }
        _ => {}
    }
    if let Some(count) = count.filter(|count| !(1..=MAX_COUNT).contains(count)) {
        report("count", format!("`{what}.count` is {count}, expected 1 to {MAX_COUNT}"));
    }
}

impl ProbePort {
    /// Returns the problems of single fields, and of fields that do not belong together.
    fn problems(&self, what: &str) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let mut report = |field: &'static str, message: String| problems.push((field, message));
        match &self.port {
            PortName::Number(number) if !(1..=65_535).contains(number) => {
                report("port", format!("`{what}.port` is {number}, expected 1 to 65535"));
            }
            PortName::Name(name) if name.is_empty() => report("port", format!("`{what}.port` is empty")),
            _ => {}
        }
        if let Some(path) = self.path.as_deref() {
            if !path.starts_with('/') {
                report(
                    "path",
                    format!(
                        "`{what}.path` is `{path}`, expected a path that begins with a slash, such as `/{path}`"
                    ),
                );
            } else if !path.bytes().all(|byte| byte.is_ascii_graphic()) || path.contains('#') {
                report(
                    "path",
                    format!("`{what}.path` is `{path}`, expected printable ASCII without spaces and `#`"),
                );
            }
        }
        if let Some(host) = self.host.as_deref()
            && !is_host(host)
        {
            report(
                "host",
                format!("`{what}.host` is `{host}`, expected a host name such as `www.example.com`"),
            );
        }
        if let Some(Err(problem)) = self.status.as_deref().map(StatusRanges::of_text) {
            report("status", format!("`{what}.status`: {problem}"));
        }
        self.payload_problems(what, &mut report);
        if let Some((kind, field)) = self.contradiction() {
            report(field, format!("`{what}.{field}` has no effect with `check: {kind}`"));
        }
        problems
    }

    fn payload_problems(&self, what: &str, report: &mut impl FnMut(&'static str, String)) {
        let texts = [
            ("send", "sendBase64", &self.send, &self.send_base64),
            ("expect", "expectBase64", &self.expect, &self.expect_base64),
        ];
        for (plain, encoded, text, base64) in texts {
            if text.is_some() && base64.is_some() {
                report(encoded, format!("`{what}` has both `{plain}` and `{encoded}`"));
            }
            match base64.as_deref().map(bytes_of_base64) {
                Some(None) => report(encoded, format!("`{what}.{encoded}` is not valid base64")),
                Some(Some(bytes)) if bytes.is_empty() => {
                    report(encoded, format!("`{what}.{encoded}` is empty"));
                }
                _ => {}
            }
            if text.as_deref() == Some("") {
                report(plain, format!("`{what}.{plain}` is empty"));
            }
        }
        let length = self.payload().map_or(0, |payload| payload.len());
        if length > MAX_PAYLOAD {
            report(
                "send",
                format!("the payload of `{what}` has {length} bytes, expected at most {MAX_PAYLOAD}"),
            );
        }
        let has_payload = self.send.is_some() || self.send_base64.is_some();
        let has_reply = self.expect.is_some() || self.expect_base64.is_some();
        if has_payload != has_reply || (self.check == Some(CheckKind::Udp) && !has_payload) {
            let field = if has_reply { "expect" } else { "send" };
            report(
                field,
                format!(
                    "`{what}` needs both a payload (`send`) and a part of the reply (`expect`), because a UDP port does not answer otherwise"
                ),
            );
        }
    }

    /// Returns a field that the kind of check does not use.
    fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let kind = self.check?;
        let http = [("path", self.path.is_some()), ("status", self.status.is_some())];
        let tls = [("tls", self.tls.is_some()), ("host", self.host.is_some())];
        let udp = [("send", self.send.is_some() || self.send_base64.is_some())];
        let (word, unused): (_, Vec<_>) = match kind {
            CheckKind::None => ("none", [&http[..], &tls, &udp].concat()),
            CheckKind::Tcp => ("tcp", [&http[..], &tls, &udp].concat()),
            CheckKind::Tls => ("tls", [&http[..], &udp].concat()),
            CheckKind::Http => ("http", udp.to_vec()),
            CheckKind::Udp => ("udp", [&http[..], &tls].concat()),
        };
        let field = unused.into_iter().find_map(|(field, is_set)| is_set.then_some(field));
        let no_tls = kind == CheckKind::Tls && self.tls == Some(TlsMode::None);
        field.or(no_tls.then_some("tls")).map(|field| (word, field))
    }

    /// Returns the payload of UDP.
    pub fn payload(&self) -> Option<Vec<u8>> {
        bytes_of(self.send.as_deref(), self.send_base64.as_deref())
    }

    /// Returns the bytes that the reply over UDP contains.
    pub fn reply(&self) -> Option<Vec<u8>> {
        bytes_of(self.expect.as_deref(), self.expect_base64.as_deref())
    }
}

fn bytes_of(text: Option<&str>, base64: Option<&str>) -> Option<Vec<u8>> {
    text.map(|text| text.as_bytes().to_vec()).or_else(|| base64.and_then(bytes_of_base64))
}

fn bytes_of_base64(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// Whether a text can be the host of a request: a DNS name or an IP address.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
    };
    text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::spec::LargeScale;
    use crate::core::yaml;

    fn messages(probe: &str) -> Vec<String> {
        let text = format!("spec:\n  probe:\n{probe}");
        let document = yaml::read_one("f", &text).unwrap();
        let probe: Probe = serde_json::from_value(document.value["spec"]["probe"].clone()).unwrap();
        probe.problems(&document).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn valid_settings() {
        let text = "    timeout: 2s
    count: 3
    ports:
    - {port: 443, path: /healthz, host: www.example.com, status: '200-299,404', tls: anyIssuer, timeout: 250ms}
    - {port: 443, service: api, check: tcp}
    - {port: dns, sendBase64: AAE=, expect: pong, count: 10}
    - {port: 9, check: none}
";
        assert_eq!(messages(text), Vec::<String>::new());
    }

    #[test]
    fn a_port_has_a_number_or_a_name() {
        let read = |port: &str| {
            let text = format!(
                "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: a}}\nspec:\n  manifests: [a.yaml]\n  \
                 platform: hetzner\n  probe: {{ports: [{{port: {port}}}]}}\n"
            );
            LargeScale::read("f", &text).map(|(spec, _)| spec.spec.probe.unwrap().ports[0].port.to_string())
        };
        assert_eq!((read("443").unwrap(), read("https").unwrap()), ("443".to_owned(), "https".to_owned()));
        for wrong in ["[443]", "70000", "-1", "1.5", "true"] {
            let problems = read(wrong).unwrap_err();
            assert!(problems[0].to_string().contains("spec.probe.ports[0].port"), "{wrong}: {}", problems[0]);
        }
    }

    #[test]
    fn all_problems_are_reported() {
        let text = "    timeout: 2 hours
    count: 0
    ports:
    - {port: 0, path: healthz, host: a b, status: 2xx}
    - {port: '', path: /a b}
    - {port: 1, timeout: 61s, count: 10001}
    - {port: 1}
    - {port: 2, check: tcp, path: /}
    - {port: 3, check: tls, tls: none}
    - {port: 4, send: ping}
    - {port: 5, check: udp}
    - {port: 6, send: a, sendBase64: YQ==, expectBase64: '!'}
    - {port: 7, host: '-a.example'}
";
        assert_eq!(
            messages(text),
            [
                "f:3: `spec.probe.timeout`: invalid duration `2 hours`; use 30, 30s, 1m or 1h30m",
                "f:4: `spec.probe.count` is 0, expected 1 to 10000",
                "f:6: `spec.probe.ports[0].port` is 0, expected 1 to 65535",
                "f:6: `spec.probe.ports[0].path` is `healthz`, expected a path that begins with a slash, such as `/healthz`",
                "f:6: `spec.probe.ports[0].host` is `a b`, expected a host name such as `www.example.com`",
                "f:6: `spec.probe.ports[0].status`: `2xx` is not a status or a range of them; expected 100 to 599, such as `200-399,404`",
                "f:7: `spec.probe.ports[1].port` is empty",
                "f:7: `spec.probe.ports[1].path` is `/a b`, expected printable ASCII without spaces and `#`",
                "f:8: `spec.probe.ports[2].timeout` is 61s, expected 1ms to 60s",
                "f:8: `spec.probe.ports[2].count` is 10001, expected 1 to 10000",
                "f:9: `spec.probe.ports[3]` is for port 1 again",
                "f:10: `spec.probe.ports[4].path` has no effect with `check: tcp`",
                "f:11: `spec.probe.ports[5].tls` has no effect with `check: tls`",
                "f:12: `spec.probe.ports[6]` needs both a payload (`send`) and a part of the reply (`expect`), because a UDP port does not answer otherwise",
                "f:13: `spec.probe.ports[7]` needs both a payload (`send`) and a part of the reply (`expect`), because a UDP port does not answer otherwise",
                "f:14: `spec.probe.ports[8]` has both `send` and `sendBase64`",
                "f:14: `spec.probe.ports[8].expectBase64` is not valid base64",
                "f:15: `spec.probe.ports[9].host` is `-a.example`, expected a host name such as `www.example.com`",
            ]
        );
    }

    #[test]
    fn settings_of_one_service_win() {
        let probe: Probe = serde_json::from_value(serde_json::json!({"timeout": "1s", "ports": [
            {"port": "https", "count": 2}, {"port": 443, "service": "api", "count": 3, "timeout": "2s"}]}))
        .unwrap();
        let count = |service, number, name| probe.count_of(probe.of_port(service, number, name));
        assert_eq!((count("web", 443, "https"), count("api", 443, "https"), count("api", 80, "")), (2, 3, 1));
        assert_eq!(probe.timeout_of(probe.of_port("api", 443, "")), Duration::from_secs(2));
        assert_eq!(probe.timeout_of(None), Duration::from_secs(1));
    }
}
