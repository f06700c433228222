//! Which ports of which load balancers are checked, and how far.

use std::collections::BTreeSet;

// Names addresses and lengths of time only; a module of this crate has the same name as the one in std.
use ::core::net::IpAddr;
use ::core::time::Duration;
use serde_json::Value;

use crate::core::dns::{Exclusion, RoundRobin};
use crate::core::manifest::Key;
use crate::core::probe::check::{Check, Request, ServerName, Trust};
use crate::core::probe::ports::Transport;
use crate::core::probe::settings::{CheckKind, PortName, Probe, ProbePort, TlsMode};
use crate::core::probe::{StatusRanges, ports};
use crate::core::report::diagnostic::Diagnostic;
use crate::core::status::{AddressState, PoolRow};

/// The label in place of `*` in a wildcard name.
const ANY_LABEL: &str = "largescale-probe";

/// The load balancer of a pool, and what to check of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The name of the pool.
    pub pool: String,
    /// The Service or Gateway in the manifests.
    pub source: String,
    /// The Service or Gateway of the pool.
    pub object: Key,
    /// The state of its load balancer.
    pub state: AddressState,
    /// What to check.
    pub ports: Vec<PlannedPort>,
    /// Whether its addresses belong into DNS.
    pub membership: Membership,
    /// The addresses that `spec.dns` reserves for the pool; DNS has these and no others.
    pub reserved: Vec<IpAddr>,
    /// The number of its group in `spec.dns.groups`.
    pub group: Option<u32>,
}

/// Whether the addresses of a load balancer belong under the name of `spec.dns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// The spec has no name for it.
    NoName,
    /// They do.
    In,
    /// They do not.
    Out(Exclusion),
}

/// A port, and how far it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPort {
    /// The number.
    pub number: u16,
    /// The name; empty if there is none.
    pub name: String,
    /// The protocol of the transport.
    pub transport: Transport,
    /// What to do.
    pub plan: PortPlan,
    /// What the user should know about it.
    pub note: Option<&'static str>,
}

/// What to do with a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortPlan {
    /// Connect to it.
    Connect {
        /// How far.
        check: Check,
        /// The time limit of one connection.
        timeout: Duration,
        /// The number of connections.
        count: u32,
    },
    /// Nothing, for this reason.
    Skip(&'static str),
}

/// What decides about the checks.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// `spec.probe`.
    pub probe: &'a Probe,
    /// `spec.dns`, as the last render recorded it.
    pub round_robin: Option<&'a RoundRobin<'a>>,
    /// The number of connections, if the user typed one.
    pub count: Option<u32>,
}

/// Returns what to check of the load balancer of a pool. `object` is its Service or Gateway in the directory, and `gateways` are the
/// Gateways of the directory with the name of its source.
pub fn end_of(row: &PoolRow, object: &Value, gateways: &[&Value], settings: Settings<'_>) -> End {
    let round_robin = settings.round_robin.filter(|round_robin| round_robin.is_for(&row.source));
    let membership = match round_robin {
        None => Membership::NoName,
        Some(round_robin) => match round_robin.out.get(row.pool.as_str()) {
            Some(why) => Membership::Out(*why),
            None => Membership::In,
        },
    };
    let hostname = round_robin.map(|round_robin| concrete(&round_robin.dns.hostname));
    let has_proxy_protocol = ports::expects_proxy_protocol(object);
    let ports = ports::of(object, gateways).into_iter().map(|port| {
        let of_user = settings.probe.of_port(&row.source, port.number, &port.name);
        let (plan, note) = if has_proxy_protocol && of_user.is_none_or(|port| port.check.is_none()) {
            (tcp_only(&port), Some("checked up to TCP only, because the port expects the PROXY protocol"))
        } else {
            (checked(of_user, &port, hostname.as_deref()), None)
        };
        let plan = match plan {
            Ok(check) => PortPlan::Connect {
                check,
                timeout: settings.probe.timeout_of(of_user),
                count: settings.count.unwrap_or_else(|| settings.probe.count_of(of_user)),
            },
            Err(why) => PortPlan::Skip(why),
        };
        PlannedPort { number: port.number, name: port.name, transport: port.transport, plan, note }
    });
    End {
        pool: row.pool.clone(),
        source: row.source.clone(),
        object: row.service.clone(),
        state: row.state.clone(),
        ports: ports.collect(),
        membership,
        reserved: round_robin.and_then(|it| it.reserved.get(row.pool.as_str())).cloned().unwrap_or_default(),
        group: round_robin.and_then(|it| it.groups.get(row.pool.as_str())).copied(),
    }
}

