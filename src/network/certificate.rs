//! Facts of a certificate.

use std::fmt::Write;

// A module of this crate has the same name as the one in std.
use ::core::net::IpAddr;
use sha2::{Digest, Sha256};
use x509_cert::der::Decode;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use crate::core::probe::check::{Certificate, CertificateProblem};

/// The largest number of names that are kept of a certificate.
const MAX_NAMES: usize = 100;

/// Reads a certificate in DER; `None` if it cannot be read.
pub(super) fn facts(der: &[u8]) -> Option<Parsed> {
    let parsed = x509_cert::Certificate::from_der(der).ok()?;
    let body = parsed.tbs_certificate();
    let names = body.get_extension::<SubjectAltName>().ok().flatten();
    let names = names.into_iter().flat_map(|(_, names)| names.0).filter_map(|name| name_of(&name));
    let seconds =
        |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    let fingerprint = Sha256::digest(der).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Some(Parsed {
        not_before: seconds(body.validity().not_before),
        certificate: Certificate {
            fingerprint,
            names: names.take(MAX_NAMES).collect(),
            not_after: seconds(body.validity().not_after),
            issuer: common_name(body.issuer()),
        },
    })
}

/// A certificate, and when it begins to be valid.
pub(super) struct Parsed {
    /// Seconds since 1970.
    not_before: i64,
    pub certificate: Certificate,
}

impl Parsed {
    /// Returns the problem of its dates. `now` is in seconds since 1970.
    pub(super) fn problem_of_dates(&self, now: i64) -> Option<CertificateProblem> {
        if now > self.certificate.not_after {
            return Some(CertificateProblem::Expired);
        }
        (now < self.not_before).then_some(CertificateProblem::NotYetValid)
    }
}

fn name_of(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

fn common_name(name: &Name) -> String {
    let mut parts = name.iter().filter(|part| part.oid == CN);
    let Some(part) = parts.next() else { return String::new() };
    let utf8 = part.value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
    utf8.or_else(|_| part.value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned()))
        .unwrap_or_default()
}
