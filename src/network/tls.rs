//! The TLS handshake, up to the certificate.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

// A module of this crate has the same name as the one in std.
use ::core::net::IpAddr;
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::core::probe::check::{
    Certificate, CertificateProblem, ServerName as Wanted, Step, Trouble, Trust,
};
use crate::network::certificate;
use crate::network::outcome::{Once, trouble_of};

/// Makes TLS connections.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// Reads the certificate authorities of the system once, when the first connection needs them.
    authorities: OnceLock<Result<Arc<Verifier>, String>>,
}

impl Client {
    /// Negotiates TLS. Returns the stream if that succeeded, also if the certificate is not what is expected.
    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
        address: IpAddr,
        wanted: &Wanted,
        protocols: &[&[u8]],
    ) -> (Option<TlsStream<TcpStream>>, Once) {
        let provider = Arc::new(ring::default_provider());
        let authorities = self.authorities.get_or_init(|| {
            Verifier::new(Arc::clone(&provider)).map(Arc::new).map_err(|error| error.to_string())
        });
        let authorities = match authorities {
            Ok(authorities) => Arc::clone(authorities),
            Err(why) => {
                let why = format!("cannot read the certificate authorities of this system: {why}");
                return (None, Once::of(Err(Trouble::Tls(why))));
            }
        };
        let named = wanted.name.as_deref().and_then(|name| ServerName::try_from(name.to_owned()).ok());
        let recorder =
            Arc::new(Recorder { authorities, provider: Arc::clone(&provider), seen: Mutex::default() });
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map(
            |builder| {
                let verifier: Arc<dyn ServerCertVerifier> = recorder.clone();
                builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
            },
        );
        let mut config = match config {
            Ok(config) => config,
            Err(error) => return (None, Once::of(Err(Trouble::Tls(error.to_string())))),
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        config.resumption = Resumption::disabled();
        let server = named.clone().unwrap_or_else(|| ServerName::from(address));
        let connected = TlsConnector::from(Arc::new(config)).connect(server, stream).await;
        let seen = recorder.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (certificate, problem) = seen.map_or((None, None), |seen| seen.judged(wanted, named.is_some()));
        match connected {
            Ok(stream) => {
                let result = problem.map_or(Ok(()), |problem| Err(Trouble::Certificate(problem)));
                (Some(stream), Once { result, certificate })
            }
            Err(error) => {
                let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
                let trouble = match of_tls {
                    Some(inner) => Trouble::Tls(inner.to_string()),
                    None => trouble_of(&error, Step::Handshake),
                };
                (None, Once { result: Err(trouble), certificate })
            }
        }
    }
}

/// Lets every certificate pass, so that the probe can tell what is wrong with it, and remembers what the system's rules say.
#[derive(Debug)]
struct Recorder {
    authorities: Arc<Verifier>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<Seen>>,
}

/// The certificate that a server sent.
#[derive(Debug)]
struct Seen {
    der: Vec<u8>,
    /// What is wrong with it by the rules of the system.
    error: Option<Error>,
}

impl Seen {
    /// Returns the facts, and what is wrong. The dates come first, because they need no settings to be right.
    fn judged(self, wanted: &Wanted, is_named: bool) -> (Option<Certificate>, Option<CertificateProblem>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let Some(parsed) = certificate::facts(&self.der) else {
            return (None, Some(CertificateProblem::Other("it cannot be read".to_owned())));
        };
        let of_dates = parsed.problem_of_dates(i64::try_from(now).unwrap_or(i64::MAX));
        let name = wanted.name.clone().unwrap_or_default();
        let of_rules = self.error.filter(|_| wanted.trust == Trust::Verify).and_then(|error| match error {
            Error::InvalidCertificate(problem) => match problem {
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    is_named.then_some(CertificateProblem::OtherName { wanted: name })
                }
                CertificateError::UnknownIssuer => Some(CertificateProblem::UnknownIssuer),
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Some(CertificateProblem::Expired)
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Some(CertificateProblem::NotYetValid)
                }
                other => Some(CertificateProblem::Other(Error::InvalidCertificate(other).to_string())),
            },
            other => Some(CertificateProblem::Other(other.to_string())),
        });
        (Some(parsed.certificate), of_dates.or(of_rules))
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let seen = Seen { der: end_entity.to_vec(), error: verified.err() };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
