//! Walks from a name to its addresses, along its aliases.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use crate::core::probe::names::{Answer, Chain, ChainEnd, NameProblem, Server, ServerKind, merge};
use crate::network::dns::Limits;
use crate::network::dns::message::{self, Reply};
use crate::network::dns::query::{self, Recursion};
use crate::network::dns::system::System;

/// The question for the addresses of a name, to one server.
pub(super) struct Walk<'a> {
    pub(super) name: &'a str,
    pub(super) server: &'a Server,
    /// The zone that names the server as its authority.
    pub(super) zone: Option<&'a str>,
    /// Continues a chain that leaves the zones of the server.
    pub(super) system: &'a System,
    pub(super) limits: &'a Limits,
}

/// What the next step of a walk is.
enum Step {
    /// Ask for the target of the last alias.
    Next,
    /// Ask for the same name at the system, because the server does not know it.
    System,
    Found(ChainEnd),
}

impl Walk<'_> {
    /// Asks for A and AAAA records.
    pub(super) async fn addresses(&self) -> Result<Answer, NameProblem> {
        let (a, aaaa) = futures_util::join!(self.records(RecordType::A), self.records(RecordType::AAAA));
        merge(a, aaaa)
    }

    async fn records(&self, kind: RecordType) -> Result<Answer, NameProblem> {
        let mut chain = Chain::new(&message::normalized(self.name)?);
        let mut at_system = false;
        let mut first: Option<Reply> = None;
        let (mut over_tcp, mut bytes) = (false, 0);
        // Each turn follows an alias or goes to the system once, so this ends.
        loop {
            let reply = if at_system {
                self.system.ask(chain.current(), kind).await
            } else {
                let recursion = match self.server.kind {
                    ServerKind::Authoritative => Recursion::NotDesired,
                    ServerKind::System | ServerKind::Given => Recursion::Desired,
                };
                let address = self.server.address;
                query::ask(address, chain.current(), kind, recursion, self.limits.query).await
            };
            let may_leave = first.is_some() && !at_system && self.server.kind != ServerKind::System;
            let reply = match reply {
                Err(NameProblem::Refused | NameProblem::ServerFailure) if may_leave => {
                    at_system = true;
                    continue;
                }
                reply => reply?,
            };
            over_tcp |= reply.over_tcp;
            bytes = bytes.max(reply.bytes);
            let is_foreign = !at_system && self.is_foreign(&reply);
            let step = if is_foreign && may_leave {
                Step::System
            } else if is_foreign {
                return Err(NameProblem::Lame);
            } else {
                self.step(&reply, &mut chain, at_system)?
            };
            let authoritative = first.get_or_insert(reply).authoritative;
            match step {
                Step::Next => at_system = at_system || self.is_outside(chain.current()),
                Step::System => at_system = true,
                Step::Found(ChainEnd::Addresses(addresses)) => {
                    let aliases = chain.into_aliases();
                    return Ok(Answer { aliases, addresses, authoritative, over_tcp, bytes });
                }
                Step::Found(ChainEnd::Open | ChainEnd::Nothing) => return Err(NameProblem::NoAddresses),
            }
        }
    }

    /// Whether the server has no authority for the name, and does not ask others.
    fn is_foreign(&self, reply: &Reply) -> bool {
        match self.server.kind {
            ServerKind::Authoritative => !reply.authoritative,
            ServerKind::Given => {
                !reply.authoritative && !reply.recursion_available && reply.records.is_empty()
            }
            ServerKind::System => false,
        }
    }

    /// Whether a name is outside of the zone of the server.
    fn is_outside(&self, name: &str) -> bool {
        self.zone.is_some_and(|zone| name != zone && !name.ends_with(&format!(".{zone}")))
    }

    fn step(&self, reply: &Reply, chain: &mut Chain, at_system: bool) -> Result<Step, NameProblem> {
        let end = chain.follow(&reply.records)?;
        let asks_others = at_system || self.server.kind == ServerKind::System;
        let is_missing = reply.code == ResponseCode::NXDomain;
        match end {
            ChainEnd::Nothing if is_missing => Err(NameProblem::NotFound),
            ChainEnd::Addresses(_) | ChainEnd::Nothing => Ok(Step::Found(end)),
            // The code is about the last name. A server without recursion may not know that name.
            ChainEnd::Open if asks_others && is_missing => Err(NameProblem::NotFound),
            ChainEnd::Open if asks_others && reply.zone.is_some() => Ok(Step::Found(end)),
            ChainEnd::Open => Ok(Step::Next),
        }
    }
}
