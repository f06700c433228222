//! Turns messages of the DNS library into values of the core. Every text is escaped, and their number is limited.

use hickory_proto::op::{DnsResponse, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use crate::core::probe::names::{self, NameProblem, RecordData};
use crate::core::report::escape;

/// The most records that are read from one message. A message of 64 KB has room for about 4,000 A records.
const MAX_RECORDS: usize = 4096;

/// The longest text of an error of the library, in bytes.
const MAX_REASON: usize = 200;

/// What a name server answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: ResponseCode,
    pub(super) authoritative: bool,
    /// Whether the server asks other servers.
    pub(super) recursion_available: bool,
    /// The A, AAAA and CNAME records.
    pub(super) records: Vec<names::Record>,
    /// The NS records of the answer: the zone, and the name of one of its servers.
    pub(super) name_servers: Vec<(String, String)>,
    /// The zone of the SOA record, which says that there is nothing else in the zone.
    pub(super) zone: Option<String>,
    /// The size in bytes.
    pub(super) bytes: usize,
    pub(super) over_tcp: bool,
}

/// Makes a question.
pub(super) fn question(name: &str, kind: RecordType) -> Result<Query, NameProblem> {
    let mut name = Name::from_ascii(name)
        .map_err(|error| invalid(&format!("the name is not valid for DNS: {error}")))?;
    name.set_fqdn(true);
    Ok(Query::query(name, kind))
}

/// Returns a name that a user wrote in the form of the core.
pub(super) fn normalized(name: &str) -> Result<String, NameProblem> {
    question(name, RecordType::A).map(|question| text(question.name()))
}

/// Reads a response to a question.
pub(super) fn reply(response: &DnsResponse, question: &Query, over_tcp: bool) -> Result<Reply, NameProblem> {
    if response.queries.as_slice() != [question.clone()] {
        return Err(invalid("it is for another question"));
    }
    if response.answers.len() + response.authorities.len() > MAX_RECORDS {
        return Err(invalid(&format!("it has more than {MAX_RECORDS} records")));
    }
    let internet = |records: &'_ [Record]| -> Vec<Record> {
        records.iter().filter(|record| record.dns_class == DNSClass::IN).cloned().collect()
    };
    let answers = internet(&response.answers);
    let name_servers = answers.iter().filter_map(|record| match &record.data {
        RData::NS(server) => Some((text(&record.name), text(&server.0))),
        _ => None,
    });
    let mut others = internet(&response.authorities).into_iter().chain(answers.iter().cloned());
    let soa = others.find(|record| record.record_type() == RecordType::SOA);
    Ok(Reply {
        code: response.metadata.response_code,
        authoritative: response.metadata.authoritative,
        recursion_available: response.metadata.recursion_available,
        records: answers.iter().filter_map(record).collect(),
        name_servers: name_servers.collect(),
        zone: soa.map(|record| text(&record.name)),
        bytes: response.as_buffer().len(),
        over_tcp,
    })
}

fn record(record: &Record) -> Option<names::Record> {
    let data = match &record.data {
        RData::A(address) => RecordData::Address(address.0.into()),
        RData::AAAA(address) => RecordData::Address(address.0.into()),
        RData::CNAME(target) => RecordData::Alias(text(&target.0)),
        _ => return None,
    };
    Some(names::Record { name: text(&record.name), ttl: record.ttl, data })
}

/// Returns a name in the form of the core: in lower case, without the final dot, with escaped bytes.
pub(super) fn text(name: &Name) -> String {
    let mut name = name.to_lowercase();
    name.set_fqdn(false);
    name.to_ascii()
}

/// Returns the problem of a malformed answer. The reason may have bytes of the answer.
pub(super) fn invalid(reason: &str) -> NameProblem {
    let mut reason = escape::in_comment(reason);
    if reason.len() > MAX_REASON {
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        reason.push('…');
    }
    NameProblem::Invalid { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_and_printable() {
        let name = Name::from_labels([b"WWW".as_slice(), b"a\x1b[2J.b", "ü".as_bytes(), b"com"]).unwrap();
        assert_eq!(text(&name), "www.a\\033\\[2j\\.b.\\303\\274.com");
        assert_eq!(text(&Name::from_ascii("*.example.com.").unwrap()), "*.example.com");
    }

    #[test]
    fn long_reasons_are_cut() {
        let NameProblem::Invalid { reason } = invalid(&"ü\u{1b}".repeat(200)) else { panic!() };
        assert!(
            reason.len() < MAX_REASON + 4 && reason.ends_with('…') && !reason.contains('\u{1b}'),
            "{reason}"
        );
    }
}