/// Returns a warning for each port in the settings that no load balancer has.
pub fn unused(probe: &Probe, ends: &[End]) -> Vec<Diagnostic> {
    let has = |wanted: &ProbePort| {
        let of_source = |end: &&End| wanted.service.as_ref().is_none_or(|service| *service == end.source);
        ends.iter().filter(of_source).flat_map(|end| &end.ports).any(|port| match &wanted.port {
            PortName::Number(number) => *number == i64::from(port.number),
            PortName::Name(name) => *name == port.name,
        })
    };
    let warning = |wanted: &ProbePort| {
        let of = wanted.service.as_ref().map(|service| format!(" of {service}")).unwrap_or_default();
        let known: BTreeSet<String> = ends
            .iter()
            .flat_map(|end| end.ports.iter().map(move |port| (end, port)))
            .map(|(end, port)| {
                let name = if port.name.is_empty() { String::new() } else { format!(" ({})", port.name) };
                format!("{}{name} of {}", port.number, end.source)
            })
            .collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.into_iter().collect::<Vec<_>>().join(", ")
        };
        Diagnostic::warning(format!(
            "`spec.probe` is for the port {}{of}, which no load balancer has",
            wanted.port
        ))
        .hint(format!("the ports are: {known}"))
    };
    probe.ports.iter().filter(|wanted| !has(wanted)).map(warning).collect()
}

/// Returns a name that a wildcard covers.
fn concrete(hostname: &str) -> String {
    hostname.strip_prefix("*.").map_or_else(|| hostname.to_owned(), |rest| format!("{ANY_LABEL}.{rest}"))
}

fn tcp_only(port: &ports::Port) -> Result<Check, &'static str> {
    match port.transport {
        Transport::Tcp => Ok(Check::Tcp),
        Transport::Udp => Err(NO_PAYLOAD),
        Transport::Sctp => Err(NO_SCTP),
    }
}

const NO_PAYLOAD: &str = "UDP without `send` and `expect` in `spec.probe`";
const NO_SCTP: &str = "SCTP is not checked";

/// Returns how far a port is checked.
fn checked(
    of_user: Option<&ProbePort>,
    port: &ports::Port,
    hostname: Option<&str>,
) -> Result<Check, &'static str> {
    let kind = of_user.and_then(|of_user| {
        let is_http = of_user.path.is_some() || of_user.status.is_some();
        let is_tls = of_user.tls.is_some_and(|mode| mode != TlsMode::None);
        let is_udp = of_user.send.is_some() || of_user.send_base64.is_some();
        of_user
            .check
            .or(is_http.then_some(CheckKind::Http))
            .or(is_udp.then_some(CheckKind::Udp))
            .or(is_tls.then_some(CheckKind::Tls))
    });
    let has_tls = match of_user.and_then(|of_user| of_user.tls) {
        Some(mode) => mode != TlsMode::None,
        None => port.has_tls,
    };
    let trust = match of_user.and_then(|of_user| of_user.tls) {
        Some(TlsMode::AnyIssuer) => Trust::AnyIssuer,
        _ => Trust::Verify,
    };
    let host = of_user.and_then(|of_user| of_user.host.as_deref());
    let host = host.map(str::to_owned).or_else(|| port.hostname.as_deref().map(concrete));
    let host = host.or_else(|| hostname.map(str::to_owned));
    let tls = || ServerName { name: host.clone(), trust };
    match (port.transport, kind) {
        (_, Some(CheckKind::None)) => Err("`spec.probe` excludes it"),
        (Transport::Sctp, _) => Err(NO_SCTP),
        (Transport::Udp, _) => {
            let payload = of_user.and_then(ProbePort::payload);
            let reply = of_user.and_then(ProbePort::reply);
            let both = payload.zip(reply).ok_or(NO_PAYLOAD)?;
            Ok(Check::Udp { payload: both.0, reply: both.1 })
        }
        (Transport::Tcp, Some(CheckKind::Udp)) => Err("`spec.probe` is for UDP"),
        (Transport::Tcp, Some(CheckKind::Http)) => {
            let of_text = |text: &str| StatusRanges::of_text(text).ok();
            Ok(Check::Http(Request {
                tls: has_tls.then(tls),
                path: of_user.and_then(|of_user| of_user.path.clone()).unwrap_or_else(|| "/".to_owned()),
                status: of_user
                    .and_then(|of_user| of_user.status.as_deref())
                    .and_then(of_text)
                    .unwrap_or_default(),
                host,
            }))
        }
        (Transport::Tcp, Some(CheckKind::Tls)) => Ok(Check::Tls(tls())),
        (Transport::Tcp, Some(CheckKind::Tcp)) => Ok(Check::Tcp),
        (Transport::Tcp, None) => Ok(if has_tls { Check::Tls(tls()) } else { Check::Tcp }),
    }
}
