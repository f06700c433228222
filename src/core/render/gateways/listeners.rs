//! The listeners of a Gateway and of its ListenerSets, and the ports of the Service in front of them.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::core::gateway;
use crate::core::gateway::{Implementation, Ports};
use crate::core::manifest::Object;
use crate::core::render::draft::Input;
use crate::core::render::gateways::{AttachedSet, FullName, Split, full_name, is_gateway, is_listener_set};
use crate::core::report::diagnostic::Diagnostic;

/// A listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listener<'a> {
    pub(super) port: u16,
    /// `HTTP`, `HTTPS`, `TLS`, `TCP`, `UDP` or a protocol of the implementation.
    pub(super) protocol: &'a str,
    hostname: &'a str,
    object: &'a Object,
    index: usize,
}

impl Listener<'_> {
    /// Returns the protocol of the port of the Service.
    pub(super) fn transport(&self) -> &'static str {
        gateway::transport(self.protocol)
    }
}

/// Returns how the proxies of a Gateway change the ports of its listeners.
pub(super) fn ports_of(input: Input<'_>, implementation: &Implementation, split: &Split) -> Ports {
    let form = implementation.spec.parameters.as_ref();
    let pointer = form.and_then(|form| form.keeps_ports.as_deref());
    let own = split.parameters.and_then(|index| input.objects.get(index));
    let is_kept =
        pointer.zip(own).is_some_and(|(at, own)| own.value().pointer(at) == Some(&Value::Bool(true)));
    if is_kept { Ports::default() } else { implementation.spec.ports }
}

/// The listeners of each Gateway.
pub(super) type Listeners<'a> = HashMap<FullName, Vec<Listener<'a>>>;

/// Returns the listeners of the Gateways that are split, with those of their ListenerSets, in the order of the manifests.
pub(super) fn all<'a>(
    input: Input<'a>,
    split: &HashMap<FullName, Split>,
    sets: &HashMap<FullName, AttachedSet>,
) -> Listeners<'a> {
    let mut found: Listeners<'a> = split.keys().map(|name| (name.clone(), Vec::new())).collect();
    let is_ours = |object: &&Object| is_gateway(object) || !sets.is_empty() && is_listener_set(object);
    for object in input.objects.iter().filter(is_ours) {
        let own = full_name(input.spec, &object.key());
        let gateway = if is_gateway(object) { Some(&own) } else { sets.get(&own).map(|set| &set.gateway) };
        if let Some(listeners) = gateway.and_then(|name| found.get_mut(name)) {
            listeners.extend(of_object(object));
        }
    }
    found
}

fn of_object(object: &Object) -> impl Iterator<Item = Listener<'_>> {
    let list = object.value()["spec"]["listeners"].as_array();
    list.into_iter().flatten().enumerate().filter_map(move |(index, listener)| {
        let text = |field: &str| listener[field].as_str().unwrap_or_default();
        let port = listener["port"].as_u64().and_then(|port| u16::try_from(port).ok())?;
        Some(Listener { port, protocol: text("protocol"), hostname: text("hostname"), object, index })
    })
}

/// Reports listeners that conflict, and ports that are the same for the proxies.
pub(super) fn check(
    input: Input<'_>,
    implementation: &Implementation,
    (split, all): (&HashMap<FullName, Split>, &Listeners<'_>),
    problems: &mut Vec<Diagnostic>,
) {
    for gateway in input.objects.iter().filter(|object| is_gateway(object)) {
        let name = full_name(input.spec, &gateway.key());
        let (Some(own), Some(listeners)) = (split.get(&name), all.get(&name)) else { continue };
        let ports = ports_of(input, implementation, own);
        if listeners.is_empty() {
            problems.push(
                Diagnostic::error(format!("{} has no listener with a port", gateway.key()))
                    .at(gateway.location("/spec/listeners"))
                    .hint("add a listener: the load balancers get their ports from it"),
            );
        }
        let mut seen: BTreeMap<(u16, &str, &str), Listener<'_>> = BTreeMap::new();
        let mut of_proxies: BTreeMap<(u16, &str), Listener<'_>> = BTreeMap::new();
        for listener in listeners {
            if let Some(first) = seen.get(&(listener.port, listener.protocol, listener.hostname)) {
                problems.push(twice(listener, first));
                continue;
            }
            seen.insert((listener.port, listener.protocol, listener.hostname), *listener);
            let port = ports.of_proxy(listener.port);
            let first = of_proxies.entry((port, listener.transport())).or_insert(*listener);
            if first.port != listener.port {
                problems.push(collision((implementation, ports), listener, first, port));
            }
        }
    }
}

fn twice(listener: &Listener<'_>, first: &Listener<'_>) -> Diagnostic {
    let host = if listener.hostname.is_empty() { "no hostname" } else { listener.hostname };
    Diagnostic::error(format!(
        "duplicate listener: port {}, protocol {} and {host}; first used at {}",
        listener.port,
        listener.protocol,
        first.object.location(&format!("/spec/listeners/{}", first.index))
    ))
    .at(listener.object.location(&format!("/spec/listeners/{}", listener.index)))
    .hint(
        "remove one of them, or give them different hostnames: the Gateway API rejects conflicting listeners",
    )
}

fn collision(
    (implementation, ports): (&Implementation, Ports),
    listener: &Listener<'_>,
    first: &Listener<'_>,
    port: u16,
) -> Diagnostic {
    Diagnostic::error(format!(
        "the ports {} and {} are both port {port} of the proxies: {} adds {} to ports below {}",
        first.port, listener.port, implementation.name, ports.shift_by, ports.shift_below
    ))
    .at(listener.object.location(&format!("/spec/listeners/{}/port", listener.index)))
    .hint("choose another port for one of the listeners")
}

/// Returns the ports of the Service in front of listeners. With `to_proxies`, each names its port of the proxies.
pub(super) fn service_ports(listeners: &[Listener<'_>], to_proxies: Option<Ports>) -> Vec<Value> {
    gateway::service_ports(listeners.iter().map(|listener| (listener.port, listener.protocol)), to_proxies)
}
