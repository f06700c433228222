//! A certificate authority that no system trusts, and what it issues.

use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};

/// A certificate authority.
pub(crate) struct Certificates(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, in DER and in PEM.
pub(crate) struct Leaf {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "Test authority");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// Returns the certificate of the authority, for programs that are to trust it.
    pub(crate) fn authority_pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate that is valid from one day to another, counted from today.
    pub(crate) fn leaf(&self, names: &[&str], from: i64, until: i64) -> Leaf {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut parameters = CertificateParams::new(names).unwrap();
        let day = |days: i64| {
            let time = SystemTime::now();
            let distance = Duration::from_secs(days.unsigned_abs() * 24 * 60 * 60);
            if days < 0 { time - distance } else { time + distance }
        };
        parameters.not_before = day(from).into();
        parameters.not_after = day(until).into();
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Leaf {
            certificate: certificate.der().to_vec(),
            key: key.serialize_der(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}
