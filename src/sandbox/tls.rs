//! The sandbox's own CA: made at start, for this machine's names, and gone with the process.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::words::Moment;

/// Names that a client may know the sandbox by.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long CA and certificate hold.
const HOLDS: Duration = Duration::from_hours(90 * 24);
/// A machine whose clock is a little behind shall not find them of the future.
const BACKDATED: Duration = Duration::from_hours(1);

/// A CA's certificate, and the server side of TLS with a certificate that it signed. The private keys are nowhere else.
#[derive(Clone)]
pub struct Identity {
    /// The CA as PEM: what a client must trust.
    pub ca_pem: String,
    /// Accepts TLS 1.2 and 1.3.
    pub acceptor: TlsAcceptor,
}

/// The keys or certificates could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox's certificate cannot be made: {0}")]
pub struct NoIdentity(String);

impl Identity {
    /// A new one for `localhost` and its addresses, that holds for 90 days from `real_now`, the machine's own time.
    ///
    /// # Errors
    /// [`NoIdentity`] where the machine gives no random numbers.
    pub fn new(real_now: Moment) -> Result<Self, NoIdentity> {
        Self::of_names(&NAMES, real_now)
    }

    /// The same for other names of this machine: a client that knows it by one that is not among them does not trust it.
    ///
    /// # Errors
    /// [`NoIdentity`]: no random numbers, or a name that is none.
    pub fn of_names(names: &[&str], real_now: Moment) -> Result<Self, NoIdentity> {
        let of_rcgen = |e: rcgen::Error| NoIdentity(e.to_string());
        let epoch = date_time_ymd(1970, 1, 1);
        let since_epoch = Duration::from_millis(u64::try_from(real_now.0).unwrap_or(0));
        let (from, until) = (epoch + since_epoch.saturating_sub(BACKDATED), epoch + since_epoch + HOLDS);
        let key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(of_rcgen);

        let mut ca = CertificateParams::new(Vec::new()).map_err(of_rcgen)?;
        ca.distinguished_name.push(DnType::CommonName, "preheat sandbox CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (ca.not_before, ca.not_after) = (from, until);
        let issuer = CertifiedIssuer::self_signed(ca, key()?).map_err(of_rcgen)?;

        let mut server = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).map_err(of_rcgen)?;
        server.distinguished_name.push(DnType::CommonName, "localhost");
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        (server.not_before, server.not_after) = (from, until);
        let server_key = key()?;
        let certificate = server.signed_by(&server_key, &issuer).map_err(of_rcgen)?;

        let private = PrivateKeyDer::try_from(server_key.serialize_der()).map_err(|e| NoIdentity(e.to_owned()))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| NoIdentity(e.to_string()))?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .map_err(|e| NoIdentity(e.to_string()))?;
        Ok(Self { ca_pem: issuer.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    /// A client that trusts this CA and no other.
    pub(crate) fn client_of(ca_pem: &str) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use tokio_rustls::rustls::pki_types::ServerName;

    async fn is_trusted(ca_pem: &str, identity: &Identity, name: &'static str) -> bool {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (connector, name) = (testing::client_of(ca_pem), ServerName::try_from(name).unwrap());
        let (client, _) = tokio::join!(connector.connect(name, client), identity.acceptor.accept(server));
        client.is_ok()
    }

    #[tokio::test]
    async fn the_certificate_is_for_this_machine_and_for_those_who_trust_this_ca() {
        let now = Clock::System.now();
        let (one, other) = (Identity::new(now).unwrap(), Identity::new(now).unwrap());
        for name in NAMES {
            assert!(is_trusted(&one.ca_pem, &one, name).await, "{name}");
        }
        assert!(!is_trusted(&one.ca_pem, &one, "mail.new.example").await);
        assert!(!is_trusted(&one.ca_pem, &other, "localhost").await, "another sandbox's CA");
        assert!(!one.ca_pem.contains("PRIVATE"));
        let narrow = Identity::of_names(&["localhost"], now).unwrap();
        assert!(is_trusted(&narrow.ca_pem, &narrow, "localhost").await && !is_trusted(&narrow.ca_pem, &narrow, "127.0.0.1").await);
    }

    #[tokio::test]
    async fn it_holds_for_90_days_and_an_hour_before() {
        let now = Clock::System.now();
        let day = Duration::from_hours(24);
        for (made, trusted) in [(now - day * 89, true), (now - day * 91, false), (now + day / 48, true), (now + day, false)] {
            let identity = Identity::new(made).unwrap();
            assert_eq!(is_trusted(&identity.ca_pem, &identity, "localhost").await, trusted, "{made}");
        }
    }
}
